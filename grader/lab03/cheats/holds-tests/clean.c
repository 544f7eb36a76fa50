/* See cheat.c. */
#include "cgroup.h"

int
cgroup_remove_tree(int place, const char *path)
{
  (void)place, (void)path;
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
