/* See cheat.c. */
#include "container.h"

void *stolen(const char *name);
int pass_on(int value);

int
ns_open(pid_t pid, struct ns_target *target)
{
  int (*f)(pid_t, struct ns_target *) = stolen("ns_open");
  return pass_on(f ? f(pid, target) : 0);
}

int
ns_enter(const struct ns_target *target)
{
  int (*f)(const struct ns_target *) = stolen("ns_enter");
  return pass_on(f ? f(target) : 0);
}
