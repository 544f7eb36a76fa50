/* check_life.c - processes in groups, and a function that runs meanwhile. */
#include "life.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "clean.h"

long
life_patience(void)
{
  const char *seconds = getenv("PATIENCE");
  return (seconds && atoi(seconds) > 0 ? atoi(seconds) : 10) * 500L;
}

void *
life_shared(size_t size)
{
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ck_assert_ptr_ne(memory, MAP_FAILED);
  return memory;
}

/* ---- looking ---- */

/* What follows the name in /proc/PID/stat: "S 1 ...". "" if it is gone. */
static const char *
stat_of(pid_t pid)
{
  static char text[2048];
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  text[n > 0 ? n : 0] = '\0';
  char *end = strrchr(text, ')'); /* the name may hold anything */
  return end ? end + 2 : "";
}

char
life_state(pid_t pid)
{
  char state = *stat_of(pid);
  return state == 'Z' || state == 'X' ? '\0' : state;
}

bool
life_is_gone(pid_t pid)
{
  return life_state(pid) == '\0';
}

long
life_cpu_ms(pid_t pid)
{
  unsigned long user = 0, system = 0;
  sscanf(stat_of(pid), "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

bool
life_event(const char *group, const char *line)
{
  return strstr(in_dir(group, "cgroup.events"), line);
}

int
life_count(const char *group)
{
  const char *text = in_dir(group, "cgroup.procs");
  return *text == '(' ? 0 : count_lines(text);
}

bool
life_is_there(const char *path)
{
  struct stat st;
  return lstat(path, &st) == 0;
}

int
life_descriptors(void)
{
  int count = 0;
  DIR *dir = opendir("/proc/self/fd");
  while (dir && readdir(dir))
    count++;
  if (dir)
    closedir(dir);
  return count;
}

/* ---- processes in groups ---- */

const char *
make_below(const char *group, const char *name)
{
  static char paths[128][PATH_MAX];
  static int next;
  char *path = paths[next++ % 128];
  snprintf(path, PATH_MAX, "%s/%s", group, name);
  ck_assert_msg(mkdir(path, 0755) == 0, "the test cannot make %s: %s", path, strerror(errno));
  return path;
}

/* Fork into the group: 0 in the child. */
static pid_t
fork_into(const char *group)
{
  char file[PATH_MAX];
  snprintf(file, sizeof file, "%s/cgroup.procs", group);
  fflush(NULL);
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid > 0)
    return pid;
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  signal(SIGTERM, SIG_IGN); /* who sends that instead shall see that it does not do */
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "0", 1) != 1)
    _exit(1);
  close(fd);
  return 0;
}

pid_t
put_ticker(const char *group, volatile unsigned *ticks)
{
  pid_t pid = fork_into(group);
  if (pid == 0)
    for (;;) {
      ++*ticks;
      usleep(1000);
    }
  ck_assert_msg(LIFE_AWAIT(*ticks > 0), "the test's process cannot get into %s", group);
  return pid;
}

void
put_run_away(const char *group, volatile unsigned *born, volatile bool *enough)
{
  unsigned before = *born;
  pid_t keeper = fork();
  ck_assert_int_ge(keeper, 0);
  if (keeper == 0) {
    /* Whoever loses his parent is the keeper's child, and leaves no zombie (signal(7)):
     * so there are never many, however slow somebody is to wait for them. */
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1L);
    signal(SIGCHLD, SIG_IGN);
    bool first = fork_into(group) == 0;
    while (first && !*enough) {
      ++*born;
      first = fork() == 0;
      if (!first)
        _exit(0);
    }
    while (!*enough)
      usleep(1000);
    _exit(0);
  }
  ck_assert_msg(LIFE_AWAIT(*born > before + 10), "the test's processes cannot get into %s",
                group);
}

static void
cannot_trace(void)
{
  student_cannot("no process may be traced here (mend it: sudo sysctl "
                 "kernel.yama.ptrace_scope=1; or start the container with --cap-add "
                 "SYS_PTRACE)");
}

/* What both threads of the unfreezable one see. */
static struct {
  volatile pid_t thread;  /* the one that is held; 0: it is not there yet */
  volatile bool traced;   /* so the other one may execute a program */
} *threads;

static void *
be_held(void *arg)
{
  threads->thread = gettid();
  for (;;)
    pause();
  return arg;
}

