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
  //> /* TODO 2.3: every mount of this namespace, private. */
  //> return todo("2.3");

  /* The copy of the host's tree is not cut off from it: where a mount is
   * shared, as systemd makes all of them, what we mount below it appears on the
   * host, and the reverse. And pivot_root(2) refuses to work on shared mounts,
   * for that reason. */
  return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
             ? fail("make all mounts private")
             : 0;
  //<
}

int
root_open(const char *path)
{
  //> /* TODO 2.3: make the directory a mount, and open it: before or after? */
  //> return todo("2.3", path);

  /* A root directory must be a mount, since the root of a namespace is one.
   * Binding a directory onto itself makes it one. MS_REC: what is mounted below
   * comes along; in a user namespace we could not even leave it behind, as it
   * may hide something (mount_namespaces(7), "Restrictions on mount
   * namespaces"). */
  if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
    return fail("make %s a mount", path);
  /* Opened before, it would be the directory under the new mount. */
  int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? fail("open %s", path) : fd;
  //<
}

//>
/* Mount a file system on the directory `target` (a descriptor). mount(2) wants
 * a path: /proc/self/fd/N is a door to what the descriptor is. */
static int
mount_on(int target, const char *path, const char *type, unsigned long flags,
         const char *options)
{
  char door[32];
  if (target < 0)
    return fail("%s in the root", path);
  snprintf(door, sizeof door, "/proc/self/fd/%d", target);
  return mount(type, door, type, flags, options) < 0
             ? fail("mount %s on %s", type, path)
             : 0;
}

/* The same on `path` in `root`. The path is resolved once, by open_in_root's
 * rules. A second walk along it could end elsewhere: the root may hold links,
 * and somebody may change them. */
static int
mount_in(int root, const char *path, const char *type, unsigned long flags,
         const char *options)
{
  autoclose int target = target_in_root(root, path, false);
  return mount_on(target, path, type, flags, options);
}

/* Put a copy of the mount `tree` (from open_tree) onto `path` in `root`. */
static int
attach_in(int root, int tree, const char *path, bool file)
{
  autoclose int target = target_in_root(root, path, file);
  if (target < 0)
    return fail("%s in the root", path);
  return move_mount(tree, "", target, "",
                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
             ? fail("bind onto %s", path)
             : 0;
}

/* Who has a user namespace but not the network may not have its /sys (it shows
 * the network's devices): EPERM. And where that /sys is already, it cannot be
 * once more: EBUSY. Then the one that is there must do, and nobody may
 * write. */
static int
borrow_sys(int root)
{
  struct mount_attr locked = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                          MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
  autoclose int tree = open_tree(AT_FDCWD, "/sys", OPEN_TREE_CLONE |
                                 OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &locked,
                                sizeof locked) < 0)
    return fail("borrow /sys");
  return attach_in(root, tree, "/sys", false);
}
//<
int
root_kernel(int root)
{
  //> /* TODO 2.3: proc on /proc, sysfs on /sys. Which proc is it: whose numbers does
  //>  * it show? */
  //> return todo("2.3", root);

  /* proc shows the PID namespace of the process that mounts it. The host's
   * would go on showing the host's processes, wherever we bind it. */
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount_in(root, "/proc", "proc", flags, NULL) < 0)
    return -1;
  /* Read-only: what can be written in there are the machine's devices. */
  if (mount_in(root, "/sys", "sysfs", flags | MS_RDONLY, NULL) == 0)
    return 0;
  return errno == EPERM || errno == EBUSY ? borrow_sys(root) : -1;
  //<
}

//>
/* Make one device in the open directory `dev`, or borrow the host's. */
static int
make_device(int root, int dev, const char *name, dev_t number)
{
  char host[32];
  if (mknodat(dev, name, S_IFCHR | 0666, number) == 0)
    return fchmodat(dev, name, 0666, 0) < 0 ? fail("set the mode of /dev/%s", name)
                                            : 0;
  if (errno != EPERM)
    return fail("make /dev/%s", name);
  /* Not in a user namespace: a device file is a key to hardware, and whoever
   * could make one could make himself the key to the disk. The host's are safe
   * to lend. */
  snprintf(host, sizeof host, "/dev/%s", name);
  autoclose int tree = open_tree(AT_FDCWD, host, OPEN_TREE_CLONE |
                                 OPEN_TREE_CLOEXEC);
  return tree < 0 ? fail("open %s", host) : attach_in(root, tree, host, true);
}

/* Mount a file system on a new directory in the open directory `dev`. It is a
 * tmpfs that we have just made: so there is nobody yet who could have put a
 * link there. */
static int
mount_new(int dev, const char *name, const char *type, unsigned long flags,
          const char *options)
{
  if (mkdirat(dev, name, 0755) < 0)
    return fail("make /dev/%s", name);
  autoclose int target = openat(dev, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return mount_on(target, name, type, flags, options);
}
//<
int
root_devices(int root)
{
  //> /* TODO 2.3: a tmpfs on /dev, and in it devices, three file systems, links. */
  //> return todo("2.3", root);
  static const struct { const char *name; unsigned major, minor; } devices[] = {
      {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
      {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
  };
  static const struct { const char *name, *target; } links[] = {
      {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
      {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
      {"ptmx", "pts/ptmx"},
  };

  /* A tmpfs, because ROOT may be shared by many containers, or be read-only.
   * And no MS_NODEV on it: that would make the devices useless. */
  if (mount_in(root, "/dev", "tmpfs", MS_NOSUID, "mode=755") < 0)
    return -1;
  autoclose int dev = open_in_root(root, "/dev", O_RDONLY | O_DIRECTORY, 0);
  if (dev < 0)
    return fail("open /dev in the root");
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (make_device(root, dev, devices[i].name,
                    makedev(devices[i].major, devices[i].minor)) < 0)
      return -1;
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    if (symlinkat(links[i].target, dev, links[i].name) < 0)
      return fail("make the link /dev/%s", links[i].name);

  /* A new instance: else its terminals would be the host's. */
  if (mount_new(dev, "pts", "devpts", MS_NOSUID | MS_NOEXEC,
               "newinstance,ptmxmode=0666,mode=0620") < 0)
    return -1;
  if (mount_new(dev, "shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
    return -1;
  return mount_new(dev, "mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  //<
}

int
root_tmpfs(int root, const char *path)
{
  //> /* TODO 2.3: a file system in memory. */
  //> return todo("2.3", root, path);
  return mount_in(root, path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  //<
}

int
root_pivot(int root)
{
  //> /* TODO 2.3: make `root` the root, and let go of the old one. Where is the old
  //>  * one between the two? */
  //> return todo("2.3", root);

  /* pivot_root(new, old) puts `new` in the place of the root, and the old root
   * onto the directory `old`. Both may be ".": then the old root lies on top of
   * the new one, and "." still is what we pivoted to. So no directory has to be
   * made for it, and none is left. */
  if (fchdir(root) < 0)
    return fail("enter the new root");
  if (syscall(SYS_pivot_root, ".", ".") < 0)
    return fail("pivot_root");
  /* Whoever stands in "." now stands under the old root. Detached lazily, it
   * goes with all that is mounted on it, although programs of the host use
   * it. */
  if (umount2(".", MNT_DETACH) < 0)
    return fail("detach the old root");
  return chdir("/") < 0 ? fail("chdir /") : 0;
  //<
}
