/* check_store.c - 4.1: digests, and blobs that are written. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "proc.h"
#include "store.h"

struct outcome *outcome;

struct order
new_order(size_t size)
{
  if (!outcome)
    outcome = shared(sizeof *outcome);
  return (struct order){.store = put_store(random_word()), .size = size,
                        .bytes = for_the_test(random_bytes(size))};
}

struct descriptor
fitting(const struct order *order)
{
  struct descriptor want = {.media_type = "application/octet-stream", .size = order->size};
  snprintf(want.digest, sizeof want.digest, "%s", sha256(order->bytes, order->size));
  return want;
}

int
in_tmp(const char *store)
{
  char path[PATH_MAX + 8];
  snprintf(path, sizeof path, "%s/tmp", store);
  return count_entries(path);
}

/* How many descriptors this process has open. */
static int
count_fds(void)
{
  int count = 0;
  for (int fd = 0; fd < 1024; fd++)
    count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static int
write_pieces(struct blob *blob, const struct order *order)
{
  size_t piece = order->piece ? order->piece : order->size;
  for (size_t at = 0; at < order->size; at += piece)
    if (STUDENT(blob_write)(blob, order->bytes + at,
                            piece < order->size - at ? piece : order->size - at) < 0)
      return -1;
  return 0;
}

/* What `got` is before blob_finish: that stays. */
#define BEFORE "application/vnd.example.before"

/* Remove what is in STORE/tmp. */
static void
empty_tmp(const char *store)
{
  char path[PATH_MAX + 8];
  snprintf(path, sizeof path, "%s/tmp", store);
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.')
      unlinkat(dirfd(dir), e->d_name, 0);
  if (dir)
    closedir(dir);
}

void
call_write(struct answer *a, const void *arg)
{
  const struct order *order = arg;
  int store = open_directory(order->store);
  struct blob blob = {.file = -1};
  umask(077);
  snprintf(outcome->got.media_type, MEDIA_SIZE, BEFORE);
  outcome->fds_before = count_fds();
  outcome->begun = STUDENT(blob_begin)(store, &blob);
  if (outcome->begun < 0) {
    student_answer(a, -1);
    return;
  }
  outcome->written = write_pieces(&blob, order);
  outcome->error = errno;
  if (order->hold) {
    student_answer(a, outcome->written);
    return;
  }
  if (order->swept)
    empty_tmp(order->store);
  errno = order->drop ? EXDEV : 0; /* any that blob_drop will hardly come by */
  if (order->drop)
    STUDENT(blob_drop)(&blob);
  outcome->error = order->drop ? errno : outcome->error;
  student_answer(a, order->drop ? 0 : STUDENT(blob_finish)(&blob, order->want,
                                                           order->no_got ? NULL : &outcome->got));
  outcome->fds_after = count_fds();
}

/* ---- digest_valid ---- */

static void
call_valid(struct answer *a, const void *digest)
{
  student_answer(a, STUDENT(digest_valid)(digest));
}

static void
expect_digest(const char *digest, bool valid)
{
  EXPECT(student_call(call_valid, digest)->value == valid,
         valid ? "digest_valid is true for \"sha256:\" and 64 digits of 0-9a-f"
               : "digest_valid is false for anything else", "%s for \"%s\"",
         valid ? "false" : "true", digest);
}

START_TEST(test_digest)
{
  char digest[200], hex[65];
  for (int i = 0; i < 3; i++)
    expect_digest(random_digest(), true);
  expect_digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true);
  snprintf(hex, sizeof hex, "%s", random_digest() + 7);
  hex[0] = 'a';
  static const char *const shapes[] = {
      "%s", "sha256%s", "sha256:%.63s", "sha256:%s0", "sha256:%s\n", " sha256:%s", "sha256: %s",
      "SHA256:%s", "sha512:%s", "sha256-%s", "sha25:%s", "sha256::%s", "sha256:%s/x",
      "sha256:%.63s/", "sha256:../%.61s", "sha256:/%.63s", "sha256:%.63sA", "sha256:%.63sg",
      "sha256:%.63s.", "sha256:%.62s\xc3\xa9", "sha256:%.63s ", "sha256:%.63s\n", "md5:%.32s"};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(digest, sizeof digest, shapes[i], hex);
#pragma GCC diagnostic pop
    expect_digest(digest, false);
  }
  expect_digest("", false);
  expect_digest("sha256:", false);
}
END_TEST

/* ---- writing ---- */

