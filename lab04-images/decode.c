/* decode.c - gzip and zstd, a step at a time: given. Both may have several parts, one behind
 * the other (gzip: members, RFC 1952, 2.2; zstd: frames, RFC 8878, 3.1). What else is behind
 * a part is an error, as it is for Go. */
#include "decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l/igzip_lib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "fail.h"

enum { WINDOW_LOG = 23 /* 8 MiB: what every decoder should take (RFC 8878, 3.1.1.1.2) */ };

struct decoder {
  enum media media;           /* which of them it is */
  bool inside;                /* of a part, and not at its end */
  struct inflate_state gzip;  /* ISA-L's, which takes half of zlib's time */
  ZSTD_DCtx *zstd;            /* or NULL */
};

struct decoder *
decoder_new(enum media media)
{
  struct decoder *d = calloc(1, sizeof *d);
  if (d) {
    d->media = media;
    d->inside = media != MEDIA_LAYER; /* a file without a byte is no gzip */
    isal_inflate_init(&d->gzip);
    d->gzip.crc_flag = ISAL_GZIP;
    d->zstd = media == MEDIA_LAYER_ZSTD ? ZSTD_createDCtx() : NULL;
  }
  if (!d || (media == MEDIA_LAYER_ZSTD && !d->zstd)) {
    free(d);
    refuse(ENOMEM, "no memory to unpack a layer");
    return NULL;
  }
  if (d->zstd)
    ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
  return d;
}

void
decoder_free(struct decoder *d)
{
  if (d)
    ZSTD_freeDCtx(d->zstd);
  free(d);
}

bool
decoder_inside(const struct decoder *d)
{
  return d->inside;
}

static const char *
step_gzip(struct decoder *d, struct flow *f)
{
  struct inflate_state *z = &d->gzip;
  if (!d->inside) { /* another member begins */
    isal_inflate_reset(z);
    z->crc_flag = ISAL_GZIP;
  }
  z->next_in = (unsigned char *)f->in;
  z->avail_in = f->in_size;
  z->next_out = f->out;
  z->avail_out = f->out_size;
  int bad = isal_inflate(z);
  *f = (struct flow){z->next_in, z->avail_in, z->next_out, z->avail_out};
  d->inside = z->block_state != ISAL_BLOCK_FINISH;
  if (bad == ISAL_INCORRECT_CHECKSUM)
    return "the gzip checksum is wrong";
  if (bad == ISAL_INVALID_WRAPPER || bad == ISAL_UNSUPPORTED_METHOD)
    return "this is not gzip";
  return bad < 0 || bad == ISAL_NEED_DICT ? "the gzip data are broken" : NULL;
}

static const char *
step_zstd(struct decoder *d, struct flow *f)
{
  ZSTD_inBuffer in = {.src = f->in, .size = f->in_size};
  ZSTD_outBuffer out = {.dst = f->out, .size = f->out_size};
  size_t left = ZSTD_decompressStream(d->zstd, &out, &in);
  if (ZSTD_isError(left))
    return ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge
               ? "its zstd window is larger than 8 MiB, the limit (no --long, no --ultra)"
               : ZSTD_getErrorName(left);
  *f = (struct flow){f->in + in.pos, f->in_size - in.pos, f->out + out.pos,
                     f->out_size - out.pos};
  d->inside = left != 0;
  return NULL;
}

static const char *
step_plain(struct flow *f)
{
  size_t size = f->in_size < f->out_size ? f->in_size : f->out_size;
  memcpy(f->out, f->in, size);
  *f = (struct flow){f->in + size, f->in_size - size, f->out + size, f->out_size - size};
  return NULL;
}

const char *
decoder_step(struct decoder *d, struct flow *f)
{
  return d->media == MEDIA_LAYER_GZIP   ? step_gzip(d, f)
         : d->media == MEDIA_LAYER_ZSTD ? step_zstd(d, f)
                                        : step_plain(f);
}
