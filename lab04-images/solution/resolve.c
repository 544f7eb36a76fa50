/* resolve.c - 4.2: from a name to an image.
 *
 * The way leads through files that somebody else has written, and each of them says
 * which is next. Whether we got the file that was meant is never in doubt: its digest
 * tells. What is in doubt is what it means. So everything that is read is looked at
 * before it is used: is it there, has it the right type, is it in bounds? And what we
 * do not know we refuse by its name, rather than take it for something else.
 *
 * jansson makes that short: its readers take NULL, and what is of another type, and
 * give NULL. "Not there" and "not a string" are one case.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

//>
/* The separator that begins here: its length, or 0 if there is none. */
static size_t
separator(const char *text)
{
  if (strncmp(text, "--", 2) == 0)
    return 2;
  return *text && strchr("-._:@+/", *text) ? 1 : 0;
}
//<

bool
image_name_valid(const char *name)
{
  //> /* TODO 4.2: letters and digits; then, again and again, one separator and letters
  //>  * and digits. "/" is a separator, too. */
  //> todo("4.2", name);
  //> return false;
  if (strlen(name) > 255)
    return false;
  for (;;) {
    size_t size = 0;
    while (isascii(name[size]) && isalnum(name[size]))
      size++;
    if (size == 0 || name[size] == '\0')
      return size > 0;
    name += size;
    size = separator(name);
    if (size == 0)
      return false;
    name += size;
  }
  //<
}

//>
/* A text of an object, if it has 1 to room - 1 bytes; else NULL. */
static const char *
short_text(const json_t *json, const char *key, size_t room)
{
  const char *text = json_string_value(json_object_get(json, key));
  return text && *text && strlen(text) < room ? text : NULL;
}
//<

int
descriptor_read(const json_t *json, struct descriptor *descriptor)
{
  //> /* TODO 4.2: json_object_get, json_string_value, json_is_integer. */
  //> return todo("4.2", json, descriptor);
  const char *type = short_text(json, "mediaType", sizeof descriptor->media_type);
  const char *digest = json_string_value(json_object_get(json, "digest"));
  const json_t *size = json_object_get(json, "size");
  if (!json_is_object(json))
    return refuse(EBADMSG, "a descriptor is not an object");
  if (!type)
    return refuse(EBADMSG, "a descriptor has no \"mediaType\" of 1 to 255 bytes");
  if (!digest || !digest_valid(digest))
    return refuse(EBADMSG, "a descriptor's \"digest\" is not \"sha256:\" and 64 digits "
                  "of 0-9a-f: \"%s\"", digest ? digest : "");
  if (!json_is_integer(size) || json_integer_value(size) < 0)
    return refuse(EBADMSG, "the \"size\" of %s is not a whole number from 0 on", digest);
  snprintf(descriptor->media_type, sizeof descriptor->media_type, "%s", type);
  snprintf(descriptor->digest, sizeof descriptor->digest, "%s", digest);
  descriptor->size = json_integer_value(size);
  return 0;
  //<
}

//>
/* Is the text of this key just that? */
static bool
says(const json_t *json, const char *key, const char *text)
{
  const char *got = json_string_value(json_object_get(json, key));
  return got && strcmp(got, text) == 0;
}
//<

bool
platform_fits(const json_t *descriptor, const struct platform *want)
{
  //> /* TODO 4.2: no "platform" fits all; no "variant", on either side, fits, too. */
  //> todo("4.2", descriptor, want);
  //> return false;
  const json_t *platform = json_object_get(descriptor, "platform");
  const char *variant = json_string_value(json_object_get(platform, "variant"));
  if (!platform || json_is_null(platform))
    return true;
  if (!says(platform, "os", want->os) ||
      !says(platform, "architecture", want->architecture))
    return false;
  return !variant || !*variant || !*want->variant || strcmp(variant, want->variant) == 0;
  //<
}

//>
/* For messages: append an item, if there is room for it. */
static void
append(char *list, size_t size, const char *item)
{
  size_t used = strlen(list);
  if (used + strlen(item) + sizeof ", " <= size)
    snprintf(list + used, size - used, "%s%s", used ? ", " : "", item);
}

/* The platforms that an index has, for a message. Those that are none are left out:
 * nobody knows what a terminal makes of them. */
static void
platforms_of(const json_t *index, char *list, size_t size)
{
  size_t i;
  const json_t *entry;
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    const json_t *platform = json_object_get(entry, "platform");
    const char *os = short_text(platform, "os", 32);
    const char *architecture = short_text(platform, "architecture", 32);
    const char *variant = short_text(platform, "variant", 32);
    char item[100];
    struct platform known;
    snprintf(item, sizeof item, "%s/%s%s%s", os ? os : "", architecture ? architecture : "",
             variant ? "/" : "", variant ? variant : "");
    if (platform_parse(item, &known) == 0)
      append(list, size, item);
  }
}

/* The names that an index has, for a message. */
static void
names_of(const json_t *index, char *list, size_t size)
{
  size_t i;
  const json_t *entry;
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    const char *name = index_name(entry);
    if (name && image_name_valid(name))
      append(list, size, name);
  }
}

