/* store.h - what the tests of 4.1 share. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "check_fixtures.h"
#include "check_lab04.h"
#include "follow.h"

/* A blob to write: what call_write does. */
struct order {
  const char *store;              /* its path */
  const char *bytes;              /* what to write */
  size_t size;                    /* of it */
  size_t piece;                   /* bytes of one blob_write; 0: all at once */
  const struct descriptor *want;  /* for blob_finish */
  bool no_got;                    /* give blob_finish no descriptor to fill in */
  bool drop;                      /* drop it instead */
  bool swept;                     /* and before that, somebody removes what is in tmp */
  bool hold;                      /* neither: stand still with it */
};

/* What came of it, in memory that the test sees. */
struct outcome {
  volatile int begun;         /* what blob_begin returned, */
  volatile int written;       /* and the last blob_write */
  int error;                  /* errno of that, or of blob_drop */
  struct descriptor got;      /* by blob_finish */
  int fds_before, fds_after;  /* descriptors that were open */
};
extern struct outcome *outcome;

/* Make a blob as ordered. The answer is what blob_finish returns. For student_call. */
void call_write(struct answer *a, const void *order);

/* store_sweep on a store (a path). */
void call_sweep(struct answer *a, const void *store);

/* An order for bytes that nobody can know, in a store of their own. */
struct order new_order(size_t size);

/* The descriptor that fits what is ordered. */
struct descriptor fitting(const struct order *order);

/* How many files and directories there are in STORE/tmp. */
int in_tmp(const char *store);

/* In a child: from now on each of these system calls fails with `error`. The list ends
 * with -1. */
void forbid(const int *calls, int error);


/* The tests of the other files. */
void open_tests(void);
void sweep_tests(void);
void crash_tests(void);

#endif
