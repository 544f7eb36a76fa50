/* decode.h - gzip and zstd, a step at a time. */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "given.h"

/* Bytes to be unpacked, and room for what comes of them. */
struct flow {
  const unsigned char *in; /* what is next */
  size_t in_size;          /* bytes there */
  unsigned char *out;      /* where the next byte goes */
  size_t out_size;         /* bytes there is room for */
};

struct decoder;

/* A decoder for a layer of this kind. Memory for decoder_free, or NULL with errno. */
struct decoder *decoder_new(enum media media);
void decoder_free(struct decoder *decoder);

/* Make bytes at `out` of those at `in`, and move on. Returns NULL, or what is wrong with
 * them. That nothing has moved means that it wants more bytes, or more room. */
const char *decoder_step(struct decoder *decoder, struct flow *flow);

/* Is it in the middle of something, and must not end here? */
bool decoder_inside(const struct decoder *decoder);

#endif