/* Nothing of the index fits. */
static const json_t *
none_fits(const json_t *index, const struct platform *want)
{
  char list[300] = "";
  platforms_of(index, list, sizeof list);
  refuse(ENOTSUP, "no image for %s/%s%s%s: there is %s", want->os, want->architecture,
         *want->variant ? "/" : "", want->variant, *list ? list : "none at all");
  return NULL;
}
//<

const json_t *
index_find(const json_t *index, const char *name, const struct platform *want)
{
  //> /* TODO 4.2: index_name (given) and platform_fits. */
  //> todo("4.2", index, name, want);
  //> return NULL;
  bool called = false;
  char list[300] = "";
  size_t i;
  const json_t *entry;
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    const char *other = index_name(entry);
    if (!other || strcmp(other, name) != 0)
      continue;
    called = true;
    if (platform_fits(entry, want))
      return entry;
  }
  if (called)
    return none_fits(index, want);
  names_of(index, list, sizeof list);
  refuse(ENOENT, "no image in the store is called %s (there is: %s)", name,
         *list ? list : "none at all");
  return NULL;
  //<
}

const json_t *
index_choose(const json_t *index, const struct platform *want, size_t *at)
{
  //> /* TODO 4.2: media_of (given) and platform_fits, for each entry from *at on. */
  //> todo("4.2", index, want, at);
  //> return NULL;
  const json_t *manifests = json_object_get(index, "manifests");
  if (!json_is_array(manifests)) {
    refuse(EBADMSG, "an index has no array \"manifests\"");
    return NULL;
  }
  while (*at < json_array_size(manifests)) {
    const json_t *entry = json_array_get(manifests, (*at)++);
    const char *type = json_string_value(json_object_get(entry, "mediaType"));
    enum media media = type ? media_of(type) : MEDIA_UNKNOWN;
    if ((media == MEDIA_MANIFEST || media == MEDIA_INDEX) && platform_fits(entry, want))
      return entry;
  }
  return none_fits(index, want);
  //<
}

//>
/* One image_read, on its way down. */
struct search {
  int store;                   /* where to read */
  const struct platform *want; /* what it shall run on */
  int depth;                   /* indexes above the one that we look at */
  int reads;                   /* indexes that we have looked at */
  bool chosen;                 /* a manifest was chosen: it, or nothing */
};

/* Read a blob of JSON: an object. */
static json_t *
load_object(int store, const struct descriptor *descriptor)
{
  autofree char *text = blob_load(store, descriptor, JSON_LIMIT);
  json_auto_t *json = text ? json_read(text, descriptor->size, descriptor->digest) : NULL;
  if (json && !json_is_object(json)) {
    refuse(EBADMSG, "%s: is not a JSON object", descriptor->digest);
    return NULL;
  }
  return json_incref(json);
}

/* Is there something of that name? A null is as good as nothing: config.md. */
static bool
has(const json_t *json, const char *key)
{
  const json_t *value = json_object_get(json, key);
  return value && !json_is_null(value);
}

/* Is the file what its descriptor says? A file that is both a manifest and an index
 * is one image to whoever takes it for the one, and another to whoever takes it for
 * the other; what was looked through and what is run need not be the same then. */
static int
check_kind(const json_t *json, const struct descriptor *descriptor, enum media media)
{
  const char *text = json_string_value(json_object_get(json, "mediaType"));
  bool index = has(json, "manifests");
  bool manifest = has(json, "config") || has(json, "layers");
  if (has(json, "mediaType") && (!text || media_of(text) != media))
    return refuse(EBADMSG, "%s: says of itself that it is %s, but should be %s",
                  descriptor->digest, text ? text : "something else", descriptor->media_type);
  if (media == MEDIA_INDEX ? manifest : index)
    return refuse(EBADMSG, "%s: should be %s, but has \"%s\" in it", descriptor->digest,
                  descriptor->media_type, index ? "manifests" : "config\" or \"layers");
  const json_t *version = json_object_get(json, "schemaVersion");
  if (!json_is_integer(version) || json_integer_value(version) != 2)
    return refuse(EBADMSG, "%s: its schemaVersion is not 2", descriptor->digest);
  return 0;
}

/* Read the manifest's list of layers. */
static int
read_layers(const json_t *manifest, struct image *image)
{
  const json_t *layers = json_object_get(manifest, "layers");
  if (!json_is_array(layers))
    return refuse(EBADMSG, "manifest %s: has no array \"layers\"", image->manifest.digest);
  if (json_array_size(layers) > LAYER_MAX)
    return refuse(E2BIG, "manifest %s: has %zu layers, but can have no more than %d",
                  image->manifest.digest, json_array_size(layers), LAYER_MAX);
  image->count = json_array_size(layers);
  image->layers = calloc(image->count + 1, sizeof *image->layers);
  image->diff_ids = calloc(image->count + 1, sizeof *image->diff_ids);
  if (!image->layers || !image->diff_ids)
    return fail("read manifest %s", image->manifest.digest);
  for (size_t i = 0; i < image->count; i++) {
    if (descriptor_read(json_array_get(layers, i), &image->layers[i]) < 0)
      return -1;
    if (media_of(image->layers[i].media_type) < MEDIA_LAYER)
      return refuse(ENOTSUP, "layer %zu of manifest %s: we cannot read %s", i,
                    image->manifest.digest, image->layers[i].media_type);
  }
  return 0;
}

