/* check_fallback.c - 3.6: cgroup_kill where the kernel has no cgroup.kill. The student's
 * function is given a directory with links to the files of a real group, but that one. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "life.h"

enum { LONG = 8000, SHORT = 300 /* milliseconds */ };

/* Two levels, as an old kernel would show them. */
struct old {
  const char *real, *below;  /* the real groups */
  const char *shown;         /* what the function is given */
};

static struct old
make_old(void)
{
  struct old old = {.real = make_group("t-")};
  old.below = make_below(old.real, "below");
  old.shown = make_without("old", old.real, "cgroup.kill");
  make_without("old/below", old.below, "cgroup.kill");
  return old;
}

static void
expect_thawed(const struct old *old)
{
  const char *const groups[] = {old->real, old->below};
  for (int i = 0; i < 2; i++)
    EXPECT(strcmp(in_dir(groups[i], "cgroup.freeze"), "0\n") == 0, "a group that was not frozen "
           "is not left frozen", "cgroup.freeze of %s: %s", i ? "the group below" : "the group",
           in_dir(groups[i], "cgroup.freeze"));
}

START_TEST(test_rounds)
{
  struct old old = make_old();
  volatile unsigned *ticks = life_shared(4096);
  int status;
  pid_t in = put_ticker(old.real, &ticks[0]), below = put_ticker(old.below, &ticks[1]);
  pid_t neighbour = put_ticker(make_group("t-"), &ticks[2]);
  const struct answer *a = student_call(call_kill, kill_order(old.shown, LONG));
  EXPECT(life_is_gone(in), "without cgroup.kill the processes of the group are killed in another "
         "way", "one lives; cgroup_kill returned %d, \"%s\"", a->value, a->text);
  EXPECT(life_is_gone(below), "without cgroup.kill those of the groups below are killed, too",
         "one lives; cgroup_kill returned %d, \"%s\"", a->value, a->text);
  expect_success(a, "cgroup_kill without cgroup.kill");
  EXPECT(!life_is_gone(neighbour), "a process of another group lives on", "it was killed");
  waitpid(in, &status, 0);
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "what ends them is SIGKILL, which "
         "nobody can ignore", "status %d", status);
  expect_thawed(&old);
  groups_remove();
}
END_TEST

START_TEST(test_rounds_nobody)
{
  struct old old = make_old();
  expect_success(student_call(call_kill, kill_order(old.shown, LONG)), "cgroup_kill of a group "
                 "without processes, without cgroup.kill,");
  expect_thawed(&old);
  groups_remove();
}
END_TEST

START_TEST(test_rounds_frozen)
{
  struct old old = make_old();
  char file[4200];
  pid_t pid = put_process(old.below);
  snprintf(file, sizeof file, "%s/cgroup.freeze", old.real);
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  ck_assert_int_eq(write(fd, "1", 1), 1);
  close(fd);
  ck_assert(LIFE_AWAIT(life_event(old.real, "frozen 1")));
  expect_success(student_call(call_kill, kill_order(old.shown, LONG)), "cgroup_kill of a frozen "
                 "group, without cgroup.kill,");
  EXPECT(life_is_gone(pid), "a frozen process is killed, too", "it lives");
  groups_remove();
}
END_TEST

START_TEST(test_rounds_run_away)
{
  struct old old = make_old();
  volatile unsigned *born = life_shared(4096);
  volatile bool *enough = life_shared(4096);
  for (int i = 0; i < 3; i++)
    put_run_away(i % 2 ? old.below : old.real, &born[i], enough);
  struct apart *apart = life_shared(sizeof *apart);
  *apart = (struct apart){.body = call_kill, .arg = kill_order(old.shown, LONG), .traced = true};
  pid_t pid = start_apart(apart);
  bool back = follow_slowly(apart, old.real, born, 3);
  unsigned before = born[0] + born[1] + born[2];
  usleep(20000);
  bool more = born[0] + born[1] + born[2] != before;
  *enough = true;
  EXPECT(back, "without cgroup.kill, cgroup_kill ends also for processes that fork without "
         "end, on a slow machine", "it does not return");
  expect_success(student_said(), "cgroup_kill of processes that fork without end, without "
                 "cgroup.kill, on a slow machine,");
  EXPECT(!more, "none of those that fork without end is left", "they go on");
  student_end(pid);
  expect_thawed(&old);
  groups_remove();
}
END_TEST

