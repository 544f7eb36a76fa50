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

int
escape_chroot(void)
{
  /* TODO 1.5: chroot(2) does not move the current directory. Then what
   * happens if the new root is below it? */
  return todo("1.5");
}

int
escape_fd(void)
{
  /* TODO 1.5: look for a descriptor of a directory. How do you find out
   * whether it leads out of the jail? */
  return todo("1.5");
}
