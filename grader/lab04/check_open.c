/* check_open.c - 4.1: blobs that are read. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "store.h"

/* A blob to read. */
struct reading {
  const char *store;
  struct descriptor want;
  int64_t limit; /* of blob_load */
};

static void
call_open(struct answer *a, const void *arg)
{
  const struct reading *r = arg;
  int store = open_directory(r->store);
  int fd = STUDENT(blob_open)(store, &r->want);
  student_answer(a, fd < 0 ? -1 : 0);
  if (fd < 0)
    return;
  ssize_t n = read(fd, a->text, sizeof a->text - 1);
  a->text[n < 0 ? 0 : n] = '\0';
  a->error = fcntl(fd, F_GETFD) & FD_CLOEXEC ? 1 : 0;
}

/* A reading of a blob that is there, of this text. */
static struct reading
new_reading(const char *text)
{
  struct reading r = {.store = put_store(random_word()), .limit = 1 << 20};
  r.want = put_text(r.store, "text/plain", text);
  return r;
}

START_TEST(test_open)
{
  const char *text = random_word();
  struct reading r = new_reading(text);
  const struct answer *a = student_call(call_open, &r);
  expect_success(a, "blob_open of a blob that is there");
  EXPECT(strcmp(a->text, text) == 0, "blob_open gives a descriptor to read the blob from its "
         "start", "\"%s\" was read, and the blob is \"%s\"", a->text, text);
  EXPECT(a->error == 1, "the descriptor is close-on-exec", "it is not");
  r = new_reading("");
  expect_success(student_call(call_open, &r), "blob_open of an empty blob");
}
END_TEST

static void
expect_no_open(const struct reading *r, const char *what, int error)
{
  char call[200];
  snprintf(call, sizeof call, "blob_open, %s,", what);
  expect_errno(student_call(call_open, r), call, error);
}

START_TEST(test_open_missing)
{
  struct reading r = new_reading("here");
  snprintf(r.want.digest, sizeof r.want.digest, "%s", random_digest());
  expect_no_open(&r, "of a blob that is not there", ENOENT);
}
END_TEST

START_TEST(test_open_size)
{
  struct reading r = new_reading("four");
  static const int64_t sizes[] = {0, 3, 5, -4, 4 + (1LL << 32), INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    r.want.size = sizes[i];
    char what[100];
    snprintf(what, sizeof what, "of a blob of 4 bytes, with the size %lld", (long long)sizes[i]);
    expect_no_open(&r, what, EBADMSG);
  }
}
END_TEST

