/* check_fixtures.h - stores made by hand, for the Check tests of lab04: with libcrypto,
 * jansson and libarchive alone, and nothing of the lab's. All of it fails the test if
 * it cannot be made. Paths are as at() of scratch.h gives them: valid until 32 more
 * have been asked for. */
#ifndef CHECK_FIXTURES_H
#define CHECK_FIXTURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "image.h"

/* The media types of the specification, without "application/vnd.oci.image.". */
#define OCI "application/vnd.oci.image."
#define OCI_INDEX OCI "index.v1+json"
#define OCI_MANIFEST OCI "manifest.v1+json"
#define OCI_CONFIG OCI "config.v1+json"
#define OCI_LAYER OCI "layer.v1.tar"
#define REF_NAME "org.opencontainers.image.ref.name"

/* ---- small things ---- */

/* The digest of so many bytes. Valid until 16 more have been asked for. */
const char *sha256(const void *bytes, size_t size);

/* A digest that nothing has. Another one each time; valid as above. */
const char *random_digest(void);

/* A word of 8 letters. Another one each time; valid until 16 more have been asked for. */
const char *random_word(void);

/* Memory that is nobody's to free: it goes when the test's process ends. Returns it. */
void *for_the_test(void *memory);

/* So many bytes that cannot be guessed, nor compressed. For free(3). */
void *random_bytes(size_t size);

/* Text as JSON, or the test fails. For json_decref. */
json_t *json_of(const char *text);

/* What the file holds, as JSON; NULL if it is none. For json_decref. */
json_t *json_file(const char *path);

/* In a child: open a directory, or exit. */
int open_directory(const char *path);

/* ---- stores ---- */

/* Make a store below scratch(): oci-layout, index.json without images, blobs/sha256,
 * tmp, layers, mounts. Returns its path. */
const char *put_store(const char *name);

/* The path of a blob in it. */
const char *blob_path(const char *store, const char *digest);

/* Put a blob into it. The second one takes a text; the third writes JSON, and uses it
 * up. */
struct descriptor put_blob(const char *store, const char *type, const void *bytes, size_t size);
struct descriptor put_text(const char *store, const char *type, const char *text);
struct descriptor put_json(const char *store, const char *type, json_t *json);

/* A descriptor as JSON. With a platform ("linux/arm64/v8") and a name, or NULL. */
json_t *entry_json(const struct descriptor *descriptor, const char *platform, const char *name);

/* Put an index with these entries (used up) into the store, as a blob; or make it
 * index.json. */
struct descriptor put_index(const char *store, json_t *entries);
void put_index_json(const char *store, json_t *entries);

/* Add an entry (used up) to index.json. */
void add_to_index(const char *store, json_t *entry);

/* Every file in blobs/sha256 must be called by its digest, or the test fails: `when`
 * says when. Returns how many there are. */
int expect_blobs_whole(const char *store, const char *when);

/* ---- images ---- */

/* One entry of a layer. */
struct item {
  const char *path;
  mode_t mode;       /* with S_IFREG, S_IFDIR, S_IFLNK ...; 0: a hard link */
  const char *text;  /* what is in a file, or where a link leads; NULL: nothing */
  uid_t uid;         /* owner */
  gid_t gid;         /* group */
  time_t mtime;      /* when it was changed */
};

/* A layer in a store. */
struct put_layer {
  struct descriptor blob;     /* as it lies there */
  char diff_id[DIGEST_SIZE];  /* the digest of it unpacked */
};

/* Put a layer of these entries into the store. `filter`: "none", "gzip" or "zstd". */
struct put_layer put_layer(const char *store, const struct item *items, size_t count,
                           const char *filter);

/* A layer of one file whose name and contents are new each time. */
struct put_layer put_any_layer(const char *store);

/* The least config: os, architecture and perhaps variant of "linux/arm64/v8", and the
 * layers' diffIDs. */
json_t *config_json(const char *platform, const struct put_layer *layers, size_t count);

/* A manifest of an image as JSON; the config is a descriptor. */
json_t *manifest_json(const struct descriptor *config, const struct put_layer *layers,
                      size_t count);

/* Put an image of these layers into the store. Returns the manifest. With a name, it is
 * in index.json, too. */
struct descriptor put_image(const char *store, const char *platform,
                            const struct put_layer *layers, size_t count, const char *name);

#endif
