/* main_archive.c - img save, load: an image in one file. Given.
 *
 * The archive that we write is two things in one, as that of newer Dockers is: an image
 * layout (oci-layout, index.json, blobs/), and a manifest.json, which is what older ones
 * read, and which names the same blobs. We read both, and the older form, too: there the
 * config is NAME.json and a layer DIRECTORY/layer.tar, and nothing has a digest.
 */
#include "main.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "list.h"

#define NAME_KEY "org.opencontainers.image.ref.name"
#define LONG_NAME_KEY "io.containerd.image.name"

/* How many files an archive may have, and how long their names may be. */
enum { MEMBERS_MAX = 4096, MEMBER_NAME_MAX = 1024 };

/* ---- save ---- */

/* The same archive from the same image: no time, no owner. */
static int
put_header(struct archive *out, const char *name, int64_t size)
{
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, name);
  archive_entry_set_size(entry, size);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  int result = archive_write_header(out, entry);
  archive_entry_free(entry);
  return result == ARCHIVE_OK
             ? 0 : refuse(archive_errno(out), "write the archive: %s", archive_error_string(out));
}

static int
put_data(struct archive *out, const void *data, size_t size)
{
  return archive_write_data(out, data, size) == (la_ssize_t)size
             ? 0 : refuse(archive_errno(out), "write the archive: %s", archive_error_string(out));
}

static int
put_json(struct archive *out, const char *name, json_t *json)
{
  autofree char *text = json ? json_write(json) : NULL;
  json_decref(json);
  if (!text)
    return refuse(ENOMEM, "write %s", name);
  return put_header(out, name, strlen(text)) < 0 ? -1 : put_data(out, text, strlen(text));
}

/* Where a blob is, in an archive as in a store. */
static const char *
blob_path(const struct descriptor *blob, char path[DIGEST_SIZE + 16])
{
  snprintf(path, DIGEST_SIZE + 16, "blobs/sha256/%s", blob->digest + strlen("sha256:"));
  return path;
}

static int
put_blob(struct archive *out, int store, const struct descriptor *blob, struct list *done)
{
  static char buffer[1 << 17];
  char path[DIGEST_SIZE + 16];
  if (list_has(done, blob->digest))
    return 0;
  autoclose int file = blob_open(store, blob);
  if (file < 0 || put_header(out, blob_path(blob, path), blob->size) < 0 ||
      list_add(done, blob->digest) < 0)
    return -1;
  int64_t left = blob->size;
  for (ssize_t n; left > 0 && (n = read(file, buffer, sizeof buffer)) > 0; left -= n) {
    if (put_data(out, buffer, n) < 0)
      return -1;
    progress_add(n);
  }
  return left == 0 ? 0 : refuse(EBADMSG, "the blob %s is shorter than it was", blob->digest);
}

/* What Docker's loader reads. */
static json_t *
docker_manifest(const struct image *image, const char *name)
{
  char path[DIGEST_SIZE + 16];
  json_t *layers = json_array();
  for (size_t i = 0; i < image->count; i++)
    json_array_append_new(layers, json_string(blob_path(&image->layers[i], path)));
  return json_pack("[{s:s, s:[s], s:o}]", "Config", blob_path(&image->config, path),
                   "RepoTags", name, "Layers", layers);
}

static int
put_image(struct archive *out, int store, const struct image *image, const char *name)
{
  struct list done = {0};
  /* Docker knows no name without a tag. */
  char tagged[NAME_MAX + 16];
  const char *last = strrchr(name, '/') ?: name;
  snprintf(tagged, sizeof tagged, "%s%s", name, strchr(last, ':') ? "" : ":latest");
  int result = put_json(out, "oci-layout", json_pack("{s:s}", "imageLayoutVersion", "1.0.0"));
  if (result == 0)
    result = put_json(
        out, "index.json",
        json_pack("{s:i, s:s, s:[{s:s, s:s, s:I, s:{s:s, s:s}}]}", "schemaVersion", 2,
                  "mediaType", media_name(MEDIA_INDEX), "manifests",
                  "mediaType", image->manifest.media_type, "digest", image->manifest.digest,
                  "size", (json_int_t)image->manifest.size, "annotations", NAME_KEY, name,
                  LONG_NAME_KEY, tagged));
  if (result == 0)
    result = put_json(out, "manifest.json", docker_manifest(image, tagged));
  if (result == 0)
    result = put_blob(out, store, &image->manifest, &done);
  if (result == 0)
    result = put_blob(out, store, &image->config, &done);
  for (size_t i = 0; result == 0 && i < image->count; i++)
    result = put_blob(out, store, &image->layers[i], &done);
  list_free(&done);
  return result;
}

