/* check_crash.c - 4.1: what is in the store at every moment, and when something
 * fails. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store.h"

/* ---- at every moment ---- */

enum { FILES = 64 };

/* What we know of the disk while the process goes on. */
struct disk {
  const struct order *order;
  struct descriptor is;   /* the blob's */
  ino_t directory;        /* inode of blobs/sha256 */
  ino_t synced[FILES];    /* inodes of files that are on the disk as they are */
  int count;              /* of them */
  unsigned long long nr;  /* the call that the process is in */
  unsigned long long fd;  /* its first argument */
  bool named;             /* the blob is there */
  bool named_early;       /* it came before its bytes were on the disk */
  bool directory_synced;  /* since it was there */
  int stops;              /* how often we have looked */
};

static void
set_synced(struct disk *disk, ino_t inode, bool synced)
{
  for (int i = 0; i < disk->count; i++)
    if (disk->synced[i] == inode)
      disk->synced[i] = 0;
  if (synced && disk->count < FILES)
    disk->synced[disk->count++] = inode;
}

/* The call has come to its good end. */
static void
after_call(struct disk *disk, pid_t pid)
{
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, (int)disk->fd);
  bool file = stat(path, &st) == 0;
  switch (disk->nr) { /* of those that a student may use */
  case SYS_fsync:
  case SYS_fdatasync:
    if (file && st.st_ino == disk->directory)
      disk->directory_synced = disk->named;
    if (file)
      set_synced(disk, st.st_ino, true);
    break;
  case SYS_sync:
  case SYS_syncfs:
    disk->directory_synced = disk->named;
    for (int fd = 3; fd < 32; fd++) {
      snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
      if (stat(path, &st) == 0)
        set_synced(disk, st.st_ino, true);
    }
    break;
  case SYS_write:
  case SYS_pwrite64:
  case SYS_writev:
  case SYS_pwritev:
  case SYS_ftruncate:
    if (file)
      set_synced(disk, st.st_ino, false);
    break;
  }
}

static bool
is_synced(const struct disk *disk, ino_t inode)
{
  for (int i = 0; i < disk->count; i++)
    if (disk->synced[i] == inode)
      return true;
  return false;
}

static void
look(pid_t pid, const struct __ptrace_syscall_info *call, void *arg)
{
  struct disk *disk = arg;
  struct stat st;
  if (call->op == PTRACE_SYSCALL_INFO_ENTRY) {
    disk->nr = call->entry.nr;
    disk->fd = call->entry.args[0];
  } else if (call->op == PTRACE_SYSCALL_INFO_EXIT && !call->exit.is_error)
    after_call(disk, pid);
  disk->stops++;
  expect_blobs_whole(disk->order->store, "if it were killed just then");
  if (!disk->named && stat(blob_path(disk->order->store, disk->is.digest), &st) == 0) {
    disk->named = true;
    disk->named_early = !is_synced(disk, st.st_ino);
  }
}

START_TEST(test_every_moment)
{
  struct order order = new_order(200000);
  struct descriptor want = fitting(&order);
  struct stat st;
  char path[PATH_MAX];
  order.piece = 70000;
  order.want = &want;
  struct disk disk = {.order = &order, .is = want};
  snprintf(path, sizeof path, "%s/blobs/sha256", order.store);
  ck_assert_int_eq(stat(path, &st), 0);
  disk.directory = st.st_ino;
  expect_success(follow_call(call_write, &order, look, &disk), "blob_finish");
  ck_assert_int_gt(disk.stops, 10);
  EXPECT(disk.named, "the blob is in the store", "it is not");
  EXPECT(!disk.named_early, "the blob's bytes reach the disk (fsync) before it gets its name",
         "it had its name first: after a power cut there may be a blob of zeros");
  EXPECT(disk.directory_synced, "after the blob got its name, the directory blobs/sha256 reaches "
         "the disk (fsync) before blob_finish returns", "it does not: after a power cut the blob "
         "may be gone again");
}
END_TEST

/* ---- when something fails ---- */

void
forbid(const int *calls, int error)
{
  struct sock_filter steps[64] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
  };
  unsigned short n = 1;
  for (; *calls >= 0 && n < 60; calls++) {
    steps[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, *calls, 0, 1);
    steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
  }
  steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {n, steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
      prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program) < 0)
    _exit(97);
}

/* Nothing reaches the disk. */
static const int syncs[] = {SYS_fsync, SYS_fdatasync, SYS_syncfs, SYS_msync,
                            SYS_sync_file_range, -1};

/* Nothing gets a name. */
static const int renames[] = {
#ifdef SYS_rename
    SYS_rename, SYS_link,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
    SYS_renameat2, SYS_linkat, -1};

static void
call_without_sync(struct answer *a, const void *order)
{
  forbid(syncs, EIO);
  call_write(a, order);
}

