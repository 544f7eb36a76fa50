/* start.c - 3.3: start inside.
 *
 * There is an old way: fork(2), and then somebody writes the child's number to
 * cgroup.procs. What the child did before that was done outside: memory it has
 * touched is charged to the group it was in then, and stays so; a child that it has made
 * stays where it was made. clone3(2) can do better: CLONE_INTO_CGROUP makes
 * the child in the group. It has never been anywhere else.
 *
 * It is faster, too: to move a process the kernel must stop all that fork or
 * end anywhere on the machine for a moment; to be born in a group costs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

pid_t
cgroup_spawn(int group, int *pidfd)
{
  /* TODO 3.3: as fork(2), but in the group. And what if the kernel cannot? */
  return todo("3.3", group, pidfd);
}
