/* step-by-step: what the reference has the kernel do in one call, done in
 * several. Here: the pidfd is opened after clone3(2), whose child cannot be
 * gone yet, because nobody has waited for it; and each clock is written by
 * itself. init.c has handlers, and sigsuspend(2). user.c asks newuidmap(1)
 * first, and only then writes itself. enter.c joins one namespace after the
 * other, through files of /proc. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

pid_t
ns_clone(unsigned long long flags, int *pidfd)
{
  struct clone_args args;
  memset(&args, 0, sizeof args);
  args.flags = flags;
  args.exit_signal = SIGCHLD;
  pid_t pid = syscall(SYS_clone3, &args, (size_t)CLONE_ARGS_SIZE_VER0);
  if (pid < 0)
    return fail("clone3");
  if (pid > 0 && pidfd) {
    *pidfd = syscall(SYS_pidfd_open, pid, 0U);
    if (*pidfd < 0) {
      fail("pidfd_open");
      kill(pid, SIGKILL);
      waitpid(pid, NULL, 0);
      return -1;
    }
  }
  return pid;
}

int
ns_hostname(const char *name)
{
  size_t n = strlen(name);
  if (n < 1 || n > 64)
    return refuse(EINVAL, "a host name has 1 to 64 bytes, not %zu", n);
  return sethostname(name, n) == 0 ? 0 : fail("sethostname");
}

static int
shift(const char *clock, long long seconds)
{
  autoclose int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  return fd >= 0 && dprintf(fd, "%s %lld 0", clock, seconds) > 0
             ? 0
             : fail("shift clock %s by %lld seconds", clock, seconds);
}

int
ns_time(long long seconds)
{
  if (unshare(CLONE_NEWTIME) < 0)
    return fail("unshare");
  return shift("monotonic", seconds) < 0 ? -1 : shift("boottime", seconds);
}
