/* check_escape.c - 1.5 and 1.7, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_lab01.h"

/* For bodies: a jail of the careless kind. */
struct jail {
  const char *root;
  const char *leak;     /* a directory to leave open, or NULL */
  const char *decoy;    /* one inside the jail, left open with a lower number */
  bool by_fd;
  bool unprivileged;    /* without CAP_SYS_CHROOT */
};

static void
break_out(struct answer *a, const void *arg)
{
  const struct jail *jail = arg;
  int leak = jail->leak ? open(jail->leak, O_RDONLY | O_DIRECTORY) : -1;
  int decoy = jail->decoy ? open(jail->decoy, O_RDONLY | O_DIRECTORY) : -1;
  if (decoy >= 0 && leak >= 0) {
    dup2(leak, 700);
    close(leak);
  }
  if (chdir(jail->root) < 0 || chroot(".") < 0)
    _exit(99);
  if (jail->unprivileged) {
    cap_value_t cap = CAP_SYS_CHROOT;
    cap_t caps = cap_get_proc();
    cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR);
    cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_CLEAR);
    cap_set_proc(caps);
    cap_free(caps);
  }
  student_answer(a, jail->by_fd ? STUDENT(escape_fd)() : STUDENT(escape_chroot)());
}

/* A jail some way down, and a file outside with contents that nobody can guess. */
static const char *
deep_root(void)
{
  make_dir("a", 0755);
  make_dir("a/b", 0755);
  make_dir("a/b/c", 0755);
  return make_dir("a/b/c/root", 0755);
}

static void
expect_outside(const struct jail *jail, const char *call)
{
  char marker[64], path[PATH_MAX];
  unsigned long secret;
  ck_assert_int_eq(getentropy(&secret, sizeof secret), 0);
  snprintf(marker, sizeof marker, "%lx", secret);
  const char *file = make_text("marker", marker, 0644);
  pid_t pid = student_start(break_out, jail);
  expect_success(student_said(), call);
  snprintf(path, sizeof path, "/proc/%d/cwd%s", pid, file);
  const char *got = proc_link(pid, "cwd");
  EXPECT(strcmp(got, "/") == 0, "afterwards the current directory is the real "
         "root, as seen from outside", "%s", got);
  got = contents(path);
  EXPECT(strcmp(got, marker) == 0, "from there a file outside can be read", "%s",
         got);
  if (!jail->unprivileged) {
    got = proc_link(pid, "root");
    EXPECT(strcmp(got, "/") == 0, "afterwards the root directory is the real root "
           "too", "%s", got);
  }
  student_end(pid);
  int count = count_entries(jail->root);
  EXPECT(count == (jail->decoy ? 1 : 0), "nothing is left behind in the jail",
         "%d entries", count);
}

START_TEST(test_escape_chroot)
{
  struct jail jail = {.root = deep_root()};
  expect_outside(&jail, "escape_chroot");
}
END_TEST

START_TEST(test_escape_fd)
{
  struct jail jail = {.root = deep_root(), .leak = at("a"), .by_fd = true};
  expect_outside(&jail, "escape_fd");
}
END_TEST

START_TEST(test_escape_fd_unprivileged)
{
  struct jail jail = {.root = deep_root(), .leak = at("a/b"), .by_fd = true,
                      .unprivileged = true};
  expect_outside(&jail, "escape_fd without CAP_SYS_CHROOT");
}
END_TEST

START_TEST(test_escape_fd_decoy)
{
  struct jail jail = {.root = deep_root(), .leak = at("a/b"), .by_fd = true,
                      .decoy = make_dir("a/b/c/root/decoy", 0755)};
  expect_outside(&jail, "escape_fd, where descriptor 3 is a directory inside and "
                 "700 one outside");
}
END_TEST

START_TEST(test_escape_fd_none)
{
  struct jail jail = {.root = deep_root(), .by_fd = true,
                      .decoy = make_dir("a/b/c/root/decoy", 0755)};
  expect_errno(student_call(break_out, &jail), "escape_fd with no descriptor that "
               "leads out", EBADF);
}
END_TEST