/* The archive is written beside FILE, and gets its name when it is whole. */
int
save(int count, char **words, int store)
{
  struct image image;
  char called[NAME_MAX + 1], temp[PATH_MAX];
  (void)count;
  autoclose int lock = store_lock(store, false);
  if (lock < 0 || find_image(store, words[0], &image, called) < 0)
    return complain();
  snprintf(temp, sizeof temp, "%s.img-%d", words[1], getpid());
  autoclose int file = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) {
    image_free(&image);
    return fail("make %s", temp), complain();
  }
  struct archive *out = archive_write_new();
  archive_write_set_format_ustar(out);
  archive_write_set_bytes_in_last_block(out, 1);
  int result = archive_write_open_fd(out, file) == ARCHIVE_OK
                   ? 0 : refuse(archive_errno(out), "write %s", temp);
  progress_begin("save", 0);
  if (result == 0)
    result = put_image(out, store, &image, called);
  if (result == 0 && archive_write_close(out) != ARCHIVE_OK)
    result = refuse(archive_errno(out), "write %s: %s", temp, archive_error_string(out));
  progress_end();
  archive_write_free(out);
  image_free(&image);
  if (result == 0 && (fsync(file) < 0 || rename(temp, words[1]) < 0))
    result = fail("write %s", words[1]);
  if (result < 0) {
    complain();
    unlink(temp);
  }
  return result < 0 ? TOOL_FAILED : 0;
}

/* ---- load ---- */

/* What an archive had in it. */
struct loaded {
  int store;
  json_t *members;       /* {"a/layer.tar": {"digest":, "size":}}, all that are files */
  json_t *links;         /* {"b/layer.tar": "a/layer.tar"}: old archives have such */
  json_t *index;         /* index.json, or NULL */
  json_t *docker;        /* manifest.json, or NULL */
  size_t names;          /* images that have got a name */
};

static struct descriptor
member(const struct loaded *loaded, const char *path, const char *media_type)
{
  struct descriptor blob = {0};
  json_t *about = json_object_get(loaded->members, path);
  const char *other = json_string_value(json_object_get(loaded->links, path));
  if (!about && other)
    about = json_object_get(loaded->members, other);
  snprintf(blob.media_type, sizeof blob.media_type, "%s", media_type);
  snprintf(blob.digest, sizeof blob.digest, "%s",
           json_string_value(json_object_get(about, "digest")) ?: "");
  blob.size = json_integer_value(json_object_get(about, "size"));
  return blob;
}

/* One member's bytes become a blob. */
static int
keep_member(struct loaded *loaded, struct archive *in, const char *path)
{
  struct blob blob;
  struct descriptor got = {0};
  const void *data;
  size_t size;
  int64_t offset;
  int result;
  if (blob_begin(loaded->store, &blob) < 0)
    return -1;
  while ((result = archive_read_data_block(in, &data, &size, &offset)) == ARCHIVE_OK) {
    /* A hole in the middle would change the bytes: nobody writes such. */
    if (offset != blob.size) {
      blob_drop(&blob);
      return refuse(EBADMSG, "%s in the archive is a sparse file", path);
    }
    if (blob_write(&blob, data, size) < 0)
      return blob_drop(&blob), -1;
    progress_add(size);
  }
  if (result != ARCHIVE_EOF) {
    blob_drop(&blob);
    return refuse(EBADMSG, "read %s in the archive: %s", path, archive_error_string(in));
  }
  if (blob_finish(&blob, NULL, &got) < 0)
    return -1;
  return json_object_set_new(loaded->members, path,
                             json_pack("{s:s, s:I}", "digest", got.digest, "size",
                                       (json_int_t)got.size)) < 0
             ? refuse(EBADMSG, "the archive has a file whose name is not UTF-8") : 0;
}

