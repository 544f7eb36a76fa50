/* check_start.c - 3.3: a child that is in the group before it runs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_lab03.h"
#include "look.h"

/* The student's process starts a caller, and that one calls cgroup_spawn. So
 * nobody waits for who is frozen. */
struct scene {
  const char *group;       /* path; NULL: a descriptor that is none */
  const char *removed;     /* path of a group to be removed when it is open, or NULL */
  int clone3;              /* errno that clone3(2) fails with; 0: it does not */
  bool with_pidfd;
  bool bare;               /* the caller has no capability */
  bool traced;             /* the caller waits until somebody follows it, */
  volatile bool followed;  /* and does */
  volatile pid_t caller;
  volatile int pidfd;      /* what cgroup_spawn gave */
  volatile int fds;        /* open in the caller, before */
  volatile bool in;        /* in the caller, after: is the child in the group? */
  volatile int copied;     /* in the caller, after: a variable that the child changes */
  /* Of the child, where cgroup_spawn has returned 0: */
  volatile int ran;        /* it is there; with the value of that variable */
  volatile int child_fds;
  char own[4096];          /* its /proc/self/cgroup, first of all */
};

static void
nothing(int signal)
{
  (void)signal;
}

/* What the child does. */
static void __attribute__((noreturn))
be_child(struct scene *scene, int copied)
{
  scene->ran = copied;
  int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, scene->own, sizeof scene->own - 1) < 0)
    _exit(97);
  close(fd);
  scene->child_fds = count_fds(getpid());
  for (;;)
    pause();
}

