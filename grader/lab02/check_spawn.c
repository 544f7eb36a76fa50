/* check_spawn.c - 2.1, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check_lab02.h"
#include "process.h"

/* ---- ns_clone ---- */

/* For bodies: what to make, and what was made. */
struct made {
  unsigned long long flags;
  bool with_pidfd;     /* ask for one */
  bool unprivileged;   /* without any capability */
  volatile int pidfd;
  unsigned long long mounts; /* the caller's mount namespace, before */
};

static void
clone_and_wait(struct answer *a, const void *arg)
{
  struct made *made = (struct made *)arg;
  int pidfd = -1;
  if (made->unprivileged)
    give_up_capabilities(-1);
  made->mounts = ns_inode(getpid(), "mnt");
  pid_t pid = STUDENT(ns_clone)(made->flags, made->with_pidfd ? &pidfd : NULL);
  if (pid == 0)
    wait_to_be_killed();
  made->pidfd = pidfd;
  student_answer(a, pid);
}

/* Let ns_clone make a process. Returns the number of the student's process;
 * *child is the one made, as /proc says. */
static pid_t
start_clone(struct made *made, pid_t *child)
{
  pid_t pid = student_start(clone_and_wait, made);
  const struct answer *a = student_said();
  if (a->value == SAID_NOTHING)
    expect_success(a, "ns_clone"); /* which says how it ended */
  EXPECT(a->value > 0, "ns_clone returns the child's number", "%d, \"%s\"", a->value,
         a->text);
  *child = child_of(pid);
  EXPECT(*child == a->value, "what ns_clone returns is the number of a child of the "
         "caller", "it returns %d, and the child is %d (0: none)", a->value, *child);
  return pid;
}

/* End both. */
static void
end_clone(pid_t pid, pid_t child)
{
  student_end(pid);
  end_process(child);
}

static void
expect_kinds(unsigned long long flags)
{
  struct made *made = shared(sizeof *made);
  pid_t child;
  made->flags = flags;
  pid_t pid = start_clone(made, &child);
  /* The student's process has a mount namespace of its own from the start. */
  unsigned long long got = kinds_but(CLONE_NEWNS, kinds_apart(pid, getpid()));
  if (ns_inode(pid, "mnt") != made->mounts)
    got |= CLONE_NEWNS;
  EXPECT(got == 0, "the caller of ns_clone stays where it is", "it is in other "
         "namespaces: %s", kinds_text(got));
  EXPECT(ns_inode(pid, "pid_for_children") == ns_inode(getpid(), "pid") &&
         ns_inode(pid, "time_for_children") == ns_inode(getpid(), "time"),
         "the caller of ns_clone stays where it is, and so will its other children",
         "they will be in other namespaces");
  got = kinds_apart(pid, child);
  EXPECT(got == flags, "the child is in new namespaces of the kinds that were "
         "asked for, and in no others, as /proc/PID/ns shows them from outside",
         "asked for: %s; new are: %s", kinds_text(flags), kinds_text(got));
  end_clone(pid, child);
}

START_TEST(test_clone_each)
{
  unsigned long long all = kinds_here();
  for (int bit = 0; bit < 64; bit++)
    if (all >> bit & 1)
      expect_kinds(1ULL << bit);
}
END_TEST

START_TEST(test_clone_together)
{
  unsigned long long all = kinds_here();
  expect_kinds(all);
  expect_kinds(CLONE_NEWUTS | CLONE_NEWIPC);
  expect_kinds(kinds_but(CLONE_NEWUSER | CLONE_NEWNET, all));
  expect_kinds(0);
}
END_TEST

START_TEST(test_clone_sigchld)
{
  struct made *made = shared(sizeof *made);
  pid_t child;
  made->flags = CLONE_NEWUTS | CLONE_NEWPID;
  pid_t pid = start_clone(made, &child);
  long long sent = stat_number(child, 38);
  EXPECT(sent == SIGCHLD, "the child's end will send SIGCHLD (17), as field 38 of "
         "/proc/PID/stat says", "%lld", sent);
  end_clone(pid, child);
}
END_TEST

static void
clone_and_exit(struct answer *a, const void *arg)
{
  volatile int mine = *(const int *)arg;
  int status = 0;
  pid_t pid = STUDENT(ns_clone)(CLONE_NEWUTS, NULL);
  if (pid == 0) {
    mine++;
    _exit(mine);
  }
  if (pid > 0)
    waitpid(pid, &status, 0);
  student_answer(a, pid < 0 ? -1 : WEXITSTATUS(status));
  if (pid > 0)
    snprintf(a->text, sizeof a->text, "%d", mine);
}

START_TEST(test_clone_copy)
{
  int number = 20 + getpid() % 50;
  const struct answer *a = student_call(clone_and_exit, &number);
  EXPECT(a->value == number + 1, "in the child ns_clone returns 0; it goes on from "
         "there with what the variables held, and can be waited for: exit status 1 "
         "more than the variable's value", "%d for %d, \"%s\"", a->value, number,
         a->text);
  EXPECT(atoi(a->text) == number, "the child has a copy of the memory: what it "
         "changes stays as it was in the parent", "%s, not %d", a->text, number);
}
END_TEST

