/* breadth-first: /etc, /tmp and then /dev; with a umask of nothing, so that modes
 * come out as asked; with O_NOFOLLOW instead of openat2(2); and devices are made
 * first and looked at only when there was something. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"

static int
directory(int root, const char *name, mode_t mode)
{
  if (mkdirat(root, name, mode) < 0 && errno != EEXIST)
    return fail("mkdir %s", name);
  int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? fail("open %s in the root", name) : fd;
}

static int
text(int etc, const char *name, const char *lines)
{
  autoclose int fd = openat(etc, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                            0644);
  if (fd < 0 && errno == EEXIST)
    return 0;
  if (fd < 0 || write_all(fd, lines, strlen(lines)) < 0)
    return fail("write %s", name);
  return 0;
}

static int
borrow(int dev, const char *name)
{
  char from[32], onto[64];
  autoclose int fd = openat(dev, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                            0666);
  snprintf(from, sizeof from, "/dev/%s", name);
  snprintf(onto, sizeof onto, "/proc/self/fd/%d", fd);
  if (fd >= 0 && mount(from, onto, "", MS_BIND, "") == 0)
    return 0;
  fail("borrow %s", from);
  int error = errno;
  if (fd >= 0)
    unlinkat(dev, name, 0);
  errno = error;
  return -1;
}

static int
device(int dev, const char *name, dev_t numbers)
{
  struct stat st;
  for (int tries = 0; tries < 2; tries++) {
    if (mknodat(dev, name, S_IFCHR | 0666, numbers) == 0)
      return 0;
    if (errno == EPERM)
      return borrow(dev, name);
    if (errno != EEXIST)
      break;
    if (fstatat(dev, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISCHR(st.st_mode) && st.st_rdev == numbers)
      return 0;
    unlinkat(dev, name, 0);
  }
  return fail("make dev/%s", name);
}

static int
furnish_all(int root)
{
  autoclose int etc = directory(root, "etc", 0755);
  if (etc < 0 ||
      text(etc, "group", "root:x:0:\nnobody:x:65534:\n") < 0 ||
      text(etc, "passwd", "root:x:0:0::/root:/bin/sh\n"
                          "nobody:x:65534:65534::/nonexistent:/bin/false\n") < 0)
    return -1;
  autoclose int tmp = directory(root, "tmp", 01777);
  if (tmp < 0)
    return -1;
  if (fchmod(tmp, 01777) < 0)
    return fail("the mode of tmp");
  autoclose int dev = directory(root, "dev", 0755);
  if (dev < 0)
    return -1;
  static const char *const memory[] = {[3] = "null", [5] = "zero", [7] = "full",
                                       [8] = "random", [9] = "urandom"};
  for (int minor = 0; minor < 10; minor++)
    if (memory[minor] && device(dev, memory[minor], makedev(1, minor)) < 0)
      return -1;
  return device(dev, "tty", makedev(5, 0));
}

int
furnish(int root)
{
  mode_t before = umask(0);
  int bad = furnish_all(root);
  umask(before);
  return bad;
}
