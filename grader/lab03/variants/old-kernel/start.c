/* A right answer, written another way: where clone3(2) is not to be had, the child moves
 * itself, and tells how that went; there is a pidfd afterwards. */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

/* In the child: go there, and say how it went: 0, or errno. */
static void
go_in(int group, int tell)
{
  int error = knob_write(group, "cgroup.procs", "0") < 0 ? errno : 0;
  if (write(tell, &error, sizeof error) != sizeof error || error)
    _exit(125);
  close(tell);
}

/* In the parent: hear how it went. */
static int
hear(int listen)
{
  int error = 0;
  ssize_t n;
  do
    n = read(listen, &error, sizeof error);
  while (n < 0 && errno == EINTR);
  if (n != sizeof error)
    return refuse(ESRCH, "the new process has ended before it was in the group");
  errno = error;
  return error ? fail("go into the group") : 0;
}

static int
give_up(pid_t pid)
{
  int error = errno;
  kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    ;
  errno = error;
  return -1;
}

/* The child is born in the group, if the kernel can do that. */
static pid_t
bear(int group, int *pidfd)
{
  int fd;
  struct clone_args args = {0};
  args.flags = CLONE_INTO_CGROUP;
  args.cgroup = (unsigned)group;
  args.exit_signal = SIGCHLD;
  if (pidfd) {
    args.flags |= CLONE_PIDFD;
    args.pidfd = (uintptr_t)&fd;
  }
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid > 0 && pidfd)
    *pidfd = fd;
  return pid;
}

static pid_t
fork_and_go(int group, int *pidfd)
{
  int ends[2];
  if (pipe(ends) < 0)
    return fail("make a pipe");
  autoclose int listen = ends[0], tell = ends[1];
  pid_t pid = fork();
  if (pid < 0)
    return fail("fork");
  if (pid == 0) {
    signal(SIGPIPE, SIG_DFL);
    close(take_fd(&listen));
    go_in(group, take_fd(&tell));
    return 0;
  }
  close(take_fd(&tell));
  if (hear(listen) < 0)
    return give_up(pid);
  int fd = pidfd ? (int)syscall(SYS_pidfd_open, pid, 0U) : 0;
  if (fd < 0) {
    fail("open a pidfd");
    return give_up(pid);
  }
  if (pidfd)
    *pidfd = fd;
  return pid;
}

pid_t
cgroup_spawn(int group, int *pidfd)
{
  pid_t pid = bear(group, pidfd);
  if (pid >= 0)
    return pid;
  switch (errno) {
  case ENOSYS:
  case EINVAL:
  case E2BIG: return fork_and_go(group, pidfd);
  default: return fail("make a process in the group");
  }
}
