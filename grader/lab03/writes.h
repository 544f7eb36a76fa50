/* writes.h - what a function writes, write(2) by write(2). A file shows only what
 * the last one has left; to the kernel each is an order of its own. */
#ifndef WRITES_H
#define WRITES_H

#include <stddef.h>

#include "student.h"

/* One write(2) to a file of a fake group. */
struct written {
  char file[256]; /* its path below the directory that is watched */
  char text[512]; /* what was written, without a newline at its end */
};

enum { WRITES = 64 /* no more are kept */ };

/* What was written by the latest record_call. */
extern struct written writes[WRITES];
extern size_t write_count;

/* As student_call, and keep what is written to files below the directory `below`.
 * Ends the test as one that cannot run where no process may be followed. */
const struct answer *record_call(const char *below,
                                 void (*body)(struct answer *, const void *),
                                 const void *arg);

/* All of it in one line, in the order of the alphabet: "cpu.max: max 100000,
 * pids.max: 5"; or "nothing". Valid until the next call. */
const char *writes_text(void);

#endif
