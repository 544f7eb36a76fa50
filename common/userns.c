#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "obstacle.h"
#include "subid.h"

int
userns_write(pid_t pid, const char *name, const char *text)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
    return fail("write %s", path);
  return 0;
}

/* Run newuidmap(1) or newgidmap(1). They are set-user-ID programs, and write
 * for us the maps that we may not write ourselves. */
static int
run_map_helper(const char *program, pid_t pid, unsigned id, const char *file)
{
  unsigned first, count;
  char numbers[4][16];
  if (!subid_range(file, &first, &count))
    return -1;
  snprintf(numbers[0], sizeof numbers[0], "%d", pid);
  snprintf(numbers[1], sizeof numbers[1], "%u", id);
  snprintf(numbers[2], sizeof numbers[2], "%u", first);
  snprintf(numbers[3], sizeof numbers[3], "%u", count);
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    execlp(program, program, numbers[0], "0", numbers[1], "1", "1", numbers[2],
           numbers[3], NULL);
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0)
    return -1;
  return status == 0 ? 0 : -1;
}

int
userns_map(pid_t pid)
{
  char text[64];
  if (run_map_helper("newuidmap", pid, getuid(), "/etc/subuid") == 0 &&
      run_map_helper("newgidmap", pid, getgid(), "/etc/subgid") == 0)
    return 0;
  /* A gid map without privilege only after giving up setgroups(2): a user who
   * could drop a group could get past a file that is closed to that group
   * (user_namespaces(7), "The /proc/pid/setgroups file"). */
  snprintf(text, sizeof text, "0 %u 1", getuid());
  if (userns_write(pid, "uid_map", text) < 0 ||
      userns_write(pid, "setgroups", "deny") < 0)
    return -1;
  snprintf(text, sizeof text, "0 %u 1", getgid());
  return userns_write(pid, "gid_map", text);
}

int
userns_enter(void)
{
  /* Whoever writes the map must be outside: a child that has stayed behind. It begins
   * when it reads the byte, and its parent goes on when it has ended. */
  pid_t self = getpid();
  int go[2], status;
  char byte = 0;
  if (pipe2(go, O_CLOEXEC) < 0)
    return fail("make a pipe");
  pid_t child = fork();
  if (child == 0) {
    close(go[1]);
    _exit(read(go[0], &byte, 1) == 1 && userns_map(self) == 0 ? 0 : 1);
  }
  close(go[0]);
  int made = child < 0 ? -1 : unshare(CLONE_NEWUSER | CLONE_NEWNS);
  int error = errno;
  if (made == 0 && write(go[1], &byte, 1) < 0)
    made = -1, error = errno;
  close(go[1]);
  if (child > 0 && waitpid(child, &status, 0) < 0)
    status = 1;
  if (made < 0)
    return refuse(error, "make a user namespace: %s", userns_obstacle(error));
  if (status != 0)
    return refuse(EPERM, "map user numbers into a user namespace");
  if (setgid(0) < 0 || setuid(0) < 0)
    return fail("become root of a user namespace");
  return 0;
}
