/* enter.c - 1.1: enter a root.
 *
 * Every process has a root directory. The kernel keeps it beside the current
 * directory, in one small structure per process, and looks at it in exactly two
 * places: when a path starts with "/", and when ".." is about to step out of
 * it. chroot(2) changes that one pointer and nothing else.
 */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "jail.h"

int
root_enter(const char *root, const char *cwd)
{
  /* TODO 1.1: make `root` the root directory, then `cwd` the current one.
   * What does "." name after a chroot(2) alone? */
  return todo("1.1", root, cwd);
}

int
program_exec(char *const argv[])
{
  /* TODO 1.1: become the program. If that fails, return 126 or 127. */
  todo("1.1", argv);
  return 126;
}

int
program_wait(pid_t pid)
{
  /* TODO 1.1: wait for `pid`, and make one number of how it ended. */
  return todo("1.1", pid);
}
