/* cage_user.c - who is who in the cage of an ordinary user. */
#include <stdio.h>
#include <unistd.h>

#include "cage.h"
#include "userns.h"

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
  return userns_write(pid, name, text);
}

int
map_user(pid_t pid)
{
  if (geteuid() == 0)
    return map_identity(pid, "uid_map") < 0 ? -1 : map_identity(pid, "gid_map");
  return userns_map(pid);
}
