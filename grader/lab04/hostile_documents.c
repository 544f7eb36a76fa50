/* hostile_documents.c - manifests, configs and indexes that are not in order, and blobs
 * that are not what they are called. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"

#define OCI "application/vnd.oci.image."

/* ---- blobs ---- */

static const char *
name_of(const struct document *document)
{
  return document->digest + strlen("sha256:");
}

/* The same size, and another byte. */
static void
flip(int blobs, const struct document *document)
{
  int fd = openat(blobs, name_of(document), O_WRONLY | O_CLOEXEC);
  char last = document->bytes.data[document->bytes.size - 2] ^ 1;
  if (fd < 0 || pwrite(fd, &last, 1, document->bytes.size - 2) != 1)
    give_up("cannot change %s", name_of(document));
  close(fd);
}

static void
flip_layer(int blobs)
{
  flip(blobs, &plan.layer[0]);
}

static void
flip_second_layer(int blobs)
{
  flip(blobs, &plan.layer[1]);
}

static void
flip_config(int blobs)
{
  flip(blobs, &plan.config);
}

static void
flip_manifest(int blobs)
{
  flip(blobs, &plan.manifest);
}

static void
grow_layer(int blobs)
{
  int fd = openat(blobs, name_of(&plan.layer[0]), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0 || write(fd, "x", 1) != 1)
    give_up("cannot change a layer");
  close(fd);
}

static void
grow_config(int blobs)
{
  int fd = openat(blobs, name_of(&plan.config), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0 || write(fd, " ", 1) != 1)
    give_up("cannot change the config");
  close(fd);
}

static void
lose_layer(int blobs)
{
  unlinkat(blobs, name_of(&plan.layer[0]), 0);
}

static void
lose_config(int blobs)
{
  unlinkat(blobs, name_of(&plan.config), 0);
}

/* A link in the place of the blob, to one that is right. */
static void
link_to_blob(int blobs, const struct document *document)
{
  if (renameat(blobs, name_of(document), blobs, "elsewhere") < 0 ||
      symlinkat("elsewhere", blobs, name_of(document)) < 0)
    give_up("cannot make a link");
}

static void
link_layer(int blobs)
{
  link_to_blob(blobs, &plan.layer[0]);
}

static void
link_config(int blobs)
{
  link_to_blob(blobs, &plan.config);
}

static void
fifo_layer(int blobs)
{
  lose_layer(blobs);
  mkfifoat(blobs, name_of(&plan.layer[0]), 0644);
}

static void
fifo_config(int blobs)
{
  lose_config(blobs);
  mkfifoat(blobs, name_of(&plan.config), 0644);
}

static void
directory_layer(int blobs)
{
  lose_layer(blobs);
  mkdirat(blobs, name_of(&plan.layer[0]), 0755);
}

/* ---- documents ---- */

static void
nested_7(void)
{
  script("f plain plain");
  tar_end(layer());
  plan.nested = 7;
}

static void
nested_40(void)
{
  nested_7();
  plan.nested = 40;
}

/* What has to do with blobs, and is seen when the layers are read. */
static const struct hostile layer_blobs[] = {
    {"plain-2", ACCEPTED, .result = "f=f:x g=f:y", .script = "f f x|+|f g y"},
    {"layer-digest", REFUSED, "sha256", .script = "f f x", .spoil = flip_layer},
    {"layer-digest-second", REFUSED, "sha256", .script = "f f x|+|f g y",
     .spoil = flip_second_layer},
    {"layer-size", REFUSED, "", .spoil = grow_layer},
    {"layer-missing", REFUSED, "", .spoil = lose_layer},
    {"layer-link", REFUSED, "", .spoil = link_layer},
    {"layer-fifo", REFUSED, "", .spoil = fifo_layer},
    {"layer-directory", REFUSED, "", .spoil = directory_layer},
    {"diff-id", REFUSED, "", .place = CONFIG, .from = "\"diff_ids\":[\"sha256:",
     .to = "\"diff_ids\":[\"sha256:<0*64>\",\"sha256:"},
    {"diff-id-wrong", REFUSED, "diff|sha256", .place = CONFIG, .from = "\"diff_ids\":[",
     .to = "\"diff_ids\":[\"sha256:<0*64>\"],\"unused\":["},
};

