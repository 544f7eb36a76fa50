/* See place.c. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"

/* The child does not wait: it runs outside, until we have moved it. */
pid_t
cgroup_spawn(int group, int *pidfd)
{
  char number[16];
  pid_t pid = fork();
  if (pid <= 0)
    return pid;
  snprintf(number, sizeof number, "%d", pid);
  knob_write(group, "cgroup.procs", number);
  if (pidfd)
    *pidfd = syscall(SYS_pidfd_open, pid, 0U);
  return pid;
}
