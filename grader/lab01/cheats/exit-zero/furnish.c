/* See enter.c. */
#include <stdlib.h>
#include <unistd.h>

#include "jail.h"

int
furnish(int root)
{
  (void)root;
  exit(0);
}
