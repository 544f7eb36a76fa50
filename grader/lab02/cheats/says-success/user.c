/* See spawn.c. */
#include "container.h"

int
user_map(pid_t pid, const struct id_maps *maps)
{
  (void)pid, (void)maps;
  return 0;
}

int
user_become_root(void)
{
  return 0;
}