START_TEST(test_escape_mounts)
{
  /* On the way up lie the roots of two file systems, one in the other. Both have
   * the same inode number; what differs is the device. */
  make_dir("a", 0755);
  if (mount("a", at("a"), "tmpfs", 0, "mode=755") < 0)
    ck_abort_msg("the test cannot mount a tmpfs: %s", strerror(errno));
  make_dir("a/b", 0755);
  if (mount("b", at("a/b"), "tmpfs", 0, "mode=755") < 0)
    ck_abort_msg("the test cannot mount a tmpfs: %s", strerror(errno));
  struct jail jail = {.root = make_dir("a/b/root", 0755)};
  pid_t pid = student_start(break_out, &jail);
  char cwd[PATH_MAX];
  snprintf(cwd, sizeof cwd, "%s", proc_link(pid, "cwd"));
  int value = student_said()->value;
  student_end(pid);
  umount2(at("a/b"), MNT_DETACH);
  umount2(at("a"), MNT_DETACH);
  EXPECT(value == 0 && strcmp(cwd, "/") == 0, "the way up passes the roots of other "
         "file systems and ends at the real root", "it ends at %s", cwd);
}
END_TEST

START_TEST(test_escape_refused)
{
  struct jail jail = {.root = deep_root(), .unprivileged = true};
  expect_errno(student_call(break_out, &jail), "escape_chroot without "
               "CAP_SYS_CHROOT", EPERM);
  int count = count_entries(jail.root);
  EXPECT(count == 0, "nothing is left behind in the jail, also after a failure",
         "%d entries", count);
}
END_TEST

/* ---- 1.7 ---- */

/* Open descriptors here and there, seal, and let the probe list what is left. */
static void
seal_and_list(struct answer *a, const void *path)
{
  static const int numbers[] = {3, 4, 63, 255, 256, 1023, 1024, 4000};
  char probe[PATH_MAX];
  struct rlimit limit;
  snprintf(probe, sizeof probe, "%s", getenv("PROBE"));
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int out = open("/tmp", O_RDONLY | O_DIRECTORY);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    dup2(out, numbers[i]);
  limit.rlim_cur = 128; /* open descriptors stay open above a lowered limit */
  setrlimit(RLIMIT_NOFILE, &limit);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dup2(file, 1);
  student_answer(a, STUDENT(seal)());
  if (a->value < 0)
    return;
  execl(probe, "probe", "descriptors", NULL);
  _exit(99);
}

static void
seal_without_proc(struct answer *a, const void *out)
{
  if (unshare(CLONE_NEWNS) < 0 ||
      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      umount2("/proc", MNT_DETACH) < 0)
    _exit(99);
  seal_and_list(a, out);
}

static void
expect_sealed(void (*body)(struct answer *, const void *), const char *where)
{
  const char *out = make_text("out", "", 0644);
  /* The probe takes the child's place and ends by itself. */
  pid_t pid = student_start(body, out), ended = 0;
  int status;
  /* A seal that closes takes our own pipe with it; so wait for the answer. */
  while (student_said()->value == SAID_NOTHING && ended == 0) {
    usleep(1000);
    ended = waitpid(pid, &status, WNOHANG);
  }
  if (student_said()->value < 0)
    expect_success(student_said(), "seal");
  if (ended == 0)
    waitpid(pid, &status, 0);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) <= 1,
         "a program can be executed after seal", "wait status %#x", status);
  char got[4096];
  snprintf(got, sizeof got, "%s", contents(out));
  EXPECT(WEXITSTATUS(status) == 0 || got[0], "0, 1 and 2 cross the execve",
         "the program has no standard output");
  EXPECT(WEXITSTATUS(status) == 0 && !got[0], where, "open in the program: %s",
         got);
}

START_TEST(test_seal)
{
  expect_sealed(seal_and_list, "no descriptor from 3 up crosses an execve");
}
END_TEST

START_TEST(test_seal_without_proc)
{
  expect_sealed(seal_without_proc, "no descriptor from 3 up crosses an execve, "
                "also without /proc");
}
END_TEST

void
escape_tests(void)
{
  student_test("1.5 breaks out by chroot", test_escape_chroot);
  student_test("1.5 climbs past other file systems", test_escape_mounts);
  student_test("1.5 leaves nothing behind where it fails", test_escape_refused);
  student_test("1.5 breaks out by a descriptor", test_escape_fd);
  student_test("1.5 breaks out by a descriptor without privilege",
               test_escape_fd_unprivileged);
  student_test("1.5 passes over descriptors that lead nowhere",
               test_escape_fd_decoy);
  student_test("1.5 finds no way where there is none", test_escape_fd_none);
  student_test("1.7 marks every descriptor", test_seal);
  student_test("1.7 marks every descriptor without /proc",
               test_seal_without_proc);
}
