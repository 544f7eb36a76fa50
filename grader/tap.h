/* tap.h - the Test Anything Protocol, as far as Check and Bats write it. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>

/* One result line: "ok 3 - NAME # skip REASON". The strings point into the line
 * that was read. */
struct tap_line {
  bool ok;
  char *name;    /* without number and dash */
  char *skip;    /* the reason, or NULL */
};

/* Is `line` (without its newline) a result line? If so take it apart, in place. */
bool tap_read(char *line, struct tap_line *result);

#endif
