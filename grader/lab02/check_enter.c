/* check_enter.c - 2.7, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_lab02.h"
#include "process.h"

/* For bodies: a process to look up, and what came of it. */
struct visit {
  unsigned long long flags;  /* its new namespaces */
  bool unprivileged;         /* we have no capability when we make it, and later */
  bool time_later;           /* its later children have another time namespace */
  bool our_time_later;       /* ours have */
  bool user_later;           /* it moves to a user namespace after the others */
  const char *root;          /* what it makes its root, or NULL */
  bool enter;                /* after ns_open, ns_enter */
  void (*between)(struct visit *); /* what happens before that, or NULL */
  volatile pid_t process;    /* it; or, before, one that is there already */
  volatile bool made;        /* by us */
  volatile int flags_found, pidfd;
  volatile pid_t child;      /* one of ours, from afterwards */
};

/* In the process: become what `visit` wants, and say so by closing `ready`. */
static void
be_process(const struct visit *visit, int ready)
{
  if (visit->root &&
      (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
       mount("root", visit->root, "tmpfs", 0, NULL) < 0 || chdir(visit->root) < 0 ||
       syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0))
    _exit(99);
  if (visit->time_later && unshare(CLONE_NEWTIME) < 0)
    _exit(99);
  if (visit->user_later && unshare(CLONE_NEWUSER) < 0)
    _exit(99);
  close(ready);
  wait_to_be_killed();
}

static pid_t
make_one(const struct visit *visit)
{
  struct clone_args args = {.flags = visit->flags, .exit_signal = SIGCHLD};
  int ready[2];
  char byte;
  if (pipe2(ready, O_CLOEXEC) < 0)
    _exit(99);
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0)
    be_process(visit, ready[1]);
  close(ready[1]);
  if (pid < 0 || read(ready[0], &byte, 1) != 0) {
    perror("the test cannot make a process in new namespaces");
    _exit(99);
  }
  close(ready[0]);
  return pid;
}

static void
visit_process(struct answer *a, const void *arg)
{
  struct visit *visit = (struct visit *)arg;
  struct ns_target target;
  memset(&target, 0x5a, sizeof target); /* whoever fills it fills all of it */
  if (visit->unprivileged)
    give_up_capabilities(-1);
  if (visit->process == 0) {
    visit->process = make_one(visit);
    visit->made = true;
  }
  if (visit->our_time_later && unshare(CLONE_NEWTIME) < 0)
    _exit(99);
  int value = STUDENT(ns_open)(visit->process, &target);
  if (value == 0) {
    visit->flags_found = target.flags;
    visit->pidfd = target.pidfd;
    if (visit->between)
      visit->between(visit);
    if (visit->enter)
      value = STUDENT(ns_enter)(&target);
  }
  student_answer(a, value);
  if (value == 0 && visit->enter) {
    pid_t pid = fork();
    if (pid == 0)
      wait_to_be_killed();
    visit->child = pid;
  }
}

static void
end_visit(pid_t pid, const struct visit *visit)
{
  student_end(pid);
  end_process(visit->child);
  end_process(visit->process);
}

/* ---- ns_open ---- */

static void
expect_visit_finds(struct visit *visit)
{
  unsigned long long flags = visit->flags;
  pid_t pid = student_start(visit_process, visit);
  expect_success(student_said(), "ns_open");
  EXPECT((unsigned long long)visit->flags_found == flags, "`flags` are the kinds "
         "in which the process is elsewhere than the caller", "%s, and it is "
         "elsewhere in: %s (%#x, not %#llx)", kinds_text(visit->flags_found),
         kinds_text(flags), visit->flags_found, flags);
  pid_t target = pidfd_target(pid, visit->pidfd);
  EXPECT(target == visit->process, "`pidfd` is a pidfd of the process, as "
         "/proc/PID/fdinfo shows it from outside", "it stands for process %d, not "
         "%d", target, visit->process);
  EXPECT(fd_is_cloexec(pid, visit->pidfd), "`pidfd` is close-on-exec", "it is not");
  int count = count_pidfds(pid);
  EXPECT(count == 1, "one pidfd is open", "%d", count);
  /* It has blocked all signals: what was sent is pending. */
  unsigned long long sent = status_number(visit->process, "ShdPnd", 16);
  EXPECT(sent == 0, "ns_open sends the process no signal", "ShdPnd in "
         "/proc/PID/status: %016llx", sent);
  end_visit(pid, visit);
}

static void
expect_found(unsigned long long flags)
{
  struct visit *visit = shared(sizeof *visit);
  visit->flags = flags;
  expect_visit_finds(visit);
}

