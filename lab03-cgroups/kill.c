/* kill.c - 3.6: freeze, thaw, kill.
 *
 * Who wants to end all processes of a group by their numbers runs a race. He reads
 * the list; one of those in it forks; he kills all that were in the list; and
 * there is one more. A program that does nothing but fork wins that race for
 * hours. And between the reading and the killing a number can have become that
 * of somebody else.
 *
 * The kernel wins it by one order to the group: cgroup.kill. Whoever is made
 * while it is carried out is killed as well. cgroup.freeze is the same for
 * "stop": no signal, nothing that the program could notice or ignore.
 *
 * And with freezing the race is won on kernels that have no cgroup.kill: what
 * stands still does not fork.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

int
cgroup_freeze(int group, bool frozen, int timeout)
{
  /* TODO 3.6: ask for it, and wait until it is so. */
  return todo("3.6", group, frozen, timeout);
}

int
cgroup_kill(int group, int timeout)
{
  /* TODO 3.6: cgroup.kill; and where that is not there, what makes the race winnable? */
  return todo("3.6", group, timeout);
}
