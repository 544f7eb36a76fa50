/* See enter.c. */
#include <stdlib.h>
#include <unistd.h>

#include "jail.h"

int
escape_chroot(void)
{
  exit(0);
}

int
escape_fd(void)
{
  exit(0);
}
