/* new-mount-calls: fsopen(2), fsmount(2), open_tree(2), move_mount(2) and
 * mount_setattr(2) everywhere, and mount(2) nowhere. Here: the root is a copy
 * of the mount that is put onto itself, /sys is borrowed before sysfs is tried
 * a second time, and pivot_root(2) gets a directory for the old root, which is
 * removed afterwards. net.c writes its messages by hand, all by one
 * function. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"
#include "file.h"
#include "mount.h"

enum { SET_STRING = 1, CREATE = 6 }; /* FSCONFIG_... */
enum { CLOSE_ON_EXEC = 1 };          /* FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC */

static int
attach(int tree, int target)
{
  return move_mount(tree, "", target, "",
                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* A new file system of this type, mounted nowhere yet. `options` are pairs of
 * name and value, ended by NULL. */
static int
new_mount(const char *type, unsigned flags, const char *const *options)
{
  autoclose int fs = syscall(SYS_fsopen, type, CLOSE_ON_EXEC);
  if (fs < 0)
    return -1;
  for (; options && options[0]; options += 2)
    if (syscall(SYS_fsconfig, fs, SET_STRING, options[0], options[1], 0) < 0)
      return -1;
  if (syscall(SYS_fsconfig, fs, CREATE, NULL, NULL, 0) < 0)
    return -1;
  return syscall(SYS_fsmount, fs, CLOSE_ON_EXEC, flags);
}

static int
mount_in(int root, const char *path, const char *type, unsigned flags,
         const char *const *options)
{
  autoclose int target = target_in_root(root, path, false);
  if (target < 0)
    return fail("find %s in the root", path);
  autoclose int tree = new_mount(type, flags, options);
  if (tree < 0 || attach(tree, target) < 0)
    return fail("mount a %s on %s", type, path);
  return 0;
}

static int
copy_in(int root, const char *from, const char *path, bool file, unsigned flags)
{
  struct mount_attr attr = {.attr_set = flags};
  autoclose int tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                                 (file ? 0 : AT_RECURSIVE));
  if (tree < 0)
    return fail("copy the mount %s", from);
  if (flags && mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
                             sizeof attr) < 0)
    return fail("set the flags of %s", from);
  autoclose int target = target_in_root(root, path, file);
  return target < 0 || attach(tree, target) < 0 ? fail("put %s onto %s", from, path)
                                                : 0;
}

int
root_private(void)
{
  struct mount_attr attr = {.propagation = MS_PRIVATE};
  return mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) < 0
             ? fail("make the mounts private")
             : 0;
}

int
root_open(const char *path)
{
  struct stat st;
  autoclose int place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (place < 0 || fstat(place, &st) < 0)
    return fail("open %s", path);
  autoclose int tree = open_tree(place, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                                 AT_EMPTY_PATH | AT_RECURSIVE);
  if (tree < 0 || attach(tree, place) < 0)
    return fail("mount %s onto itself", path);
  return take_fd(&tree); /* it is the mount, wherever that hangs */
}

int
root_kernel(int root)
{
  unsigned flags = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (mount_in(root, "/proc", "proc", flags, NULL) < 0)
    return -1;
  if (mount_in(root, "/sys", "sysfs", flags | MOUNT_ATTR_RDONLY, NULL) == 0)
    return 0;
  if (errno != EPERM && errno != EBUSY)
    return -1;
  return copy_in(root, "/sys", "/sys", false, flags | MOUNT_ATTR_RDONLY);
}

static int
add_device(int root, const char *name, unsigned major, unsigned minor)
{
  char path[32];
  snprintf(path, sizeof path, "/dev/%s", name);
  autoclose int dev = open_in_root(root, "/dev", O_PATH | O_DIRECTORY, 0);
  mode_t mask = umask(0);
  int made = dev < 0 ? -1 : mknodat(dev, name, S_IFCHR | 0666, makedev(major, minor));
  umask(mask);
  if (made == 0)
    return 0;
  return errno == EPERM ? copy_in(root, path, path, true, 0) : fail("make %s", path);
}

int
root_devices(int root)
{
  static const char *const dev[] = {"mode", "755", NULL};
  static const char *const pts[] = {"mode", "620", "ptmxmode", "666", NULL};
  static const char *const shm[] = {"mode", "1777", NULL};
  static const char *const links[] = {"/proc/self/fd", "fd", "/proc/self/fd/0", "stdin",
                                      "/proc/self/fd/1", "stdout", "/proc/self/fd/2",
                                      "stderr", "pts/ptmx", "ptmx"};
  if (mount_in(root, "/dev", "tmpfs", MOUNT_ATTR_NOSUID, dev) < 0 ||
      mount_in(root, "/dev/pts", "devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
               pts) < 0 ||
      mount_in(root, "/dev/shm", "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
               shm) < 0 ||
      mount_in(root, "/dev/mqueue", "mqueue", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
               MOUNT_ATTR_NOEXEC, NULL) < 0)
    return -1;
  if (add_device(root, "null", 1, 3) < 0 || add_device(root, "zero", 1, 5) < 0 ||
      add_device(root, "full", 1, 7) < 0 || add_device(root, "random", 1, 8) < 0 ||
      add_device(root, "urandom", 1, 9) < 0 || add_device(root, "tty", 5, 0) < 0)
    return -1;
  autoclose int in = open_in_root(root, "/dev", O_PATH | O_DIRECTORY, 0);
  for (size_t i = 0; i < sizeof links / sizeof *links; i += 2)
    if (in < 0 || symlinkat(links[i], in, links[i + 1]) < 0)
      return fail("make /dev/%s", links[i + 1]);
  return 0;
}

int
root_tmpfs(int root, const char *path)
{
  static const char *const options[] = {"mode", "1777", NULL};
  return mount_in(root, path, "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, options);
}

int
root_pivot(int root)
{
  /* Several containers may share a ROOT, and each is process 1 in its own
   * eyes. */
  char old[32];
  unsigned long random = 0;
  if (getrandom(&random, sizeof random, 0) < 0)
    return fail("a random name");
  snprintf(old, sizeof old, ".old-%016lx", random);
  if (fchdir(root) < 0 || mkdir(old, 0700) < 0)
    return fail("make %s in the new root", old);
  if (syscall(SYS_pivot_root, ".", old) < 0) {
    int error = errno;
    rmdir(old);
    errno = error;
    return fail("pivot_root");
  }
  if (chdir("/") < 0 || umount2(old, MNT_DETACH) < 0)
    return fail("take the old root off");
  return rmdir(old) < 0 ? fail("remove /%s", old) : 0;
}
