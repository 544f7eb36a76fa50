/* cage.c - run a command where it can do no harm.
 *
 * This is the first container you meet. Student code mounts, chroots and kills,
 * and is often wrong; so the grader runs every single test in a cage of its
 * own:
 *
 *   - a root directory that shows the host's files, but keeps what is written
 *     in memory and forgets it (cage_root.c)
 *   - namespaces: its own mounts, processes, network, IPC, host name, cgroups;
 *     for an ordinary user also a user namespace, in which he is root
 *   - no disk can be opened (cage_cgroup.c)
 *   - limits on time, memory and processes (watch, below)
 *   - a census before and after, so that what is left behind has a name
 *   - and at the end everything in it is killed, in one stroke
 *
 * Each of the five labs builds one of these. Read this file again after lab05.
 *
 *     grade --+-- cage (watches)          the host's namespaces
 *             :     |
 *             :     +-- cage, PID 1       namespaces of its own
 *             :           |
 *             :           +-- COMMAND
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "obstacle.h"
#include "start.h"

struct cage cage = {
    .seconds = 0,
    .memory = (size_t)1 << 30,
    .processes = 256,
    .report = -1,
    .user_ns = -1,
    .root.bytes = (size_t)512 << 20,
};

static const char usage[] =
    "usage: cage [--time SECONDS] [--memory MIB] [--disk MIB]\n"
    "            [--processes N] [--hide PATH]... [--show PATH]...\n"
    "            [--report FD] [--] COMMAND [ARG...]\n"
    "\n"
    "Runs COMMAND where it can do no harm: with namespaces of its own, and with\n"
    "the host's files under a layer that is forgotten at the end. Writes to FD\n"
    "what COMMAND left behind and which limit it met. Exit status: COMMAND's;\n"
    "124 out of time, 125 the cage failed, 137 out of memory or processes.\n";

void
report(const char *format, ...)
{
  if (cage.report < 0)
    return;
  va_list args;
  va_start(args, format);
  vdprintf(cage.report, format, args);
  va_end(args);
}

/* A limit was met. Whoever sits before it shall know why it ended, too. */
static void __attribute__((format(printf, 1, 2)))
limit_met(const char *format, ...)
{
  char which[128];
  va_list args;
  va_start(args, format);
  vsnprintf(which, sizeof which, format, args);
  va_end(args);
  report("limit %s\n", which);
  if (cage.report < 0)
    fprintf(stderr, "cage: ended, because %s\n", which);
}

void
cannot(const char *why)
{
  int error = errno;
  const char *obstacle = cage.root.privileged ? "" : userns_obstacle(error);
  bool known = *obstacle && strcmp(obstacle, strerror(error)) != 0;
  const char *reason = known ? obstacle : why;
  fprintf(stderr, "cage: cannot make a cage: %s\n", reason);
  report("cannot %s\n", reason);
}

/* How much the processes of the cage hold in memory, and how many they are, as
 * their own /proc shows it (a descriptor). */
static void
count_processes(int proc, int *processes, size_t *memory)
{
  size_t page = sysconf(_SC_PAGESIZE);
  *processes = 0;
  *memory = 0;
  autoclose int copy = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(take_fd(&copy));
  for (struct dirent *e; dir && (e = readdir(dir));) {
    char path[300], text[128] = "";
    size_t resident;
    if (e->d_name[0] < '0' || e->d_name[0] > '9')
      continue;
    if (++*processes > cage.processes)
      break; /* enough to know */
    snprintf(path, sizeof path, "%s/statm", e->d_name);
    autoclose int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0 &&
        sscanf(text, "%*u %zu", &resident) == 1)
      *memory += resident * page; /* what is shared counts for each */
  }
  if (dir)
    closedir(dir);
}

static volatile sig_atomic_t stopped;

static void
stop(int signal)
{
  (void)signal;
  stopped = 1;
}

static double
now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* Look at the cage every 20 ms until PID 1 has ended, and kill it when a limit
 * is passed: with PID 1 every process of the namespace dies, also one that
 * forks faster than it can be killed. We need no cgroup for this, which an
 * ordinary user may not have. Returns the exit status. */
static int
watch(int pidfd, pid_t pid, int proc)
{
  /* Among a thousand processes that all want to run, our turn would come late.
   * Root can do something about it: a real-time process goes first
   * (sched(7)). */
  struct sched_param first = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO, &first);
  double start = now();
  int verdict = 0, status;
  for (;;) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    int processes;
    size_t memory;
    if (poll(&poll_fd, 1, 20) > 0)
      break;
    count_processes(proc, &processes, &memory);
    if (stopped)
      verdict = 128 + SIGTERM;
    else if (cage.seconds > 0 && now() - start > cage.seconds) {
      limit_met("it ran for more than %g seconds", cage.seconds);
      verdict = TIMED_OUT;
    } else if (processes > cage.processes) {
      limit_met("it had more than %d processes", cage.processes);
      verdict = 128 + SIGKILL;
    } else if (memory > cage.memory) {
      limit_met("it used more than %zu MiB of memory", cage.memory >> 20);
      verdict = 128 + SIGKILL;
    } else
      continue;
    kill(pid, SIGKILL);
    break;
  }
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return CAGE_FAILED;
  if (isatty(0)) { /* take the terminal back */
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(0, getpgrp());
  }
  if (verdict)
    return verdict;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* clone3(2), and so fork(2) into new namespaces: the child has them from its
 * first instruction, and a new PID namespace makes it PID 1. */
