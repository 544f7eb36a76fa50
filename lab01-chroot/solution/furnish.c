/* furnish.c - 1.4: furnish.
 *
 * A new root is bare. Programs take a few things for granted: /dev/null to
 * throw things into, /dev/urandom to draw from, /tmp to write to, a name for
 * user 0. A device file holds no data. It is a name for a pair of numbers, and
 * the kernel finds the driver by them: 1,3 is null wherever the file lies.
 *
 * Because of that, making one is a privilege: mknod(2) of the disk's numbers
 * would give its maker the disk. In a user namespace even root may not. There
 * the host's own device, which we may open already, is bound onto a file.
 */
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

//>
static const struct {
  const char *name;
  unsigned major, minor;
} devices[] = {
    {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
    {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

/* Open the directory `name` of the root, made with `mode` if it is not there. */
static int
make_directory(int root, const char *name, mode_t mode)
{
  bool made = mkdirat(root, name, 0700) == 0;
  if (!made && errno != EEXIST)
    return fail("make %s in the root", name);
  autoclose int dir = open_in_root(root, name, O_RDONLY | O_DIRECTORY, 0);
  if (dir < 0)
    return fail("open %s in the root", name);
  if (made && fchmod(dir, mode) < 0) /* not cut by the umask */
    return fail("set the mode of %s in the root", name);
  return take_fd(&dir);
}

/* Put the host's device /dev/NAME onto an empty file of the jail. */
static int
bind_device(int dir, const char *name)
{
  char host[64], target[64];
  autoclose int fd = openat(dir, name,
                            O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    return fail("create dev/%s in the root", name);
  snprintf(host, sizeof host, "/dev/%s", name);
  /* mount(2) takes a path. This one leads through our own descriptor to the
   * file we just made, so no link can come in between. */
  snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
  if (mount(host, target, NULL, MS_BIND, NULL) < 0) {
    fail("bind %s onto dev/%s in the root", host, name);
    int error = errno;
    unlinkat(dir, name, 0);
    errno = error;
    return -1;
  }
  return 0;
}

static int
make_device(int dir, const char *name, dev_t device)
{
  struct stat st;
  if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISCHR(st.st_mode) && st.st_rdev == device)
      return 0;
    /* Something else has the name, perhaps a link that somebody planted. */
    if (unlinkat(dir, name, 0) < 0)
      return fail("replace dev/%s in the root", name);
  }
  if (mknodat(dir, name, S_IFCHR | 0666, device) == 0)
    return fchmodat(dir, name, 0666, 0) < 0
               ? fail("set the mode of dev/%s in the root", name)
               : 0;
  if (errno != EPERM)
    return fail("make dev/%s in the root", name);
  return bind_device(dir, name);
}

/* Write a file of the directory `etc`, unless there is something of that name. */
static int
make_text(int etc, const char *name, const char *text)
{
  autoclose int fd = openat(etc, name,
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno == EEXIST ? 0 : fail("create etc/%s in the root", name);
  if (write_all(fd, text, strlen(text)) < 0 || fchmod(fd, 0644) < 0) {
    fail("write etc/%s in the root", name);
    unlinkat(etc, name, 0);
    return -1;
  }
  return 0;
}
//<
int
furnish(int root)
{
  //> /* TODO 1.4: /dev with six devices, /tmp, /etc/passwd and /etc/group. Your
  //>  * umask cuts the modes that you ask for. */
  //> return todo("1.4", root);
  autoclose int dev = make_directory(root, "dev", 0755);
  if (dev < 0)
    return -1;
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (make_device(dev, devices[i].name,
                    makedev(devices[i].major, devices[i].minor)) < 0)
      return -1;

  /* Everyone may write to /tmp; the sticky bit (01000) lets only the owner of
   * a file remove it (sticky bit: inode(7)). */
  autoclose int tmp = make_directory(root, "tmp", 01777);
  if (tmp < 0)
    return -1;
  if (fchmod(tmp, 01777) < 0)
    return fail("set the mode of tmp in the root");

  autoclose int etc = make_directory(root, "etc", 0755);
  if (etc < 0)
    return -1;
  if (make_text(etc, "passwd", "root:x:0:0:root:/:/bin/sh\n"
                               "nobody:x:65534:65534:nobody:/:/bin/false\n") <
          0 ||
      make_text(etc, "group", "root:x:0:\nnogroup:x:65534:\n") < 0)
    return -1;
  return 0;
  //<
}
