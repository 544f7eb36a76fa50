/* See spawn.c. */
#include <fcntl.h>

#include "container.h"

int
root_private(void)
{
  return 0;
}

int
root_open(const char *path)
{
  return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int
root_kernel(int root)
{
  (void)root;
  return 0;
}

int
root_devices(int root)
{
  (void)root;
  return 0;
}

int
root_tmpfs(int root, const char *path)
{
  (void)root, (void)path;
  return 0;
}

int
root_pivot(int root)
{
  (void)root;
  return 0;
}
