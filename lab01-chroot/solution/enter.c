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
  //> /* TODO 1.1: make `root` the root directory, then `cwd` the current one.
  //>  * What does "." name after a chroot(2) alone? */
  //> return todo("1.1", root, cwd);

  /* Go there first. chroot(2) does not move the current directory: a process
   * that stays outside keeps a foot in the door (escape.c uses it). And once
   * ".." is above the root, the check against the root never matches again. */
  if (chdir(root) < 0)
    return fail("chdir %s", root);
  if (chroot(".") < 0)
    return fail("chroot %s", root);

  /* From here on every path means what it means inside. A `cwd` of "../.." is
   * harmless: at the root, ".." is the root. */
  if (chdir(cwd) < 0)
    return fail("chdir %s inside %s", cwd, root);
  return 0;
  //<
}

int
program_exec(char *const argv[])
{
  //> /* TODO 1.1: become the program. If that fails, return 126 or 127. */
  //> todo("1.1", argv);
  //> return 126;

  /* execvp(3) walks through PATH. It runs after root_enter, so it walks through
   * the jail's directories: a path that was found before the chroot would name
   * a file of the host. */
  execvp(argv[0], argv);
  int status = errno == ENOENT ? 127 : 126;
  fail("%s", argv[0]);
  return status;
  //<
}

int
program_wait(pid_t pid)
{
  //> /* TODO 1.1: wait for `pid`, and make one number of how it ended. */
  //> return todo("1.1", pid);
  int status;
  /* A signal with a handler makes waitpid(2) return early, with EINTR. */
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return fail("wait for process %d", pid);

  /* An exit status has 8 bits, and so cannot say "killed by a signal". Shells
   * say it as 128+N, and so do env(1), Docker and we. */
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  //<
}