/* Read the config, and the diffIDs in it. */
static int
read_config(int store, struct image *image)
{
  image->json = load_object(store, &image->config);
  if (!image->json)
    return -1;
  const json_t *rootfs = json_object_get(image->json, "rootfs");
  const json_t *ids = json_object_get(rootfs, "diff_ids");
  if (!short_text(image->json, "os", SIZE_MAX) ||
      !short_text(image->json, "architecture", SIZE_MAX))
    return refuse(EBADMSG, "config %s: has no \"os\" or no \"architecture\"",
                  image->config.digest);
  if (!says(rootfs, "type", "layers"))
    return refuse(EBADMSG, "config %s: its rootfs.type is not \"layers\"",
                  image->config.digest);
  if (!json_is_array(ids) || json_array_size(ids) != image->count)
    return refuse(EBADMSG, "config %s: has %zu rootfs.diff_ids for %zu layers",
                  image->config.digest, json_array_size(ids), image->count);
  for (size_t i = 0; i < image->count; i++) {
    const char *id = json_string_value(json_array_get(ids, i));
    if (!id || !digest_valid(id))
      return refuse(EBADMSG, "config %s: rootfs.diff_ids number %zu is not a digest",
                    image->config.digest, i);
    snprintf(image->diff_ids[i], sizeof image->diff_ids[i], "%s", id);
  }
  return 0;
}

/* Read a manifest, and the config that it names. */
static int
read_manifest(int store, const json_t *manifest, struct image *image)
{
  if (descriptor_read(json_object_get(manifest, "config"), &image->config) < 0)
    return -1;
  if (media_of(image->config.media_type) != MEDIA_CONFIG)
    return refuse(ENOTSUP, "the config of manifest %s: we cannot read %s",
                  image->manifest.digest, image->config.media_type);
  return read_layers(manifest, image) < 0 ? -1 : read_config(store, image);
}

static int search_index(struct search *search, const json_t *index, struct image *image);

/* Look at an index or a manifest. */
static int
search_blob(struct search *search, const struct descriptor *descriptor, struct image *image)
{
  enum media media = media_of(descriptor->media_type);
  if (media != MEDIA_INDEX && media != MEDIA_MANIFEST)
    return refuse(ENOTSUP, "%s: we cannot read %s, only indexes and manifests of images",
                  descriptor->digest, descriptor->media_type);
  json_auto_t *json = load_object(search->store, descriptor);
  if (!json || check_kind(json, descriptor, media) < 0)
    return -1;
  if (media == MEDIA_INDEX)
    return search_index(search, json, image);
  search->chosen = true;
  image->manifest = *descriptor;
  if (read_manifest(search->store, json, image) == 0)
    return 0;
  image_free(image);
  return -1;
}

/* Look at what fits in an index, until there is an image. */
static int
search_index(struct search *search, const json_t *index, struct image *image)
{
  if (search->depth == INDEX_DEPTH || search->reads == INDEX_READS)
    return refuse(ELOOP, "indexes lie in indexes, more than %d deep or more than %d in all",
                  INDEX_DEPTH, INDEX_READS);
  search->depth++;
  search->reads++;
  int done = -1;
  size_t at = 0;
  for (const json_t *entry; done < 0 && (entry = index_choose(index, search->want, &at));) {
    struct descriptor next;
    if (descriptor_read(entry, &next) < 0)
      return -1;
    done = search_blob(search, &next, image);
    /* Only an index in which nothing fits is passed over. */
    if (done < 0 && (errno != ENOTSUP || search->chosen))
      return -1;
  }
  search->depth--;
  return done;
}
//<

int
image_read(int store, const struct descriptor *descriptor, const struct platform *want,
           struct image *image)
{
  //> /* TODO 4.2: an index leads on, a manifest ends the search. Then layers and config.
  //>  * An index may lie in itself, and nobody promises that it is a small one. */
  //> return todo("4.2", store, descriptor, want, image);
  struct search search = {.store = store, .want = want};
  *image = (struct image){0};
  return search_blob(&search, descriptor, image);
  //<
}

int
image_resolve(int store, const char *name, const struct platform *want,
              struct image *image)
{
  //> /* TODO 4.2: index_load (given), index_find, descriptor_read, image_read. */
  //> return todo("4.2", store, name, want, image);
  struct descriptor descriptor;
  json_auto_t *index = index_load(store);
  const json_t *entry = index ? index_find(index, name, want) : NULL;
  if (!entry || descriptor_read(entry, &descriptor) < 0)
    return -1;
  return image_read(store, &descriptor, want, image);
  //<
}
