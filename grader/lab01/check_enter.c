/* check_enter.c - 1.1, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_lab01.h"

/* For bodies: two strings. */
struct enter {
  const char *root, *cwd;
};

static void
enter(struct answer *a, const void *arg)
{
  const struct enter *e = arg;
  student_answer(a, STUDENT(root_enter)(e->root, e->cwd));
}

static void
enter_and_climb(struct answer *a, const void *arg)
{
  enter(a, arg);
  for (int i = 0; i < 20 && a->value == 0; i++)
    if (chdir("..") < 0)
      return;
}

START_TEST(test_enter_root)
{
  struct enter e = {make_dir("root", 0755), "/"};
  pid_t pid = student_start(enter, &e);
  expect_success(student_said(), "root_enter");
  const char *got = proc_link(pid, "root");
  EXPECT(strcmp(got, e.root) == 0, "ROOT is the root directory, as /proc/PID/root "
         "shows it from outside", "%s", got);
  student_end(pid);
}
END_TEST

START_TEST(test_enter_cwd)
{
  struct enter e = {make_dir("root", 0755), "/a/b"};
  make_dir("root/a", 0755);
  const char *expected = make_dir("root/a/b", 0755);
  pid_t pid = student_start(enter, &e);
  expect_success(student_said(), "root_enter with cwd /a/b");
  const char *got = proc_link(pid, "cwd");
  EXPECT(strcmp(got, expected) == 0, "the current directory is ROOT/a/b, as "
         "/proc/PID/cwd shows it from outside", "%s", got);
  student_end(pid);
}
END_TEST

START_TEST(test_enter_relative)
{
  /* The same name outside, where the child stands before, and inside. */
  struct enter e = {make_dir("root", 0755), "same"};
  make_dir("same", 0755);
  const char *expected = make_dir("root/same", 0755);
  ck_assert_int_eq(chdir(scratch()), 0);
  pid_t pid = student_start(enter, &e);
  expect_success(student_said(), "root_enter with the relative cwd \"same\"");
  const char *got = proc_link(pid, "cwd");
  EXPECT(strcmp(got, expected) == 0, "a relative cwd starts at the new root: "
         "ROOT/same", "%s", got);
  student_end(pid);
  ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(test_enter_climb)
{
  struct enter e = {make_dir("root", 0755), "/"};
  pid_t pid = student_start(enter_and_climb, &e);
  expect_success(student_said(), "root_enter");
  const char *got = proc_link(pid, "cwd");
  EXPECT(strcmp(got, e.root) == 0, "the current directory is inside ROOT, and 20 "
         "times chdir(\"..\") does not change that", "it is %s", got);
  student_end(pid);
}
END_TEST

START_TEST(test_enter_above)
{
  struct enter e = {make_dir("root", 0755), "/../.."};
  pid_t pid = student_start(enter, &e);
  expect_success(student_said(), "root_enter with cwd /../..");
  const char *got = proc_link(pid, "cwd");
  EXPECT(strcmp(got, e.root) == 0, "at the root, \"..\" is the root: cwd /../.. is "
         "ROOT", "%s", got);
  student_end(pid);
}
END_TEST

START_TEST(test_enter_errors)
{
  make_dir("root", 0755);
  struct enter missing = {at("nowhere"), "/"};
  struct enter file = {make_text("file", "x", 0644), "/"};
  struct enter no_cwd = {at("root"), "/nowhere"};
  expect_errno(student_call(enter, &missing), "root_enter(a ROOT that is not "
               "there)", ENOENT);
  expect_errno(student_call(enter, &file), "root_enter(a file)", ENOTDIR);
  expect_errno(student_call(enter, &no_cwd), "root_enter(ROOT, a cwd that is not "
               "there)", ENOENT);
}
END_TEST

static void
nothing(int signal)
{
  (void)signal;
}

static void
wait_through_signals(struct answer *a, const void *arg)
{
  (void)arg;
  /* Without SA_RESTART, so that waitpid(2) fails with EINTR. */
  struct sigaction action = {.sa_handler = nothing};
  struct itimerval often = {{0, 20000}, {0, 20000}};
  sigaction(SIGALRM, &action, NULL);
  pid_t pid = fork();
  if (pid == 0) {
    usleep(200000);
    _exit(42);
  }
  setitimer(ITIMER_REAL, &often, NULL);
  int value = STUDENT(program_wait)(pid);
  memset(&often, 0, sizeof often);
  setitimer(ITIMER_REAL, &often, NULL);
  student_answer(a, value);
}

static void
wait_for_signal(struct answer *a, const void *arg)
{
  pid_t pid = fork();
  if (pid == 0) {
    signal(*(const int *)arg, SIG_DFL); /* a sanitizer has handlers */
    raise(*(const int *)arg);
    _exit(0);
  }
  student_answer(a, STUDENT(program_wait)(pid));
}

START_TEST(test_wait)
{
  int value = student_call(wait_through_signals, NULL)->value;
  EXPECT(value == 42, "program_wait returns 42, the child's exit status, though "
         "signals arrive meanwhile", "%d", value);
  int signals[] = {SIGTERM, SIGKILL, SIGSEGV};
  for (size_t i = 0; i < 3; i++) {
    value = student_call(wait_for_signal, &signals[i])->value;
    EXPECT(value == 128 + signals[i], "program_wait returns 128+N for a child "
           "that signal N killed", "%d for signal %d", value, signals[i]);
  }
}
END_TEST

void
enter_tests(void)
{
  student_test("1.1 makes ROOT the root directory", test_enter_root);
  student_test("1.1 makes cwd the current directory", test_enter_cwd);
  student_test("1.1 takes a relative cwd from the new root", test_enter_relative);
  student_test("1.1 leaves no way up by ..", test_enter_climb);
  student_test("1.1 takes .. above the root for the root", test_enter_above);
  student_test("1.1 refuses directories that are not there", test_enter_errors);
  student_test("1.1 waits, and tells a status from a signal", test_wait);
}
