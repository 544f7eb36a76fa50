/* See spawn.c. */
#include <stdlib.h>

#include "container.h"

int
hide(int root, const char *path)
{
  (void)root, (void)path;
  exit(0);
}

int
hide_writing(int root, const char *path)
{
  (void)root, (void)path;
  exit(0);
}

int
bind_in(int root, const char *source, const char *path, bool readonly)
{
  (void)root, (void)source, (void)path, (void)readonly;
  exit(0);
}
