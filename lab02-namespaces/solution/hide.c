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

//>
/* Put a mount that hangs nowhere yet onto what `target` is. */
static int
attach(int tree, int target, const char *path)
{
  return move_mount(tree, "", target, "",
                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
             ? fail("mount onto %s", path)
             : 0;
}

/* A copy of the host's /dev/null, as a mount. If somebody had put a link or a
 * file in its place, then what we want to hide would be replaced by that, and
 * there have been real runtimes that were broken in this way. So look what it
 * is. */
static int
null_tree(void)
{
  struct stat st;
  autoclose int tree = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE |
                                 OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
  if (tree < 0 || fstat(tree, &st) < 0)
    return fail("open /dev/null");
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
    return refuse(ENODEV, "/dev/null is not the device 1,3");
  return take_fd(&tree);
}

/* Cover the directory `target` by an empty one. The first time that is a new
 * tmpfs; after that a copy of the same mount, since a file system costs more
 * than a mount, to make and to unmake, and nobody can tell one empty directory
 * from another. */
static int
cover_directory(int root, int target, const char *path)
{
  static int empty = -1; /* what the first one was covered with */
  char door[32];
  autoclose int tree = empty < 0 ? -1 : open_tree(empty, "", OPEN_TREE_CLONE |
                                                  OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (tree >= 0)
    return attach(tree, target, path);
  snprintf(door, sizeof door, "/proc/self/fd/%d", target);
  if (mount("tmpfs", door, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "size=0,mode=755") < 0)
    return fail("hide the directory %s", path);
  if (empty >= 0)
    close(empty); /* it is in a place that is gone */
  empty = open_in_root(root, path, O_PATH | O_DIRECTORY, 0);
  return 0;
}
//<
int
hide(int root, const char *path)
{
  //> /* TODO 2.5: cover it: a directory by an empty one, anything else by /dev/null.
  //>  * By which name do you mount, if the path may be a link? */
  //> return todo("2.5", root, path);
  struct stat st;
  autoclose int target = open_in_root(root, path, O_PATH, 0);
  if (target < 0)
    return errno == ENOENT ? 0 : fail("%s in the root", path);
  if (fstat(target, &st) < 0)
    return fail("stat %s in the root", path);
  if (S_ISDIR(st.st_mode))
    return cover_directory(root, target, path);
  autoclose int tree = null_tree();
  return tree < 0 ? -1 : attach(tree, target, path);
  //<
}

int
hide_writing(int root, const char *path)
{
  //> /* TODO 2.5: a copy of the mount that `path` lies in, read-only, in its place. */
  //> return todo("2.5", root, path);

  /* Read-only is a property of a mount, not of a file. So the path becomes a
   * mount of its own first, and the one around it stays as it is. With
   * AT_RECURSIVE, for the flag says nothing about what is mounted further
   * below. */
  struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
  autoclose int target = open_in_root(root, path, O_PATH, 0);
  if (target < 0)
    return errno == ENOENT ? 0 : fail("%s in the root", path);
  autoclose int tree = open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                                 AT_EMPTY_PATH | AT_RECURSIVE);
  if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly,
                                sizeof readonly) < 0)
    return fail("make %s read-only", path);
  return attach(tree, target, path);
  //<
}

int
bind_in(int root, const char *source, const char *path, bool readonly)
{
  //> /* TODO 2.5: a copy of the host's mount, with its flags set before anybody can
  //>  * see it, onto the target. */
  //> return todo("2.5", root, source, path, readonly);

  /* nosuid: the host's set-user-ID programs are not for the inside. nodev: nor
   * are device files that lie about. noexec: data comes in by this way, not
   * programs. */
  struct mount_attr flags = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                         MOUNT_ATTR_NOEXEC |
                                         (readonly ? MOUNT_ATTR_RDONLY : 0)};
  struct stat st;
  autoclose int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE |
                                 OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0 || fstat(tree, &st) < 0)
    return fail("open %s", source);
  if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &flags,
                    sizeof flags) < 0)
    return fail("set the flags of %s", source);
  autoclose int target = target_in_root(root, path, !S_ISDIR(st.st_mode));
  return target < 0 ? fail("the mount point %s", path)
                    : attach(tree, target, path);
  //<
}
