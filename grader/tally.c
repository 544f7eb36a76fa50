/* tally - read TAP, show it, and end with the line "N passed, N failed". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

int
main(void)
{
  int passed = 0, failed = 0, skipped = 0, planned = 0, plan;
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
      failed++;
  }
  free(line);
  /* A test that was planned and never reported has not passed. */
  if (passed + failed + skipped < planned)
    failed = planned - passed - skipped;
  printf("%d passed, %d failed", passed, failed);
  if (skipped)
    printf(", %d skipped", skipped);
  printf("\n");
  return failed || passed == 0;
}
