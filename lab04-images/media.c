/* media.c - media types, platforms and images, given. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "fail.h"
#include "given.h"

/* What a media type stands for. The first of each kind is the one that we write.
 * Sources: media-types.md of the specification; Docker's "Image Manifest Version 2,
 * Schema 2". A layer that is not to be distributed is a layer. */
static const struct {
  const char *name;
  enum media media;
} types[] = {
    {"application/vnd.oci.image.index.v1+json", MEDIA_INDEX},
    {"application/vnd.oci.image.manifest.v1+json", MEDIA_MANIFEST},
    {"application/vnd.oci.image.config.v1+json", MEDIA_CONFIG},
    {"application/vnd.oci.image.layer.v1.tar", MEDIA_LAYER},
    {"application/vnd.oci.image.layer.v1.tar+gzip", MEDIA_LAYER_GZIP},
    {"application/vnd.oci.image.layer.v1.tar+zstd", MEDIA_LAYER_ZSTD},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIA_LAYER},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
     MEDIA_LAYER_GZIP},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
     MEDIA_LAYER_ZSTD},
    {"application/vnd.docker.distribution.manifest.list.v2+json", MEDIA_INDEX},
    {"application/vnd.docker.distribution.manifest.v2+json", MEDIA_MANIFEST},
    {"application/vnd.docker.container.image.v1+json", MEDIA_CONFIG},
    {"application/vnd.docker.image.rootfs.diff.tar", MEDIA_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_LAYER_GZIP},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", MEDIA_LAYER_ZSTD},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar", MEDIA_LAYER},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
     MEDIA_LAYER_GZIP},
};

enum { TYPES = sizeof types / sizeof *types };

enum media
media_of(const char *media_type)
{
  for (int i = 0; i < TYPES; i++)
    if (strcmp(types[i].name, media_type) == 0)
      return types[i].media;
  return MEDIA_UNKNOWN;
}

const char *
media_name(enum media media)
{
  for (int i = 0; i < TYPES; i++)
    if (types[i].media == media)
      return types[i].name;
  return "application/octet-stream";
}

/* What uname(2) calls a machine, and what Go does (`go tool dist list`). */
static const struct {
  const char *machine, *architecture, *variant;
} machines[] = {
    {"x86_64", "amd64", ""},        {"aarch64", "arm64", "v8"},
    {"armv7l", "arm", "v7"},        {"armv8l", "arm", "v7"},
    {"armv6l", "arm", "v6"},        {"i386", "386", ""},
    {"i486", "386", ""},            {"i586", "386", ""},
    {"i686", "386", ""},            {"riscv64", "riscv64", ""},
    {"ppc64le", "ppc64le", ""},     {"s390x", "s390x", ""},
    {"loongarch64", "loong64", ""}, {"mips64", "mips64le", ""},
};

struct platform
platform_here(void)
{
  struct platform here = {.os = "linux"};
  struct utsname names = {0};
  uname(&names);
  snprintf(here.architecture, sizeof here.architecture, "%.*s",
           (int)sizeof here.architecture - 1, names.machine);
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
    if (strcmp(machines[i].machine, names.machine) == 0) {
      snprintf(here.architecture, sizeof here.architecture, "%s",
               machines[i].architecture);
      snprintf(here.variant, sizeof here.variant, "%s", machines[i].variant);
    }
  return here;
}

/* Copy the part of a platform that begins here, and return where it ends; NULL if
 * it is empty, too long or has an odd letter in it. */
static const char *
take_part(const char *text, char part[32])
{
  size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
  if (size == 0 || size >= 32 || (text[size] && text[size] != '/'))
    return NULL;
  snprintf(part, 32, "%.*s", (int)size, text);
  return text + size;
}

int
platform_parse(const char *text, struct platform *platform)
{
  struct platform got = {0};
  const char *at = take_part(text, got.os);
  if (at && *at == '/')
    at = take_part(at + 1, got.architecture);
  if (at && *at == '/')
    at = take_part(at + 1, got.variant);
  if (!at || *at || !*got.architecture)
    return refuse(EINVAL, "platform \"%s\": is not OS/ARCHITECTURE or "
                  "OS/ARCHITECTURE/VARIANT (say linux/amd64)", text);
  *platform = got;
  return 0;
}

void
image_free(struct image *image)
{
  free(image->layers);
  free(image->diff_ids);
  json_decref(image->json);
  *image = (struct image){0};
}
