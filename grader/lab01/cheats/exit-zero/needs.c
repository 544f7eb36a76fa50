/* See enter.c. */
#include <stdlib.h>
#include <unistd.h>

#include "jail.h"

int
elf_read(const char *path, struct elf *elf)
{
  (void)path, (void)elf;
  exit(0);
}

int
needs(const char *program, struct list *paths)
{
  (void)program, (void)paths;
  exit(0);
}
