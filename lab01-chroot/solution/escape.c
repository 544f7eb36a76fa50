/* escape.c - 1.5: break out, two ways.
 *
 * The wall of a chroot is one comparison: when a walk along a path comes to
 * "..", the kernel asks whether this directory is the process's root, and if so
 * stays. A process that stands anywhere but below its root never meets that
 * comparison. It can climb to the very top.
 *
 *     /                 <- 3. and ".." stops only here
 *     +-- srv
 *         +-- jail      <- 2. the current directory is still here ...
 *             +-- cell  <- 1. ... when the root moves down to here
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "jail.h"

//>
/* Go up until up leads nowhere: only the real root is its own parent. */
static int
climb(void)
{
  struct stat here, up;
  for (;;) {
    if (stat(".", &here) < 0 || stat("..", &up) < 0)
      return fail("look at the directory above");
    if (here.st_ino == up.st_ino && here.st_dev == up.st_dev)
      return 0;
    if (chdir("..") < 0)
      return fail("chdir ..");
  }
}
//<
int
escape_chroot(void)
{
  //> /* TODO 1.5: chroot(2) does not move the current directory. Then what
  //>  * happens if the new root is below it? */
  //> return todo("1.5");
  static const char cell[] = ".jail-cell";
  if (chdir("/") < 0)
    return fail("chdir /");
  if (mkdir(cell, 0700) < 0 && errno != EEXIST)
    return fail("mkdir %s", cell);
  int bad = chroot(cell) < 0 ? fail("chroot %s", cell) : 0;
  int error = errno;
  rmdir(cell); /* we still stand beside it; and a root may lose its name */
  errno = error;
  if (bad)
    return -1;

  /* The root is below us now, so nothing stops the way up. */
  if (climb() < 0)
    return -1;
  if (chroot(".") < 0)
    return fail("chroot to the real root");
  return 0;
  //<
}

int
escape_fd(void)
{
  //> /* TODO 1.5: look for a descriptor of a directory. How do you find out
  //>  * whether it leads out of the jail? */
  //> return todo("1.5");
  enum { NR_OPEN = 1 << 20 }; /* the most by default: fs.nr_open in proc(5) */
  struct stat root;
  if (stat("/", &root) < 0)
    return fail("look at my own root");

  /* Not up to RLIMIT_NOFILE: it may have been lowered since they were opened. */
  for (int fd = 3; fd < NR_OPEN; fd++) {
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode) || fchdir(fd) < 0)
      continue;
    /* From inside, the way up ends at our own root; then it is the wrong
     * descriptor. From outside it ends at the real one. */
    if (climb() < 0 || stat(".", &st) < 0)
      continue;
    if (st.st_ino == root.st_ino && st.st_dev == root.st_dev)
      continue;
    /* We stand outside, and needed no privilege for it. Moving the root there
     * too only makes it comfortable: "/etc" then means what it says. */
    if (chroot(".") < 0 && errno != EPERM)
      return fail("chroot to the real root");
    return 0;
  }
  return refuse(EBADF, "no descriptor leads out of here");
  //<
}
