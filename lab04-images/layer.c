/* layer.c - read a layer, entry by entry: given.
 *
 * libarchive reads the headers, in every dialect of tar, and nothing else of it is
 * used: no filters (inflate.c unpacks), no other formats, and none of what it has for
 * writing to a disk.
 *
 * How Go's reader, and so everybody, reads what the standard does not allow, and what
 * images in the wild have: the two blocks of zeros at the end may be missing; the last
 * file need not be padded to a block; what comes after the end is left out, but is
 * part of the diffID.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clean.h"
#include "fail.h"
#include "image.h"
#include "inflate.h"

enum {
  BLOCK = 512,             /* bytes of a tar block */
  HEADER_MAX = 1024 * 1024, /* bytes of an entry's headers: names, attributes, and the
                              map of a sparse file. They are held in memory */
};

struct layer {
  struct descriptor want;        /* what the manifest says of it */
  char diff_id[DIGEST_SIZE];     /* what the config says of it; "" if nothing */
  char found[DIGEST_SIZE];       /* what it is; "" before layer_verify */
  struct inflate *bytes;         /* where its bytes come from */
  struct archive *archive;       /* libarchive, which makes entries of them */
  struct entry entry;            /* the latest */
  locale_t utf8;                 /* for names, or 0 */
  bool begun;                    /* there was an entry: its data may be left */
  bool in_header;                /* libarchive reads a header */
  int64_t header_from;           /* bytes that it had when it began that */
  int64_t data_end;              /* where the latest piece of its data ended */
  bool padded;                   /* the end was in a block, and we have filled it up */
  bool at_end;                   /* of the archive, not of the bytes */
  int error;                     /* why there are no bytes any more; 0 */
};

void
entry_free(struct entry *entry)
{
  free(entry->path);
  free(entry->link);
  for (size_t i = 0; i < entry->xattr_count; i++) {
    free(entry->xattrs[i].name);
    free(entry->xattrs[i].value);
  }
  free(entry->xattrs);
  *entry = (struct entry){0};
}

/* ---- bytes for libarchive ---- */

/* Called by libarchive when it wants more. */
static la_ssize_t
more_bytes(struct archive *archive, void *arg, const void **data)
{
  static const char zeros[BLOCK];
  struct layer *layer = arg;
  size_t size = 0;
  (void)archive;
  if (layer->in_header && inflate_given(layer->bytes) - layer->header_from > HEADER_MAX) {
    layer->error = EFBIG;
    refuse(EFBIG, "its header has more than %d bytes: that is the limit", HEADER_MAX);
    return -1;
  }
  int more = inflate_next(layer->bytes, data, &size);
  if (more < 0)
    layer->error = errno;
  if (more)
    return more < 0 ? -1 : (la_ssize_t)size;
  /* The end. libarchive wants whole blocks. */
  size = inflate_given(layer->bytes) % BLOCK;
  if (layer->padded || !size)
    return 0;
  layer->padded = true;
  *data = zeros;
  return BLOCK - size;
}

/* Say what libarchive has against the archive, or what we had before; and of which layer. */
static int
broken(const struct layer *layer)
{
  char why[512];
  const char *said = archive_error_string(layer->archive);
  if (layer->error)
    snprintf(why, sizeof why, "%s", failure());
  else
    snprintf(why, sizeof why, "no good tar archive: %s", said ? said : "libarchive says no more");
  return refuse(layer->error ? layer->error : EBADMSG, "layer %.19s: %s", layer->want.digest, why);
}

static int
ends_inside(const struct layer *layer, const char *what)
{
  return refuse(EBADMSG, "layer %.19s: it ends inside of %s, after %" PRId64 " bytes",
                layer->want.digest, what, inflate_given(layer->bytes));
}

/* ---- open, close ---- */

/* Names in PAX headers are UTF-8, and libarchive converts them to the locale's own
 * characters; in the C locale it cannot. The caller's locale is no business of ours. */
static locale_t
into_utf8(const struct layer *layer)
{
  return layer->utf8 ? uselocale(layer->utf8) : (locale_t)0;
}

static void
back_from_utf8(locale_t before)
{
  if (before)
    uselocale(before);
}