/* Where a link leads, from the directory it is in; only ../ at the front is known. */
static void
keep_link(struct loaded *loaded, const char *path, const char *to)
{
  if (strncmp(to, "../", 3) == 0)
    json_object_set_new(loaded->links, path, json_string(to + 3));
  else
    json_object_set_new(loaded->links, path, json_string(to));
}

static json_t *
read_member_json(struct loaded *loaded, const char *path)
{
  struct descriptor blob = member(loaded, path, "");
  if (!blob.digest[0])
    return NULL;
  autofree char *text = blob_load(loaded->store, &blob, JSON_LIMIT);
  return text ? json_read(text, blob.size, path) : NULL;
}

static int
read_members(struct loaded *loaded, struct archive *in)
{
  struct archive_entry *entry;
  int result;
  while ((result = archive_read_next_header(in, &entry)) == ARCHIVE_OK ||
         result == ARCHIVE_WARN) {
    const char *path = archive_entry_pathname(entry);
    while (path && strncmp(path, "./", 2) == 0)
      path += 2;
    if (!path || strlen(path) > MEMBER_NAME_MAX)
      return refuse(EBADMSG, "the archive has a file without a name, or with a very long one");
    if (json_object_size(loaded->members) >= MEMBERS_MAX)
      return refuse(EFBIG, "the archive has more than %d files", MEMBERS_MAX);
    if (archive_entry_symlink(entry))
      keep_link(loaded, path, archive_entry_symlink(entry));
    else if (archive_entry_hardlink(entry))
      json_object_set_new(loaded->links, path, json_string(archive_entry_hardlink(entry)));
    else if (archive_entry_filetype(entry) == AE_IFREG && keep_member(loaded, in, path) < 0)
      return -1;
  }
  return result == ARCHIVE_EOF
             ? 0 : refuse(EBADMSG, "read the archive: %s", archive_error_string(in));
}

/* Call an image so, or as --name says, when all of it is there. */
static int
give_name(struct loaded *loaded, const char *name, const struct descriptor *manifest)
{
  struct image image;
  const char *called = wish.as ?: name;
  if (wish.as && loaded->names)
    return refuse(EINVAL, "--name: there is more than one image in the archive");
  if (!image_name_valid(called))
    return unfinished() ? -1 : refuse(EINVAL, "this is no name for an image: %s (say --name "
                                      "NAME)", called);
  /* All of it is here, and can be read; layers are verified when they are used. */
  if (image_read(loaded->store, manifest, &wish.platform, &image) < 0)
    return -1;
  int result = 0;
  for (size_t i = 0; result == 0 && i < image.count; i++) {
    autoclose int blob = blob_open(loaded->store, &image.layers[i]);
    result = blob < 0 ? -1 : 0;
  }
  image_free(&image);
  if (result < 0 || index_put(loaded->store, called, manifest, NULL) < 0)
    return -1;
  loaded->names++;
  printf("%s  %s\n", called, manifest->digest);
  return 0;
}

/* What an entry of index.json is called. Docker writes two names: the tag alone, and
 * under a key of its own the whole one. */
static const char *
name_of(const json_t *entry)
{
  json_t *notes = json_object_get(entry, "annotations");
  const char *name = json_string_value(json_object_get(notes, NAME_KEY));
  const char *whole = json_string_value(json_object_get(notes, LONG_NAME_KEY));
  const char *tag = whole ? strrchr(whole, ':') : NULL;
  return whole && (!name || (tag && strcmp(tag + 1, name) == 0)) ? whole : name ?: "";
}

