/* main_write.c - img import, config, commit. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"

/* ---- import ---- */

/* A config that says only what the image runs on. */
static json_t *
new_config(void)
{
  json_t *config = json_pack("{s:s, s:s, s:{}, s:{s:s, s:[]}, s:[]}", "architecture",
                             wish.platform.architecture, "os", wish.platform.os, "config",
                             "rootfs", "type", "layers", "diff_ids", "history");
  if (config && wish.platform.variant[0])
    json_object_set_new(config, "variant", json_string(wish.platform.variant));
  return config;
}

/* When an image was made: as its newest file was, or as was asked for; so the same files
 * are the same image tomorrow. */
static time_t
time_of(time_t newest)
{
  return newest_time() != INT64_MAX ? newest_time() : newest;
}

/* Pack a tree. What comes of it is still to be finished; NULL with errno and a message. */
static struct packer *
pack(int store, int tree, bool upper, const char *what)
{
  struct packer *packer = packer_begin(store, wish.compress);
  progress_begin(what, 0);
  if (packer && layer_pack(tree, upper, newest_time(), packer) < 0) {
    int error = errno;
    packer_drop(packer);
    errno = error;
    packer = NULL;
  }
  progress_end();
  return packer;
}

/* A directory becomes a layer. */
static int
import_directory(int store, int directory, struct descriptor *layer,
                 char diff_id[DIGEST_SIZE], time_t *newest)
{
  struct packer *packer = pack(store, directory, false, "import");
  if (!packer)
    return -1;
  *newest = packer_newest(packer);
  return packer_finish(packer, layer, diff_id);
}

/* An archive is a layer already: its bytes stay what they are. But it is read once, to
 * see that it is one, and for its diffID. */
static int
read_through(int store, const struct descriptor *blob, char diff_id[DIGEST_SIZE],
             time_t *newest)
{
  struct image image = {.layers = (struct descriptor *)blob, .count = 1};
  const struct entry *entry;
  struct layer *layer = layer_open(store, &image, 0, NULL);
  int more;
  *newest = 0;
  if (!layer)
    return -1;
  while ((more = layer_next(layer, &entry)) > 0)
    if (entry->mtime.tv_sec > *newest)
      *newest = entry->mtime.tv_sec;
  if (more == 0)
    more = layer_verify(layer);
  int error = errno;
  snprintf(diff_id, DIGEST_SIZE, "%s", layer_diff_id(layer));
  layer_close(layer);
  errno = error;
  return more;
}

/* The media type, by the first bytes. */
static const char *
layer_type(int file)
{
  unsigned char magic[4] = {0};
  if (pread(file, magic, sizeof magic, 0) < 0)
    return NULL;
  if (magic[0] == 0x1f && magic[1] == 0x8b)
    return media_name(MEDIA_LAYER_GZIP);
  if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
    return media_name(MEDIA_LAYER_ZSTD);
  return media_name(MEDIA_LAYER);
}

static int
import_archive(int store, const char *path, struct descriptor *layer,
               char diff_id[DIGEST_SIZE], time_t *newest)
{
  static char buffer[1 << 17];
  struct blob blob;
  struct stat about;
  autoclose int file = open_regular(path);
  if (file < 0 || blob_begin(store, &blob) < 0)
    return -1;
  progress_begin("import", fstat(file, &about) == 0 ? about.st_size : 0);
  ssize_t n;
  while ((n = read(file, buffer, sizeof buffer)) > 0) {
    if (blob_write(&blob, buffer, n) < 0)
      return blob_drop(&blob), -1;
    progress_add(n);
  }
  progress_end();
  if (n < 0) {
    fail("read %s", path);
    return blob_drop(&blob), -1;
  }
  snprintf(layer->media_type, sizeof layer->media_type, "%s", layer_type(file) ?: "");
  if (blob_finish(&blob, NULL, layer) < 0)
    return -1;
  return read_through(store, layer, diff_id, newest);
}