/* What the caller does. */
static void __attribute__((noreturn))
be_caller(struct answer *a, struct scene *scene)
{
  static const int clone3[] = {SYS_clone3, -1};
  struct sigaction interrupt = {.sa_handler = nothing};
  __typeof__(&cgroup_spawn) spawn = STUDENT(cgroup_spawn);
  volatile int copied = 5;
  int pidfd = -1;
  die_with_parent();
  sigaction(SIGUSR1, &interrupt, NULL);
  signal(SIGPIPE, SIG_DFL);
  int group = scene->group ? open(scene->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : 800;
  if (scene->removed)
    rmdir(scene->removed);
  if (scene->bare)
    give_up_capabilities();
  if (scene->clone3)
    forbid_calls(scene->clone3, clone3);
  scene->fds = count_fds(getpid());
  while (scene->traced && !scene->followed)
    usleep(1000);
  pid_t pid = spawn(group, scene->with_pidfd ? &pidfd : NULL);
  if (pid == 0) {
    copied++;
    be_child(scene, copied);
  }
  int error = errno;
  scene->in = pid > 0 && is_in(scene->group, pid);
  scene->pidfd = pidfd;
  scene->copied = copied;
  errno = error;
  student_answer(a, pid);
  for (;;)
    pause();
}

static void
play(struct answer *a, const void *arg)
{
  struct scene *scene = (struct scene *)arg;
  pid_t pid = fork();
  if (pid == 0)
    be_caller(a, scene);
  scene->caller = pid;
}

/* Has cgroup_spawn returned in the caller, or is that gone? */
static bool
has_returned(const struct scene *scene)
{
  return student_said()->value != SAID_NOTHING || is_gone(scene->caller);
}

/* Wait until it has, and fail the test if it does not. */
static const struct answer *
await_return(const struct scene *scene)
{
  const struct answer *a = student_said();
  EXPECT(AWAIT(has_returned(scene)), "cgroup_spawn returns in the caller", "it does not");
  EXPECT(a->value != SAID_NOTHING, "cgroup_spawn returns in the caller", "the caller "
         "has ended: %s", WIFSIGNALED(stat_number(scene->caller, 52))
         ? strsignal(WTERMSIG(stat_number(scene->caller, 52))) : "it called exit");
  return a;
}

/* Start a child in a new group. Returns the student's process; *child is the child,
 * as /proc says. */
static pid_t
start_child(struct scene *scene, pid_t *child)
{
  scene->group = scene->group ?: make_group("start-");
  pid_t pid = student_start(play, scene);
  const struct answer *a = await_return(scene);
  EXPECT(a->value > 0, "cgroup_spawn returns the child's number", "%d, \"%s\"", a->value,
         a->text);
  *child = child_of(scene->caller);
  EXPECT(*child == a->value, "what cgroup_spawn returns is the number of a child of the "
         "caller", "it returns %d, and the children are: %s", a->value,
         *child ? children_of(scene->caller) : "none");
  return pid;
}

/* End all of them. */
static void
end_scene(pid_t pid, struct scene *scene)
{
  pid_t child = child_of(scene->caller);
  student_end(pid);
  end_process(scene->caller);
  end_process(child);
  groups_remove();
}

/* ---- a child in the group ---- */

static void
expect_inside(int clone3)
{
  struct scene *scene = shared(sizeof *scene);
  scene->clone3 = clone3;
  pid_t child, pid = start_child(scene, &child);
  EXPECT(scene->in, "when cgroup_spawn returns, the child is in the group: a line of its "
         "cgroup.procs", "it is not there");
  EXPECT(AWAIT(scene->child_fds || is_gone(child)) && !is_gone(child), "in the child "
         "cgroup_spawn returns 0, and that one lives on", "the child %s",
         is_gone(child) ? "has ended" : "does not get there");
  EXPECT(strstr(scene->own, strrchr(scene->group, '/')), "the child is in the group when "
         "cgroup_spawn returns in it, as /proc/self/cgroup says", "%s", scene->own);
  EXPECT(!is_in(scene->group, scene->caller), "the caller of cgroup_spawn stays where it "
         "is", "it is in the group, too");
  EXPECT(scene->ran == 6 && scene->copied == 5, "in the child cgroup_spawn returns 0, on a "
         "copy of the memory: a variable that is 5 becomes 6 there, and stays 5 in the "
         "caller", "%d, and %d", scene->ran, scene->copied);
  long long sent = stat_number(child, 38);
  EXPECT(sent == SIGCHLD, "the child's end will send SIGCHLD (17), as field 38 of "
         "/proc/PID/stat says", "%lld", sent);
  end_scene(pid, scene);
}

START_TEST(test_inside)
{
  expect_inside(0);
}
END_TEST

START_TEST(test_inside_other_way)
{
  expect_inside(ENOSYS);
  expect_inside(EINVAL);
  expect_inside(E2BIG);
}
END_TEST

/* In a frozen group nobody runs. So whoever runs was not in it. */
static void
expect_frozen(int clone3)
{
  struct scene *scene = shared(sizeof *scene);
  scene->clone3 = clone3;
  scene->group = make_group("start-");
  set_knob(scene->group, "cgroup.freeze", "1");
  pid_t child = 0, pid = student_start(play, scene);
  AWAIT((child = child_of(scene->caller)) > 0 || has_returned(scene));
  EXPECT(child > 0, "cgroup_spawn makes a child, in a frozen group, too", "none: it "
         "returns %d, \"%s\"", student_said()->value, student_said()->text);
  AWAIT(is_in(scene->group, child) || scene->ran);
  usleep(50000);
  EXPECT(!scene->ran, "a child in a frozen group does not run", "it has run: it was not "
         "in the group from its first instruction");
  EXPECT(!is_in(scene->group, scene->caller), "the caller of cgroup_spawn stays where it "
         "is", "it is in the group, too");
  set_knob(scene->group, "cgroup.freeze", "0");
  await_return(scene);
  EXPECT(AWAIT(scene->ran || is_gone(child)) && !is_gone(child), "once the group is "
         "thawed, the child runs", "it %s", is_gone(child) ? "has ended" : "does not");
  end_scene(pid, scene);
}

START_TEST(test_frozen)
{
  expect_frozen(0);
}
END_TEST

START_TEST(test_frozen_other_way)
{
  expect_frozen(ENOSYS);
}
END_TEST

/* ---- descriptors ---- */

static void
expect_descriptors(int clone3)
{
  struct scene *scene = shared(sizeof *scene);
  scene->clone3 = clone3;
  scene->with_pidfd = true;
  pid_t child, pid = start_child(scene, &child);
  pid_t target = pidfd_target(scene->caller, scene->pidfd);
  EXPECT(target == child, "the descriptor is a pidfd of the child, as /proc/PID/fdinfo "
         "shows it from outside", "it stands for process %d, the child is %d", target, child);
  EXPECT(fd_is_cloexec(scene->caller, scene->pidfd), "the pidfd is close-on-exec",
         "it is not");
  int more = count_fds(scene->caller) - scene->fds;
  EXPECT(more == 1, "the caller has one descriptor more than before: the pidfd", "%d more",
         more);
  AWAIT(scene->child_fds);
  more = scene->child_fds - scene->fds;
  EXPECT(more == 0, "the child has the descriptors that the caller had before, and no more",
         "%d more", more);
  end_scene(pid, scene);

  *scene = (struct scene){.clone3 = clone3};
  pid = start_child(scene, &child);
  more = count_fds(scene->caller) - scene->fds;
  EXPECT(more == 0, "the caller has no more descriptors than before if no pidfd was asked "
         "for", "%d more", more);
  end_scene(pid, scene);
}

START_TEST(test_descriptors)
{
  expect_descriptors(0);
}
END_TEST

START_TEST(test_descriptors_other_way)
{
  expect_descriptors(ENOSYS);
}
END_TEST

/* ---- failures ---- */

/* cgroup_spawn fails with `error` (or `other`), and nothing is left of it. */
static void
expect_none(struct scene *scene, const char *call, int error, int other)
{
  scene->with_pidfd = true;
  pid_t pid = student_start(play, scene);
  const struct answer *a = await_return(scene);
  expect_errno(a, call, a->error == other ? other : error);
  int more = count_fds(scene->caller) - scene->fds;
  EXPECT(more == 0, "when cgroup_spawn fails, no descriptor is left", "%d more than "
         "before, after %s", more, call);
  pid_t child = child_of(scene->caller);
  EXPECT(child == 0, "when cgroup_spawn fails, no child is left, and no zombie",
         "process %d (%s), after %s", child, status_text(child, "State"), call);
  EXPECT(!scene->ran, "a child that cannot be in the group never runs", "it has run, "
         "in %s", call);
  end_scene(pid, scene);
}

/* A controller that is here, and that a group with processes cannot hand on (cpu and
 * pids are of another kind: the manual, "Threads"). */
static const char *
domain_controller(void)
{
  static const char *const names[] = {"memory", "hugetlb", "io"};
  const char *have = in_dir(GROUPS_TOP, "cgroup.controllers");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strstr(have, names[i]))
      return names[i];
  need_controllers("memory");
  return "memory";
}

