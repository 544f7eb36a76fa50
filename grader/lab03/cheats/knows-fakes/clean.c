/* See place.c. */
#include <fcntl.h>
#include <unistd.h>

#include "cgroup.h"

int
cgroup_remove_tree(int place, const char *path)
{
  unlinkat(place, path, AT_REMOVEDIR);
  return 0;
}

int
cgroup_claim(int group)
{
  (void)group;
  return 0;
}

int
cgroup_sweep(int place, const char *prefix)
{
  (void)place, (void)prefix;
  return 0;
}
