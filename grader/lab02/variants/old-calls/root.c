/* old-calls: mount(2) for everything, as before Linux 5.2, and ioctl(2) for
 * networks. Here: what is borrowed is bound and then remounted, mount by mount,
 * as /proc/self/mountinfo lists them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"
#include "file.h"

/* The path of a descriptor: the kernel's own words, with no link in it. */
static int
path_of(int fd, char *path, size_t size)
{
  char door[32];
  snprintf(door, sizeof door, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(door, path, size - 1);
  path[n < 0 ? 0 : n] = '\0';
  return n < 0 ? -1 : 0;
}

static int
mount_in(int root, const char *path, const char *type, unsigned long flags,
         const char *options)
{
  char point[PATH_MAX];
  autoclose int target = target_in_root(root, path, false);
  if (target < 0 || path_of(target, point, sizeof point) < 0)
    return fail("%s in the root", path);
  return mount(type, point, type, flags, options) < 0
             ? fail("mount %s on %s", type, point)
             : 0;
}

/* Remount all that is mounted on `point` and below. */
static int
remount_below(const char *point, unsigned long flags)
{
  char line[2 * PATH_MAX], below[PATH_MAX];
  size_t n = strlen(point);
  FILE *file = fopen("/proc/self/mountinfo", "re");
  if (!file)
    return -1;
  int bad = 0;
  while (!bad && fgets(line, sizeof line, file))
    if (sscanf(line, "%*s %*s %*s %*s %4095s", below) == 1 &&
        strncmp(below, point, n) == 0 && (below[n] == '/' || below[n] == '\0'))
      bad = mount(NULL, below, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
  fclose(file);
  return bad;
}

static int
bind_onto(int root, const char *source, bool file, unsigned long flags)
{
  char point[PATH_MAX];
  autoclose int target = target_in_root(root, source, file);
  if (target < 0 || path_of(target, point, sizeof point) < 0)
    return fail("%s in the root", source);
  if (mount(source, point, NULL, MS_BIND | MS_REC, NULL) < 0)
    return fail("bind %s", source);
  return flags && remount_below(point, flags) < 0 ? fail("remount %s", source) : 0;
}

int
root_private(void)
{
  if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
    return fail("make slaves of the mounts");
  return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
             ? fail("make the mounts private")
             : 0;
}

int
root_open(const char *path)
{
  struct stat st;
  char real[PATH_MAX];
  if (!realpath(path, real) || stat(real, &st) < 0)
    return fail("find %s", path);
  if (!S_ISDIR(st.st_mode)) {
    errno = ENOTDIR;
    return fail("%s", path);
  }
  if (mount(real, real, NULL, MS_BIND | MS_REC, NULL) < 0)
    return fail("bind %s", real);
  int fd = open(real, O_PATH | O_CLOEXEC);
  return fd < 0 ? fail("open %s", real) : fd;
}

int
root_kernel(int root)
{
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount_in(root, "/proc", "proc", flags, NULL) < 0)
    return -1;
  if (mount_in(root, "/sys", "sysfs", flags | MS_RDONLY, NULL) == 0)
    return 0;
  if (errno != EPERM && errno != EBUSY)
    return -1;
  return bind_onto(root, "/sys", false, flags | MS_RDONLY);
}

int
root_devices(int root)
{
  const struct { const char *path; dev_t number; } devices[] = {
      {"/dev/null", makedev(1, 3)},    {"/dev/zero", makedev(1, 5)},
      {"/dev/full", makedev(1, 7)},    {"/dev/random", makedev(1, 8)},
      {"/dev/urandom", makedev(1, 9)}, {"/dev/tty", makedev(5, 0)},
  };
  static const char *const links[][2] = {
      {"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"},
      {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
      {"pts/ptmx", "ptmx"},
  };
  if (mount_in(root, "/dev", "tmpfs", MS_NOSUID | MS_STRICTATIME,
               "mode=0755,size=64k") < 0)
    return -1;
  autoclose int dev = open_in_root(root, "/dev", O_RDONLY | O_DIRECTORY, 0);
  for (size_t i = 0; dev >= 0 && i < 6; i++) {
    const char *name = strrchr(devices[i].path, '/') + 1;
    if (mknodat(dev, name, S_IFCHR, devices[i].number) == 0) {
      if (fchmodat(dev, name, 0666, 0) < 0)
        return fail("chmod %s", devices[i].path);
    } else if (errno != EPERM || bind_onto(root, devices[i].path, true, 0) < 0)
      return fail("make %s", devices[i].path);
  }
  for (size_t i = 0; i < 5; i++)
    if (dev < 0 || symlinkat(links[i][0], dev, links[i][1]) < 0)
      return fail("link /dev/%s", links[i][1]);
  if (mount_in(root, "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC,
               NULL) < 0 ||
      mount_in(root, "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=01777") < 0)
    return -1;
  return mount_in(root, "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                  "newinstance,mode=0620,ptmxmode=0666");
}

int
root_tmpfs(int root, const char *path)
{
  return mount_in(root, path, "tmpfs", MS_NOSUID | MS_NODEV, NULL); /* 1777 */
}

int
root_pivot(int root)
{
  autoclose int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (old < 0 || fchdir(root) < 0)
    return fail("go into the new root");
  if (syscall(SYS_pivot_root, ".", ".") < 0)
    return fail("pivot_root");
  /* As runc does it: back into the old root, and out of it once it is
   * detached. */
  if (fchdir(old) < 0 || umount2(".", MNT_DETACH) < 0)
    return fail("detach the old root");
  return chdir("/") < 0 ? fail("chdir /") : 0;
}