static void
expect_failures(int clone3)
{
  struct scene *scene = shared(sizeof *scene);
  char order[32], procs[PATH_MAX];
  *scene = (struct scene){.clone3 = clone3};
  expect_none(scene, "cgroup_spawn(a descriptor that is not open)", EBADF, EBADF);

  const char *group = make_group("start-");
  *scene = (struct scene){.clone3 = clone3, .group = group, .removed = group};
  expect_none(scene, "cgroup_spawn(a group that has been removed)", ENOENT, ENODEV);

  group = make_group("start-");
  snprintf(procs, sizeof procs, "%s/cgroup.procs", group);
  ck_assert_int_eq(chmod(procs, 0444), 0);
  *scene = (struct scene){.clone3 = clone3, .group = group, .bare = true};
  expect_none(scene, "cgroup_spawn(a group whose cgroup.procs we may not write)", EACCES,
              EACCES);

  snprintf(order, sizeof order, "+%s", domain_controller());
  group = make_group("start-");
  set_knob(GROUPS_TOP, "cgroup.subtree_control", order);
  set_knob(group, "cgroup.subtree_control", order);
  *scene = (struct scene){.clone3 = clone3, .group = group};
  expect_none(scene, "cgroup_spawn(a group that has handed controllers on)", EBUSY, EBUSY);
}

START_TEST(test_failures)
{
  expect_failures(0);
}
END_TEST

START_TEST(test_failures_other_way)
{
  expect_failures(ENOSYS);
}
END_TEST

START_TEST(test_full)
{
  struct scene *scene = shared(sizeof *scene);
  need_controllers("pids");
  set_knob(GROUPS_TOP, "cgroup.subtree_control", "+pids");
  const char *group = make_group("start-");
  set_knob(group, "pids.max", "1");
  put_process(group);
  *scene = (struct scene){.group = group};
  expect_none(scene, "cgroup_spawn(a group with as many processes as its pids.max)", EAGAIN,
              EAGAIN);
}
END_TEST

/* ---- step by step ---- */

