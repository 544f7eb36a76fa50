/* by-descriptors: the namespaces of a process by way of a directory of /proc
 * that stays with it. Between opening that and opening the pidfd another
 * process may get the number; then the directory is a dead one's, and the looks
 * in it fail. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/ns", pid);
  autoclose int theirs = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (theirs < 0) {
    if (errno == ENOENT)
      errno = ESRCH;
    return fail("%s", path);
  }
  autoclose int ours = open("/proc/self/ns", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  autoclose int pidfd = syscall(SYS_pidfd_open, pid, 0U);
  if (ours < 0 || pidfd < 0)
    return fail("process %d", pid);
  target->flags = 0;
  for (const struct ns_kind *kind = ns_kinds; kind < ns_kinds + NS_KINDS; kind++) {
    struct stat a, b;
    if (fstatat(ours, kind->name, &a, 0) < 0)
      continue;
    if (fstatat(theirs, kind->name, &b, 0) < 0) {
      if (errno == ENOENT)
        errno = ESRCH;
      return fail("process %d: %s namespace", pid, kind->name);
    }
    target->flags |= a.st_dev != b.st_dev || a.st_ino != b.st_ino ? kind->flag : 0;
  }
  if (target->flags == 0)
    return refuse(EINVAL, "process %d has no namespace of its own", pid);
  target->pidfd = take_fd(&pidfd);
  return 0;
}

int
ns_enter(const struct ns_target *target)
{
  /* Not CLONE_NEWUSER if there is no need: an error if it is ours. */
  return syscall(SYS_setns, target->pidfd, target->flags) == 0 ? 0 : fail("setns");
}
