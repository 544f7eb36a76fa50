/* breadth-first: escape_chroot keeps "/" open, goes into the cell for good, and
 * comes back through the descriptor. Both climb by openat(2) on "..". */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "jail.h"

static bool
same(int a, int b)
{
  struct stat x, y;
  return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
         x.st_ino == y.st_ino;
}

/* The top above the directory `from`, opened; or -1. */
static int
top_of(int from)
{
  autoclose int here = openat(from, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  while (here >= 0) {
    int up = openat(here, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (up >= 0 && same(up, here)) {
      close(up);
      return take_fd(&here);
    }
    clean_close(&here);
    here = up;
  }
  return -1;
}

static int
stand_on(int top)
{
  if (fchdir(top) < 0)
    return fail("fchdir to the top");
  if (chroot(".") < 0 && errno != EPERM)
    return fail("chroot to the top");
  return 0;
}

int
escape_chroot(void)
{
  char cell[32];
  autoclose int jail = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (jail < 0)
    return fail("open /");
  snprintf(cell, sizeof cell, "/cell-%d", getpid());
  if (mkdir(cell, 0700) < 0)
    return fail("mkdir %s", cell);
  int bad = chroot(cell) < 0 || chdir("/") < 0 ? fail("chroot %s", cell) : 0;
  int error = errno;
  unlinkat(jail, cell + 1, AT_REMOVEDIR);
  errno = error;
  if (bad)
    return -1;
  autoclose int top = top_of(jail);
  if (top < 0)
    return fail("climb");
  return stand_on(top);
}

int
escape_fd(void)
{
  autoclose int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return fail("open /");
  for (int fd = 3; fd < 1 << 16; fd++) {
    struct stat st;
    if (fd == root || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
      continue;
    autoclose int top = top_of(fd);
    if (top >= 0 && !same(top, root))
      return stand_on(top);
  }
  return refuse(EBADF, "there is no way out");
}
