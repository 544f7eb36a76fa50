/* fuzz_layer.c - the reader of layers. The first byte says how the rest is packed: not
 * at all, by gzip, by zstd. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "fuzz.h"

#define DIGEST_ONE "sha256:0000000000000000000000000000000000000000000000000000000000000001"
#define BLOB "blobs/sha256/0000000000000000000000000000000000000000000000000000000000000001"

/* It must not go beyond these. */
static const struct layer_limits limits = {.bytes = 8 << 20};

static void
read_entry(struct layer *layer, const struct entry *entry)
{
  char directory[PATH_MAX], name[NAME_MAX + 1];
  const void *data;
  size_t size;
  int64_t offset, end = 0, pieces = 0;
  MUST(entry->path && entry->size >= 0);
  MUST(!entry->hard || entry->link);
  MUST(!S_ISLNK(entry->mode) || entry->link);
  path_split(entry->path, directory, name);
  for (size_t i = 0; i < entry->xattr_count; i++)
    MUST(entry->xattrs[i].name && (entry->xattrs[i].value || !entry->xattrs[i].size));
  while (layer_data(layer, &data, &size, &offset) > 0) {
    volatile unsigned char last = size ? ((const unsigned char *)data)[size - 1] : 0;
    (void)last;
    MUST(offset >= end && offset + (int64_t)size <= entry->size);
    end = offset + (int64_t)size;
    MUST(pieces++ <= (8 << 20));
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const types[] = {
      "application/vnd.oci.image.layer.v1.tar",
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+zstd",
  };
  const struct entry *entry;
  if (size < 1)
    return 0;
  struct descriptor layers[1] = {{.digest = DIGEST_ONE, .size = size - 1}};
  char diff_ids[1][DIGEST_SIZE] = {DIGEST_ONE};
  struct image image = {.layers = layers, .diff_ids = diff_ids, .count = 1};
  snprintf(layers[0].media_type, sizeof layers[0].media_type, "%s", types[data[0] % 3]);

  int fd = openat(fuzz_store(), BLOB, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  MUST(fd >= 0 && write_all(fd, data + 1, size - 1) == 0);
  close(fd);
  struct layer *layer = layer_open(fuzz_store(), &image, 0, &limits);
  if (!layer)
    return 0;
  int more;
  while ((more = layer_next(layer, &entry)) > 0)
    read_entry(layer, entry);
  if (more == 0)
    MUST(layer_verify(layer) < 0); /* nothing has this digest */
  layer_close(layer);
  return 0;
}
