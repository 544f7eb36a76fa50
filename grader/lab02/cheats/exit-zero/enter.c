/* See spawn.c. */
#include <stdlib.h>

#include "container.h"

int
ns_open(pid_t pid, struct ns_target *target)
{
  (void)pid, (void)target;
  exit(0);
}

int
ns_enter(const struct ns_target *target)
{
  (void)target;
  exit(0);
}
