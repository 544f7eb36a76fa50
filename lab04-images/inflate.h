/* inflate.h - the bytes of a layer, unpacked, and both digests of it.
 *
 * A thread reads the blob, hashes and unpacks it into a ring of a few pieces, while
 * whoever asks writes files out of the piece before. So the memory that a layer takes
 * is the ring's, however long the layer is, and two processors share the work.
 */
#ifndef INFLATE_H
#define INFLATE_H

#include "given.h"

struct inflate;

/* Unpack `file` (a descriptor that becomes the stream's in any case), a layer of this
 * kind (gzip of one or more members, zstd with windows of at most 8 MiB, or plain).
 * Returns memory for inflate_close, or NULL with errno. */
struct inflate *inflate_open(int file, enum media media,
                             const struct layer_limits *limits);

/* The next piece: `*size` bytes at `*data`, until the next call. Returns 1; 0 at the
 * end; -1 with errno: EBADMSG if the blob is broken, or ends too early; EFBIG beyond a
 * limit, and the message says which. */
int inflate_next(struct inflate *inflate, const void **data, size_t *size);

/* Bytes that inflate_next has given out. */
int64_t inflate_given(const struct inflate *inflate);

/* Bytes that it gives out at most. */
int64_t inflate_limit(const struct inflate *inflate);

/* At the end (inflate_next has returned 0): digest and size of the blob, and the digest
 * of what was in it. */
void inflate_digests(struct inflate *inflate, struct descriptor *packed,
                     char unpacked[DIGEST_SIZE]);

/* Ends the thread, wherever it is. errno stays. */
void inflate_close(struct inflate *inflate);

#endif