START_TEST(test_open)
{
  unsigned long long all = kinds_here();
  for (int bit = 0; bit < 64; bit++)
    if (all >> bit & 1)
      expect_found(1ULL << bit);
  expect_found(all);
  expect_found(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET);
}
END_TEST

START_TEST(test_open_children)
{
  struct visit *visit = shared(sizeof *visit);
  if (!(kinds_here() & CLONE_NEWTIME))
    return; /* there is nothing that could differ */
  *visit = (struct visit){.flags = CLONE_NEWUTS, .time_later = true};
  expect_visit_finds(visit);
  *visit = (struct visit){.flags = CLONE_NEWUTS, .our_time_later = true};
  expect_visit_finds(visit);
}
END_TEST

static void
expect_not_found(struct visit *visit, const char *call, int error)
{
  pid_t pid = student_start(visit_process, visit);
  struct answer a = *student_said();
  int count = count_pidfds(pid);
  student_end(pid);
  if (visit->made)
    end_process(visit->process);
  expect_errno(&a, call, error);
  EXPECT(count == 0, "ns_open leaves no pidfd open when it fails", "%d", count);
}

START_TEST(test_open_refused)
{
  struct visit *same = shared(sizeof *same), *gone = shared(sizeof *gone);
  struct visit *mine = shared(sizeof *mine);
  expect_not_found(same, "ns_open(a process in our own namespaces)", EINVAL);
  gone->process = make_process(0, 0);
  ck_assert_int_gt(gone->process, 0);
  end_process(gone->process);
  expect_not_found(gone, "ns_open(a process that is gone)", ESRCH);
  gone->process = make_process(0, 0);
  ck_assert_int_gt(gone->process, 0);
  kill(gone->process, SIGKILL);
  waitid(P_PID, gone->process, &(siginfo_t){0}, WEXITED | WNOWAIT);
  /* Its directory in /proc may not be looked at by everybody; that is true, too. */
  student_end(student_start(visit_process, gone));
  if (student_said()->error != EACCES)
    expect_not_found(gone, "ns_open(a process that is a zombie)", ESRCH);
  end_process(gone->process);
  gone->process = INT_MAX;
  expect_not_found(gone, "ns_open(a number that no process has)", ESRCH);
  /* The test itself has a capability more than the student's process. */
  mine->process = getpid();
  pid_t pid = student_start(visit_process, mine);
  const struct answer *a = student_said();
  EXPECT(a->value == -1 && (a->error == EACCES || a->error == EPERM), "ns_open(a "
         "process that may not be looked at) returns -1 with EACCES or EPERM",
         "%d, %s", a->value, strerror(a->error));
  student_end(pid);
}
END_TEST

/* ---- ns_enter ---- */

static void
expect_entered(struct visit *visit)
{
  visit->enter = true;
  pid_t pid = student_start(visit_process, visit);
  expect_success(student_said(), "ns_open and then ns_enter");
  /* Nobody leaves his PID namespace himself. */
  unsigned long long apart = kinds_but(CLONE_NEWPID | CLONE_NEWTIME,
                                       kinds_apart(pid, visit->process));
  EXPECT(apart == 0, "after ns_enter we are in all namespaces of the process, as "
         "/proc/PID/ns shows it from outside", "not in the same: %s",
         kinds_text(apart));
  apart = kinds_apart(visit->child, visit->process);
  EXPECT(apart == 0, "a child of ours is in all of them, those of processes and of "
         "time, too", "not in the same: %s", kinds_text(apart));
  if (visit->flags & CLONE_NEWPID) {
    char ours[64];
    snprintf(ours, sizeof ours, "%d\t2", visit->child);
    const char *got = status_text(visit->child, "NSpid");
    EXPECT(strcmp(got, ours) == 0, "the child has a number in the PID namespace of "
           "the process: NSpid in /proc/PID/status", "%s, not %s", got, ours);
  }
  EXPECT(fd_is_open(pid, visit->pidfd), "ns_enter leaves target->pidfd open: the "
         "caller closes it", "it is closed");
  end_visit(pid, visit);
}

START_TEST(test_enter)
{
  struct visit *visit = shared(sizeof *visit);
  unsigned long long all = kinds_here();
  visit->flags = kinds_but(CLONE_NEWUSER, all);
  expect_entered(visit);
  *visit = (struct visit){.flags = all};
  expect_entered(visit);
  *visit = (struct visit){.flags = CLONE_NEWUTS};
  expect_entered(visit);
}
END_TEST

START_TEST(test_enter_user)
{
  struct visit *visit = shared(sizeof *visit);
  visit->flags = kinds_here();
  visit->unprivileged = true;
  expect_entered(visit);
  /* The other way round: its user namespace has no say in the others, which are
   * the host's. Whoever moves there first can join none of them. */
  *visit = (struct visit){
      .flags = CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID,
      .user_later = true};
  expect_entered(visit);
}
END_TEST