int
import(int count, char **words, int store)
{
  struct descriptor layer = {0}, manifest;
  char diff_id[DIGEST_SIZE];
  time_t newest;
  struct stat about;
  (void)count;
  if (!image_name_valid(words[1]) && !unfinished())
    return refuse(EINVAL, "this is no name for an image: %s", words[1]), complain();
  autoclose int lock = store_lock(store, false);
  if (lock < 0)
    return complain();
  if (stat(words[0], &about) < 0)
    return fail("import %s", words[0]), complain();
  autoclose int directory =
      S_ISDIR(about.st_mode) ? open(words[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (S_ISDIR(about.st_mode) && directory < 0)
    return fail("open %s", words[0]), complain();
  if ((directory >= 0 ? import_directory(store, directory, &layer, diff_id, &newest)
                      : import_archive(store, words[0], &layer, diff_id, &newest)) < 0)
    return complain();
  json_t *made = new_config();
  int result = config_add_history(made, diff_id, time_of(newest), "img import", NULL);
  if (result == 0)
    result = image_write(store, words[1], made, &layer, 1, &manifest);
  json_decref(made);
  if (result < 0)
    return complain();
  printf("%s\n", manifest.digest);
  return 0;
}

/* ---- config ---- */

/* When the config says that the image was made, for it has not become newer. */
static const char *
created_of(const json_t *json)
{
  return json_string_value(json_object_get(json, "created")) ?: "1970-01-01T00:00:00Z";
}

static time_t
read_time(const char *text)
{
  struct tm tm = {0};
  return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : 0;
}

int
config(int count, char **words, int store)
{
  struct image image;
  struct descriptor manifest;
  char called[NAME_MAX + 1];
  (void)count;
  autoclose int lock = store_lock(store, false);
  if (lock < 0 || find_image(store, words[0], &image, called) < 0)
    return complain();
  char by[sizeof "img config " + sizeof wish.said];
  snprintf(by, sizeof by, "img config %s", wish.said);
  time_t created = time_of(read_time(created_of(image.json)));
  int result = config_change(image.json, &wish.config);
  if (result == 0)
    result = config_add_history(image.json, NULL, created, by, NULL);
  if (result == 0)
    result = image_write(store, called, image.json, image.layers, image.count, &manifest);
  image_free(&image);
  if (result < 0)
    return complain();
  printf("%s\n", manifest.digest);
  return 0;
}

/* ---- commit ---- */

int
mounted_manifest(int store, int record, struct descriptor *manifest)
{
  char path[DIGEST_SIZE + sizeof "blobs/sha256/"];
  struct stat about;
  autoclose int file = openat(record, "image.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0 || fstat(file, &about) < 0)
    return fail("open the record of the mount");
  autofree char *text = about.st_size <= JSON_LIMIT ? read_at(file, 0, about.st_size) : NULL;
  json_t *json = text ? json_read(text, about.st_size, "image.json") : NULL;
  const char *digest = json_string_value(json_object_get(json, "image"));
  *manifest = (struct descriptor){0};
  snprintf(manifest->media_type, sizeof manifest->media_type, "%s", media_name(MEDIA_MANIFEST));
  snprintf(manifest->digest, sizeof manifest->digest, "%s", digest ?: "");
  json_decref(json);
  if (!digest_valid(manifest->digest))
    return unfinished() ? -1 : refuse(EBADMSG, "the record of the mount names no image");
  snprintf(path, sizeof path, "blobs/sha256/%s", manifest->digest + strlen("sha256:"));
  if (fstatat(store, path, &about, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("look at the manifest of the mounted image, %s", manifest->digest);
  manifest->size = about.st_size;
  return 0;
}

/* The image with one layer more: what is in `upper`. */
static int
add_layer(int store, struct image *image, int upper, const char *name)
{
  struct descriptor manifest;
  char diff_id[DIGEST_SIZE];
  struct packer *packer = pack(store, upper, true, "commit");
  if (!packer)
    return -1;
  time_t created = time_of(packer_newest(packer));
  struct descriptor *layers = reallocarray(image->layers, image->count + 1, sizeof *layers);
  if (!layers) {
    packer_drop(packer);
    return fail("have one layer more");
  }
  image->layers = layers;
  if (packer_finish(packer, &layers[image->count], diff_id) < 0 ||
      config_add_history(image->json, diff_id, created, "img commit", NULL) < 0 ||
      image_write(store, name, image->json, layers, image->count + 1, &manifest) < 0)
    return -1;
  printf("%s\n", manifest.digest);
  return 0;
}

int
commit(int count, char **words, int store)
{
  char id[NAME_MAX + 1];
  struct image image;
  struct descriptor manifest;
  (void)count;
  if (!image_name_valid(words[1]) && !unfinished())
    return refuse(EINVAL, "this is no name for an image: %s", words[1]), complain();
  autoclose int lock = store_lock(store, false);
  autoclose int record = lock < 0 ? -1 : stack_find(store, words[0], id);
  if (record < 0)
    return complain_with(!unfinished() && errno == ENOENT
                             ? " (commit takes what img mount --rw has mounted)" : "");
  autoclose int upper = openat(record, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (upper < 0)
    return refuse(EROFS, "%s is mounted read-only, so nothing has changed there (img mount "
                  "--rw)", words[0]), complain();
  if (mounted_manifest(store, record, &manifest) < 0 ||
      image_read(store, &manifest, &wish.platform, &image) < 0)
    return complain();
  int result = add_layer(store, &image, upper, words[1]);
  image_free(&image);
  return result < 0 ? complain() : 0;
}
