/* See enter.c. */
#include <stdlib.h>
#include <unistd.h>

#include "jail.h"

int
seal(void)
{
  return 0;
}
