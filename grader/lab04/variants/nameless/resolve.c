/* resolve.c - 4.2 with json_unpack, and a list of what is still to be looked at instead
 * of a function that calls itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

static bool
is_word(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
image_name_valid(const char *name)
{
  size_t size = strlen(name);
  if (size == 0 || size > 255 || !is_word(name[0]) || !is_word(name[size - 1]))
    return false;
  for (size_t i = 1; i < size; i++) {
    if (is_word(name[i]))
      continue;
    if (!strchr("-._:@+/", name[i]))
      return false;
    bool before = is_word(name[i - 1]) ||
                  (name[i] == '-' && name[i - 1] == '-' && is_word(name[i - 2]));
    if (!before)
      return false;
  }
  return true;
}

int
descriptor_read(const json_t *json, struct descriptor *descriptor)
{
  const char *type, *digest;
  json_int_t size;
  json_error_t error;
  if (json_unpack_ex((json_t *)json, &error, 0, "{s:s, s:s, s:I}", "mediaType", &type, "digest",
                     &digest, "size", &size) < 0)
    return refuse(EBADMSG, "bad descriptor: mediaType, digest or size: %s", error.text);
  if (!*type || strlen(type) > MEDIA_SIZE - 1)
    return refuse(EBADMSG, "bad mediaType: %s", type);
  if (!digest_valid(digest))
    return refuse(EBADMSG, "bad digest: %s", digest);
  if (size < 0)
    return refuse(EBADMSG, "bad size: %lld", (long long)size);
  strcpy(descriptor->media_type, type);
  strcpy(descriptor->digest, digest);
  descriptor->size = size;
  return 0;
}

bool
platform_fits(const json_t *descriptor, const struct platform *want)
{
  const char *os, *architecture, *variant = "";
  json_t *platform = json_object_get(descriptor, "platform");
  if (!platform || json_is_null(platform))
    return true;
  if (json_unpack(platform, "{s:s, s:s, s?:s}", "os", &os, "architecture", &architecture,
                  "variant", &variant) < 0)
    return false;
  if (strcmp(os, want->os) != 0 || strcmp(architecture, want->architecture) != 0)
    return false;
  return *variant == '\0' || *want->variant == '\0' || strcmp(variant, want->variant) == 0;
}

/* What there is: `what` gives a text for each entry. */
static void
list(const json_t *index, char *(*what)(const json_t *), char *out, size_t size)
{
  json_t *all = json_object_get(index, "manifests");
  FILE *to = fmemopen(out, size, "w");
  *out = '\0';
  for (size_t i = 0; to && i < json_array_size(all) && i < 5; i++) {
    autofree char *text = what(json_array_get(all, i));
    if (text)
      fprintf(to, " %s", text);
  }
  if (to)
    fclose(to);
}

static char *
name_text(const json_t *entry)
{
  const char *name = index_name(entry);
  return name ? strdup(name) : NULL;
}

static char *
platform_text(const json_t *entry)
{
  char *text = NULL;
  const char *os, *architecture;
  if (json_unpack((json_t *)entry, "{s:{s:s, s:s}}", "platform", "os", &os, "architecture",
                  &architecture) == 0 && asprintf(&text, "%s/%s", os, architecture) < 0)
    text = NULL;
  return text;
}

const json_t *
index_find(const json_t *index, const char *name, const struct platform *want)
{
  char there[1000];
  size_t same = 0, i;
  json_t *entry;
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    autofree char *other = name_text(entry);
    if (!other || strcmp(other, name) != 0)
      continue;
    same++;
    if (platform_fits(entry, want))
      return entry;
  }
  list(index, same ? platform_text : name_text, there, sizeof there);
  refuse(same ? ENOTSUP : ENOENT, "no %s for this; there is:%s", name, there);
  return NULL;
}

const json_t *
index_choose(const json_t *index, const struct platform *want, size_t *at)
{
  char there[1000];
  const json_t *all = json_object_get(index, "manifests");
  if (!json_is_array(all)) {
    refuse(EBADMSG, "no manifests");
    return NULL;
  }
  for (; *at < json_array_size(all); ++*at) {
    const json_t *entry = json_array_get(all, *at);
    const char *type = json_string_value(json_object_get(entry, "mediaType"));
    if (!type || (media_of(type) != MEDIA_INDEX && media_of(type) != MEDIA_MANIFEST) ||
        !platform_fits(entry, want))
      continue;
    ++*at;
    return entry;
  }
  list(index, platform_text, there, sizeof there);
  refuse(ENOTSUP, "nothing fits; there is:%s", there);
  return NULL;
}

static json_t *
load(int store, const struct descriptor *descriptor)
{
  autofree char *text = blob_load(store, descriptor, JSON_LIMIT);
  if (!text)
    return NULL;
  json_t *json = json_read(text, descriptor->size, "a blob");
  if (json && json_is_object(json))
    return json;
  if (json)
    refuse(EBADMSG, "%s is not an object", descriptor->digest);
  json_decref(json);
  return NULL;
}

static bool
there(const json_t *json, const char *key)
{
  json_t *value = json_object_get(json, key);
  return value != NULL && !json_is_null(value);
}