/* Which directory is it? */
static const char *
directory(pid_t pid, const char *name)
{
  static char texts[2][64];
  static int next;
  char path[64], *text = texts[next++ % 2];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/%s/.", pid, name);
  if (stat(path, &st) < 0)
    snprintf(text, sizeof *texts, "%s", strerror(errno));
  else
    snprintf(text, sizeof *texts, "inode %ju of device %ju", (uintmax_t)st.st_ino,
             (uintmax_t)st.st_dev);
  return text;
}

START_TEST(test_enter_root)
{
  static const char *const names[] = {"root", "cwd"};
  struct visit *visit = shared(sizeof *visit);
  visit->flags = CLONE_NEWNS;
  visit->root = make_dir("root", 0755);
  visit->enter = true;
  pid_t pid = student_start(visit_process, visit);
  expect_success(student_said(), "ns_open and then ns_enter");
  for (int i = 0; i < 2; i++) {
    const char *got = directory(pid, names[i]);
    const char *expected = directory(visit->process, "root");
    EXPECT(strcmp(got, expected) == 0, "after ns_enter our root and our current "
           "directory are the root of the process", "/proc/PID/%s is %s, and its "
           "root is %s", names[i], got, expected);
  }
  end_visit(pid, visit);
}
END_TEST

/* ---- what is gone is not entered ---- */

static void
kill_it(struct visit *visit)
{
  kill(visit->process, SIGKILL);
  waitid(P_PID, visit->process, &(siginfo_t){0}, WEXITED | WNOWAIT);
}

static void
kill_and_reap_it(struct visit *visit)
{
  end_process(visit->process);
}

/* Somebody else gets its number. */
static void
replace_it(struct visit *visit)
{
  end_process(visit->process);
  if (make_process(CLONE_NEWUTS | CLONE_NEWNET, visit->process) != visit->process)
    _exit(99);
}

static void
expect_not_entered(void (*between)(struct visit *), const char *call)
{
  struct visit *visit = shared(sizeof *visit);
  visit->flags = CLONE_NEWUTS | CLONE_NEWIPC;
  visit->enter = true;
  visit->between = between;
  pid_t pid = student_start(visit_process, visit);
  struct answer a = *student_said();
  unsigned long long apart = kinds_but(CLONE_NEWNS, kinds_apart(pid, getpid()));
  end_visit(pid, visit);
  expect_errno(&a, call, ESRCH);
  EXPECT(apart == 0, "nothing is joined then", "we are in other namespaces: %s",
         kinds_text(apart));
}

START_TEST(test_enter_gone)
{
  expect_not_entered(kill_and_reap_it, "ns_enter of a process that has ended since "
                     "ns_open");
  expect_not_entered(kill_it, "ns_enter of a process that is a zombie by now");
}
END_TEST

START_TEST(test_enter_reused)
{
  expect_not_entered(replace_it, "ns_enter of a process whose number another one "
                     "has got since ns_open");
}
END_TEST

/* The same at any moment: after every single system call that ns_open or
 * ns_enter makes, the process ends, and another one gets its number, or
 * nobody. */
struct swap {
  bool enter;                /* in the middle of ns_enter, not of ns_open */
  pid_t process;             /* both of them, one after the other */
  volatile pid_t student;
  volatile bool ready, followed, done;
  volatile int value, error;
  struct ns_target target;
};

enum {
  FIRST = CLONE_NEWUTS | CLONE_NEWIPC,
  SECOND = CLONE_NEWUTS | CLONE_NEWCGROUP,
};

static void
look_up_traced(struct answer *a, const void *arg)
{
  struct swap *swap = (struct swap *)arg;
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    if (swap->enter && STUDENT(ns_open)(swap->process, &swap->target) < 0)
      _exit(99);
    swap->ready = true;
    wait_for_trace(&swap->followed);
    swap->value = swap->enter ? STUDENT(ns_enter)(&swap->target)
                              : STUDENT(ns_open)(swap->process, &swap->target);
    swap->error = errno;
    swap->done = true;
    for (;;)
      pause();
  }
  swap->student = pid;
  student_answer(a, 0);
}

static pid_t
make_quiet(unsigned long long flags, pid_t number)
{
  pid_t pid = make_process(flags, number);
  ck_assert_int_gt(pid, 0);
  ck_assert(AWAIT(is_asleep(pid)));
  return pid;
}

/* Swap after `calls` system calls, or only end the process. Returns false if the
 * function had returned before. */
