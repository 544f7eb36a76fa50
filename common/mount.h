/* mount.h - the mount calls that work on descriptors, for every C library.
 *
 * mount(2) names two paths, and a path can come to mean another file between
 * the moment one looks and the moment one mounts. These calls take a mount into
 * the hand instead:
 *
 *     open_tree       a copy of a mount, attached nowhere yet: a descriptor
 *     mount_setattr   make it read-only, nosuid, ... while nobody can see it
 *     move_mount      put it where it belongs: onto another descriptor
 *
 * glibc has functions for them since 2.36; others do not. The kernel has had
 * the first and the last since Linux 5.2, and mount_setattr since 5.12.
 * Sources: mount_setattr(2); the rest has no manual page in many distributions:
 * Linux's fs/namespace.c, and include/uapi/linux/mount.h for the constants.
 */
#ifndef COMMON_MOUNT_H
#define COMMON_MOUNT_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000 /* the mount with all that are mounted below it */
#endif

#ifndef MOUNT_ATTR_RDONLY /* a C library that does not know them */

#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV 0x00000004
#define MOUNT_ATTR_NOEXEC 0x00000008

struct mount_attr {
  uint64_t attr_set;     /* MOUNT_ATTR_... to switch on */
  uint64_t attr_clr;     /* and off */
  uint64_t propagation;  /* MS_PRIVATE and the like, or 0 to leave it */
  uint64_t userns_fd;    /* for MOUNT_ATTR_IDMAP */
};

static inline int
open_tree(int dir, const char *path, unsigned flags)
{
  return syscall(SYS_open_tree, dir, path, flags);
}

static inline int
move_mount(int from, const char *from_path, int to, const char *to_path,
           unsigned flags)
{
  return syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int
mount_setattr(int dir, const char *path, unsigned flags,
              struct mount_attr *attr, size_t size)
{
  return syscall(SYS_mount_setattr, dir, path, flags, attr, size);
}

#endif

#endif