START_TEST(test_clone_pidfd)
{
  struct made *made = shared(sizeof *made);
  pid_t child;
  made->flags = CLONE_NEWPID;
  made->with_pidfd = true;
  pid_t pid = start_clone(made, &child);
  pid_t target = pidfd_target(pid, made->pidfd);
  EXPECT(target == child, "the descriptor is a pidfd of the child, as "
         "/proc/PID/fdinfo shows it from outside", "it stands for process %d, the "
         "child is %d", target, child);
  EXPECT(fd_is_cloexec(pid, made->pidfd), "the pidfd is close-on-exec", "it is not");
  int count = count_pidfds(pid);
  EXPECT(count == 1, "there is one pidfd", "%d", count);
  end_clone(pid, child);

  made->with_pidfd = false;
  pid = start_clone(made, &child);
  count = count_pidfds(pid);
  EXPECT(count == 0, "no pidfd is left open if none was asked for", "%d", count);
  end_clone(pid, child);
}
END_TEST

START_TEST(test_clone_refused)
{
  struct made *made = shared(sizeof *made);
  made->flags = CLONE_NEWUTS;
  made->unprivileged = true;
  expect_errno(student_call(clone_and_wait, made), "ns_clone without CAP_SYS_ADMIN",
               EPERM);
  made->unprivileged = false;
  made->flags = CLONE_NEWNS | CLONE_FS; /* see ERRORS */
  expect_errno(student_call(clone_and_wait, made), "ns_clone(CLONE_NEWNS | "
               "CLONE_FS)", EINVAL);
}
END_TEST

/* ---- ns_hostname ---- */

/* For bodies. */
struct host {
  char name[80];
  bool unprivileged;
};

static void
set_name(struct answer *a, const void *arg)
{
  const struct host *host = arg;
  if (unshare(CLONE_NEWUTS) < 0)
    _exit(99);
  if (host->unprivileged)
    give_up_capabilities(-1);
  student_answer(a, STUDENT(ns_hostname)(host->name));
}

/* The host name in the UTS namespace of a process. Valid until the next
 * call. */
static const char *
name_of(pid_t pid)
{
  static char name[256];
  char path[64];
  int ends[2];
  snprintf(path, sizeof path, "/proc/%d/ns/uts", pid);
  int ns = open(path, O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    if (setns(ns, CLONE_NEWUTS) < 0 || gethostname(name, sizeof name) < 0)
      _exit(1);
    _exit(write(ends[1], name, strlen(name)) < 0);
  }
  close(ns);
  close(ends[1]);
  ssize_t n = read(ends[0], name, sizeof name - 1);
  close(ends[0]);
  name[n < 0 ? 0 : n] = '\0';
  waitpid(child, NULL, 0);
  return name;
}

/* A host name of this length that nobody can guess. */
static void
random_name(char *name, size_t length)
{
  unsigned char bytes[80];
  ck_assert_int_eq(getentropy(bytes, sizeof bytes), 0);
  for (size_t i = 0; i < length; i++)
    name[i] = 'a' + bytes[i] % 26;
  name[length] = '\0';
}

START_TEST(test_hostname)
{
  static const size_t lengths[] = {1, 12, 64};
  char before[256];
  snprintf(before, sizeof before, "%s", name_of(getpid()));
  for (size_t i = 0; i < 3; i++) {
    struct host host = {.unprivileged = false};
    random_name(host.name, lengths[i]);
    pid_t pid = student_start(set_name, &host);
    expect_success(student_said(), "ns_hostname");
    const char *got = name_of(pid);
    EXPECT(strcmp(got, host.name) == 0, "the host name in the new UTS namespace, "
           "as seen from outside, is the one that was asked for", "\"%s\", not "
           "\"%s\"", got, host.name);
    student_end(pid);
  }
  EXPECT(strcmp(name_of(getpid()), before) == 0, "the host's name stays", "%s",
         name_of(getpid()));
}
END_TEST

static void
expect_no_name(const struct host *host, const char *call, int error)
{
  char before[256];
  snprintf(before, sizeof before, "%s", name_of(getpid()));
  pid_t pid = student_start(set_name, host);
  struct answer a = *student_said();
  char after[256];
  snprintf(after, sizeof after, "%s", name_of(pid));
  student_end(pid);
  expect_errno(&a, call, error);
  EXPECT(strcmp(before, after) == 0, "a name that is refused changes nothing", "the "
         "host name is \"%s\"", after);
}

START_TEST(test_hostname_refused)
{
  struct host empty = {.name = ""}, long_name = {.unprivileged = false};
  struct host unprivileged = {.name = "name", .unprivileged = true};
  random_name(long_name.name, 65);
  expect_no_name(&empty, "ns_hostname(\"\")", EINVAL);
  expect_no_name(&long_name, "ns_hostname(a name of 65 bytes)", EINVAL);
  expect_no_name(&unprivileged, "ns_hostname without CAP_SYS_ADMIN", EPERM);
}
END_TEST

