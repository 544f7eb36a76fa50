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

//>
/* Is the process behind `pidfd` still there? Signal 0 asks without sending. A
 * zombie is there, too, but has no namespaces any more; setns(2) says so. */
static int
still_there(int pidfd, pid_t pid)
{
  return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0U) < 0 && errno == ESRCH
             ? fail("process %d", pid)
             : 0;
}
//<
int
ns_open(pid_t pid, struct ns_target *target)
{
  //> /* TODO 2.7: a pidfd; and in which of ns_kinds is the process elsewhere than we
  //>  * are? What if it ends between the two? */
  //> return todo("2.7", pid, target);
  autoclose int pidfd = syscall(SYS_pidfd_open, pid, 0U); /* close-on-exec always */
  if (pidfd < 0)
    return fail("process %d", pid);
  target->flags = 0;
  for (int i = 0; i < NS_KINDS; i++) {
    char theirs[64], ours[64];
    struct stat a, b;
    snprintf(theirs, sizeof theirs, "/proc/%d/ns/%s", pid, ns_kinds[i].name);
    snprintf(ours, sizeof ours, "/proc/self/ns/%s", ns_kinds[i].name);
    /* A namespace is known by its inode. Joining the user namespace that one is
     * in is an error to setns(2), so ask only for what differs. */
    if (stat(ours, &b) < 0 && errno == ENOENT)
      continue; /* a kind that this kernel does not have */
    if (stat(ours, &b) < 0)
      return fail("look at %s", ours);
    if (stat(theirs, &a) < 0) {
      if (errno == ENOENT)
        errno = ESRCH; /* it has ended, and has no namespaces any more */
      return fail("look at %s", theirs);
    }
    if (a.st_ino != b.st_ino || a.st_dev != b.st_dev)
      target->flags |= ns_kinds[i].flag;
  }
  /* The paths had a number in them. If the process lives at the end, then it
   * had that number all the time, and what we have read was about it. */
  if (still_there(pidfd, pid) < 0)
    return -1;
  if (target->flags == 0)
    return refuse(EINVAL, "process %d is in no namespace but ours", pid);
  target->pidfd = take_fd(&pidfd);
  return 0;
  //<
}

int
ns_enter(const struct ns_target *target)
{
  //> /* TODO 2.7: setns(2) takes a pidfd and many kinds at once. */
  //> return todo("2.7", target);

  /* All at once, and the kernel finds the order: the user namespace first,
   * because only in it do we have the privilege to join the others; and all or
   * none of them. One by one we would have to do the user namespace first if we
   * are an ordinary user, and last if we are root and it would take our
   * privilege away. */
  return setns(target->pidfd, target->flags) < 0 ? fail("join the namespaces") : 0;
  //<
}
