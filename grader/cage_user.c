/* cage_user.c - who is who in the cage of an ordinary user. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "subid.h"

/* Write one file of /proc/PID, in one write(2) as the kernel demands. */
static int
write_proc(pid_t pid, const char *name, const char *text)
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
  char numbers[5][16];
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
    _exit(NOT_FOUND);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0)
    return -1;
  return status == 0 ? 0 : -1;
}

/* Root that has no device filter is mapped to himself: all the numbers that he
 * has, each to the same. */
static int
map_identity(pid_t pid, const char *name)
{
  char path[64], text[4096];
  unsigned inside, outside, count;
  size_t n = 0;
  snprintf(path, sizeof path, "/proc/self/%s", name);
  FILE *file = fopen(path, "re");
  while (file && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 &&
         n < sizeof text - 64)
    n += snprintf(text + n, sizeof text - n, "%u %u %u\n", inside, inside,
                  count);
  if (file)
    fclose(file);
  return write_proc(pid, name, text);
}

int
map_user(pid_t pid)
{
  char text[64];
  if (geteuid() == 0)
    return map_identity(pid, "uid_map") < 0 ? -1 : map_identity(pid, "gid_map");
  if (run_map_helper("newuidmap", pid, getuid(), "/etc/subuid") == 0 &&
      run_map_helper("newgidmap", pid, getgid(), "/etc/subgid") == 0)
    return 0;
  /* A gid map without privilege only after giving up setgroups(2): a user who
   * could drop a group could get past a file that is closed to that group
   * (user_namespaces(7), "The /proc/pid/setgroups file"). */
  snprintf(text, sizeof text, "0 %u 1", getuid());
  if (write_proc(pid, "uid_map", text) < 0 ||
      write_proc(pid, "setgroups", "deny") < 0)
    return -1;
  snprintf(text, sizeof text, "0 %u 1", getgid());
  return write_proc(pid, "gid_map", text);
}