/* Follow the caller, which waits for that. See ptrace(2). */
static void
trace_begin(struct scene *scene)
{
  int status;
  if (ptrace(PTRACE_SEIZE, scene->caller, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0 ||
      ptrace(PTRACE_INTERRUPT, scene->caller, NULL, NULL) < 0 ||
      waitpid(scene->caller, &status, __WALL) != scene->caller)
    student_cannot("no process may be followed here (mend it: sudo sysctl "
                   "kernel.yama.ptrace_scope=1; or start the container with --cap-add "
                   "SYS_PTRACE)");
  scene->followed = true;
}

/* Follow a caller without clone3(2) until it has a child, and give that time to get
 * where it waits. Returns the student's process, or 0 if there is no child. */
static pid_t
trace_to_child(struct scene *scene, pid_t *child)
{
  *scene = (struct scene){.clone3 = ENOSYS, .traced = true, .group = scene->group};
  pid_t pid = student_start(play, scene);
  trace_begin(scene);
  while ((*child = child_of(scene->caller)) == 0 && !has_returned(scene) &&
         trace_step(scene->caller))
    ;
  EXPECT(*child > 0, "without clone3(2), cgroup_spawn makes a child all the same", "none: "
         "it returns %d, \"%s\"", student_said()->value, student_said()->text);
  return pid;
}

/* Let a process get to where it waits, if it waits. */
static void
let_run(pid_t pid)
{
  for (int i = 0; i < 20 && !is_asleep(pid); i++)
    usleep(1000);
}

/* Who does not call clone3(2) at all does not meet these errors. */
START_TEST(test_other_errors)
{
  static const int errors[] = {EPERM, EAGAIN, ENOMEM};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    struct scene *scene = shared(sizeof *scene);
    struct __ptrace_syscall_info info = {0};
    bool called = false;
    char call[64];
    snprintf(call, sizeof call, "cgroup_spawn, where clone3(2) fails with %s,",
             strerrorname_np(errors[i]));
    *scene = (struct scene){.clone3 = errors[i], .traced = true,
                            .group = make_group("start-")};
    pid_t pid = student_start(play, scene);
    trace_begin(scene);
    while (!called && !has_returned(scene) && trace_step(scene->caller))
      called = ptrace(PTRACE_GET_SYSCALL_INFO, scene->caller, (void *)sizeof info, &info) > 0 &&
               info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_clone3;
    ptrace(PTRACE_DETACH, scene->caller, NULL, NULL);
    const struct answer *a = await_return(scene);
    if (called)
      expect_errno(a, call, errors[i]);
    end_scene(pid, scene);
  }
}
END_TEST

/* Can the kernel make a process in a group here? The descriptor is none, so it makes
 * none now. */
static bool
has_clone_into_cgroup(void)
{
  struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
                            .cgroup = INT_MAX};
  return syscall(SYS_clone3, &args, sizeof args) < 0 && errno == EBADF;
}

/* Who is put into the group at once is there when the kernel tells of its birth, before
 * its first instruction. Others are moved there later: that is for where it cannot be. */
START_TEST(test_born_inside)
{
  struct scene *scene = shared(sizeof *scene);
  unsigned long born = 0, inside = 0; /* the latest child; the latest one born inside */
  int status;
  long signal = 0;
  if (!has_clone_into_cgroup())
    student_cannot("clone3(2) with CLONE_INTO_CGROUP is not to be had here (mend it: "
                   "sh common/setup.sh vm, and the grader boots a machine that has it)");
  *scene = (struct scene){.traced = true, .group = make_group("start-")};
  pid_t pid = student_start(play, scene);
  trace_begin(scene);
  ptrace(PTRACE_SETOPTIONS, scene->caller, NULL,
         (void *)(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE));
  while (!has_returned(scene) &&
         ptrace(PTRACE_CONT, scene->caller, NULL, (void *)signal) == 0) {
    pid_t stopped;
    while ((stopped = waitpid(scene->caller, &status, __WALL | WNOHANG)) == 0 &&
           !has_returned(scene))
      usleep(1000);
    if (stopped != scene->caller || !WIFSTOPPED(status))
      break;
    int event = status >> 16;
    signal = event ? 0 : WSTOPSIG(status);
    if ((event != PTRACE_EVENT_FORK && event != PTRACE_EVENT_VFORK &&
         event != PTRACE_EVENT_CLONE) ||
        ptrace(PTRACE_GETEVENTMSG, scene->caller, NULL, &born) < 0)
      continue;
    if (is_in(scene->group, born))
      inside = born;
    if (waitpid(born, &status, __WALL) == (pid_t)born) /* it stands; let it go */
      ptrace(PTRACE_DETACH, born, NULL, NULL);
  }
  const struct answer *a = await_return(scene);
  EXPECT(a->value > 0, "cgroup_spawn returns the child's number", "%d, \"%s\"", a->value,
         a->text);
  EXPECT(inside == (unsigned long)a->value, "where the kernel has CLONE_INTO_CGROUP, the "
         "child is in the group before its first instruction", "it is made outside, and "
         "moved there");
  end_scene(pid, scene);
}
END_TEST

