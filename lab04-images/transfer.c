/* transfer.c - steps of pull and push that are no news after 4.2. Given. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

/* Read a manifest or index that is in the store. */
static json_t *
load_json(int store, const struct descriptor *descriptor)
{
  autofree char *text = blob_load(store, descriptor, JSON_LIMIT);
  return text ? json_read(text, descriptor->size, descriptor->digest) : NULL;
}

/* One choice_pull, on its way down. */
struct descent {
  struct registry *registry;   /* where to fetch from */
  int store;                   /* where to */
  const struct platform *want; /* what for */
  int reads;                   /* indexes so far */
};

static int
choose(struct descent *d, struct descriptor *manifest, int depth)
{
  if (media_of(manifest->media_type) == MEDIA_MANIFEST)
    return 0;
  if (depth == INDEX_DEPTH || ++d->reads > INDEX_READS)
    return refuse(ELOOP, "%s: too many indexes in each other", manifest->digest);
  json_auto_t *index = load_json(d->store, manifest);
  const json_t *entry;
  for (size_t at = 0; index && (entry = index_choose(index, d->want, &at));) {
    struct descriptor entered, next;
    if (descriptor_read(entry, &entered) < 0 ||
        manifest_pull(d->registry, d->store, entered.digest, &next) < 0)
      return -1;
    int result = choose(d, &next, depth + 1);
    if (result == 0)
      *manifest = next;
    if (result == 0 || errno != ENOTSUP)
      return result;
  }
  return -1;
}

int
choice_pull(struct registry *registry, int store, const struct platform *want,
            struct descriptor *manifest)
{
  struct descent d = {.registry = registry, .store = store, .want = want};
  return choose(&d, manifest, 0);
}

int
manifest_config(int store, const struct descriptor *manifest, struct descriptor *config)
{
  json_auto_t *json = load_json(store, manifest);
  if (!json || descriptor_read(json_object_get(json, "config"), config) < 0)
    return -1;
  return config->size <= JSON_LIMIT
             ? 0 : refuse(EFBIG, "the config %s has %lld bytes, more than %d",
                          config->digest, (long long)config->size, JSON_LIMIT);
}

int
image_put(int store, const char *name, const struct image *image)
{
  const char *os = "", *architecture = "", *variant = "";
  struct platform platform;
  json_unpack(image->json, "{s?s, s?s, s?s}", "os", &os, "architecture", &architecture,
              "variant", &variant);
  snprintf(platform.os, sizeof platform.os, "%s", os);
  snprintf(platform.architecture, sizeof platform.architecture, "%s", architecture);
  snprintf(platform.variant, sizeof platform.variant, "%s", variant);
  return index_put(store, name, &image->manifest, &platform);
}

int64_t
image_bytes(const struct image *image)
{
  int64_t bytes = image->config.size;
  for (size_t i = 0; i < image->count; i++)
    if (__builtin_add_overflow(bytes, image->layers[i].size, &bytes))
      return INT64_MAX;
  return bytes;
}

/* ---- who may have a blob ----
 *
 * What was pulled is called by the reference that it was pulled by. So the store knows,
 * without a list of its own, in which repositories of a registry a layer is already:
 * one that is pushed to the same registry under another name need not travel again. */

/* Does the manifest name this blob, as its config or as a layer? */
static bool
has_blob(int store, const struct descriptor *manifest, const char *digest)
{
  json_auto_t *json = load_json(store, manifest);
  json_t *layer, *layers = json_object_get(json, "layers");
  const char *config = json_string_value(
      json_object_get(json_object_get(json, "config"), "digest"));
  bool has = config && strcmp(config, digest) == 0;
  size_t i;
  json_array_foreach(layers, i, layer) {
    const char *one = json_string_value(json_object_get(layer, "digest"));
    has = has || (one && strcmp(one, digest) == 0);
  }
  return has;
}

bool
mount_source(int store, const struct reference *reference, const struct descriptor *blob,
             char from[256])
{
  json_auto_t *index = index_load(store);
  json_t *entry;
  size_t i;
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    struct descriptor manifest;
    struct reference other;
    const char *name = index_name(entry);
    if (!name || reference_parse(name, &other) < 0 ||
        strcmp(other.host, reference->host) != 0 ||
        strcmp(other.repository, reference->repository) == 0 ||
        descriptor_read(entry, &manifest) < 0 || !has_blob(store, &manifest, blob->digest))
      continue;
    snprintf(from, 256, "%s", other.repository);
    return true;
  }
  return false;
}
