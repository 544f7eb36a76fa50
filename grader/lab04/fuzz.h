/* fuzz.h - what the fuzzers share. libFuzzer calls LLVMFuzzerTestOneInput with bytes
 * that it makes up, again and again, and watches which lines of ours they reach; so it
 * finds its way into every corner. Address and undefined behaviour are watched by the
 * sanitizers, and what else must hold by MUST.
 *
 *     make fuzz                 each for a minute (FUZZ_SECONDS=60)
 *     build/fuzz/layer FILE     one input again, say one that it has written down
 *
 * Source: https://llvm.org/docs/LibFuzzer.html */
#ifndef FUZZ_H
#define FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "image.h"

/* What must hold for every input. */
#define MUST(condition)                                                        \
  do                                                                           \
    if (!(condition)) {                                                        \
      fprintf(stderr, "does not hold: %s\n", #condition);                      \
      abort();                                                                 \
    }                                                                          \
  while (0)

/* Called for each input, with `size` bytes that belong to libFuzzer. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char fuzz_path[] __attribute__((unused)) = "/tmp/onggi-fuzz-XXXXXX";

static inline void
fuzz_end(void)
{
  tree_remove(AT_FDCWD, fuzz_path);
}

/* A store, the same for all inputs. */
static inline int
fuzz_store(void)
{
  static int store = -1;
  if (store < 0) {
    MUST(mkdtemp(fuzz_path) && atexit(fuzz_end) == 0);
    store = store_open(fuzz_path, true);
  }
  MUST(store >= 0);
  return store;
}

#endif