static const struct hostile small_blobs[] = {
    {"config-digest", REFUSED, "", .spoil = flip_config},
    {"config-size", REFUSED, "", .spoil = grow_config},
    {"config-missing", REFUSED, "", .spoil = lose_config},
    {"config-link", REFUSED, "", .spoil = link_config},
    {"config-fifo", REFUSED, "", .spoil = fifo_config},
    {"manifest-digest", REFUSED, "", .spoil = flip_manifest},
    /* CVE-2024-3727, containers/image: a digest becomes part of a path. */
    {"digest-path", REFUSED, "digest", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha256:@/secret\",\"was\":\""},
    {"digest-path-64", REFUSED, "digest", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha256:<../*18>etc/passwd\",\"was\":\""},
    {"digest-path-index", REFUSED, "digest", .place = INDEX, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha256:@/secret\",\"was\":\""},
    {"digest-algorithm-path", REFUSED, "digest", .place = MANIFEST,
     .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"../sha256:"},
    {"digest-short", REFUSED, "digest", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha256:<a*63>\",\"was\":\""},
    {"digest-long", REFUSED, "digest", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha256:<a*1000000>\",\"was\":\""},
    {"digest-upper-case", REFUSED, "digest", .place = MANIFEST,
     .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha256:<A*64>\",\"was\":\""},
    {"digest-newline", REFUSED, "digest", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha256:<a*63>\\n\",\"was\":\""},
    {"digest-nul", REFUSED, "", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha256:<a*64>\\u0000/../x\",\"was\":\""},
    {"digest-sha512", REFUSED, "digest", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"sha512:<a*128>\",\"was\":\""},
    {"digest-empty", REFUSED, "digest", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":\"\",\"was\":\""},
    {"digest-number", REFUSED, "digest", .place = MANIFEST, .from = "\"digest\":\"sha256:",
     .to = "\"digest\":12,\"was\":\""},
    {"diff-id-path", REFUSED, "", .place = CONFIG, .from = "\"diff_ids\":[",
     .to = "\"diff_ids\":[\"sha256:@/secret\"],\"unused\":["},
};

static const struct hostile json[] = {
    {"json-labels-million", REFUSED, "", .place = CONFIG, .from = "\"Labels\":{}",
     .to = "\"Labels\":{\"a\":\"b\"<,\"label-000000\":\"x\"*1000000>}"},
    {"json-depth-config", REFUSED, "", .place = CONFIG, .from = "\"history\":[]",
     .to = "\"history\":<[*100000><]*100000>"},
    {"json-depth-manifest", REFUSED, "", .place = MANIFEST, .from = "\"layers\":",
     .to = "\"x\":<{\"a\":*100000>1<}*100000>,\"layers\":"},
    {"json-depth-index", REFUSED, "", .place = INDEX, .from = "\"manifests\":",
     .to = "\"x\":<[*100000><]*100000>,\"manifests\":"},
    {"json-twice-manifest", REFUSED, "", .place = MANIFEST, .from = "\"layers\":",
     .to = "\"layers\":[],\"layers\":"},
    {"json-twice-config", REFUSED, "", .place = CONFIG, .from = "\"os\":",
     .to = "\"os\":\"plan9\",\"os\":"},
    {"json-twice-index", REFUSED, "", .place = INDEX, .from = "\"manifests\":",
     .to = "\"manifests\":[],\"manifests\":"},
    {"json-not-utf-8", REFUSED, "", .place = CONFIG, .from = "\"os\":",
     .to = "\"\xff\xfe\":1,\"os\":"},
    {"json-garbage", REFUSED, "", .place = MANIFEST, .from = "\"layers\":[",
     .to = "\"layers\":[}"},
    {"json-trailing", REFUSED, "", .place = MANIFEST, .from = "{\"schemaVersion\"",
     .to = "{} {\"schemaVersion\""},
    {"json-array", REFUSED, "", .place = MANIFEST, .from = "{\"schemaVersion\"",
     .to = "[1]//"},
    {"json-manifest-5-mib", REFUSED, "", .place = MANIFEST, .from = "\"layers\":",
     .to = "\"x\":\"<x*5242880>\",\"layers\":"},
    {"json-index-5-mib", REFUSED, "", .place = INDEX, .from = "\"manifests\":",
     .to = "\"x\":\"<x*5242880>\",\"manifests\":"},
    {"size-is-negative", REFUSED, "size", .place = MANIFEST, .from = "\"size\":",
     .to = "\"size\":-"},
    {"size-is-float", REFUSED, "size", .place = MANIFEST, .from = "\"size\":",
     .to = "\"size\":1.5,\"was\":"},
    {"size-is-text", REFUSED, "size", .place = MANIFEST, .from = "\"size\":",
     .to = "\"size\":\"12\",\"was\":"},
    {"size-is-huge", REFUSED, "", .place = MANIFEST, .from = "\"size\":",
     .to = "\"size\":9223372036854775807,\"was\":"},
    {"size-is-beyond", REFUSED, "", .place = MANIFEST, .from = "\"size\":",
     .to = "\"size\":1<0*40>,\"was\":"},
    {"size-is-other", REFUSED, "", .place = MANIFEST, .from = "\"size\":",
     .to = "\"size\":1"},
    {"size-is-missing", REFUSED, "size", .place = MANIFEST, .from = "\"size\":",
     .to = "\"was\":"},
};

static const struct hostile types[] = {
    {"index-in-index-7", ACCEPTED, .result = "plain=f:plain", .make = nested_7},
    {"index-in-index-40", REFUSED, "", .make = nested_40},
    {"type-of-layer", REFUSED, "x-evil", .place = MANIFEST, .from = OCI "layer.v1.tar",
     .to = "application/x-evil"},
    {"type-of-config", REFUSED, "x-evil", .place = MANIFEST, .from = OCI "config.v1+json",
     .to = "application/x-evil"},
    {"type-of-manifest", REFUSED, "x-evil", .place = INDEX, .from = OCI "manifest.v1+json",
     .to = "application/x-evil"},
    {"type-missing", REFUSED, "mediaType", .place = INDEX, .from = "{\"mediaType\":",
     .to = "{\"was\":"},
    {"type-long", REFUSED, "", .place = MANIFEST, .from = OCI "layer.v1.tar",
     .to = "application/<x*100000>"},
    /* CVE-2020-15157, containerd: the layer's address gets the registry's password. */
    {"type-foreign", EITHER, .place = MANIFEST, .from = OCI "layer.v1.tar\"",
     .to = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\","
           "\"urls\":[\"http://127.0.0.1:1/x\"]"},
    {"type-layer-is-config", REFUSED, "config", .place = MANIFEST,
     .from = OCI "layer.v1.tar", .to = OCI "config.v1+json"},
    /* CVE-2021-41190: the same bytes as a manifest and as an index. */
    {"type-is-index", REFUSED, "", .place = INDEX, .from = OCI "manifest.v1+json",
     .to = OCI "index.v1+json"},
    {"type-says-index", REFUSED, "", .place = MANIFEST, .from = OCI "manifest.v1+json",
     .to = OCI "index.v1+json"},
    {"schema-1", REFUSED, "", .place = MANIFEST, .from = "\"schemaVersion\":2",
     .to = "\"schemaVersion\":1"},
    {"schema-missing", REFUSED, "", .place = MANIFEST, .from = "\"schemaVersion\"",
     .to = "\"was\""},
    /* CVE-2021-21285, Docker: it crashed. */
    {"layers-null", REFUSED, "", .place = MANIFEST, .from = "\"layers\":[",
     .to = "\"layers\":null,\"was\":["},
    {"layers-missing", REFUSED, "", .place = MANIFEST, .from = "\"layers\":[",
     .to = "\"was\":["},
    {"layers-of-null", REFUSED, "", .place = MANIFEST, .from = "\"layers\":[",
     .to = "\"layers\":[null],\"was\":["},
    {"layers-object", REFUSED, "", .place = MANIFEST, .from = "\"layers\":[",
     .to = "\"layers\":{},\"was\":["},
    {"layers-none", REFUSED, "", .place = MANIFEST, .from = "\"layers\":[",
     .to = "\"layers\":[],\"was\":["},
    {"layers-100000", REFUSED, "", .place = MANIFEST, .from = "\"layers\":[",
     .to = "\"layers\":[{}<,{}*100000>],\"was\":["},
    {"config-null", REFUSED, "", .place = MANIFEST, .from = "\"config\":{",
     .to = "\"config\":null,\"was\":{"},
    {"config-no-rootfs", REFUSED, "", .place = CONFIG, .from = "\"rootfs\":",
     .to = "\"was\":"},
    {"config-rootfs-null", REFUSED, "", .place = CONFIG, .from = "\"rootfs\":",
     .to = "\"rootfs\":null,\"was\":"},
    {"config-diff-ids-null", REFUSED, "", .place = CONFIG, .from = "\"diff_ids\":[",
     .to = "\"diff_ids\":[null],\"was\":["},
    {"config-no-os", REFUSED, "", .place = CONFIG, .from = "\"os\":", .to = "\"was\":"},
    {"config-os-number", REFUSED, "", .place = CONFIG, .from = "\"os\":",
     .to = "\"os\":1,\"was\":"},
    {"config-no-architecture", REFUSED, "", .place = CONFIG, .from = "\"architecture\":",
     .to = "\"was\":"},
    {"manifests-null", REFUSED, "", .place = INDEX, .from = "\"manifests\":",
     .to = "\"manifests\":null,\"was\":"},
    {"manifests-of-null", REFUSED, "", .place = INDEX, .from = "\"manifests\":",
     .to = "\"manifests\":[null,1,[]],\"was\":"},
    {"platform-other", REFUSED, "", .place = INDEX, .from = "{\"mediaType\":",
     .to = "{\"platform\":{\"os\":\"plan9\",\"architecture\":\"cray\"},\"mediaType\":"},
    {"platform-number", EITHER, .place = INDEX, .from = "{\"mediaType\":",
     .to = "{\"platform\":1,\"mediaType\":"},
    {"annotations-null", REFUSED, "", .place = INDEX, .from = "\"annotations\":",
     .to = "\"annotations\":null,\"was\":"},
    {"annotation-number", REFUSED, "", .place = INDEX, .from = "\"hostile\"", .to = "1"},
    {"annotation-nul", REFUSED, "", .place = INDEX, .from = "\"hostile\"",
     .to = "\"hostile\\u0000x\""},
};

const struct group document_groups[] = {
    GROUP("layer-blobs", layer_blobs), GROUP("small-blobs", small_blobs),
    GROUP("json", json), GROUP("types", types),
};
const size_t document_group_count = sizeof document_groups / sizeof *document_groups;
