/* fuzz_json.c - what is read of JSON: an index, a manifest, a config. The first byte
 * says which of them the rest is. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "fuzz.h"

#define OCI "application/vnd.oci.image."

static const struct platform want = {"linux", "amd64", "v2"};

/* Put these bytes into the store, under their digest. */
static void
put(const void *data, size_t size, const char *type, struct descriptor *descriptor)
{
  char path[128];
  snprintf(descriptor->media_type, sizeof descriptor->media_type, "%s", type);
  digest_of(data, size, descriptor->digest);
  descriptor->size = size;
  snprintf(path, sizeof path, "blobs/sha256/%s", descriptor->digest + strlen("sha256:"));
  int fd = openat(fuzz_store(), path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  MUST(fd >= 0 && write_all(fd, data, size) == 0);
  close(fd);
}

static void
take_away(const struct descriptor *descriptor)
{
  char path[128];
  snprintf(path, sizeof path, "blobs/sha256/%s", descriptor->digest + strlen("sha256:"));
  unlinkat(fuzz_store(), path, 0);
}

/* A manifest in order, around the config that we try. */
static void
put_manifest(const struct descriptor *config, struct descriptor *manifest)
{
  char text[1024];
  snprintf(text, sizeof text,
           "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\","
           "\"size\":%lld},\"layers\":[{\"mediaType\":\"" OCI "layer.v1.tar\",\"digest\":"
           "\"sha256:%064d\",\"size\":1}]}",
           config->media_type, config->digest, (long long)config->size, 1);
  put(text, strlen(text), OCI "manifest.v1+json", manifest);
}

static void
try_image(const struct descriptor *descriptor)
{
  struct image image;
  if (image_read(fuzz_store(), descriptor, &want, &image) < 0)
    return;
  for (size_t i = 0; i < image.count; i++)
    MUST(digest_valid(image.layers[i].digest) && digest_valid(image.diff_ids[i]) &&
         image.layers[i].size >= 0);
  MUST(digest_valid(image.config.digest) && image.json);
  image_free(&image);
}

/* As an index, and the pieces of one. */
static void
try_index(const json_t *json)
{
  struct descriptor descriptor;
  json_t *entry;
  size_t i, at = 0;
  while (index_choose(json, &want, &at))
    MUST(at <= json_array_size(json_object_get(json, "manifests")));
  index_find(json, "name", &want);
  json_array_foreach(json_object_get(json, "manifests"), i, entry) {
    platform_fits(entry, &want);
    if (descriptor_read(entry, &descriptor) == 0)
      MUST(digest_valid(descriptor.digest) && descriptor.size >= 0);
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const types[] = {OCI "index.v1+json", OCI "manifest.v1+json",
                                      OCI "config.v1+json"};
  struct descriptor descriptor = {0}, manifest = {0};
  if (size < 1)
    return 0;
  unsigned kind = data[0] % 3;
  json_t *json = json_read((const char *)data + 1, size - 1, "the input");
  if (json) {
    try_index(json);
    char *text = json_write(json);
    MUST(text);
    json_t *again = json_read(text, strlen(text), "what was written");
    MUST(again && json_equal(json, again));
    json_decref(again);
    free(text);
  }
  json_decref(json);
  put(data + 1, size - 1, types[kind], &descriptor);
  if (kind == 2)
    put_manifest(&descriptor, &manifest);
  try_image(kind == 2 ? &manifest : &descriptor);
  take_away(&descriptor);
  if (kind == 2)
    take_away(&manifest);
  return 0;
}
