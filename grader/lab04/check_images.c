/* check_images.c - images made by hand: layers, configs and manifests. */
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check_fixtures.h"
#include "clean.h"

enum { LAYER_ROOM = 1 << 20 /* bytes; a layer of a test is no larger */ };

static void
write_item(struct archive *archive, const struct item *item)
{
  struct archive_entry *entry = archive_entry_new();
  size_t size = S_ISREG(item->mode) && item->text ? strlen(item->text) : 0;
  archive_entry_set_pathname(entry, item->path);
  archive_entry_set_mode(entry, item->mode ? item->mode : S_IFREG | 0644);
  archive_entry_set_uid(entry, item->uid);
  archive_entry_set_gid(entry, item->gid);
  archive_entry_set_mtime(entry, item->mtime, 0);
  archive_entry_set_size(entry, size);
  if (!item->mode)
    archive_entry_set_hardlink(entry, item->text);
  else if (S_ISLNK(item->mode))
    archive_entry_set_symlink(entry, item->text);
  ck_assert_msg(archive_write_header(archive, entry) == ARCHIVE_OK &&
                archive_write_data(archive, item->text, size) == (la_ssize_t)size,
                "the test cannot write %s: %s", item->path, archive_error_string(archive));
  archive_entry_free(entry);
}

/* Write an archive to memory. Returns its size. */
static size_t
write_archive(const struct item *items, size_t count, const char *filter, char *bytes)
{
  size_t size = 0;
  struct archive *archive = archive_write_new();
  ck_assert_int_eq(archive_write_set_format_pax_restricted(archive), ARCHIVE_OK);
  if (strcmp(filter, "none") != 0)
    ck_assert_int_eq(archive_write_add_filter_by_name(archive, filter), ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(archive, 1);
  ck_assert_int_eq(archive_write_open_memory(archive, bytes, LAYER_ROOM, &size), ARCHIVE_OK);
  for (size_t i = 0; i < count; i++)
    write_item(archive, &items[i]);
  ck_assert_int_eq(archive_write_close(archive), ARCHIVE_OK);
  archive_write_free(archive);
  return size;
}

struct put_layer
put_layer(const char *store, const struct item *items, size_t count, const char *filter)
{
  struct put_layer layer;
  char type[MEDIA_SIZE];
  bool plain = strcmp(filter, "none") == 0;
  snprintf(type, sizeof type, OCI_LAYER "%s%s", plain ? "" : "+", plain ? "" : filter);
  autofree char *bytes = malloc(LAYER_ROOM);
  ck_assert_ptr_nonnull(bytes);
  size_t size = write_archive(items, count, "none", bytes);
  snprintf(layer.diff_id, sizeof layer.diff_id, "%s", sha256(bytes, size));
  if (!plain)
    size = write_archive(items, count, filter, bytes);
  layer.blob = put_blob(store, type, bytes, size);
  return layer;
}

struct put_layer
put_any_layer(const char *store)
{
  struct item item = {.path = random_word(), .mode = S_IFREG | 0644, .text = random_word()};
  return put_layer(store, &item, 1, "gzip");
}

json_t *
config_json(const char *platform, const struct put_layer *layers, size_t count)
{
  json_t *ids = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(ids, json_string(layers[i].diff_id));
  json_t *config = json_pack("{ss, so, s{}}", "created", "2024-05-06T07:08:09Z", "rootfs",
                             json_pack("{ss, so}", "type", "layers", "diff_ids", ids), "config");
  char os[32] = "", architecture[32] = "", variant[32] = "";
  sscanf(platform, "%31[^/]/%31[^/]/%31s", os, architecture, variant);
  json_object_set_new(config, "os", json_string(os));
  json_object_set_new(config, "architecture", json_string(architecture));
  if (*variant)
    json_object_set_new(config, "variant", json_string(variant));
  return config;
}

json_t *
manifest_json(const struct descriptor *config, const struct put_layer *layers, size_t count)
{
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(array, entry_json(&layers[i].blob, NULL, NULL));
  return json_pack("{si, ss, so, so}", "schemaVersion", 2, "mediaType", OCI_MANIFEST, "config",
                   entry_json(config, NULL, NULL), "layers", array);
}

struct descriptor
put_image(const char *store, const char *platform, const struct put_layer *layers,
          size_t count, const char *name)
{
  struct descriptor config = put_json(store, OCI_CONFIG, config_json(platform, layers, count));
  struct descriptor manifest =
      put_json(store, OCI_MANIFEST, manifest_json(&config, layers, count));
  if (name)
    add_to_index(store, entry_json(&manifest, platform, name));
  return manifest;
}