/* Load an index or manifest, and compare it with what its descriptor says. */
static json_t *
load_kind(int store, const struct descriptor *descriptor)
{
  int version = 0;
  bool index = media_of(descriptor->media_type) == MEDIA_INDEX;
  if (!index && media_of(descriptor->media_type) != MEDIA_MANIFEST) {
    refuse(ENOTSUP, "cannot read %s", descriptor->media_type);
    return NULL;
  }
  json_t *json = load(store, descriptor);
  if (!json)
    return NULL;
  const char *type = json_string_value(json_object_get(json, "mediaType"));
  bool wrong = there(json, "mediaType") &&
               (!type || media_of(type) != media_of(descriptor->media_type));
  wrong |= there(json, index ? "config" : "manifests") || (index && there(json, "layers"));
  wrong |= json_unpack(json, "{s:i}", "schemaVersion", &version) < 0 || version != 2;
  if (!wrong)
    return json;
  json_decref(json);
  refuse(EBADMSG, "%s is not %s", descriptor->digest, descriptor->media_type);
  return NULL;
}

static int
read_layers(const json_t *manifest, struct image *image)
{
  json_t *layers = json_object_get(manifest, "layers");
  if (!json_is_array(layers))
    return refuse(EBADMSG, "no layers");
  image->count = json_array_size(layers);
  if (image->count > LAYER_MAX)
    return refuse(E2BIG, "%zu layers", image->count);
  image->layers = malloc((image->count + 1) * sizeof *image->layers);
  image->diff_ids = malloc((image->count + 1) * DIGEST_SIZE);
  for (size_t i = 0; i < image->count; i++) {
    struct descriptor *layer = &image->layers[i];
    if (descriptor_read(json_array_get(layers, i), layer) < 0)
      return -1;
    switch (media_of(layer->media_type)) {
    case MEDIA_LAYER:
    case MEDIA_LAYER_GZIP:
    case MEDIA_LAYER_ZSTD:
      break;
    default:
      return refuse(ENOTSUP, "cannot read a layer that is %s", layer->media_type);
    }
  }
  return 0;
}

static int
read_config(int store, struct image *image)
{
  const char *os, *architecture, *type;
  json_t *ids;
  image->json = load(store, &image->config);
  if (!image->json)
    return -1;
  if (json_unpack(image->json, "{s:s, s:s, s:{s:s, s:o}}", "os", &os, "architecture",
                  &architecture, "rootfs", "type", &type, "diff_ids", &ids) < 0 || !*os ||
      !*architecture || strcmp(type, "layers") != 0 || !json_is_array(ids) ||
      json_array_size(ids) != image->count)
    return refuse(EBADMSG, "the config does not fit");
  for (size_t i = 0; i < image->count; i++) {
    const char *id = json_string_value(json_array_get(ids, i));
    if (!id || !digest_valid(id))
      return refuse(EBADMSG, "diffID %zu is no digest", i);
    strcpy(image->diff_ids[i], id);
  }
  return 0;
}

static int
read_manifest(int store, const struct descriptor *descriptor, const json_t *json,
              struct image *image)
{
  image->manifest = *descriptor;
  if (descriptor_read(json_object_get(json, "config"), &image->config) < 0)
    return -1;
  if (media_of(image->config.media_type) != MEDIA_CONFIG)
    return refuse(ENOTSUP, "cannot read a config that is %s", image->config.media_type);
  return read_layers(json, image) < 0 ? -1 : read_config(store, image);
}

/* One index that we are in. */
struct level {
  json_t *index;
  size_t at;
};

int
image_read(int store, const struct descriptor *descriptor, const struct platform *want,
           struct image *image)
{
  struct level levels[INDEX_DEPTH];
  struct descriptor next = *descriptor;
  int depth = 0, reads = 0, result = -1, error = 0;
  memset(image, 0, sizeof *image);
  for (;;) {
    json_t *json = load_kind(store, &next);
    if (!json)
      break;
    if (media_of(next.media_type) == MEDIA_MANIFEST) {
      result = read_manifest(store, &next, json, image);
      json_decref(json);
      break;
    }
    if (depth == INDEX_DEPTH || reads++ == INDEX_READS) {
      json_decref(json);
      refuse(ELOOP, "too many indexes");
      break;
    }
    levels[depth++] = (struct level){json, 0};
    const json_t *entry = NULL;
    while (depth > 0 && !(entry = index_choose(levels[depth - 1].index, want,
                                               &levels[depth - 1].at)) && errno == ENOTSUP)
      if (depth-- > 0)
        json_decref(levels[depth].index);
    if (!entry || descriptor_read(entry, &next) < 0)
      break;
  }
  error = errno;
  while (depth > 0)
    json_decref(levels[--depth].index);
  if (result < 0)
    image_free(image);
  errno = error;
  return result;
}

int
image_resolve(int store, const char *name, const struct platform *want, struct image *image)
{
  struct descriptor descriptor;
  json_t *index = index_load(store);
  if (!index)
    return -1;
  const json_t *entry = index_find(index, name, want);
  int result = entry ? descriptor_read(entry, &descriptor) : -1, error = errno;
  json_decref(index);
  errno = error;
  return result < 0 ? -1 : image_read(store, &descriptor, want, image);
}
