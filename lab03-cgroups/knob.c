/* knob.c - one file of a group: read it, write it. Given. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

/* Has the group been removed? The files of one that has are not there any more than
 * one that it never had; but every group has a cgroup.procs. */
static bool
is_removed(int group)
{
  struct statfs fs;
  return fstatfs(group, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC &&
         faccessat(group, "cgroup.procs", F_OK, 0) < 0 && errno == ENOENT;
}

int
knob_read(int group, const char *name, char text[KNOB_SIZE])
{
  autoclose int fd = openat(group, name, O_RDONLY | O_CLOEXEC);
  size_t n = 0;
  ssize_t got = 1;
  while (fd >= 0 && got > 0 && n < KNOB_SIZE - 1) {
    got = read(fd, text + n, KNOB_SIZE - 1 - n);
    n += got > 0 ? got : 0;
  }
  text[n > 0 && text[n - 1] == '\n' ? n - 1 : n] = '\0';
  if (fd < 0 && errno == ENOENT)
    errno = is_removed(group) ? ENODEV : ENOENT;
  return fd < 0 || got < 0 ? fail("read %s", name) : 0;
}

int
knob_write(int group, const char *name, const char *text)
{
  autoclose int fd = openat(group, name, O_WRONLY | O_CLOEXEC);
  size_t size = strlen(text);
  /* In one piece: the kernel takes what one write(2) brings for a whole order. */
  ssize_t n = fd < 0 ? -1 : write(fd, text, size);
  if (fd < 0 && errno == ENOENT)
    errno = is_removed(group) ? ENODEV : ENOENT;
  if (n >= 0 && (size_t)n < size)
    errno = EIO;
  return n < 0 || (size_t)n < size ? fail("write \"%s\" to %s", text, name) : 0;
}

int64_t
clock_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}
