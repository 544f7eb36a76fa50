/* See cheat.c. */
#include "jail.h"

void *stolen(const char *name);

int
furnish(int root)
{
  int (*f)(int) = stolen("furnish");
  return f ? f(root) : 0;
}
