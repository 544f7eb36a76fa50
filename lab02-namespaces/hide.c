/* hide.c - 2.5: hide.
 *
 * A container has its own /proc, and much in it is not its own: /proc/kcore is
 * the machine's memory, /proc/sysrq-trigger reboots it, /proc/sys has settings
 * that have no namespace. Such files cannot be removed. But they can be
 * covered: a mount hides what is below it.
 *
 * What is covered stays covered only for somebody who cannot unmount. `nsrun`
 * takes CAP_SYS_ADMIN away before the program starts; and if the program makes
 * a user namespace of its own to have it again, then the mounts that it sees
 * there are locked together, and none of them comes off alone
 * (mount_namespaces(7)).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"
#include "file.h"
#include "mount.h"

int
hide(int root, const char *path)
{
  /* TODO 2.5: cover it: a directory by an empty one, anything else by /dev/null.
   * By which name do you mount, if the path may be a link? */
  return todo("2.5", root, path);
}

int
hide_writing(int root, const char *path)
{
  /* TODO 2.5: a copy of the mount that `path` lies in, read-only, in its place. */
  return todo("2.5", root, path);
}

int
bind_in(int root, const char *source, const char *path, bool readonly)
{
  /* TODO 2.5: a copy of the host's mount, with its flags set before anybody can
   * see it, onto the target. */
  return todo("2.5", root, source, path, readonly);
}
