/* by-descriptors: see init.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "container.h"
#include "fail.h"

pid_t
ns_clone(unsigned long long flags, int *pidfd)
{
  /* struct clone_args, as a list of numbers: flags, pidfd, child_tid,
   * parent_tid, exit_signal, stack, stack_size, tls. */
  uint64_t args[8] = {flags, 0, 0, 0, SIGCHLD};
  int fd = -1;
  if (pidfd) {
    args[0] |= CLONE_PIDFD;
    args[1] = (uintptr_t)&fd;
  }
  long pid = syscall(SYS_clone3, args, sizeof args);
  if (pid < 0)
    return fail("clone3 into new namespaces");
  if (pid > 0 && pidfd)
    *pidfd = fd;
  return pid;
}

int
ns_hostname(const char *name)
{
  if (name[0] == '\0')
    return refuse(EINVAL, "no host name");
  if (syscall(SYS_sethostname, name, strlen(name)) < 0)
    return fail("host name %s", name);
  return 0;
}

int
ns_time(long long seconds)
{
  char text[128];
  if (unshare(CLONE_NEWTIME) < 0)
    return fail("time namespace");
  int n = snprintf(text, sizeof text, "%d %lld 0\n%d %lld 0", CLOCK_MONOTONIC,
                   seconds, CLOCK_BOOTTIME, seconds);
  int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return fail("timens_offsets");
  ssize_t written = write(fd, text, n);
  if (written < 0)
    fail("timens_offsets");
  int error = errno;
  close(fd);
  errno = error;
  return written < 0 ? -1 : 0;
}
