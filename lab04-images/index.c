/* index.c - index.json, the only file of a store that changes, given.
 *
 *     {"schemaVersion": 2, "manifests": [
 *       {"mediaType": "application/vnd.oci.image.manifest.v1+json",
 *        "digest": "sha256:...", "size": 562,
 *        "platform": {"os": "linux", "architecture": "amd64"},
 *        "annotations": {"org.opencontainers.image.ref.name": "web"}}]}
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "given.h"

json_t *
index_load(int store)
{
  struct stat st;
  autoclose int fd = openat(store, "index.json", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0) {
    fail("open index.json of the store");
    return NULL;
  }
  if (!S_ISREG(st.st_mode) || st.st_size > JSON_LIMIT) {
    refuse(S_ISREG(st.st_mode) ? EFBIG : EBADMSG,
           "index.json: is not a regular file of at most %d bytes", JSON_LIMIT);
    return NULL;
  }
  autofree char *text = read_at(fd, 0, st.st_size);
  if (!text) {
    fail("read index.json of the store");
    return NULL;
  }
  json_auto_t *index = json_read(text, st.st_size, "index.json");
  if (index && !json_is_array(json_object_get(index, "manifests"))) {
    refuse(EBADMSG, "index.json: has no array \"manifests\"");
    return NULL;
  }
  return json_incref(index);
}

const char *
index_name(const json_t *entry)
{
  return json_string_value(json_object_get(json_object_get(entry, "annotations"),
                                           "org.opencontainers.image.ref.name"));
}

/* Nobody is called so any more. Returns how many were. */
static int
forget(json_t *manifests, const char *name)
{
  int count = 0;
  for (size_t i = json_array_size(manifests); i-- > 0;) {
    const char *other = index_name(json_array_get(manifests, i));
    if (other && strcmp(other, name) == 0 && json_array_remove(manifests, i) == 0)
      count++;
  }
  return count;
}

/* One more is called so. */
static int
append(json_t *manifests, const char *name, const struct descriptor *manifest,
       const struct platform *platform)
{
  json_t *entry = json_pack("{ss, ss, sI, s{ss}}", "mediaType", manifest->media_type,
                            "digest", manifest->digest, "size",
                            (json_int_t)manifest->size, "annotations",
                            "org.opencontainers.image.ref.name", name);
  if (entry && platform) {
    json_t *it = json_pack("{ss, ss}", "os", platform->os, "architecture",
                           platform->architecture);
    if (platform->variant[0])
      json_object_set_new(it, "variant", json_string(platform->variant));
    json_object_set_new(entry, "platform", it);
  }
  return json_array_append_new(manifests, entry) < 0
             ? refuse(EINVAL, "\"%s\" cannot be a name: it is not UTF-8", name) : 0;
}

/* The same, while we have the lock. */
static int
change(int store, const char *name, const struct descriptor *manifest,
       const struct platform *platform)
{
  json_auto_t *index = index_load(store);
  if (!index)
    return -1;
  json_t *manifests = json_object_get(index, "manifests");
  if (forget(manifests, name) == 0 && !manifest)
    return refuse(ENOENT, "no image is called %s", name);
  if (manifest && append(manifests, name, manifest, platform) < 0)
    return -1;
  autofree char *text = json_write(index);
  if (!text)
    return -1;
  /* Nobody could read an index beyond the limits again. */
  json_auto_t *readable = json_read(text, strlen(text), "index.json with one more image");
  return readable ? store_write(store, "index.json", text) : -1;
}

int
index_put(int store, const char *name, const struct descriptor *manifest,
          const struct platform *platform)
{
  /* Who throws away what no name leads to has the store for himself, so nobody does
   * that now. That only one of us changes the index is a lock of its own: the caller
   * may well have the store's, shared, while he brings the image's blobs. */
  autoclose int shared = store_lock(store, false);
  autoclose int lock = openat(store, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (shared < 0)
    return -1;
  while (lock >= 0 && flock(lock, LOCK_EX) < 0)
    if (errno != EINTR)
      return fail("lock the store's index");
  return lock < 0 ? fail("open the store's directory tmp")
                  : change(store, name, manifest, platform);
}