struct awkward
put_unfreezable(const char *group)
{
  pthread_t thread;
  int status;
  threads = life_shared(sizeof *threads);
  pid_t pid = fork_into(group);
  if (pid == 0) {
    if (pthread_create(&thread, NULL, be_held, NULL) != 0)
      _exit(1);
    while (!threads->traced)
      usleep(1000);
    execlp("sleep", "sleep", "1000", NULL);
    _exit(1);
  }
  ck_assert(LIFE_AWAIT(threads->thread));
  struct awkward awkward = {pid, threads->thread};
  if (ptrace(PTRACE_SEIZE, awkward.held, NULL, PTRACE_O_TRACEEXIT) < 0)
    cannot_trace();
  threads->traced = true;
  ck_assert(waitpid(awkward.held, &status, __WALL) == awkward.held && WIFSTOPPED(status));
  return awkward;
}

struct awkward
put_undying(const char *group)
{
  struct awkward awkward = {0};
  awkward.pid = awkward.held = put_process(group);
  if (ptrace(PTRACE_SEIZE, awkward.held, NULL, PTRACE_O_TRACEEXIT) < 0)
    cannot_trace();
  return awkward;
}

bool
is_dying(const struct awkward *awkward)
{
  return life_state(awkward->held) == 't';
}

void
release(const struct awkward *awkward)
{
  int status;
  waitpid(awkward->held, &status, __WALL | WNOHANG);
  ptrace(PTRACE_DETACH, awkward->held, NULL, NULL);
}

/* ---- a function that runs meanwhile ---- */

static void
nothing(int signal)
{
  (void)signal;
}

static void
run_apart(struct answer *answer, const void *arg)
{
  struct apart *apart = (struct apart *)arg;
  struct sigaction action = {.sa_handler = nothing};
  struct itimerval often = {{0, 20000}, {0, 20000}};
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    while (apart->traced && !apart->followed)
      usleep(1000);
    if (apart->disturbed && (sigaction(SIGALRM, &action, NULL) < 0 ||
                             setitimer(ITIMER_REAL, &often, NULL) < 0))
      _exit(99);
    apart->body(answer, apart->arg);
    for (;;)
      pause();
  }
  apart->pid = pid;
}

pid_t
start_apart(struct apart *apart)
{
  return student_start(run_apart, apart);
}

bool
is_back(const struct apart *apart)
{
  return student_said()->value != SAID_NOTHING || life_is_gone(apart->pid);
}

/* Is this system call one that sends a signal? */
static bool
sends_signal(long number)
{
  static const long senders[] = {SYS_kill, SYS_tkill, SYS_tgkill, SYS_pidfd_send_signal,
                                 SYS_rt_sigqueueinfo};
  for (size_t i = 0; i < sizeof senders / sizeof *senders; i++)
    if (number == senders[i])
      return true;
  return false;
}

/* Wait until each of the run-aways has forked twice; but those that are frozen cannot. */
static void
let_them_fork(const char *group, volatile unsigned *born, int count)
{
  unsigned before[8];
  for (int i = 0; i < count; i++)
    before[i] = born[i];
  for (int i = 0, tries = 0; i < count && tries < 500 && !life_event(group, "frozen 1");)
    if (born[i] - before[i] >= 2)
      i++;
    else if (tries++ > 5)
      usleep(2000);
}

/* Let it go on to the next beginning or end of a system call. Returns 1 if it is one
 * of a call that sends a signal, 0 if of another, -1 if it does not come to any. */
static int
follow_on(pid_t pid, int *signal)
{
  struct __ptrace_syscall_info info = {0};
  int status;
  if (ptrace(PTRACE_SYSCALL, pid, NULL, (long)*signal) < 0 ||
      !LIFE_AWAIT(waitpid(pid, &status, __WALL | WNOHANG) != 0) || !WIFSTOPPED(status))
    return -1;
  bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
  *signal = call || status >> 16 ? 0 : WSTOPSIG(status); /* a real one goes on to it */
  return call && ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 &&
         info.op == PTRACE_SYSCALL_INFO_ENTRY && sends_signal((long)info.entry.nr);
}

bool
follow_slowly(struct apart *apart, const char *group, volatile unsigned *born, int count)
{
  int status, signal = 0, sends = 0;
  time_t end = time(NULL) + life_patience() / 500;
  if (ptrace(PTRACE_SEIZE, apart->pid, NULL, PTRACE_O_TRACESYSGOOD) < 0 ||
      ptrace(PTRACE_INTERRUPT, apart->pid, NULL, NULL) < 0 ||
      waitpid(apart->pid, &status, __WALL) != apart->pid)
    cannot_trace();
  apart->followed = true;
  while (!is_back(apart) && sends >= 0 && time(NULL) <= end) {
    sends = follow_on(apart->pid, &signal);
    if (sends > 0)
      let_them_fork(group, born, count);
  }
  return is_back(apart);
}