static pid_t
clone_inside(int *pidfd)
{
  struct clone_args args = {
      .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
               CLONE_NEWUTS | CLONE_PIDFD |
               (cage.root.privileged ? 0 : CLONE_NEWUSER),
      .pidfd = (unsigned long)pidfd,
      .exit_signal = SIGCHLD,
  };
  return syscall(SYS_clone3, &args, sizeof args);
}

/* Let PID 1 build its root, open its /proc, and let it run the command. Returns
 * the descriptor of that /proc, or -1. */
static int
let_go(pid_t pid, int go, int ready)
{
  char byte, path[64];
  snprintf(path, sizeof path, "/proc/%d/root/proc", pid);
  if (write(go, "g", 1) != 1 || read(ready, &byte, 1) != 1)
    return -1; /* it has said why */
  autoclose int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0 || write(go, "g", 1) != 1) {
    fail("open %s", path);
    cannot(failure());
    return -1;
  }
  return take_fd(&proc);
}

static int
run(char **argv)
{
  int go[2], ready[2], pidfd;
  char path[64];
  if (pipe2(go, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0) {
    cannot("no pipe");
    return CAGE_FAILED;
  }
  /* None of these may end us before PID 1: who would remove the cgroup then?
   * The keyboard's go to the terminal's own group, which is the cage's. */
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  pid_t pid = clone_inside(&pidfd);
  if (pid < 0) {
    fail("clone into new namespaces");
    cannot(failure());
    return CAGE_FAILED;
  }
  if (pid == 0) {
    close(go[1]);
    close(ready[0]);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    _exit(inside(go[0], ready[1], argv));
  }
  close(go[0]);
  close(ready[1]);
  if (!cage.root.privileged) {
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    cage.user_ns = open(path, O_RDONLY | O_CLOEXEC);
  }
  int bad = cage.root.privileged ? 0 : map_user(pid);
  if (!bad && cage.cgroup[0])
    bad = cage_cgroup_enter(cage.cgroup, pid);
  if (bad)
    cannot(failure());
  autoclose int proc = bad ? -1 : let_go(pid, go[1], ready[0]);
  close(go[1]); /* without both bytes, the child leaves */
  if (proc < 0) {
    waitpid(pid, NULL, 0);
    return CAGE_FAILED;
  }
  return watch(pidfd, pid, proc);
}

/* A number of at least `least` from the command line. */
static double
number(const char *option, const char *text, double least)
{
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= least) || value > 1e9) {
    fprintf(stderr, "cage: %s takes a number from %g, not \"%s\"\n", option,
            least, text);
    exit(CAGE_FAILED);
  }
  return value;
}

static void
read_options(int argc, char **argv)
{
  static const struct option names[] = {
      {"time", required_argument, NULL, 't'},
      {"memory", required_argument, NULL, 'm'},
      {"disk", required_argument, NULL, 'd'},
      {"processes", required_argument, NULL, 'p'},
      {"hide", required_argument, NULL, 'h'},
      {"show", required_argument, NULL, 's'},
      {"report", required_argument, NULL, 'r'},
      {0},
  };
  char path[PATH_MAX];
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;)
    switch (c) {
    case 't': cage.seconds = number("--time", optarg, 0); break;
    case 'm': cage.memory = number("--memory", optarg, 1) * (1 << 20); break;
    case 'd': cage.root.bytes = number("--disk", optarg, 1) * (1 << 20); break;
    case 'p': cage.processes = number("--processes", optarg, 1); break;
    case 'r': cage.report = number("--report", optarg, 3); break;
    case 'h':
      if (realpath(optarg, path))
        list_add(&cage.root.hide, path);
      break;
    case 's':
      if (realpath(optarg, path))
        list_add(&cage.root.show, path);
      break;
    default:
      fputs(usage, stderr);
      exit(CAGE_FAILED);
    }
  if (optind >= argc) {
    fprintf(stderr, "cage: COMMAND is missing\n%s", usage);
    exit(CAGE_FAILED);
  }
}

int
main(int argc, char **argv)
{
  char cwd[PATH_MAX];
  if (start_clean() < 0)
    return CAGE_FAILED;
  read_options(argc, argv);
  if (getcwd(cwd, sizeof cwd))
    list_add(&cage.root.show, cwd);
  /* COMMAND shall not write into the report. */
  if (cage.report >= 0 && fcntl(cage.report, F_SETFD, FD_CLOEXEC) < 0) {
    fprintf(stderr, "cage: --report %d: %s\n", cage.report, strerror(errno));
    return CAGE_FAILED;
  }
  prctl(PR_SET_PDEATHSIG, (long)SIGTERM);
  /* Root without a filter for devices is not let near them at all: then he,
   * too, gets a user namespace, in which no device can be made. */
  cage.root.host_root = geteuid() == 0;
  cage.root.privileged =
      cage.root.host_root &&
      cage_cgroup_make(true, cage.cgroup, sizeof cage.cgroup) == 0;
  /* An ordinary user needs no filter. He has a cgroup if one was delegated to him;
   * lab03 is about that. */
  if (!cage.root.host_root)
    cage_cgroup_make(false, cage.cgroup, sizeof cage.cgroup);
  /* For him, too: or groups could be made in there so deep that no path reaches them. */
  if (cage.cgroup[0])
    cage.pids_limited = cage_cgroup_limit(cage.cgroup, cage.processes + 32,
                                          cage.memory + cage.root.bytes) == 0;
  int status = run(argv + optind);
  if (cage.cgroup[0] && cage.user_ns >= 0)
    cage_cgroup_remove_as_root(cage.cgroup, cage.user_ns);
  if (cage.cgroup[0])
    cage_cgroup_remove(cage.cgroup);
  return status;
}
