/* cage_init.c - inside: PID 1 of the cage, which makes the place and starts the
 * command in it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"

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

/* More ways out that no namespace closes: typing into the caller's terminal (TIOCSTI,
 * ioctl_tty(2)); his keys (keyrings(7)); and for root the mount namespaces of the host,
 * which nsfs lists one after the other (ioctl_nsfs(2)), or finds by a number
 * (open_by_handle_at(2)); newer kernels refuse that themselves. A filter refuses the
 * calls (seccomp(2)). Calls in the manner of another processor would have other
 * numbers, so they are refused altogether. */
static int
refuse_calls(void)
{
  /* NS_MNT_GET_NEXT and NS_MNT_GET_PREV of linux/nsfs.h, since Linux 6.12 */
  enum { NEXT_MOUNTS = (int)_IOR(0xb7, 11, char[16]),
         PREVIOUS_MOUNTS = (int)_IOR(0xb7, 12, char[16]) };
  struct sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
      LOAD(nr),
      SKIP_UNLESS(SYS_add_key, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(SYS_keyctl, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(SYS_request_key, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(SYS_open_by_handle_at, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(SYS_ioctl, 9),
      LOAD(args[1]), /* its lower half, on machines that put that first */
      SKIP_UNLESS(TIOCSTI, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(TIOCLINUX, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(NEXT_MOUNTS, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
      SKIP_UNLESS(PREVIOUS_MOUNTS, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM),
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
 * them; and as nobody may trace a process that has more capabilities than he
 * has (ptrace(2), "Ptrace access mode checking"), nobody in here can reach into
 * it, its descriptors, or the host's files that it is made of. */
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
 * namespace (RLIMIT_NPROC, getrlimit(2)). Root is never refused by that. For
 * him our cgroup has the limit, or the PID namespace: since Linux 6.14 pid_max
 * holds for one namespace, and before that for the whole host, which must stay
 * as it is. */
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
 * started it. So leave the group. A session of our own also has no terminal
 * into which somebody could type for the caller (TIOCSTI, ioctl_tty(2)). Only
 * where a person sits at the terminal do we stay in the session, as the group
 * that the terminal belongs to. */
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

int
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
  if (cage.cgroup[0] && cage_cgroup_settle(cage.cgroup) < 0)
    goto failed;
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