/* The blob is there, as ordered, and nothing else. */
static void
expect_blob(const struct order *order, const char *how)
{
  struct descriptor is = fitting(order);
  struct stat st;
  EXPECT(lstat(blob_path(order->store, is.digest), &st) == 0 && S_ISREG(st.st_mode),
         "the blob is in blobs/sha256 under the digits of its digest", "%s, there is no such "
         "file", how);
  int count = expect_blobs_whole(order->store, how);
  EXPECT(count == 1, "there is one file in blobs/sha256", "%s, there are %d", how, count);
  EXPECT((st.st_mode & 07777) == 0444, "a blob has the mode 0444", "%s, it has %04o", how,
         st.st_mode & 07777);
  EXPECT(in_tmp(order->store) == 0, "nothing is left in tmp", "%s, there is something", how);
  EXPECT(outcome->fds_after == outcome->fds_before, "no descriptor stays open", "%s, %d before, "
         "and %d after", how, outcome->fds_before, outcome->fds_after);
}

static void
expect_written(struct order order, const char *how)
{
  char call[200];
  struct descriptor is = fitting(&order);
  snprintf(call, sizeof call, "blob_finish, %s,", how);
  memset(outcome, 0, sizeof *outcome);
  expect_success(student_call(call_write, &order), call);
  expect_blob(&order, how);
  bool right = strcmp(outcome->got.digest, is.digest) == 0 && outcome->got.size == is.size;
  EXPECT(order.no_got || right,
         "blob_finish says which digest and size the blob has", "%s, it says \"%.80s\", %lld", how,
         outcome->got.digest, (long long)outcome->got.size);
  EXPECT(strcmp(outcome->got.media_type, BEFORE) == 0, "blob_finish leaves the media_type of "
         "`got` as it was", "it was \"%s\", and is \"%.80s\"", BEFORE, outcome->got.media_type);
}

START_TEST(test_write)
{
  expect_written(new_order(1), "after one byte");
  expect_written(new_order(5000), "after 5000 bytes");
  struct order order = new_order(100000);
  order.piece = 777;
  expect_written(order, "after 100000 bytes in pieces of 777");
  order = new_order(3 << 20);
  order.piece = 65536;
  order.no_got = true;
  expect_written(order, "after 3 MiB, with NULL for `got`");
  expect_written(new_order(0), "after no bytes at all");
}
END_TEST

START_TEST(test_wanted)
{
  struct order order = new_order(4321);
  struct descriptor want = fitting(&order);
  order.want = &want;
  expect_written(order, "with the digest and size that were wanted");
  expect_written(order, "when the blob is there already");
}
END_TEST

/* It is refused, and nothing is left. */
static void
expect_refused(const struct order *order, const char *call, int error)
{
  memset(outcome, 0, sizeof *outcome);
  expect_errno(student_call(call_write, order), call, error);
  int count = expect_blobs_whole(order->store, "after a failure");
  EXPECT(count == 0, "a blob that is refused does not come into the store", "blobs/sha256 has "
         "%d files", count);
  EXPECT(in_tmp(order->store) == 0, "blob_finish leaves nothing in tmp when it fails, either",
         "there is something");
  EXPECT(outcome->fds_after == outcome->fds_before, "blob_finish closes the file when it fails, "
         "too", "%d descriptors before, and %d after", outcome->fds_before, outcome->fds_after);
}

static void
expect_says(const char *what, const char *text)
{
  EXPECT(strstr(student_said()->text, text) != NULL, what, "it says \"%s\"",
         student_said()->text);
}

START_TEST(test_wrong_digest)
{
  struct order order = new_order(4096);
  struct descriptor want = fitting(&order), right = want;
  snprintf(want.digest, sizeof want.digest, "%s", random_digest());
  order.want = &want;
  expect_refused(&order, "blob_finish, with another digest than was wanted,", EBADMSG);
  expect_says("the message names the digest that was wanted", want.digest);
  expect_says("the message names the digest that came", right.digest);
  /* The last digit alone. */
  want = right;
  want.digest[strlen(want.digest) - 1] ^= 1;
  expect_refused(&order, "blob_finish, with a digest whose last digit differs,", EBADMSG);
}
END_TEST

START_TEST(test_wrong_size)
{
  struct order order = new_order(4096);
  struct descriptor want = fitting(&order);
  order.want = &want;
  want.size = 4097;
  expect_refused(&order, "blob_finish, one byte short,", EBADMSG);
  expect_says("the message says which size was wanted", "4097");
  expect_says("the message says which size came", "4096");
  want.size = 4095;
  expect_refused(&order, "blob_finish, one byte too long,", EBADMSG);
  want.size = 4096 + (1LL << 32);
  expect_refused(&order, "blob_finish, 4 GiB short,", EBADMSG);
}
END_TEST

