/* check_sweep.c - 4.1: what dead writers leave, and living ones keep. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "store.h"

void
call_sweep(struct answer *a, const void *store)
{
  student_answer(a, STUDENT(store_sweep)(open_directory(store)));
}

/* Make a file or a directory with a file in it in STORE/tmp. Returns it open. */
static int
leave(const char *store, const char *name, bool directory)
{
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/tmp/%s", store, name);
  if (directory)
    ck_assert_int_eq(mkdir(path, 0700), 0);
  int fd = directory ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                     : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  if (directory)
    close(openat(fd, "in-it", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  return fd;
}

static bool
is_left(const char *store, const char *name)
{
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/tmp/%s", store, name);
  return access(path, F_OK) == 0;
}

START_TEST(test_sweep)
{
  const char *store = put_store("store");
  char dead[3][16], shared_lock[16], living[16];
  for (int i = 0; i < 3; i++) {
    snprintf(dead[i], sizeof dead[i], "%s", random_word());
    close(leave(store, dead[i], false));
  }
  snprintf(living, sizeof living, "%s", random_word());
  snprintf(shared_lock, sizeof shared_lock, "%s", random_word());
  autoclose int one = leave(store, living, false), two = leave(store, shared_lock, false);
  ck_assert_int_eq(flock(one, LOCK_EX), 0);
  ck_assert_int_eq(flock(two, LOCK_SH), 0);
  int swept = student_call(call_sweep, store)->value;
  close(two);
  for (int i = 0; i < 3; i++)
    EXPECT(!is_left(store, dead[i]), "a file that nobody has locked is removed", "it is there");
  EXPECT(is_left(store, living), "a file that somebody has locked stays", "it was removed");
  EXPECT(is_left(store, shared_lock), "a file with a shared lock stays", "it was removed");
  EXPECT(swept == 3, "store_sweep returns how many it has removed: 3", "%d, \"%s\"", swept,
         student_said()->text);
  EXPECT(student_call(call_sweep, store)->value == 1, "once the second lock is gone, the "
         "next store_sweep removes 1", "%d", student_said()->value);
}
END_TEST

START_TEST(test_sweep_directory)
{
  const char *store = put_store("store");
  char dead[16], living[16];
  snprintf(dead, sizeof dead, "%s", random_word());
  snprintf(living, sizeof living, "%s", random_word());
  close(leave(store, dead, true));
  autoclose int lock = leave(store, living, true);
  ck_assert_int_eq(flock(lock, LOCK_EX), 0);
  int swept = student_call(call_sweep, store)->value;
  EXPECT(swept == 1 && !is_left(store, dead), "a directory that nobody has locked is removed "
         "with what is in it, and store_sweep returns 1", "%d, \"%s\"", swept,
         student_said()->text);
  EXPECT(is_left(store, living), "a directory that somebody has locked stays", "it was removed");
}
END_TEST

/* What no writer leaves, but somebody has put there. */
START_TEST(test_sweep_odd)
{
  const char *store = put_store("store"), *outside = make_text("outside", "stays", 0644);
  char dead[16];
  snprintf(dead, sizeof dead, "%s", random_word());
  close(leave(store, dead, false));
  ck_assert_int_eq(mkfifo(at("store/tmp/a-fifo"), 0600), 0);
  ck_assert_int_eq(symlink(outside, at("store/tmp/link")), 0);
  ck_assert_int_eq(symlink("nowhere", at("store/tmp/no-link")), 0);
  ck_assert_int_eq(symlink("../blobs", at("store/tmp/z-link")), 0);
  ck_assert_int_eq(mknod(at("store/tmp/socket"), S_IFSOCK | 0600, 0), 0);
  int before = in_tmp(store), swept = student_call(call_sweep, store)->value;
  EXPECT(swept >= 0, "store_sweep does not fail where a FIFO, a socket and links are in tmp",
         "%d, \"%s\"", swept, student_said()->text);
  EXPECT(!is_left(store, dead), "a file that nobody has locked is removed, although a FIFO, a "
         "socket and links are beside it", "it is there");
  EXPECT(swept == before - in_tmp(store), "store_sweep returns how many it has removed",
         "%d, and %d are gone", swept, before - in_tmp(store));
  EXPECT(strcmp(contents(outside), "stays") == 0 && access(at("store/blobs/sha256"), F_OK) == 0,
         "store_sweep does not follow a link in tmp", "what it leads to is gone");
}
END_TEST

START_TEST(test_sweep_nothing)
{
  const char *store = put_store("store");
  struct descriptor blob = put_text(store, "text/plain", random_word());
  EXPECT(student_call(call_sweep, store)->value == 0, "store_sweep returns 0 where nothing is in "
         "tmp", "%d, \"%s\"", student_said()->value, student_said()->text);
  EXPECT(access(blob_path(store, blob.digest), F_OK) == 0 && access(at("store/index.json"), F_OK)
         == 0, "store_sweep removes nothing but what is in tmp", "a blob or index.json is gone");
}
END_TEST

/* ---- with blob_begin ---- */

/* Somebody writes a blob, and somebody else sweeps. */
static void
call_living(struct answer *a, const void *arg)
{
  const struct order *order = arg;
  int store = open_directory(order->store), swept;
  struct blob blob;
  if (STUDENT(blob_begin)(store, &blob) < 0 ||
      STUDENT(blob_write)(&blob, order->bytes, order->size) < 0) {
    student_answer(a, -1);
    return;
  }
  swept = STUDENT(store_sweep)(store);
  int result = STUDENT(blob_finish)(&blob, order->want, NULL);
  student_answer(a, result);
  outcome->written = swept;
}

START_TEST(test_sweep_living)
{
  struct order order = new_order(3000);
  struct descriptor want = fitting(&order);
  order.want = &want;
  expect_success(student_call(call_living, &order), "blob_finish, after a store_sweep while the "
                 "blob was written,");
  EXPECT(outcome->written == 0, "store_sweep returns 0 while the only file of tmp is somebody's",
         "%d", outcome->written);
  EXPECT(expect_blobs_whole(order.store, "after store_sweep") == 1, "the blob is in the store",
         "it is not");
}
END_TEST

START_TEST(test_sweep_killed)
{
  struct order order = new_order(50000);
  order.hold = true;
  pid_t pid = student_start(call_write, &order);
  EXPECT(student_said()->value == 0, "a blob is begun and written", "%d, \"%s\"",
         student_said()->value, student_said()->text);
  student_end(pid); /* SIGKILL */
  EXPECT(expect_blobs_whole(order.store, "after SIGKILL before blob_finish") == 0, "a blob whose "
         "writer was killed is not in the store", "there is a file in blobs/sha256");
  int left = in_tmp(order.store), swept = student_call(call_sweep, order.store)->value;
  EXPECT(swept == left && in_tmp(order.store) == 0, "store_sweep removes what a killed writer has "
         "left in tmp", "it returns %d, and %d files are there", swept, in_tmp(order.store));
}
END_TEST

/* ---- between open and lock ---- */

/* At each system call of blob_begin, as if another process ran store_sweep just
 * then; once. */
struct sweeper {
  const char *store;
  int swept; /* files removed */
};

static void
sweep_once(pid_t pid, const struct __ptrace_syscall_info *call, void *arg)
{
  struct sweeper *sweeper = arg;
  char path[PATH_MAX + 16];
  (void)pid, (void)call;
  snprintf(path, sizeof path, "%s/tmp", sweeper->store);
  DIR *dir = sweeper->swept ? NULL : opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    autoclose int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
    if (e->d_name[0] != '.' && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
        unlinkat(dirfd(dir), e->d_name, 0) == 0)
      sweeper->swept++;
  }
  if (dir)
    closedir(dir);
}

START_TEST(test_sweep_race)
{
  struct order order = new_order(100);
  struct sweeper sweeper = {.store = order.store};
  const struct answer *a = follow_call(call_write, &order, sweep_once, &sweeper);
  expect_success(a, "writing a blob, while another process sweeps between the open and the lock "
                 "of blob_begin,");
  EXPECT(expect_blobs_whole(order.store, "after a sweep in between") == 1, "the blob is in the "
         "store, although its first file was swept before it was locked", "it is not");
}
END_TEST

void
sweep_tests(void)
{
  student_test("4.1 store_sweep removes what nobody has locked", test_sweep);
  student_test("4.1 store_sweep removes directories, too", test_sweep_directory);
  student_test("4.1 store_sweep neither waits for a FIFO nor follows a link", test_sweep_odd);
  student_test("4.1 store_sweep removes nothing else", test_sweep_nothing);
  student_test("4.1 store_sweep leaves a blob alone that is being written", test_sweep_living);
  student_test("4.1 SIGKILL leaves no blob, and store_sweep cleans up", test_sweep_killed);
  student_test("4.1 blob_begin bears a sweep between its open and its lock", test_sweep_race);
}
