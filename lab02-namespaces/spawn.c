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
  /* TODO 2.1: a child in new namespaces, as fork(2) would make one. The C library
   * has no function for clone3(2). */
  return todo("2.1", flags, pidfd);
}

int
ns_hostname(const char *name)
{
  /* TODO 2.1: set the host name of our UTS namespace. Is an empty one a name? */
  return todo("2.1", name);
}

int
ns_time(long long seconds)
{
  /* TODO 2.1: a new time namespace for our children, and its two clocks. */
  return todo("2.1", seconds);
}