START_TEST(test_drop)
{
  struct order order = new_order(70000);
  order.drop = true;
  student_call(call_write, &order);
  EXPECT(outcome->begun == 0 && outcome->written == 0, "a blob is begun and written", "%d, %d, "
         "\"%s\"", outcome->begun, outcome->written, student_said()->text);
  EXPECT(in_tmp(order.store) == 0, "blob_drop leaves nothing in tmp", "there is something");
  EXPECT(expect_blobs_whole(order.store, "after blob_drop") == 0, "a blob that was dropped is "
         "not in the store", "there is a file in blobs/sha256");
  EXPECT(outcome->fds_after == outcome->fds_before, "blob_drop closes the file", "%d descriptors "
         "before, and %d after", outcome->fds_before, outcome->fds_after);
  EXPECT(outcome->error == EXDEV, "blob_drop leaves errno as it was", "it was EXDEV, and is %s",
         strerrorname_np(outcome->error) ?: "0");
}
END_TEST

/* Where unlinkat(2) fails, because the name is gone. */
START_TEST(test_drop_swept)
{
  struct order order = new_order(100);
  order.drop = order.swept = true;
  student_call(call_write, &order);
  EXPECT(outcome->begun == 0 && outcome->written == 0, "a blob is begun and written", "%d, %d, "
         "\"%s\"", outcome->begun, outcome->written, student_said()->text);
  EXPECT(outcome->error == EXDEV, "blob_drop leaves errno as it was, also where the file's name "
         "is gone already", "it was EXDEV, and is %s", strerrorname_np(outcome->error) ?: "0");
}
END_TEST

/* Two blobs at the same time: pieces of them in turn. */
static void
call_two(struct answer *a, const void *arg)
{
  const struct order *order = arg;
  int store = open_directory(order[0].store), result = 0;
  struct blob blobs[2];
  for (int i = 0; i < 2; i++)
    result |= STUDENT(blob_begin)(store, &blobs[i]);
  for (size_t at = 0; result == 0 && at < 10; at++)
    for (int i = 0; i < 2; i++)
      result |= STUDENT(blob_write)(&blobs[i], order[i].bytes + at * 100, 100);
  for (int i = 0; result == 0 && i < 2; i++)
    result |= STUDENT(blob_finish)(&blobs[i], order[i].want, NULL);
  student_answer(a, result);
}

START_TEST(test_two)
{
  struct order orders[2] = {new_order(1000), new_order(1000)};
  struct descriptor want[2] = {fitting(&orders[0]), fitting(&orders[1])};
  for (int i = 0; i < 2; i++)
    orders[i].want = &want[i];
  expect_success(student_call(call_two, orders), "writing two blobs in turn");
  int count = expect_blobs_whole(orders[0].store, "after two blobs");
  EXPECT(count == 2, "two blobs that are written in turn are both in the store", "there are %d",
         count);
  /* Both have the same bytes, as when two pull the same image. */
  orders[0].store = put_store(random_word());
  orders[1] = orders[0];
  expect_success(student_call(call_two, orders), "writing the same blob twice at the same time");
  EXPECT(in_tmp(orders[0].store) == 0, "nothing is left in tmp", "there is something");
}
END_TEST

static void
call_begin(struct answer *a, const void *store)
{
  struct blob blob;
  student_answer(a, STUDENT(blob_begin)(open_directory(store), &blob));
}

START_TEST(test_no_tmp)
{
  const char *store = put_store("store");
  ck_assert_int_eq(rmdir(at("store/tmp")), 0);
  expect_errno(student_call(call_begin, store), "blob_begin, in a store without tmp,", ENOENT);
}
END_TEST

void
store_tests(void)
{
  student_test("4.1 digest_valid lets only sha256 and 64 small digits pass", test_digest);
  student_test("4.1 blob_write and blob_finish put a blob under its digest", test_write);
  student_test("4.1 blob_finish accepts what was wanted, and a blob that is there", test_wanted);
  student_test("4.1 blob_finish refuses a wrong digest, and leaves nothing", test_wrong_digest);
  student_test("4.1 blob_finish refuses a wrong size, and leaves nothing", test_wrong_size);
  student_test("4.1 blob_drop leaves nothing, and errno alone", test_drop);
  student_test("4.1 blob_drop leaves errno alone where the name is gone", test_drop_swept);
  student_test("4.1 two blobs can be written at the same time", test_two);
  student_test("4.1 blob_begin fails where there is no tmp", test_no_tmp);
  open_tests();
  sweep_tests();
  crash_tests();
}
