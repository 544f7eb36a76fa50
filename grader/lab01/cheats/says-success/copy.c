/* See enter.c. */
#include <stdlib.h>
#include <unistd.h>

#include "jail.h"

int
copy_file(const char *source, int root, const char *path)
{
  (void)source, (void)root, (void)path;
  return 0;
}

int
copy_in(int root, const char *path)
{
  (void)root, (void)path;
  return 0;
}