/* ---- ns_time ---- */

/* For bodies. */
struct shift {
  long long seconds;
  bool unprivileged, no_user;
};

static void
shift_clocks(struct answer *a, const void *arg)
{
  const struct shift *shift = arg;
  /* In the cage nobody may set clocks, not even root (CAP_SYS_TIME). In a user
   * namespace of his own he may. */
  if (!shift->no_user && unshare(CLONE_NEWUSER) < 0)
    _exit(99);
  if (shift->unprivileged)
    give_up_capabilities(-1);
  int value = STUDENT(ns_time)(shift->seconds);
  student_answer(a, value);
  if (value == 0 && fork() == 0)
    wait_to_be_killed();
}

static long long
nanoseconds(int clock)
{
  struct timespec t;
  syscall(SYS_clock_gettime, clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* What a clock shows in the time namespace of a process; -1 if that cannot be
 * said. */
static long long
clock_of(pid_t pid, int clock)
{
  long long *shows = shared(sizeof *shows);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/time", pid);
  int ns = open(path, O_RDONLY | O_CLOEXEC);
  *shows = -1;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    if (setns(ns, CLONE_NEWTIME) == 0)
      *shows = nanoseconds(clock);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  close(ns);
  return *shows;
}

static void
expect_shift(long long seconds)
{
  static const struct {
    int id;
    const char *name;
  } clocks[] = {{CLOCK_MONOTONIC, "CLOCK_MONOTONIC"},
                {CLOCK_BOOTTIME, "CLOCK_BOOTTIME"}};
  struct shift shift = {.seconds = seconds};
  char expected[128];
  pid_t pid = student_start(shift_clocks, &shift);
  expect_success(student_said(), "ns_time");
  pid_t child = child_of(pid);
  EXPECT(kinds_apart(child, getpid()) & CLONE_NEWTIME, "a child is in a new time "
         "namespace", "it is in ours");
  EXPECT(!(kinds_apart(pid, getpid()) & CLONE_NEWTIME), "the caller itself stays in "
         "the time namespace that it was in", "it does not");
  for (size_t i = 0; i < 2; i++) {
    long long before = nanoseconds(clocks[i].id);
    long long inside = clock_of(child, clocks[i].id);
    long long after = nanoseconds(clocks[i].id);
    snprintf(expected, sizeof expected, "for a child %s shows %lld seconds more "
             "than outside", clocks[i].name, seconds);
    EXPECT(before + seconds * 1000000000 <= inside &&
           inside <= after + seconds * 1000000000, expected, "%.3f more",
           (inside - after) / 1e9);
  }
  student_end(pid);
  end_process(child);
}

START_TEST(test_time)
{
  if (!(kinds_here() & CLONE_NEWTIME))
    return; /* there is nothing that could be done */
  expect_shift(100000 + getpid() % 1000);
  expect_shift(-(nanoseconds(CLOCK_MONOTONIC) / 2000000000) - 1);
  expect_shift(0);
}
END_TEST

START_TEST(test_time_refused)
{
  if (!(kinds_here() & CLONE_NEWTIME))
    return;
  struct shift early = {.seconds = -10000000000}, late = {.seconds = 1LL << 62};
  struct shift unprivileged = {.seconds = 1, .unprivileged = true};
  struct shift here = {.seconds = 1, .no_user = true};
  expect_errno(student_call(shift_clocks, &early), "ns_time(-10000000000), before "
               "the clocks' 0", ERANGE);
  expect_errno(student_call(shift_clocks, &late), "ns_time(2^62)", ERANGE);
  expect_errno(student_call(shift_clocks, &unprivileged), "ns_time without any "
               "capability", EPERM);
  expect_errno(student_call(shift_clocks, &here), "ns_time with CAP_SYS_ADMIN, but "
               "without CAP_SYS_TIME", EPERM);
}
END_TEST

void
spawn_tests(void)
{
  student_test("2.1 ns_clone makes one namespace of each kind, and no other",
               test_clone_each);
  student_test("2.1 ns_clone makes several kinds at once", test_clone_together);
  student_test("2.1 ns_clone returns twice, with a copy of the memory",
               test_clone_copy);
  student_test("2.1 ns_clone makes a child whose end sends SIGCHLD",
               test_clone_sigchld);
  student_test("2.1 ns_clone gives a pidfd of the child", test_clone_pidfd);
  student_test("2.1 ns_clone says why it fails", test_clone_refused);
  student_test("2.1 ns_hostname sets the name of this namespace", test_hostname);
  student_test("2.1 ns_hostname refuses what is no host name",
               test_hostname_refused);
  student_test("2.1 ns_time shifts the clocks of the children", test_time);
  student_test("2.1 ns_time refuses what cannot be", test_time_refused);
}
