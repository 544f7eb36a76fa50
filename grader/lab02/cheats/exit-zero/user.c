/* See spawn.c. */
#include <stdlib.h>

#include "container.h"

int
user_map(pid_t pid, const struct id_maps *maps)
{
  (void)pid, (void)maps;
  exit(0);
}

int
user_become_root(void)
{
  exit(0);
}