/* What index.json names. */
static int
take_index(struct loaded *loaded)
{
  json_t *entry;
  size_t i;
  json_array_foreach(json_object_get(loaded->index, "manifests"), i, entry) {
    struct descriptor manifest;
    if (descriptor_read(entry, &manifest) < 0 ||
        give_name(loaded, name_of(entry), &manifest) < 0)
      return -1;
  }
  return 0;
}

/* An image of the old form gets the manifest that it lacks. */
static int
write_manifest(struct loaded *loaded, const json_t *old, struct descriptor *manifest)
{
  json_t *layers = json_array(), *layer;
  size_t i;
  struct descriptor config = member(
      loaded, json_string_value(json_object_get(old, "Config")) ?: "", media_name(MEDIA_CONFIG));
  json_array_foreach(json_object_get(old, "Layers"), i, layer) {
    struct descriptor blob = member(loaded, json_string_value(layer) ?: "", media_name(MEDIA_LAYER));
    json_array_append_new(layers,
                          json_pack("{s:s, s:s, s:I}", "mediaType", blob.media_type, "digest",
                                    blob.digest, "size", (json_int_t)blob.size));
  }
  json_t *made =
      json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:o}", "schemaVersion", 2, "mediaType",
                media_name(MEDIA_MANIFEST), "config", "mediaType", config.media_type, "digest",
                config.digest, "size", (json_int_t)config.size, "layers", layers);
  autofree char *text = made ? json_write(made) : NULL;
  struct blob blob;
  json_decref(made);
  snprintf(manifest->media_type, sizeof manifest->media_type, "%s", media_name(MEDIA_MANIFEST));
  if (!text || blob_begin(loaded->store, &blob) < 0)
    return -1;
  if (blob_write(&blob, text, strlen(text)) < 0)
    return blob_drop(&blob), -1;
  return blob_finish(&blob, NULL, manifest);
}

static int
take_docker(struct loaded *loaded)
{
  json_t *old, *name;
  size_t i, j;
  json_array_foreach(loaded->docker, i, old) {
    struct descriptor manifest = {0};
    json_t *names = json_object_get(old, "RepoTags");
    if (write_manifest(loaded, old, &manifest) < 0)
      return -1;
    if (json_array_size(names) == 0 && give_name(loaded, "", &manifest) < 0)
      return -1;
    json_array_foreach(names, j, name)
      if (give_name(loaded, json_string_value(name) ?: "", &manifest) < 0)
        return -1;
  }
  return 0;
}

static int
load_archive(struct loaded *loaded, struct archive *in)
{
  if (read_members(loaded, in) < 0)
    return -1;
  loaded->index = read_member_json(loaded, "index.json");
  loaded->docker = loaded->index ? NULL : read_member_json(loaded, "manifest.json");
  if (!loaded->index && !loaded->docker)
    return unfinished() ? -1
                        : refuse(EBADMSG, "there is neither index.json nor manifest.json in "
                                 "the archive: it is none of an image (a root filesystem? "
                                 "img import)");
  return loaded->index ? take_index(loaded) : take_docker(loaded);
}

int
load(int count, char **words, int store)
{
  struct loaded loaded = {.store = store, .members = json_object(), .links = json_object()};
  (void)count;
  setlocale(LC_CTYPE, "C.UTF-8");
  autoclose int lock = store_lock(store, false);
  struct archive *in = archive_read_new();
  archive_read_support_format_tar(in);
  archive_read_support_filter_gzip(in);
  archive_read_support_filter_zstd(in);
  progress_begin("load", 0);
  int result = lock < 0 ? -1
               : archive_read_open_filename(in, words[0], 1 << 17) == ARCHIVE_OK
                   ? load_archive(&loaded, in)
                   : refuse(archive_errno(in), "open %s: %s", words[0],
                            archive_error_string(in));
  progress_end();
  archive_read_free(in);
  json_decref(loaded.members);
  json_decref(loaded.links);
  json_decref(loaded.index);
  json_decref(loaded.docker);
  return result < 0 ? complain() : 0;
}