static int
open_archive(struct layer *layer)
{
  struct archive *a = layer->archive = archive_read_new();
  if (!a)
    return refuse(ENOMEM, "no memory for libarchive");
  /* "empty" stands for a file of no bytes at all, which Go takes for an archive. */
  if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
      archive_read_support_format_empty(a) != ARCHIVE_OK)
    return broken(layer);
  locale_t before = into_utf8(layer);
  int bad = archive_read_open(a, layer, NULL, more_bytes, NULL);
  back_from_utf8(before);
  return bad == ARCHIVE_OK ? 0 : broken(layer);
}

struct layer *
layer_open(int store, const struct image *image, size_t i, const struct layer_limits *limits)
{
  enum media media = media_of(image->layers[i].media_type);
  if (media != MEDIA_LAYER && media != MEDIA_LAYER_GZIP && media != MEDIA_LAYER_ZSTD) {
    refuse(ENOTSUP, "%s: its media type \"%s\" is none of a layer that we can read",
           image->layers[i].digest, image->layers[i].media_type);
    return NULL;
  }
  int file = blob_open(store, &image->layers[i]);
  if (file < 0)
    return NULL;
  struct inflate *bytes = inflate_open(file, media, limits);
  struct layer *layer = bytes ? calloc(1, sizeof *layer) : NULL;
  if (!layer) {
    if (bytes)
      fail("open a layer");
    inflate_close(bytes);
    return NULL;
  }
  layer->want = image->layers[i];
  layer->bytes = bytes;
  if (image->diff_ids)
    memcpy(layer->diff_id, image->diff_ids[i], DIGEST_SIZE);
  layer->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  if (open_archive(layer) == 0)
    return layer;
  layer_close(layer);
  return NULL;
}

void
layer_close(struct layer *layer)
{
  int error = errno;
  if (!layer)
    return;
  archive_read_free(layer->archive);
  inflate_close(layer->bytes);
  entry_free(&layer->entry);
  if (layer->utf8)
    freelocale(layer->utf8);
  free(layer);
  errno = error;
}

/* ---- entries ---- */

/* A number of a user or group. The last one means "nobody" to chown(2), and would leave
 * the owner as it is. */
static int
read_id(int64_t number, const char *what, uint32_t *id)
{
  if (number < 0 || number >= UINT32_MAX)
    return refuse(EBADMSG, "the %s %" PRId64 " is none", what, number);
  *id = number;
  return 0;
}

static int
read_xattrs(struct entry *entry, struct archive_entry *from)
{
  int count = archive_entry_xattr_reset(from);
  entry->xattrs = calloc(count + 1, sizeof *entry->xattrs);
  if (!entry->xattrs)
    return fail("read extended attributes");
  const char *name;
  const void *value;
  for (size_t size;
       archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK;) {
    struct xattr *xattr = &entry->xattrs[entry->xattr_count++];
    xattr->name = strdup(name);
    xattr->value = malloc(size + 1);
    xattr->size = size;
    if (!xattr->name || !xattr->value)
      return fail("read extended attributes");
    if (size)
      memcpy(xattr->value, value, size);
  }
  return 0;
}

static int
read_entry(struct entry *entry, struct archive_entry *from)
{
  const char *path = archive_entry_pathname(from);
  const char *hard = archive_entry_hardlink(from), *soft = archive_entry_symlink(from);
  if (!path)
    return refuse(EBADMSG, "an entry without a name, or with one that is not UTF-8");
  if (!(entry->path = strdup(path)) ||
      ((hard || soft) && !(entry->link = strdup(hard ? hard : soft))))
    return fail("read an entry");
  entry->hard = hard != NULL;
  entry->mode = archive_entry_perm(from) | (hard ? 0 : archive_entry_filetype(from));
  entry->size = S_ISREG(entry->mode) ? archive_entry_size(from) : 0;
  if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode))
    entry->device = archive_entry_rdev(from);
  entry->mtime.tv_sec = archive_entry_mtime(from);
  entry->mtime.tv_nsec = archive_entry_mtime_nsec(from);
  if (entry->size < 0)
    return refuse(EBADMSG, "%s: its size is negative", path);
  return read_id(archive_entry_uid(from), "owner", &entry->uid) < 0 ||
                 read_id(archive_entry_gid(from), "group", &entry->gid) < 0
             ? -1
             : read_xattrs(entry, from);
}

/* Of a link's text that is not UTF-8, libarchive (3.6) leaves nothing but a warning: a hard
 * link would look like an empty file. */
