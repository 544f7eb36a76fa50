/* tally - read TAP, show it, name what has failed, and end with the line "N passed, N
 * failed".
 *
 *   tally [FILE]     FILE: names of tests, one a line, that have passed when they were
 *                    run again, alone; they are named, too
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "tap.h"

static struct list failed;  /* names of tests that have failed */
static struct list again;   /* names of those that have passed at the second look */

static void
read_again(const char *path)
{
  char *line = NULL;
  size_t room = 0;
  FILE *file = fopen(path, "re");
  while (file && getline(&line, &room, file) > 0) {
    line[strcspn(line, "\n")] = '\0';
    list_add(&again, line);
  }
  free(line);
  if (file)
    fclose(file);
}

int
main(int argc, char **argv)
{
  int passed = 0, skipped = 0, planned = 0, lost, plan;
  char *line = NULL;
  size_t room = 0;
  for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
    struct tap_line result;
    fputs(line, stdout);
    fflush(stdout);
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "1..%d", &plan) == 1)
      planned += plan;
    if (!tap_read(line, &result))
      continue;
    if (result.skip)
      skipped++;
    else if (result.ok)
      passed++;
    else
      list_add(&failed, result.name);
  }
  free(line);
  if (argc > 1)
    read_again(argv[1]);
  /* A test that was planned and never reported has not passed. */
  lost = planned - passed - skipped - (int)failed.count;
  lost = lost > 0 ? lost : 0;
  for (size_t i = 0; i < failed.count; i++) {
    bool twice = list_has(&again, failed.items[i]);
    printf("%s: %s\n", twice ? "passed at the second look, alone" : "failed", failed.items[i]);
    passed += twice;
    lost += !twice;
  }
  printf("%d passed, %d failed", passed, lost);
  if (skipped)
    printf(", %d skipped", skipped);
  printf("\n");
  return lost || passed == 0;
}