static bool
swap_after(bool enter, bool reused, int calls)
{
  struct swap *swap = shared(sizeof *swap);
  bool in_time = true;
  swap->enter = enter;
  swap->process = make_quiet(FIRST, 0);
  unsigned long long uts = ns_inode(swap->process, "uts");
  unsigned long long ipc = ns_inode(swap->process, "ipc");
  pid_t pid = student_start(look_up_traced, swap), student = swap->student;
  AWAIT(swap->ready || is_gone(student));
  EXPECT(swap->ready, "ns_open returns 0 for a process in other namespaces", "it "
         "does not");
  unsigned long long expected = kinds_apart(student, swap->process);
  trace_begin(student, &swap->followed);
  for (int i = 0; i < 2 * calls && in_time; i++) /* its beginning, and its end */
    in_time = trace_step(student) && !swap->done;
  end_process(swap->process);
  if (reused)
    make_quiet(SECOND, swap->process);
  trace_end(student);
  AWAIT(swap->done || is_gone(student));
  EXPECT(swap->done, "the function returns", "it ended the process");
  EXPECT(swap->value == 0 || swap->error == ESRCH, "a process that ends meanwhile "
         "is one that is gone: ESRCH", "%s", strerror(swap->error));
  EXPECT(in_time || swap->value == 0, "a process whose number stays its own is "
         "found, and entered", "%s returned %d", enter ? "ns_enter" : "ns_open",
         swap->value);
  if (enter && reused) {
    unsigned long long apart = kinds_apart(student, swap->process) & SECOND;
    EXPECT(apart == SECOND, "ns_enter never joins the namespaces of another "
           "process that has got the number", "it did, and is with that one in: %s",
           kinds_text(SECOND & ~apart));
    EXPECT(swap->value != 0 || (ns_inode(student, "uts") == uts &&
                                ns_inode(student, "ipc") == ipc),
           "ns_enter returns 0 only if it has joined the namespaces of the process",
           "it returned 0, and did not");
  } else if (!enter && swap->value == 0) {
    /* Whom has it got? If that is the first one, which may have ended after
     * ns_open was sure of it, then all that was read must be about that one. */
    pid_t target = pidfd_target(student, swap->target.pidfd);
    unsigned long long apart = kinds_apart(student, swap->process);
    EXPECT(target != 0 || (unsigned long long)swap->target.flags == expected,
           "`flags` and `pidfd` are about one and the same process", "pidfd stands "
           "for the one that has ended, which was elsewhere in %s, and flags say %s",
           kinds_text(expected), kinds_text(swap->target.flags));
    EXPECT(target == 0 || (unsigned long long)swap->target.flags == apart,
           "`flags` and `pidfd` are about one and the same process", "pidfd stands "
           "for the one that got the number, which is elsewhere in %s, and flags "
           "say %s", kinds_text(apart), kinds_text(swap->target.flags));
  }
  student_end(pid);
  end_process(student);
  end_process(swap->process);
  return in_time;
}

START_TEST(test_open_swapped)
{
  int calls = 1;
  while (calls < 60 && swap_after(false, true, calls))
    calls++;
  EXPECT(calls > 1, "ns_open makes system calls", "none");
}
END_TEST

START_TEST(test_enter_swapped)
{
  int calls = 1;
  while (calls < 60 && swap_after(true, true, calls))
    calls++;
  EXPECT(calls > 1, "ns_enter makes system calls", "none");
}
END_TEST

START_TEST(test_open_ended)
{
  int calls = 1;
  while (calls < 60 && swap_after(false, false, calls))
    calls++;
  EXPECT(calls > 1, "ns_open makes system calls", "none");
}
END_TEST

void
enter_tests(void)
{
  student_test("2.7 ns_open finds the kinds in which a process is elsewhere",
               test_open);
  student_test("2.7 ns_open asks where a process is, not where its children will be",
               test_open_children);
  student_test("2.7 ns_open refuses what cannot be entered", test_open_refused);
  student_test("2.7 ns_enter joins all namespaces of a process", test_enter);
  student_test("2.7 ns_enter arrives in the root of the process", test_enter_root);
  student_test("2.7 ns_enter refuses a process that has ended", test_enter_gone);
  student_test("2.7 ns_enter refuses a process that has got the number since",
               test_enter_reused);
  student_test("2.7 ns_enter joins them in the right order, with privilege and "
               "without", test_enter_user);
  student_test("2.7 ns_open is about one process, also if its number changes hands "
               "meanwhile", test_open_swapped);
  student_test("2.7 ns_open knows a process that ends meanwhile", test_open_ended);
  student_test("2.7 ns_enter is about one process, also if its number changes hands "
               "meanwhile", test_enter_swapped);
}
