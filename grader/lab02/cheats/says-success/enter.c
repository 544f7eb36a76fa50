/* See spawn.c. */
#include <fcntl.h>

#include "container.h"

int
ns_open(pid_t pid, struct ns_target *target)
{
  (void)pid;
  *target = (struct ns_target){.pidfd = open("/dev/null", O_RDONLY | O_CLOEXEC)};
  return 0;
}

int
ns_enter(const struct ns_target *target)
{
  (void)target;
  return 0;
}