static void
call_without_rename(struct answer *a, const void *order)
{
  forbid(renames, EDQUOT);
  call_write(a, order);
}

static void
expect_failure(void (*body)(struct answer *, const void *), const char *call, int error)
{
  struct order order = new_order(9000);
  const struct answer *a = student_call(body, &order);
  EXPECT(outcome->begun == 0 && outcome->written == 0, "a blob is begun and written", "%d, %d",
         outcome->begun, outcome->written);
  expect_errno(a, call, error);
  EXPECT(expect_blobs_whole(order.store, call) == 0, "a blob that could not be finished is not in "
         "the store", "there is a file in blobs/sha256");
  EXPECT(in_tmp(order.store) == 0, "nothing is left in tmp when blob_finish fails", "there is "
         "something");
  EXPECT(outcome->fds_after == outcome->fds_before, "no descriptor stays open when blob_finish "
         "fails", "%d before, and %d after", outcome->fds_before, outcome->fds_after);
}

START_TEST(test_sync_fails)
{
  expect_failure(call_without_sync, "blob_finish, where fsync(2) fails with EIO,", EIO);
}
END_TEST

START_TEST(test_rename_fails)
{
  expect_failure(call_without_rename, "blob_finish, where rename(2) fails with EDQUOT,", EDQUOT);
}
END_TEST

/* A store on a file system of 128 KiB. */
static const char *
small_store(void)
{
  make_dir("small", 0755);
  if (mount("small", at("small"), "tmpfs", 0, "size=128k") < 0)
    student_cannot("no tmpfs can be mounted here (mend it: make vm)");
  return put_store("small/store");
}

START_TEST(test_full)
{
  struct order order = new_order(400000);
  order.store = small_store();
  order.piece = 10000;
  const struct answer *a = student_call(call_write, &order);
  int whole = expect_blobs_whole(order.store, "after ENOSPC, and blob_finish all the same");
  int left = in_tmp(order.store);
  umount2(at("small"), MNT_DETACH);
  EXPECT(outcome->begun == 0, "a blob is begun", "%d, \"%s\"", outcome->begun, a->text);
  EXPECT(outcome->written == -1 && outcome->error == ENOSPC, "blob_write on a full file system "
         "returns -1 with ENOSPC", "%d, %s", outcome->written,
         strerrorname_np(outcome->error) ?: "0");
  EXPECT(a->value == -1, "blob_finish refuses a blob of which a write failed", "%d, and %d files "
         "are in blobs/sha256", a->value, whole);
  EXPECT(a->error == EIO, "blob_finish refuses it with EIO", "%s (\"%s\")",
         strerrorname_np(a->error) ?: "0", a->text);
  EXPECT(whole == 0 && left == 0, "nothing is left after ENOSPC", "%d files in blobs/sha256, %d "
         "in tmp", whole, left);
}
END_TEST

/* The pieces fill the file system to the last byte, so that the write which fails leaves
 * nothing: the file's size does not tell. */
START_TEST(test_full_exactly)
{
  struct order order = new_order(400000);
  order.store = small_store();
  order.piece = 4096;
  const struct answer *a = student_call(call_write, &order);
  int whole = expect_blobs_whole(order.store, "after ENOSPC, and blob_finish all the same");
  umount2(at("small"), MNT_DETACH);
  EXPECT(outcome->written == -1 && outcome->error == ENOSPC, "blob_write on a full file system "
         "returns -1 with ENOSPC", "%d, %s", outcome->written,
         strerrorname_np(outcome->error) ?: "0");
  EXPECT(a->value == -1 && a->error == EIO, "blob_finish refuses with EIO a blob of which a write "
         "failed that has left nothing in the file", "%d, %s, and %d files are in blobs/sha256",
         a->value, strerrorname_np(a->error) ?: "0", whole);
}
END_TEST

START_TEST(test_full_drop)
{
  struct order order = new_order(400000);
  order.store = small_store();
  order.drop = true;
  student_call(call_write, &order);
  int left = in_tmp(order.store);
  umount2(at("small"), MNT_DETACH);
  EXPECT(outcome->written == -1, "blob_write on a full file system returns -1", "%d",
         outcome->written);
  EXPECT(left == 0, "blob_drop after ENOSPC leaves nothing in tmp", "there is something");
}
END_TEST

void
crash_tests(void)
{
  student_test("4.1 at every moment a blob is whole under its digest, or absent",
               test_every_moment);
  student_test("4.1 blob_finish fails where fsync fails, and leaves nothing", test_sync_fails);
  student_test("4.1 blob_finish fails where rename fails, and leaves nothing", test_rename_fails);
  student_test("4.1 a full disk ends blob_write with ENOSPC, and leaves nothing", test_full);
  student_test("4.1 a disk that is full to the last byte is ENOSPC, too", test_full_exactly);
  student_test("4.1 blob_drop cleans up on a full disk", test_full_drop);
}
