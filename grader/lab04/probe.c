/* probe.c - a program for the inside of an image. It is linked statically, so that
 * it needs nothing else there. */
#include <stdio.h>

int
main(int argc, char **argv)
{
  printf("probe");
  for (int i = 1; i < argc; i++)
    printf(" %s", argv[i]);
  printf("\n");
  return 0;
}