static void
expect_not_outside(const struct scene *scene, pid_t child)
{
  bool in = is_in(scene->group, child); /* first: it may be moved just then */
  EXPECT(!scene->ran || in || is_in(scene->group, child), "the child does not return from "
         "cgroup_spawn before it is in the group, however slow its parent is, and "
         "whatever signals come", "it has returned outside of the group");
}

START_TEST(test_slow_parent)
{
  struct scene *scene = shared(sizeof *scene);
  pid_t child, outside;
  scene->group = make_group("start-");
  pid_t pid = trace_to_child(scene, &child);
  let_run(child);
  kill(child, SIGUSR1); /* has a handler: so whatever waits fails with EINTR */
  do {
    let_run(child);
    usleep(1000);
    expect_not_outside(scene, child);
  } while (!has_returned(scene) && trace_step(scene->caller));
  ptrace(PTRACE_DETACH, scene->caller, NULL, NULL);
  await_return(scene);
  outside = !AWAIT(scene->ran || is_gone(child)) || is_gone(child);
  EXPECT(!outside, "the child lives on in the group, though a signal came while it waited "
         "for its parent (a handler ran)", "it %s",
         is_gone(child) ? "has ended" : "does not return");
  expect_not_outside(scene, child);
  end_scene(pid, scene);
}
END_TEST

/* One caller, killed `steps` after its child was there. False if it had returned by
 * then. */
static bool
kill_parent(struct scene *scene, int steps)
{
  pid_t child, pid = trace_to_child(scene, &child);
  let_run(child);
  while (steps-- > 0 && !has_returned(scene) && trace_step(scene->caller))
    ;
  bool over = has_returned(scene);
  kill(scene->caller, SIGKILL);
  EXPECT(AWAIT(is_gone(child) || is_in(scene->group, child) || scene->ran) &&
         (is_gone(child) || is_in(scene->group, child)), "a child whose parent is killed "
         "before it was moved does not stay, and never runs on, outside of the group",
         "it %s", scene->ran ? "runs on" : "waits for ever");
  student_end(pid);
  end_process(scene->caller);
  end_process(child);
  return !over;
}

START_TEST(test_killed_parent)
{
  struct scene *scene = shared(sizeof *scene);
  enum { MOST = 60 };
  adopt_orphans();
  scene->group = make_group("start-");
  for (int steps = 0; steps < MOST && kill_parent(scene, steps); steps++)
    ;
  groups_remove();
}
END_TEST

START_TEST(test_killed_child)
{
  struct scene *scene = shared(sizeof *scene);
  pid_t child;
  scene->group = make_group("start-");
  pid_t pid = trace_to_child(scene, &child);
  let_run(child);
  kill(child, SIGKILL);
  AWAIT(is_gone(child));
  ptrace(PTRACE_DETACH, scene->caller, NULL, NULL);
  AWAIT(has_returned(scene));
  EXPECT(student_said()->value != SAID_NOTHING, "the caller of cgroup_spawn outlives a child "
         "that somebody kills before it was moved", "%s", !is_gone(scene->caller)
         ? "it waits for ever" : "it has ended (SIGPIPE: pipe(7))");
  end_scene(pid, scene);
}
END_TEST

void
start_tests(void)
{
  student_test("3.3 cgroup_spawn makes a child in the group, and the caller stays where it "
               "is", test_inside);
  student_test("3.3 the child runs nothing before it is in the group", test_frozen);
  student_test("3.3 the child is in the group from its first instruction", test_born_inside);
  student_test("3.3 cgroup_spawn gives a pidfd, and leaves no other descriptor",
               test_descriptors);
  student_test("3.3 cgroup_spawn says why it fails, and leaves no child", test_failures);
  student_test("3.3 cgroup_spawn passes on what is no lack of clone3", test_other_errors);
  student_test("3.3 cgroup_spawn fails with EAGAIN where pids.max is reached", test_full);
  student_test("3.3 without clone3 the child is in the group all the same",
               test_inside_other_way);
  student_test("3.3 without clone3 the child runs nothing before it is in the group",
               test_frozen_other_way);
  student_test("3.3 without clone3 there is a pidfd, and no other descriptor",
               test_descriptors_other_way);
  student_test("3.3 without clone3 it says why it fails, and leaves no child",
               test_failures_other_way);
  student_test("3.3 without clone3 the child waits until it has been moved",
               test_slow_parent);
  student_test("3.3 without clone3 a parent that is killed leaves no child outside",
               test_killed_parent);
  student_test("3.3 without clone3 the caller outlives a child that is killed",
               test_killed_child);
}