static int
check_link(const struct layer *layer, int found)
{
  const struct entry *entry = &layer->entry;
  const char *why = found == ARCHIVE_WARN ? archive_error_string(layer->archive) : NULL;
  if (!entry->link && why && strstr(why, "Linkname"))
    return refuse(EBADMSG, "%s: a link, and where to is not UTF-8, which libarchive cannot "
                  "read in a PAX header", entry->path);
  if (!entry->link && S_ISLNK(entry->mode))
    return refuse(EBADMSG, "%s: a link to nothing", entry->path);
  return 0;
}

/* Go on to the next header. Returns libarchive's answer. */
static int
next_header(struct layer *layer, struct archive_entry **from)
{
  /* What is left of the entry before has no limit but the layer's. */
  int bad = layer->begun ? archive_read_data_skip(layer->archive) : ARCHIVE_OK;
  if (bad != ARCHIVE_OK && bad != ARCHIVE_WARN && bad != ARCHIVE_EOF)
    return bad;
  layer->in_header = true;
  layer->header_from = inflate_given(layer->bytes);
  bad = archive_read_next_header(layer->archive, from);
  layer->in_header = false;
  layer->begun = true;
  return bad;
}

int
layer_next(struct layer *layer, const struct entry **entry)
{
  struct archive_entry *from;
  entry_free(&layer->entry);
  layer->data_end = 0;
  if (layer->at_end)
    return 0;
  locale_t before = into_utf8(layer);
  int found = next_header(layer, &from);
  /* A warning is about a name that is not UTF-8. It has its bytes all the same. */
  bool good = found == ARCHIVE_OK || found == ARCHIVE_WARN;
  int bad = good ? read_entry(&layer->entry, from) : 0;
  if (good && !bad)
    bad = check_link(layer, found);
  back_from_utf8(before);
  layer->at_end = found == ARCHIVE_EOF;
  if (layer->at_end || bad)
    return bad;
  if (!good)
    return broken(layer);
  if (layer->padded)
    return ends_inside(layer, "a header");
  /* Holes take no bytes of the layer, and whoever reads the file does not know that. */
  if (layer->entry.size > inflate_limit(layer->bytes))
    return refuse(EFBIG, "%s: has %" PRId64 " bytes, and a layer may have %" PRId64
                  ": that is the limit", layer->entry.path, layer->entry.size,
                  inflate_limit(layer->bytes));
  *entry = &layer->entry;
  return 1;
}

int
layer_data(struct layer *layer, const void **data, size_t *size, int64_t *offset)
{
  la_int64_t at = 0;
  int found;
  do
    found = archive_read_data_block(layer->archive, data, size, &at);
  while ((found == ARCHIVE_OK || found == ARCHIVE_WARN) && !*size);
  if (found == ARCHIVE_EOF)
    return 0;
  if (found != ARCHIVE_OK && found != ARCHIVE_WARN)
    return broken(layer);
  if (layer->padded) /* what came is our own zeros */
    return ends_inside(layer, "a file");
  /* Go's reader wants the map of a sparse file to be in order, too. */
  if (at < layer->data_end || at > layer->entry.size ||
      (int64_t)*size > layer->entry.size - at)
    return refuse(EBADMSG, "data at byte %" PRId64 ", where there is no room for them: "
                  "after byte %" PRId64 " of %" PRId64, (int64_t)at, layer->data_end,
                  layer->entry.size);
  layer->data_end = at + *size;
  *offset = at;
  return 1;
}

int
layer_verify(struct layer *layer)
{
  struct descriptor got = {0};
  const void *data;
  size_t size;
  int more;
  while ((more = inflate_next(layer->bytes, &data, &size)) > 0)
    ;
  if (more < 0) {
    layer->error = errno;
    return broken(layer);
  }
  inflate_digests(layer->bytes, &got, layer->found);
  if (got.size != layer->want.size)
    return refuse(EBADMSG, "%s has %" PRId64 " bytes, and should have %" PRId64,
                  layer->want.digest, got.size, layer->want.size);
  if (strcmp(got.digest, layer->want.digest) != 0)
    return refuse(EBADMSG, "%s is not what it is called: its digest is %s",
                  layer->want.digest, got.digest);
  if (*layer->diff_id && strcmp(layer->found, layer->diff_id) != 0)
    return refuse(EBADMSG, "%s is, unpacked, %s; the image's config wants %s",
                  layer->want.digest, layer->found, layer->diff_id);
  return 0;
}

const char *
layer_diff_id(const struct layer *layer)
{
  return layer->found;
}
