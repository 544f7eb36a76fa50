/* pack.c - given: write a layer.
 *
 *     entries -> tar -> [diffID] -> gzip or zstd, or neither -> digest -> the store
 *
 * The same entries must give the same bytes on every machine, for a layer is called
 * by the digest of its bytes. So nothing gets into the archive that its caller has
 * not put there: no names of users, no times of reading, no numbers of inodes.
 *
 * What is compressed depends on the library that does it, too: another version may
 * find another way to say the same. The diffID does not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "clean.h"
#include "fail.h"
#include "tar.h"

enum {
  PIECE = 256 * 1024, /* bytes that are hashed, compressed and written at once: headers
                         and small files are gathered until there are so many */
};

/* A layer that is being written. */
struct packer {
  enum compression compression; /* what of the next ones is in use */
  struct blob blob;             /* where it goes */
  struct hash *hash;            /* of the archive before compression; NULL if there is
                                   none: then the blob's own is the same */
  z_stream gzip;                /* of COMPRESS_GZIP */
  ZSTD_CStream *zstd;           /* of COMPRESS_ZSTD */
  time_t newest;                /* the latest mtime of all entries */
  size_t gathered;              /* bytes in `in` */
  char in[PIECE];               /* the archive, so far as it is not written yet */
  char out[PIECE];              /* a piece that was compressed */
};

/* Compress a piece, and write what comes out. The last one is empty. */
static int
gzip_write(struct packer *packer, const void *data, size_t size, bool last)
{
  z_stream *z = &packer->gzip;
  z->next_in = (void *)data;
  z->avail_in = size;
  do {
    z->next_out = (void *)packer->out;
    z->avail_out = sizeof packer->out;
    deflate(z, last ? Z_FINISH : Z_NO_FLUSH);
    size_t made = sizeof packer->out - z->avail_out;
    if (made && blob_write(&packer->blob, packer->out, made) < 0)
      return -1;
  } while (z->avail_out == 0);
  return 0;
}

static int
zstd_write(struct packer *packer, const void *data, size_t size, bool last)
{
  ZSTD_inBuffer in = {data, size, 0};
  size_t left;
  do {
    ZSTD_outBuffer out = {packer->out, sizeof packer->out, 0};
    left = ZSTD_compressStream2(packer->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left))
      return refuse(EIO, "compress the layer: %s", ZSTD_getErrorName(left));
    if (out.pos && blob_write(&packer->blob, packer->out, out.pos) < 0)
      return -1;
  } while (in.pos < in.size || (last && left));
  return 0;
}

static int
piece_write(struct packer *packer, const void *data, size_t size, bool last)
{
  if (packer->compression == COMPRESS_GZIP)
    return gzip_write(packer, data, size, last);
  if (packer->compression == COMPRESS_ZSTD)
    return zstd_write(packer, data, size, last);
  return size ? blob_write(&packer->blob, data, size) : 0;
}

/* Write what was gathered. */
static int
flush(struct packer *packer)
{
  size_t size = packer->gathered;
  packer->gathered = 0;
  if (packer->hash)
    hash_add(packer->hash, packer->in, size);
  return size ? piece_write(packer, packer->in, size, false) : 0;
}

/* Gather bytes of the archive; NULL: zeros. */
static int
gather(struct packer *packer, const void *data, size_t size)
{
  for (size_t done = 0; done < size;) {
    size_t room = sizeof packer->in - packer->gathered;
    size_t n = size - done < room ? size - done : room;
    if (data)
      memcpy(packer->in + packer->gathered, (const char *)data + done, n);
    else
      memset(packer->in + packer->gathered, 0, n);
    packer->gathered += n;
    done += n;
    if (packer->gathered == sizeof packer->in && flush(packer) < 0)
      return -1;
  }
  return 0;
}

static int
compressor_begin(struct packer *packer)
{
  static gz_header no_name = {.os = 255}; /* "unknown", and no time (RFC 1952, 2.3.1) */
  if (packer->compression == COMPRESS_GZIP)
    return deflateInit2(&packer->gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
                   deflateSetHeader(&packer->gzip, &no_name) == Z_OK
               ? 0 : refuse(ENOMEM, "begin to compress a layer: no memory");
  if (packer->compression == COMPRESS_ZSTD) {
    packer->zstd = ZSTD_createCStream();
    if (!packer->zstd)
      return refuse(ENOMEM, "begin to compress a layer: no memory");
    ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, 3);
  }
  return 0;
}

struct packer *
packer_begin(int store, enum compression compression)
{
  struct packer *packer = calloc(1, sizeof *packer);
  if (!packer) {
    fail("begin a layer");
    return NULL;
  }
  packer->compression = compression;
  if (blob_begin(store, &packer->blob) < 0) {
    clean_free(&packer);
    return NULL;
  }
  if (compression == COMPRESS_NONE ||
      ((packer->hash = hash_begin()) && compressor_begin(packer) == 0))
    return packer;
  packer_drop(packer);
  return NULL;
}

int
packer_entry(struct packer *packer, const struct entry *entry)
{
  char *bytes;
  size_t size;
  if (entry->mtime.tv_sec > packer->newest)
    packer->newest = entry->mtime.tv_sec;
  int bad = tar_header(entry, &bytes, &size) < 0 || gather(packer, bytes, size) < 0 ? -1 : 0;
  clean_free(&bytes);
  return bad;
}

int
packer_data(struct packer *packer, int file, int64_t size)
{
  for (int64_t left = size; left > 0;) {
    /* Read it to where it is needed, behind what is there. */
    int64_t room = sizeof packer->in - packer->gathered;
    ssize_t n = read(file, packer->in + packer->gathered, left < room ? left : room);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail("read a file for a layer");
    /* Its size stands in the archive already. */
    if (n == 0)
      return refuse(EBUSY, "a file became shorter while it was read: %lld of %lld bytes are "
                    "missing", (long long)left, (long long)size);
    packer->gathered += n;
    left -= n;
    if (packer->gathered == sizeof packer->in && flush(packer) < 0)
      return -1;
    progress_add(n);
  }
  return gather(packer, NULL, tar_padding(size));
}

time_t
packer_newest(const struct packer *packer)
{
  return packer->newest;
}

/* All but the blob. */
static void
packer_free(struct packer *packer)
{
  int error = errno;
  if (packer->compression == COMPRESS_GZIP)
    deflateEnd(&packer->gzip);
  ZSTD_freeCStream(packer->zstd);
  hash_drop(packer->hash);
  free(packer);
  errno = error;
}

int
packer_finish(struct packer *packer, struct descriptor *layer, char diff_id[DIGEST_SIZE])
{
  static const char *const types[] = {
      [COMPRESS_NONE] = "application/vnd.oci.image.layer.v1.tar",
      [COMPRESS_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
      [COMPRESS_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
  };
  /* Two blocks of zeros are the end. */
  if (gather(packer, NULL, 2 * TAR_BLOCK) < 0 || flush(packer) < 0 ||
      piece_write(packer, NULL, 0, true) < 0) {
    packer_drop(packer);
    return -1;
  }
  const char *type = types[packer->compression];
  int bad = blob_finish(&packer->blob, NULL, layer);
  memcpy(layer->media_type, type, strlen(type) + 1);
  if (packer->hash)
    hash_end(packer->hash, diff_id);
  else
    memcpy(diff_id, layer->digest, DIGEST_SIZE);
  packer->hash = NULL;
  packer_free(packer);
  return bad;
}

void
packer_drop(struct packer *packer)
{
  if (!packer)
    return;
  blob_drop(&packer->blob);
  packer_free(packer);
}
