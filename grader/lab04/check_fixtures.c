/* check_fixtures.c - stores made by hand: small things, and stores. */
#include "check_fixtures.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "scratch.h"
#include "student.h"

/* ---- small things ---- */

const char *
sha256(const void *bytes, size_t size)
{
  static char digests[16][DIGEST_SIZE];
  static int next;
  char *digest = digests[next++ % 16];
  unsigned char hash[32];
  ck_assert_int_eq(EVP_Digest(bytes, size, hash, NULL, EVP_sha256(), NULL), 1);
  int n = snprintf(digest, DIGEST_SIZE, "sha256:");
  for (int i = 0; i < 32; i++)
    n += snprintf(digest + n, DIGEST_SIZE - n, "%02x", hash[i]);
  return digest;
}

void *
for_the_test(void *memory)
{
  /* As long as somebody points to it, a sanitizer does not take it for a leak. */
  static struct kept {
    struct kept *next;
    void *memory;
  } *first;
  struct kept *kept = malloc(sizeof *kept);
  ck_assert_ptr_nonnull(kept);
  *kept = (struct kept){first, memory};
  first = kept;
  return memory;
}

void *
random_bytes(size_t size)
{
  char *bytes = malloc(size + 1);
  ck_assert_ptr_nonnull(bytes);
  for (size_t done = 0; done < size;) {
    ssize_t n = getrandom(bytes + done, size - done, 0);
    ck_assert_int_gt(n, 0);
    done += n;
  }
  bytes[size] = '\0';
  return bytes;
}

const char *
random_digest(void)
{
  autofree char *bytes = random_bytes(32);
  return sha256(bytes, 32);
}

const char *
random_word(void)
{
  static char words[16][9];
  static int next;
  char *word = words[next++ % 16];
  autofree unsigned char *bytes = random_bytes(8);
  for (int i = 0; i < 8; i++)
    word[i] = 'a' + bytes[i] % 26;
  return word;
}

json_t *
json_of(const char *text)
{
  json_error_t error;
  json_t *json = json_loads(text, 0, &error);
  ck_assert_msg(json != NULL, "the test's own JSON is bad: %s: %s", error.text, text);
  return json;
}

json_t *
json_file(const char *path)
{
  return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

int
open_directory(const char *path)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    _exit(98);
  return fd;
}

/* ---- stores ---- */

/* "STORE/NAME", in 16 places of our own. */
static const char *
in_store(const char *store, const char *name)
{
  static char paths[16][PATH_MAX];
  static int next;
  char *path = paths[next++ % 16];
  ck_assert_int_lt(snprintf(path, PATH_MAX, "%s/%s", store, name), PATH_MAX);
  return path;
}

static void
write_file(const char *path, const void *bytes, size_t size)
{
  autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ck_assert_msg(fd >= 0 && write_all(fd, bytes, size) == 0, "the test cannot write %s", path);
}

const char *
put_store(const char *name)
{
  static const char *const parts[] = {"", "blobs", "blobs/sha256", "tmp", "layers", "mounts"};
  const char *store = at(name);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    ck_assert_msg(mkdir(in_store(store, parts[i]), 0755) == 0, "the test cannot make %s/%s",
                  store, parts[i]);
  write_file(in_store(store, "oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}", 30);
  put_index_json(store, json_array());
  return store;
}

const char *
blob_path(const char *store, const char *digest)
{
  char name[sizeof "blobs/sha256/" + NAME_MAX]; /* of a file with any name, too */
  snprintf(name, sizeof name, "blobs/sha256/%s", digest + strlen("sha256:"));
  return in_store(store, name);
}

struct descriptor
put_blob(const char *store, const char *type, const void *bytes, size_t size)
{
  struct descriptor blob = {.size = size};
  snprintf(blob.media_type, sizeof blob.media_type, "%s", type);
  snprintf(blob.digest, sizeof blob.digest, "%s", sha256(bytes, size));
  write_file(blob_path(store, blob.digest), bytes, size);
  return blob;
}

struct descriptor
put_text(const char *store, const char *type, const char *text)
{
  return put_blob(store, type, text, strlen(text));
}

struct descriptor
put_json(const char *store, const char *type, json_t *json)
{
  autofree char *text = json_dumps(json, JSON_COMPACT);
  ck_assert_ptr_nonnull(text);
  json_decref(json);
  return put_text(store, type, text);
}

/* "linux/arm64/v8" as {"os": ...}. */
static json_t *
platform_json(const char *platform)
{
  char os[32] = "", architecture[32] = "", variant[32] = "";
  sscanf(platform, "%31[^/]/%31[^/]/%31s", os, architecture, variant);
  json_t *json = json_pack("{ss, ss}", "os", os, "architecture", architecture);
  if (*variant)
    json_object_set_new(json, "variant", json_string(variant));
  return json;
}

json_t *
entry_json(const struct descriptor *descriptor, const char *platform, const char *name)
{
  json_t *entry = json_pack("{ss, ss, sI}", "mediaType", descriptor->media_type, "digest",
                            descriptor->digest, "size", (json_int_t)descriptor->size);
  ck_assert_ptr_nonnull(entry);
  if (platform)
    json_object_set_new(entry, "platform", platform_json(platform));
  if (name)
    json_object_set_new(entry, "annotations", json_pack("{ss}", REF_NAME, name));
  return entry;
}

static json_t *
index_json(json_t *entries)
{
  return json_pack("{si, ss, so}", "schemaVersion", 2, "mediaType", OCI_INDEX, "manifests",
                   entries);
}

struct descriptor
put_index(const char *store, json_t *entries)
{
  return put_json(store, OCI_INDEX, index_json(entries));
}

void
put_index_json(const char *store, json_t *entries)
{
  json_auto_t *index = index_json(entries);
  autofree char *text = json_dumps(index, JSON_COMPACT);
  ck_assert_ptr_nonnull(text);
  write_file(in_store(store, "index.json"), text, strlen(text));
}

void
add_to_index(const char *store, json_t *entry)
{
  json_auto_t *index = json_file(in_store(store, "index.json"));
  json_t *entries = json_object_get(index, "manifests");
  ck_assert_int_eq(json_array_append_new(entries, entry), 0);
  put_index_json(store, json_incref(entries));
}

/* Is the file called by its digest? */
static void
expect_whole(const char *store, const char *name, const char *when)
{
  struct stat st;
  char digest[8 + NAME_MAX];
  snprintf(digest, sizeof digest, "sha256:%s", name);
  autoclose int fd = open(blob_path(store, digest), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  ck_assert_int_eq(fstat(fd, &st), 0);
  autofree void *bytes = read_at(fd, 0, st.st_size);
  ck_assert_ptr_nonnull(bytes);
  const char *is = sha256(bytes, st.st_size);
  EXPECT(strcmp(is, digest) == 0, "a blob is whole under its digest, or not there", "%s, "
         "blobs/sha256/%.12s... has %lld bytes with the digest %.19s...", when, name,
         (long long)st.st_size, is);
}

int
expect_blobs_whole(const char *store, const char *when)
{
  int count = 0;
  DIR *dir = opendir(in_store(store, "blobs/sha256"));
  ck_assert_ptr_nonnull(dir);
  for (struct dirent *e; (e = readdir(dir));)
    if (e->d_name[0] != '.') {
      expect_whole(store, e->d_name, when);
      count++;
    }
  closedir(dir);
  return count;
}
