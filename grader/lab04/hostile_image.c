/* hostile_image.c - the image around a hostile layer, or the hostile one around a
 * layer: config, manifest, index.json, and all of it in a directory. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "hostile.h"

#define OCI "application/vnd.oci.image."

struct plan plan;

struct bytes *
layer(void)
{
  if (plan.count == 0)
    plan.count = 1;
  return &plan.tar[plan.count - 1];
}

void
next_layer(void)
{
  layer();
  if (plan.count++ == LAYERS)
    give_up("too many layers");
}

void
digest(const void *data, size_t size, char out[DIGEST])
{
  unsigned char sum[EVP_MAX_MD_SIZE];
  EVP_Digest(size ? data : "", size, sum, NULL, EVP_sha256(), NULL);
  char *at = stpcpy(out, "sha256:");
  for (int i = 0; i < 32; i++)
    at += sprintf(at, "%02x", sum[i]);
}

/* ---- layers ---- */

static void
gzip(struct bytes *packed, const void *data, size_t size)
{
  z_stream z = {.next_in = (void *)data, .avail_in = size};
  char *room = malloc(size + size / 1000 + 1000);
  if (!room || deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    give_up("no memory");
  z.next_out = (void *)room;
  z.avail_out = size + size / 1000 + 1000;
  if (deflate(&z, Z_FINISH) != Z_STREAM_END)
    give_up("deflate failed");
  add(packed, room, z.total_out);
  deflateEnd(&z);
  free(room);
}

void
pack(struct bytes *packed, const void *data, size_t size, enum packing how)
{
  if (how == TAR)
    add(packed, data, size);
  else if (how == GZIP)
    gzip(packed, data, size);
  else {
    size_t room = ZSTD_compressBound(size);
    char *out = malloc(room);
    if (!out)
      give_up("no memory");
    add(packed, out, ZSTD_compress(out, room, data, size, 3));
    free(out);
  }
}

static void
finish_layers(void)
{
  static const char *const types[] = {OCI "layer.v1.tar", OCI "layer.v1.tar+gzip",
                                      OCI "layer.v1.tar+zstd"};
  for (size_t i = 0; i < plan.count; i++) {
    struct document *packed = &plan.layer[i];
    if (!plan.packed)
      pack(&packed->bytes, plan.tar[i].data, plan.tar[i].size, plan.packing);
    if (!packed->type)
      packed->type = types[plan.packing];
    digest(packed->bytes.data, packed->bytes.size, packed->digest);
    digest(plan.tar[i].data, plan.tar[i].size, plan.diff_id[i]);
  }
}

/* ---- documents ---- */

/* This machine, in Go's words. */
static const char *
architecture(void)
{
  static struct utsname name;
  uname(&name);
  return strcmp(name.machine, "x86_64") == 0    ? "amd64"
         : strcmp(name.machine, "aarch64") == 0 ? "arm64"
                                                : name.machine;
}

/* Replace what the case wants replaced, if it is in here; and take the digest. */
static void
finish(struct document *document, enum place place, const struct hostile *hostile)
{
  struct bytes *bytes = &document->bytes;
  if (hostile->place == place) {
    struct bytes changed = {0};
    char *at = strstr(bytes->data, hostile->from);
    if (!at)
      give_up("%s: there is no %s", hostile->name, hostile->from);
    add(&changed, bytes->data, at - bytes->data);
    add_expanded(&changed, hostile->to);
    at += strlen(hostile->from);
    add(&changed, at, bytes->data + bytes->size - at);
    free(bytes->data);
    *bytes = changed;
  }
  digest(bytes->data, bytes->size, document->digest);
}

static void
add_descriptor(struct bytes *to, const struct document *of)
{
  add_text(to, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu", of->type, of->digest,
           of->bytes.size);
}

static void
make_config(const struct hostile *hostile)
{
  struct bytes *text = &plan.config.bytes;
  unsigned author[2];
  plan.config.type = OCI "config.v1+json";
  /* So nobody knows an image by its digest. */
  if (getrandom(author, sizeof author, 0) != sizeof author)
    give_up("no random numbers");
  add_text(text, "{\"author\":\"%08x%08x\",", author[0], author[1]);
  add_text(text, "\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"Labels\":{}},"
                 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[", architecture());
  for (size_t i = 0; i < plan.count; i++)
    add_text(text, "%s\"%s\"", i ? "," : "", plan.diff_id[i]);
  add_text(text, "]},\"history\":[]}");
  finish(&plan.config, CONFIG, hostile);
}

static void
make_manifest(const struct hostile *hostile)
{
  struct bytes *text = &plan.manifest.bytes;
  plan.manifest.type = OCI "manifest.v1+json";
  add_text(text, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":",
           plan.manifest.type);
  add_descriptor(text, &plan.config);
  add_text(text, "},\"layers\":[");
  for (size_t i = 0; i < plan.count; i++) {
    add_text(text, i ? "," : "");
    add_descriptor(text, &plan.layer[i]);
    add_text(text, "}");
  }
  add_text(text, "]}");
  finish(&plan.manifest, MANIFEST, hostile);
}

/* An index with `of` in it, under a name or not. */
static void
make_index(struct document *index, const struct document *of, const char *name)
{
  struct bytes *text = &index->bytes;
  index->type = OCI "index.v1+json";
  add_text(text, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[",
           index->type);
  add_descriptor(text, of);
  if (name)
    add_text(text, ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"%s\"}",
             name);
  add_text(text, "}]}");
}

/* ---- all of it ---- */

static void
write_file(int directory, const char *name, const struct bytes *bytes)
{
  int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444);
  if (fd < 0 || write(fd, bytes->data, bytes->size) != (ssize_t)bytes->size)
    give_up("cannot write %s", name);
  close(fd);
}

static void
write_blob(int blobs, const struct document *document)
{
  write_file(blobs, document->digest + strlen("sha256:"), &document->bytes);
}

static int
make_directories(const char *directory)
{
  static const char *const names[] = {"blobs", "blobs/sha256", "tmp", "layers", "mounts"};
  mkdir(directory, 0755);
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (fd < 0 || mkdirat(fd, names[i], 0755) < 0)
      give_up("cannot make %s/%s", directory, names[i]);
  return fd;
}

void
image_make(const struct hostile *hostile, const char *directory)
{
  static char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
  static const struct bytes version = {layout, sizeof layout - 1, 0};
  struct document inner[64] = {0}, *top = &plan.manifest;
  int store = make_directories(directory);
  int blobs = openat(store, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (hostile->make)
    hostile->make();
  else {
    script(hostile->script ? hostile->script : "f plain plain");
    for (size_t i = 0; i < plan.count; i++)
      tar_end(&plan.tar[i]);
  }
  finish_layers();
  make_config(hostile);
  make_manifest(hostile);
  for (size_t i = 0; i < plan.nested; i++) {
    make_index(&inner[i], top, NULL);
    digest(inner[i].bytes.data, inner[i].bytes.size, inner[i].digest);
    write_blob(blobs, top = &inner[i]);
  }
  make_index(&plan.index, top, "hostile");
  finish(&plan.index, INDEX, hostile);
  for (size_t i = 0; i < plan.count; i++)
    write_blob(blobs, &plan.layer[i]);
  write_blob(blobs, &plan.config);
  write_blob(blobs, &plan.manifest);
  write_file(store, "index.json", &plan.index.bytes);
  write_file(store, "oci-layout", &version);
  if (hostile->spoil)
    hostile->spoil(blobs);
  for (size_t i = 0; i < plan.nested; i++)
    bytes_free(&inner[i].bytes);
  close(blobs);
  close(store);
}