START_TEST(test_rounds_timeout)
{
  struct old old = make_old();
  struct awkward undying = put_undying(old.below);
  struct apart *apart = life_shared(sizeof *apart);
  *apart = (struct apart){.body = call_kill, .arg = kill_order(old.shown, SHORT),
                          .disturbed = true};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_kill gives up after 300 ms if a process does not "
         "die", "it still waits");
  expect_errno(student_said(), "cgroup_kill without cgroup.kill, when a process has not died "
               "within 300 ms,", ETIMEDOUT);
  student_end(pid);
  release(&undying);
  expect_thawed(&old);
  groups_remove();
}
END_TEST

/* ---- processes that have no number here ---- */

/* Who is there, in a PID namespace of its own. */
struct hidden {
  struct kill_order order;
  char procs[4096];           /* cgroup.procs of the group */
  volatile pid_t target;      /* a process of the namespace, in the group */
  struct apart caller;        /* of the function, and */
  struct apart bystander;     /* a process in the same process group */
};

/* The number that a child of ours has outside is what it reads from /proc, which is
 * the outer namespace's. */
static pid_t
outer_pid(void)
{
  char text[32] = "";
  ssize_t n = readlink("/proc/self", text, sizeof text - 1);
  return n > 0 ? atoi(text) : 0;
}

static pid_t
fork_hidden(volatile pid_t *pid)
{
  pid_t child = fork();
  if (child == 0)
    *pid = outer_pid();
  return child;
}

static void
in_namespace(struct answer *a, struct hidden *hidden)
{
  setpgid(0, 0); /* whoever kills his process group shall not kill the test */
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  if (fork_hidden(&hidden->bystander.pid) == 0)
    for (;;)
      pause();
  if (fork_hidden(&hidden->target) == 0) {
    int fd = open(hidden->procs, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
      _exit(97);
    for (;;)
      pause();
  }
  if (fork_hidden(&hidden->caller.pid) == 0) {
    call_kill(a, &hidden->order);
    for (;;)
      pause();
  }
  for (;;)
    pause();
}

static void
hide(struct answer *a, const void *arg)
{
  struct hidden *hidden = (struct hidden *)arg;
  if (unshare(CLONE_NEWPID) < 0)
    _exit(96);
  pid_t pid = fork();
  if (pid == 0)
    in_namespace(a, hidden);
}

START_TEST(test_rounds_hidden)
{
  struct old old = make_old();
  struct hidden *hidden = life_shared(sizeof *hidden);
  put_process(old.real); /* of ours: there it shows up as 0 */
  hidden->order = *kill_order(old.shown, SHORT);
  snprintf(hidden->procs, sizeof hidden->procs, "%s/cgroup.procs", old.below);
  pid_t pid = student_start(hide, hidden);
  ck_assert(LIFE_AWAIT(hidden->caller.pid && hidden->bystander.pid));
  EXPECT(LIFE_SOON(is_back(&hidden->caller)), "cgroup_kill gives up when it cannot kill all",
         "it still waits");
  EXPECT(!life_is_gone(hidden->caller.pid) && !life_is_gone(hidden->bystander.pid),
         "where cgroup.procs shows 0, a process without a number here, cgroup_kill kills "
         "neither its caller nor the caller's process group", "it has killed %s",
         life_is_gone(hidden->caller.pid) ? "its caller" : "another process of that");
  const struct answer *a = student_said();
  EXPECT(a->value == -1, "cgroup_kill returns -1 when there is a process left that it cannot "
         "name", "%d", a->value);
  student_end(pid);
  expect_thawed(&old);
  groups_remove();
}
END_TEST

void
fallback_tests(void)
{
  student_test("3.6 kill without cgroup.kill ends all in a group and below it, and nobody else",
               test_rounds);
  student_test("3.6 kill without cgroup.kill of a group without processes", test_rounds_nobody);
  student_test("3.6 kill without cgroup.kill ends a frozen group", test_rounds_frozen);
  student_test("3.6 kill without cgroup.kill ends a program that forks without end",
               test_rounds_run_away);
  student_test("3.6 kill without cgroup.kill gives up after its time", test_rounds_timeout);
  student_test("3.6 kill without cgroup.kill does not take 0 for a process", test_rounds_hidden);
}
