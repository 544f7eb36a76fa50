/* tar.h - between pack.c and tar.c. */
#ifndef TAR_H
#define TAR_H

#include "image.h"

enum { TAR_BLOCK = 512 }; /* an archive consists of such blocks, bytes each */

/* How many zeros follow so many bytes, up to a whole block. */
static inline size_t
tar_padding(int64_t size)
{
  return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* What stands in front of an entry's data: `size` bytes that the caller frees, in any
 * case. Returns 0, or -1 with errno: EINVAL for what an archive cannot say. */
int tar_header(const struct entry *entry, char **bytes, size_t *size);

#endif
