/* cage_user.c - who is who in the cage of an ordinary user. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "userns.h"

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
  if (geteuid() == 0)
    return map_identity(pid, "uid_map") < 0 ? -1 : map_identity(pid, "gid_map");
  return userns_map(pid);
}
