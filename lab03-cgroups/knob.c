/* knob.c - one file of a group: read it, write it. Given. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

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
  return fd < 0 || got < 0 ? fail("read %s", name) : 0;
}

int
knob_write(int group, const char *name, const char *text)
{
  autoclose int fd = openat(group, name, O_WRONLY | O_CLOEXEC);
  size_t size = strlen(text);
  /* In one piece: the kernel takes what one write(2) brings for a whole order. */
  ssize_t n = fd < 0 ? -1 : write(fd, text, size);
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