/* Digests that lead somewhere else if nobody looks at them. */
START_TEST(test_open_path)
{
  struct reading r = new_reading("four");
  char long_way[DIGEST_SIZE] = "sha256:";
  const char *digits = r.want.digest + 7, *name = random_word();
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/blobs/%s", r.store, name);
  ck_assert_int_eq(symlink(blob_path(r.store, r.want.digest), path), 0);
  snprintf(path, sizeof path, "%s/%s", r.store, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  ck_assert_int_eq(write(fd, "four", 4), 4);
  close(fd);
  /* "sha256:" and 64 characters, as long as one that is right. */
  for (int i = 0; i < 64 - 8 - 6; i++)
    strcat(long_way, i % 2 ? "/" : ".");
  snprintf(long_way + strlen(long_way), sizeof long_way - strlen(long_way), "/../..%s", name);
  char bad[6][200];
  snprintf(bad[0], 200, "sha256:../../%s", name);
  snprintf(bad[1], 200, "../%s", name);
  snprintf(bad[2], 200, "%s", long_way);
  snprintf(bad[3], 200, "sha256:%.63s/", digits);
  snprintf(bad[4], 200, "sha256:./%.60s", digits);
  snprintf(bad[5], 200, "%.64s", digits);
  for (int i = 0; i < 6; i++) {
    snprintf(r.want.digest, sizeof r.want.digest, "%.71s", bad[i]);
    expect_no_open(&r, "of a digest that is none", EINVAL);
  }
}
END_TEST

START_TEST(test_open_kinds)
{
  struct reading r = new_reading("four");
  const char *path = blob_path(r.store, r.want.digest), *aside = at("aside");
  ck_assert_int_eq(rename(path, aside), 0);
  ck_assert_int_eq(symlink(aside, path), 0);
  expect_no_open(&r, "where a link to the right bytes lies under the blob's name", EBADMSG);
  unlink(path);
  ck_assert_int_eq(mkfifo(path, 0644), 0);
  r.want.size = 0;
  expect_no_open(&r, "where a FIFO lies under the blob's name", EBADMSG);
  unlink(path);
  ck_assert_int_eq(mkdir(path, 0755), 0);
  struct stat st;
  ck_assert_int_eq(stat(path, &st), 0);
  r.want.size = st.st_size;
  expect_no_open(&r, "where a directory of the blob's size lies under its name", EBADMSG);
}
END_TEST

/* ---- blob_load ---- */

static void
call_load(struct answer *a, const void *arg)
{
  const struct reading *r = arg;
  char *data = STUDENT(blob_load)(open_directory(r->store), &r->want, r->limit);
  student_answer(a, data ? 0 : -1);
  if (!data)
    return;
  a->error = data[r->want.size] == '\0';
  snprintf(a->text, sizeof a->text, "%s", sha256(data, r->want.size));
  free(data);
}

START_TEST(test_load)
{
  struct reading r = {.store = put_store("store"), .limit = 50000};
  autofree char *bytes = random_bytes(50000);
  for (size_t size = 0; size <= 50000; size += 12500) {
    r.want = put_blob(r.store, "text/plain", bytes, size);
    const struct answer *a = student_call(call_load, &r);
    expect_success(a, "blob_load of a blob that is whole, and no larger than the limit");
    EXPECT(strcmp(a->text, r.want.digest) == 0, "blob_load returns the bytes of the blob",
           "others, of %zu bytes", size);
    EXPECT(a->error == 1, "there is a NUL behind the bytes", "there is none, at %zu", size);
  }
}
END_TEST

static void
expect_no_load(const struct reading *r, const char *what, int error)
{
  char call[200];
  snprintf(call, sizeof call, "blob_load, %s,", what);
  expect_errno(student_call(call_load, r), call, error);
}

START_TEST(test_load_bytes)
{
  struct reading r = new_reading("the bytes as they were");
  const char *path = blob_path(r.store, r.want.digest);
  autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
  ck_assert_int_eq(pwrite(fd, "T", 1, 0), 1);
  expect_no_load(&r, "of a blob in which one bit has changed", EBADMSG);
  ck_assert_int_eq(ftruncate(fd, 10), 0);
  expect_no_load(&r, "of a blob that was cut off", EBADMSG);
  r.want.size = 10;
  expect_no_load(&r, "of a blob that was cut off, with the size it has now", EBADMSG);
}
END_TEST

START_TEST(test_load_limit)
{
  struct reading r = new_reading("eleven byte");
  r.limit = 10;
  expect_no_load(&r, "of 11 bytes where 10 are allowed", EFBIG);
  r.limit = 11;
  expect_success(student_call(call_load, &r), "blob_load, of 11 bytes where 11 are allowed,");
  r.limit = INT64_MAX;
  r.want.size = INT64_MAX;
  expect_no_load(&r, "of a blob that is smaller than its descriptor says, by far", EBADMSG);
  r.want.size = -1;
  expect_no_load(&r, "of a blob with a negative size", EBADMSG);
}
END_TEST

START_TEST(test_load_missing)
{
  struct reading r = new_reading("here");
  snprintf(r.want.digest, sizeof r.want.digest, "%s", random_digest());
  expect_no_load(&r, "of a blob that is not there", ENOENT);
  snprintf(r.want.digest, sizeof r.want.digest, "sha256:../../oci-layout");
  expect_no_load(&r, "of a digest that is none", EINVAL);
}
END_TEST

void
open_tests(void)
{
  student_test("4.1 blob_open opens a blob that is there", test_open);
  student_test("4.1 blob_open fails with ENOENT for a blob that is not there", test_open_missing);
  student_test("4.1 blob_open refuses a blob of another size", test_open_size);
  student_test("4.1 blob_open refuses a digest that is a path", test_open_path);
  student_test("4.1 blob_open refuses links, FIFOs and directories", test_open_kinds);
  student_test("4.1 blob_load returns the bytes, and a NUL behind them", test_load);
  student_test("4.1 blob_load refuses bytes that have changed", test_load_bytes);
  student_test("4.1 blob_load refuses a blob beyond the limit", test_load_limit);
  student_test("4.1 blob_load fails where blob_open does", test_load_missing);
}
