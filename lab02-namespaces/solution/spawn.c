/* spawn.c - 2.1: new namespaces.
 *
 * A path is one way to name things, and chroot(2) takes care of that one. The
 * host has other names: its own (the host name), process numbers, addresses,
 * queues and shared memory. For each of these the kernel keeps a table; a
 * namespace is one such table, and every process points to one of each kind:
 *
 *     process 4711 ---> uts   "web1"           process 4712 ---> uts   "jar"
 *                  `--> ipc   queues 0, 1                   `--> ipc   (empty)
 *                  `--> net   lo, eth0         (its own) ------> net   lo
 *
 * A new process gets its parent's pointers (fork(2)), unless it asks for new
 * tables. There is nothing more to it: no process is "in a container", it only
 * points to other tables than its neighbours.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

pid_t
ns_clone(unsigned long long flags, int *pidfd)
{
  //> /* TODO 2.1: a child in new namespaces, as fork(2) would make one. The C library
  //>  * has no function for clone3(2). */
  //> return todo("2.1", flags, pidfd);

  /* Not unshare(2) and then fork(2): that would move ourselves, and we are
   * needed outside. And not clone(2): its flags share 32 bits with the exit
   * signal, so it has no room for CLONE_NEWTIME. What is zero here means "as
   * fork does": in particular no stack, so the child goes on on its copy of
   * ours. */
  struct clone_args args = {
      .flags = flags | (pidfd ? CLONE_PIDFD : 0),
      .pidfd = (uintptr_t)pidfd,
      .exit_signal = SIGCHLD,
  };
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  return pid < 0 ? fail("make a process in new namespaces") : pid;
  //<
}

int
ns_hostname(const char *name)
{
  //> /* TODO 2.1: set the host name of our UTS namespace. Is an empty one a name? */
  //> return todo("2.1", name);

  /* The kernel takes an empty name, and then no prompt and no log says where it
   * is from. It refuses more than 64 bytes itself, with EINVAL. */
  if (!*name)
    return refuse(EINVAL, "an empty host name");
  return sethostname(name, strlen(name)) < 0
             ? fail("set the host name \"%s\" (1 to 64 bytes)", name)
             : 0;
  //<
}

int
ns_time(long long seconds)
{
  //> /* TODO 2.1: a new time namespace for our children, and its two clocks. */
  //> return todo("2.1", seconds);

  /* A clock must not jump under a running process. So this kind is the odd one:
   * we ourselves stay where we are, and only our children are in the new one;
   * and its offsets can be written only until the first of them is there. */
  if (unshare(CLONE_NEWTIME) < 0)
    return fail("make a time namespace");
  autoclose int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  char text[128];
  int n = snprintf(text, sizeof text, "monotonic %lld 0\nboottime %lld 0\n",
                   seconds, seconds);
  if (fd < 0 || write(fd, text, n) != n)
    return fail("shift the clocks by %lld seconds", seconds);
  return 0;
  //<
}
