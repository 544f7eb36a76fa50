/* by-hand: the lower-level calls everywhere. Here: fchdir(2) on the open root and
 * chroot("."), an own walk through PATH with execve(2), and waitid(2). copy.c
 * walks with O_NOFOLLOW, one openat(2) for each name, and refuses links in ROOT
 * where the reference follows them inside it. drop.c uses capset(2) and
 * prctl(2), without libcap. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "jail.h"

int
root_enter(const char *root, const char *cwd)
{
  autoclose int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return fail("open %s", root);
  if (fchdir(fd) < 0)
    return fail("fchdir %s", root);
  if (chroot(".") < 0)
    return fail("chroot %s", root);
  if (chdir(cwd) < 0)
    return fail("chdir %s inside %s", cwd, root);
  return 0;
}

int
program_exec(char *const argv[])
{
  int error = ENOENT;
  const char *dirs = getenv("PATH");
  if (!dirs)
    dirs = "/bin:/usr/bin";
  if (strchr(argv[0], '/')) {
    execve(argv[0], argv, environ);
    error = errno;
  } else
    while (argv[0][0]) {
      char path[PATH_MAX];
      size_t n = strcspn(dirs, ":");
      snprintf(path, sizeof path, "%.*s%s%s", (int)n, dirs, n ? "/" : "./",
               argv[0]);
      execve(path, argv, environ);
      if (errno != ENOENT && errno != ENOTDIR)
        error = errno;
      if (!dirs[n])
        break;
      dirs += n + 1;
    }
  errno = error;
  fail("%s", argv[0]);
  return error == ENOENT ? 127 : 126;
}

int
program_wait(pid_t pid)
{
  siginfo_t info = {0};
  for (;;) {
    if (waitid(P_PID, pid, &info, WEXITED) == 0)
      break;
    if (errno != EINTR)
      return fail("wait for %d", pid);
  }
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
