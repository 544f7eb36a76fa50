/* clean.c - 3.7: clean up.
 *
 * A group stays when its processes have ended, and when we have: it is a
 * directory. A supervisor that is killed (kill -9, or by the kernel, for lack of
 * memory) cleans nothing up. So somebody must be able to see, later, that a
 * group is nobody's any more.
 *
 * Its maker's number in the group's name would not tell: numbers are used again.
 * A lock tells: flock(2) belongs to the open file, and when its last descriptor
 * is closed, as those of a dead process are, the kernel lets it go. Whoever gets
 * the lock knows that nobody else has it, at that moment and from then on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

int
cgroup_remove_tree(int place, const char *path)
{
  /* TODO 3.7: bottom-up. Its files need not be removed. */
  return todo("3.7", place, path);
}

int
cgroup_claim(int group)
{
  /* TODO 3.7: flock(2), without waiting. What if it was removed in between? */
  return todo("3.7", group);
}

int
cgroup_sweep(int place, const char *prefix)
{
  /* TODO 3.7: claim, kill, remove; and go on if one of them cannot be removed. */
  return todo("3.7", place, prefix);
}
