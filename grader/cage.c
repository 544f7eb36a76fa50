/* cage.c - run a command where it can do no harm.
 *
 * This is the first container you meet. Student code mounts, chroots and kills,
 * and is often wrong; so the grader runs every single test in a cage of its own:
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
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "start.h"

/* As timeout(1), env(1) and Docker have them. */
enum { TIMED_OUT = 124, CAGE_FAILED = 125, CANNOT_EXECUTE = 126,
       NOT_FOUND = 127 };

static struct {
  double seconds;     /* --time: the most it may take */
  size_t memory;      /* --memory: bytes, of all processes together */
  int processes;      /* --processes: the most at any one time */
  int report;         /* --report: a descriptor for what the cage notices */
  struct cage_root root;  /* --disk, --hide, --show */
  char cgroup[PATH_MAX];  /* the cage's, if privileged */
  bool pids_limited;      /* and it has a limit on processes */
} cage = {
    .seconds = 0,
    .memory = (size_t)1 << 30,
    .processes = 256,
    .report = -1,
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

/* Say what the cage noticed, one line, to whoever asked for it. */
static void __attribute__((format(printf, 1, 2)))
report(const char *format, ...)
{
  if (cage.report < 0)
    return;
  va_list args;
  va_start(args, format);
  vdprintf(cage.report, format, args);
  va_end(args);
}

/* Say that there is no cage on this host, and why. */
static void
cannot(const char *why)
{
  int error = errno;
  const char *obstacle = cage.root.privileged ? "" : userns_obstacle(error);
  bool known = *obstacle && strcmp(obstacle, strerror(error)) != 0;
  const char *reason = known ? obstacle : why;
  fprintf(stderr, "cage: cannot make a cage: %s\n", reason);
  report("cannot %s\n", reason);
}

/* ---- inside: PID 1 of the cage ---- */

/* A new network namespace has one link, the loopback, and it is down. */
static int
loopback_up(void)
{
  autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
    return fail("set the loopback link up");
  return 0;
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#else
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#endif

#define LOAD(field)                                                            \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, skip)                                               \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, (what))

static int
set_filter(struct sock_filter *filter, size_t count)
{
  struct sock_fprog program = {.len = count, .filter = filter};
  if (prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program, 0L, 0L) < 0)
    return fail("set a seccomp filter");
  return 0;
}

/* Two more ways out that no namespace closes: typing into the caller's terminal
 * (TIOCSTI, ioctl_tty(2)), and his keys (keyrings(7)). A filter refuses the calls
 * (seccomp(2)). Calls in the manner of another processor would have other numbers,
 * so they are refused altogether. */
static int
refuse_calls(void)
{
  struct sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
      LOAD(nr),
      SKIP_UNLESS(SYS_add_key, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(SYS_keyctl, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(SYS_request_key, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(SYS_ioctl, 5),
      LOAD(args[1]), /* its lower half, on machines that put that first */
      SKIP_UNLESS(TIOCSTI, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(TIOCLINUX, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      ANSWER(SECCOMP_RET_ALLOW),
  };
  return set_filter(filter, sizeof filter / sizeof *filter);
}

/* A user namespace of one user, made without newgidmap(1), never lets anyone
 * change groups (map_user says why). A program that drops its groups, as it
 * should, then fails through no fault of its own. So a filter answers for the
 * kernel: setgroups(2) says 0 and does nothing (seccomp(2)). What depends on it
 * is not graded in such a cage. */
static int
pretend_setgroups(void)
{
  struct sock_filter filter[] = {
      LOAD(nr),
      SKIP_UNLESS(SYS_setgroups, 1),
      ANSWER(SECCOMP_RET_ERRNO | 0),
      ANSWER(SECCOMP_RET_ALLOW),
  };
  return set_filter(filter, sizeof filter / sizeof *filter);
}

/* Root in here is still root to the kernel, if no user namespace is between.
 * These capabilities reach past every namespace: modules, raw ports, the clock,
 * the kernel's log, rebooting, going before everyone else. Dropped from the
 * bounding set of PID 1, no process that it starts can have them. PID 1 keeps
 * them; and as nobody may trace a process that has more capabilities than he has
 * (ptrace(2), "Ptrace access mode checking"), nobody in here can reach into it,
 * its descriptors, or the host's files that it is made of. */
static int
drop_global_capabilities(void)
{
  static const cap_value_t global[] = {
      CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_SYS_BOOT,
      CAP_SYSLOG, CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_AUDIT_CONTROL,
      CAP_BPF, CAP_PERFMON, CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND,
      CAP_LINUX_IMMUTABLE, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_SYS_NICE,
  };
  for (size_t i = 0; i < sizeof global / sizeof *global; i++)
    if (cap_get_bound(global[i]) > 0 && cap_drop_bound(global[i]) < 0)
      return fail("drop a capability from the bounding set");
  return 0;
}

/* A limit on processes that the kernel keeps at each fork; watching is too slow
 * for a program that doubles itself. An ordinary user's are counted per user
 * namespace (RLIMIT_NPROC, getrlimit(2)). Root is never refused by that. For him
 * our cgroup has the limit, or the PID namespace: since Linux 6.14 pid_max holds
 * for one namespace, and before that for the whole host, which must stay as it
 * is. */
static int
limit_processes(void)
{
  struct rlimit forks = {cage.processes + 32, cage.processes + 32};
  struct utsname name;
  int major = 0, minor = 0;
  if (!cage.root.privileged)
    return setrlimit(RLIMIT_NPROC, &forks) < 0 ? fail("limit processes") : 0;
  if (cage.pids_limited)
    return 0;
  uname(&name);
  sscanf(name.release, "%d.%d", &major, &minor);
  if (major < 6 || (major == 6 && minor < 14))
    return refuse(ENOTSUP, "nothing here limits root's processes: no pids "
                  "controller of cgroup v2, and a kernel before 6.14 (mend it: "
                  "grade as an ordinary user, or boot with "
                  "systemd.unified_cgroup_hierarchy=1)");
  autoclose int fd = open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);
  /* Numbers below 300 are not used again (RESERVED_PIDS of the kernel). */
  return fd < 0 || dprintf(fd, "%d\n", cage.processes + 300) < 0
             ? fail("limit processes")
             : 0;
}

/* Become COMMAND. */
static void
command(char **argv)
{
  /* A descriptor of the caller's would be a way out (exercise 1.7). */
  enum { MARK_CLOEXEC = 1 << 2 };
  if (syscall(SYS_close_range, 3U, ~0U, MARK_CLOEXEC) < 0) {
    fprintf(stderr, "cage: close_range: %s\n", strerror(errno));
    _exit(CAGE_FAILED);
  }
  signal(SIGPIPE, SIG_DFL);
  execvp(argv[0], argv);
  int status = errno == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
  fail("%s", argv[0]);
  fprintf(stderr, "cage: %s\n", failure());
  _exit(status);
}

/* Wait for COMMAND, and for every orphan that ends meanwhile: PID 1 inherits
 * those, and if it does not wait for them they stay zombies. */
static int
reap(pid_t command)
{
  int status;
  for (;;) {
    pid_t pid = waitpid(-1, &status, 0);
    if (pid == command)
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                 : WEXITSTATUS(status);
    if (pid < 0 && errno != EINTR)
      return CAGE_FAILED;
  }
}

/* Report the lines of `after` that are not in `before`, and the reverse. */
static void
report_difference(const struct list *before, const struct list *after)
{
  for (size_t i = 0; i < after->count; i++)
    if (!list_has(before, after->items[i]))
      report("left %s\n", after->items[i]);
  for (size_t i = 0; i < before->count; i++)
    if (!list_has(after, before->items[i]))
      report("gone %s\n", before->items[i]);
}

/* What the command left running. A process that is about to end gets a moment:
 * a pipeline's last writer may outlive its reader by a few milliseconds. */
static void
report_processes(void)
{
  for (int tries = 0;; tries++) {
    autolist struct list left = {0};
    while (waitpid(-1, NULL, WNOHANG) > 0)
      ;
    if (census_processes(&left) < 0 || left.count == 0)
      return;
    if (tries == 20) {
      for (size_t i = 0; i < left.count; i++)
        report("left %s\n", left.items[i]);
      return;
    }
    usleep(10000);
  }
}

/* A signal to a process group reaches all of it, on either side of a PID
 * namespace: kill(0, SIGKILL) in here would end the grader, and the shell that
 * started it. So leave the group. A session of our own also has no terminal into
 * which somebody could type for the caller (TIOCSTI, ioctl_tty(2)). Only where a
 * person sits at the terminal do we stay in the session, as the group that the
 * terminal belongs to. */
static void
leave_group(void)
{
  if (!isatty(0)) {
    setsid();
    return;
  }
  setpgid(0, 0);
  signal(SIGTTOU, SIG_IGN); /* or taking the terminal would stop us */
  tcsetpgrp(0, getpgrp());
  signal(SIGTTOU, SIG_DFL);
}

/* The life of PID 1: make the place, run the command in it, look around. When it
 * returns, the kernel kills whatever is left in the PID namespace
 * (pid_namespaces(7)), and the last mount of the mount namespace goes too. */
static int
inside(int go, int ready, char **argv)
{
  char byte;
  autolist struct list before = {0}, after = {0};

  /* Die with the outer half: nothing may go on without somebody who watches. */
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  /* It writes our uid map and moves us to our cgroup; then it says go. */
  if (read(go, &byte, 1) != 1)
    return CAGE_FAILED;
  leave_group();
  /* In a new user namespace we are nobody until somebody mapped us. */
  if (!cage.root.privileged &&
      (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)) {
    fail("become root of the user namespace");
    goto failed;
  }
  if (!cage.root.privileged && setgroups(0, NULL) < 0 &&
      pretend_setgroups() < 0)
    goto failed;
  /* Last, because its root is the cgroup that we are in now. */
  if (unshare(CLONE_NEWCGROUP) < 0) {
    fail("make a cgroup namespace");
    goto failed;
  }
  if (sethostname("cage", 4) < 0) {
    fail("set the host name");
    goto failed;
  }
  if (loopback_up() < 0)
    goto failed;
  /* While /proc is still the host's: it shows the settings of our namespace. */
  if (limit_processes() < 0)
    goto failed;
  int written = cage_root(&cage.root);
  if (written < 0 || drop_global_capabilities() < 0 || refuse_calls() < 0)
    goto failed;
  if (census(written, &before) < 0)
    goto failed;

  /* The outer half opens our /proc now, to watch; then it says go again. */
  if (write(ready, "r", 1) != 1 || read(go, &byte, 1) != 1)
    return CAGE_FAILED;
  pid_t pid = fork();
  if (pid < 0) {
    fail("fork");
    goto failed;
  }
  if (pid == 0)
    command(argv);
  int status = reap(pid);
  report_processes();
  if (census(written, &after) < 0)
    report("gone what the census needs: %s\n", failure());
  else
    report_difference(&before, &after);
  return status;

failed:
  cannot(failure());
  return CAGE_FAILED;
}

/* ---- outside: make the namespaces, watch, clean up ---- */

/* The range of subordinate numbers that `file` gives this user: a line
 * "NAME:FIRST:COUNT" (subuid(5)). Returns false if there is none. */
static bool
subordinate_range(const char *file, unsigned *first, unsigned *count)
{
  struct passwd *user = getpwuid(getuid());
  char line[512], number[16];
  bool found = false;
  FILE *stream = fopen(file, "re");
  snprintf(number, sizeof number, "%u", getuid());
  while (stream && !found && fgets(line, sizeof line, stream)) {
    char *name = strtok(line, ":");
    found = name && sscanf(strtok(NULL, "") ?: "", "%u:%u", first, count) == 2 &&
            (strcmp(name, number) == 0 ||
             (user && strcmp(name, user->pw_name) == 0));
  }
  if (stream)
    fclose(stream);
  return found;
}

/* Write one file of /proc/PID, in one write(2) as the kernel demands. */
static int
write_proc(pid_t pid, const char *name, const char *text)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
    return fail("write %s", path);
  return 0;
}

/* Run newuidmap(1) or newgidmap(1). They are set-user-ID programs, and write for
 * us the maps that we may not write ourselves. */
static int
run_map_helper(const char *program, pid_t pid, unsigned id, const char *file)
{
  unsigned first, count;
  char numbers[5][16];
  if (!subordinate_range(file, &first, &count))
    return -1;
  snprintf(numbers[0], sizeof numbers[0], "%d", pid);
  snprintf(numbers[1], sizeof numbers[1], "%u", id);
  snprintf(numbers[2], sizeof numbers[2], "%u", first);
  snprintf(numbers[3], sizeof numbers[3], "%u", count);
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    execlp(program, program, numbers[0], "0", numbers[1], "1", "1", numbers[2],
           numbers[3], NULL);
    _exit(NOT_FOUND);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0)
    return -1;
  return status == 0 ? 0 : -1;
}

/* Root that has no device filter is mapped to himself: all the numbers that he
 * has, each to the same. */
static int
map_identity(pid_t pid, const char *name)
{
  char path[64], text[4096];
  unsigned inside, outside, count;
  size_t n = 0;
  snprintf(path, sizeof path, "/proc/self/%s", name);
  FILE *file = fopen(path, "re");
  while (file && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 &&
         n < sizeof text - 64)
    n += snprintf(text + n, sizeof text - n, "%u %u %u\n", inside, inside,
                  count);
  if (file)
    fclose(file);
  return write_proc(pid, name, text);
}

/* An ordinary user becomes root, and gets the numbers 1, 2, ... that the system
 * set aside for him, if it did. Else he is alone. */
static int
map_user(pid_t pid)
{
  char text[64];
  if (geteuid() == 0)
    return map_identity(pid, "uid_map") < 0 ? -1 : map_identity(pid, "gid_map");
  if (run_map_helper("newuidmap", pid, getuid(), "/etc/subuid") == 0 &&
      run_map_helper("newgidmap", pid, getgid(), "/etc/subgid") == 0)
    return 0;
  /* A gid map without privilege only after giving up setgroups(2): a user who
   * could drop a group could get past a file that is closed to that group
   * (user_namespaces(7), "The /proc/pid/setgroups file"). */
  snprintf(text, sizeof text, "0 %u 1", getuid());
  if (write_proc(pid, "uid_map", text) < 0 ||
      write_proc(pid, "setgroups", "deny") < 0)
    return -1;
  snprintf(text, sizeof text, "0 %u 1", getgid());
  return write_proc(pid, "gid_map", text);
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
 * is passed: with PID 1 every process of the namespace dies, also one that forks
 * faster than it can be killed. We need no cgroup for this, which an ordinary
 * user may not have. Returns the exit status. */
static int
watch(int pidfd, pid_t pid, int proc)
{
  /* Among a thousand processes that all want to run, our turn would come late.
   * Root can do something about it: a real-time process goes first (sched(7)). */
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
      report("limit it ran for more than %g seconds\n", cage.seconds);
      verdict = TIMED_OUT;
    } else if (processes > cage.processes) {
      report("limit it had more than %d processes\n", cage.processes);
      verdict = 128 + SIGKILL;
    } else if (memory > cage.memory) {
      report("limit it used more than %zu MiB of memory\n", cage.memory >> 20);
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
  if (pipe2(go, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0) {
    cannot("no pipe");
    return CAGE_FAILED;
  }
  /* Blocked until the child is there, so that no signal is lost and none ends us
   * while it runs. */
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
  int bad = cage.root.privileged ? cage_cgroup_enter(cage.cgroup, pid)
                                 : map_user(pid);
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
  /* Root without a filter for devices is not let near them at all: then he, too,
   * gets a user namespace, in which no device can be made. */
  cage.root.host_root = geteuid() == 0;
  cage.root.privileged =
      cage.root.host_root && cage_cgroup_make(cage.cgroup, sizeof cage.cgroup) == 0;
  if (cage.root.privileged)
    cage.pids_limited = cage_cgroup_limit(cage.cgroup, cage.processes + 32,
                                          cage.memory + cage.root.bytes) == 0;
  int status = run(argv + optind);
  if (cage.root.privileged)
    cage_cgroup_remove(cage.cgroup);
  return status;
}
