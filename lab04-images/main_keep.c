/* main_keep.c - img rm, gc, verify: what is kept, and whether it is whole. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "list.h"

/* ---- rm ---- */

int
rm(int count, char **words, int store)
{
  int status = 0;
  for (int i = 0; i < count; i++)
    if (index_put(store, words[i], NULL, NULL) < 0)
      status = complain_with(errno == ENOENT ? " (run: img list)" : "");
  return status;
}

/* ---- for every name in a directory ---- */

/* Call `each` for every name in STORE/PATH. Returns 0, or -1: one has failed, and it
 * has said why; the others were done. */
static int
for_each_name(int store, const char *path, int (*each)(int directory, const char *name, void *),
              void *arg)
{
  autolist struct list names = {0};
  autoclose int directory = openat(store, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 || names_read(directory, &names) < 0)
    return fail("read %s of the store", path), complain(), -1;
  int bad = 0;
  for (size_t i = 0; i < names.count; i++)
    if (each(directory, names.items[i], arg) < 0) {
      complain();
      bad = -1;
    }
  return bad;
}

/* ---- gc ---- */

/* What is needed: digests of blobs, and chainIDs of unpacked layers. */
struct needed {
  struct list blobs;      /* "sha256:..." */
  struct list chains;     /* the digits of chainIDs */
  int store;
  size_t removed;         /* things removed so far */
  int64_t bytes;          /* of blobs removed */
};

static int
need_index(struct needed *needed, const json_t *index, unsigned depth);

/* All layers of an image that are unpacked, or may be some day. */
static int
need_chains(struct needed *needed, const json_t *config)
{
  char chain[DIGEST_SIZE] = "", next[DIGEST_SIZE];
  json_t *diff_id;
  size_t i;
  json_array_foreach(json_object_get(json_object_get(config, "rootfs"), "diff_ids"), i,
                     diff_id) {
    const char *text = json_string_value(diff_id);
    if (!text || !digest_valid(text))
      return 0;
    chain_id(i ? chain : NULL, text, next);
    memcpy(chain, next, sizeof chain);
    if (list_add(&needed->chains, chain + strlen("sha256:")) < 0)
      return -1;
  }
  return 0;
}

/* A blob that cannot be read needs nothing, if that will not change: it is not there, or
 * not what it is called. Else who knows what it needs. */
static int
need_nothing(void)
{
  return errno == ENOENT || errno == EBADMSG || errno == EFBIG ? 0 : -1;
}

/* A blob, and all that it names. */
static int
need(struct needed *needed, const json_t *entry, unsigned depth)
{
  struct descriptor descriptor;
  if (descriptor_read(entry, &descriptor) < 0)
    return need_nothing();
  if (list_add(&needed->blobs, descriptor.digest) < 0)
    return -1;
  enum media media = media_of(descriptor.media_type);
  if (media != MEDIA_INDEX && media != MEDIA_MANIFEST && media != MEDIA_CONFIG)
    return 0;
  autofree char *text = blob_load(needed->store, &descriptor, JSON_LIMIT);
  if (!text)
    return need_nothing();
  json_t *json = json_read(text, descriptor.size, descriptor.digest), *layer;
  size_t i;
  int result = media == MEDIA_INDEX    ? need_index(needed, json, depth + 1)
               : media == MEDIA_CONFIG ? need_chains(needed, json)
                                       : need(needed, json_object_get(json, "config"), depth);
  json_array_foreach(json_object_get(json, "layers"), i, layer)
    if (result == 0)
      result = need(needed, layer, depth);
  json_decref(json);
  return result;
}

static int
need_index(struct needed *needed, const json_t *index, unsigned depth)
{
  json_t *entry;
  size_t i;
  int result = 0;
  if (depth <= INDEX_DEPTH)
    json_array_foreach(json_object_get(index, "manifests"), i, entry)
      if (result == 0)
        result = need(needed, entry, depth);
  return result;
}

