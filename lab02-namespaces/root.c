/* root.c - 2.3: a root of its own.
 *
 * chroot(2) moves one pointer of one process, and leaves the host's whole tree
 * of mounts standing around it. A mount namespace is a tree of mounts of its
 * own. It begins as a copy of the host's; then we put a new root in the place
 * of the old one, and throw the old one away. After that there is nothing
 * outside to break out to.
 *
 *     /            (host)          /old         (detached)       /  ROOT
 *     +-- proc              -->    ROOT   /             -->      +-- proc  (new)
 *     +-- srv/r    ROOT                   +-- proc               +-- sys   (new)
 *                                         ...                    +-- dev   (new)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"
#include "file.h"
#include "mount.h"

int
root_private(void)
{
  /* TODO 2.3: every mount of this namespace, private. */
  return todo("2.3");
}

int
root_open(const char *path)
{
  /* TODO 2.3: make the directory a mount, and open it: before or after? */
  return todo("2.3", path);
}

int
root_kernel(int root)
{
  /* TODO 2.3: proc on /proc, sysfs on /sys. Which proc is it: whose numbers does
   * it show? */
  return todo("2.3", root);
}

int
root_devices(int root)
{
  /* TODO 2.3: a tmpfs on /dev, and in it devices, three file systems, links. */
  return todo("2.3", root);
}

int
root_tmpfs(int root, const char *path)
{
  /* TODO 2.3: a file system in memory. */
  return todo("2.3", root, path);
}

int
root_pivot(int root)
{
  /* TODO 2.3: make `root` the root, and let go of the old one. Where is the old
   * one between the two? */
  return todo("2.3", root);
}
