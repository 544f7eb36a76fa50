/* enter.c - 2.7: enter.
 *
 * setns(2) moves us into a namespace that is there already. Which one can be
 * said by a file in /proc/PID/ns, or by a pidfd, a descriptor that stands for a
 * process. The difference is what happens when the process ends and another one
 * gets its number: a path with a number in it then leads to the new one, and a
 * pidfd to nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

int
ns_open(pid_t pid, struct ns_target *target)
{
  /* TODO 2.7: a pidfd; and in which of ns_kinds is the process elsewhere than we
   * are? What if it ends between the two? */
  return todo("2.7", pid, target);
}

int
ns_enter(const struct ns_target *target)
{
  /* TODO 2.7: setns(2) takes a pidfd and many kinds at once. */
  return todo("2.7", target);
}