/* An image that is mounted is needed, whatever it is called by now. */
static int
need_mounted(int mounts, const char *name, void *arg)
{
  struct needed *needed = arg;
  struct descriptor manifest;
  autoclose int record = openat(mounts, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (record < 0 || mounted_manifest(needed->store, record, &manifest) < 0)
    return need_nothing();
  json_t *entry = json_pack("{s:s, s:s, s:I}", "mediaType", manifest.media_type, "digest",
                            manifest.digest, "size", (json_int_t)manifest.size);
  int result = need(needed, entry, 0);
  json_decref(entry);
  return result;
}

static int
sweep_blob(int directory, const char *name, void *arg)
{
  struct needed *needed = arg;
  char digest[DIGEST_SIZE + NAME_MAX];
  struct stat about;
  snprintf(digest, sizeof digest, "sha256:%s", name);
  if (list_has(&needed->blobs, digest))
    return 0;
  if (fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("look at the blob %s", name);
  needed->bytes += about.st_size;
  needed->removed++;
  return tree_remove(directory, name);
}

static int
sweep_layer(int directory, const char *name, void *arg)
{
  struct needed *needed = arg;
  if (list_has(&needed->chains, name))
    return 0;
  needed->removed++;
  return tree_remove(directory, name);
}

int
gc(int count, char **words, int store)
{
  struct needed needed = {.store = store};
  (void)count, (void)words;
  autoclose int lock = store_lock(store, true);
  autoclose int mounts = lock < 0 ? -1 : mounts_lock(store);
  json_t *index = mounts < 0 ? NULL : index_load(store);
  if (!index)
    return complain();
  int result = need_index(&needed, index, 0);
  json_decref(index);
  if (result < 0)
    complain();
  else
    result = for_each_name(store, "mounts", remove_dead_mount, &needed.removed) < 0
                 ? -1
                 : for_each_name(store, "mounts", need_mounted, &needed);
  int swept = result < 0 ? 0 : scratch_sweep(store) < 0 ? -1 : store_sweep(store);
  if (swept < 0)
    result = (complain(), -1);
  if (result == 0 && (for_each_name(store, "blobs/sha256", sweep_blob, &needed) < 0 ||
                      for_each_name(store, "layers", sweep_layer, &needed) < 0))
    result = -1;
  list_free(&needed.blobs);
  list_free(&needed.chains);
  if (result == 0)
    printf("removed: %zu, %s\n", needed.removed + swept, human(needed.bytes));
  return result < 0 ? TOOL_FAILED : 0;
}

/* ---- verify ---- */

/* Read a blob, and compare it with its name. */
static int
verify_blob(int directory, const char *name, void *arg)
{
  static char buffer[1 << 17];
  char digest[DIGEST_SIZE], named[NAME_MAX + 16];
  (void)arg;
  autoclose int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct hash *hash = file < 0 ? NULL : hash_begin();
  ssize_t n = -1;
  while (hash && (n = read(file, buffer, sizeof buffer)) > 0) {
    hash_add(hash, buffer, n);
    progress_add(n);
  }
  if (n < 0) {
    fail("read the blob %s", name);
    hash_drop(hash);
    return -1;
  }
  hash_end(hash, digest);
  snprintf(named, sizeof named, "sha256:%s", name);
  return strcmp(digest, named) == 0
             ? 0 : refuse(EBADMSG, "the blob %s is broken: its digest is %s", named, digest);
}

/* All of an image is there, and each layer is what the config says when unpacked. */
static int
verify_image(int store, const struct image *image)
{
  const struct entry *entry;
  for (size_t i = 0; i < image->count; i++) {
    struct layer *layer = layer_open(store, image, i, NULL);
    int more = layer ? 1 : -1;
    while (more > 0)
      more = layer_next(layer, &entry);
    if (more == 0)
      more = layer_verify(layer);
    int error = errno;
    layer_close(layer);
    errno = error;
    if (more < 0)
      return -1;
  }
  return 0;
}

static int
verify_name(int store, const char *name)
{
  struct image image;
  if (find_image(store, name, &image, NULL) < 0)
    return complain();
  int status = 0;
  if (verify_image(store, &image) < 0) {
    refuse(errno, "%s: %s", name, failure());
    status = complain();
  }
  image_free(&image);
  return status;
}

int
verify(int count, char **words, int store)
{
  json_t *entry;
  size_t i;
  int status = 0;
  autoclose int lock = store_lock(store, false);
  if (lock < 0)
    return complain();
  progress_begin("verify", 0);
  if (count == 1) {
    status = verify_name(store, words[0]);
    progress_end();
    return status;
  }
  if (for_each_name(store, "blobs/sha256", verify_blob, NULL) < 0)
    status = TOOL_FAILED;
  json_t *index = index_load(store);
  if (!index)
    return complain();
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    const char *name = index_name(entry);
    if (name && verify_name(store, name) != 0)
      status = TOOL_FAILED;
  }
  json_decref(index);
  progress_end();
  return status;
}
