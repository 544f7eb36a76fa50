/* hostile_endings.c - what is behind the end of an archive, what is no archive, and
 * bombs. */
#include <string.h>

#include "hostile.h"

#define HUGE_SIZE (70ULL << 30) /* more than a layer may have */

/* ---- the end, and no archive ---- */

static void
end_missing(void)
{
  file(layer(), "f", "x");
}

static void
end_unpadded(void)
{
  file(layer(), "f", "x");
  layer()->size -= BLOCK - 1;
}

/* Behind the end of an archive there is nothing that counts, but for the diffID. */
static void
end_hides(void)
{
  file(layer(), "f", "x");
  tar_end(layer());
  file(layer(), "smuggled", "x");
  tar_end(layer());
}

static void
end_garbage(void)
{
  file(layer(), "f", "x");
  tar_end(layer());
  add_expanded(layer(), "<garbage*1000>");
}

static void
packed_as(enum packing how, const char *garbage)
{
  file(layer(), "f", "x");
  tar_end(layer());
  plan.packing = how;
  pack(&plan.layer[0].bytes, layer()->data, layer()->size, how);
  add(&plan.layer[0].bytes, garbage, strlen(garbage));
  plan.packed = true;
}

static void
gzip_garbage(void)
{
  packed_as(GZIP, "garbage");
}

static void
zstd_garbage(void)
{
  packed_as(ZSTD, "garbage");
}

static void
gzip_checksum(void)
{
  packed_as(GZIP, "");
  plan.layer[0].bytes.data[plan.layer[0].bytes.size - 8] ^= 1;
}

static void
gzip_length(void)
{
  packed_as(GZIP, "");
  plan.layer[0].bytes.data[plan.layer[0].bytes.size - 1] ^= 1;
}

static void
gzip_bits(void)
{
  packed_as(GZIP, "");
  memset(plan.layer[0].bytes.data + 12, 0xff, 8);
}

static void
gzip_not(void)
{
  packed_as(TAR, "");
  plan.packing = GZIP;
}

static void
zstd_not(void)
{
  packed_as(GZIP, "");
  plan.packing = ZSTD;
}

/* RFC 1952: several members in a row are one stream. */
static void
gzip_members(void)
{
  file(layer(), "f", "x");
  tar_end(layer());
  for (size_t i = 0; i < layer()->size; i += BLOCK)
    pack(&plan.layer[0].bytes, layer()->data + i, BLOCK, GZIP);
  plan.packing = GZIP;
  plan.packed = true;
}

/* A frame that wants a window of 2 GiB in memory: zstd's format, "Window_Descriptor". */
static void
zstd_window(void)
{
  struct bytes *packed = &plan.layer[0].bytes;
  file(layer(), "f", "x");
  tar_end(layer());
  add(packed, "\x28\xb5\x2f\xfd\x00\xa8", 6); /* magic; no flags; 2^(10 + 21) */
  uint32_t block = 1 | layer()->size << 3;    /* the last one, as it is */
  add(packed, &block, 3);
  add(packed, layer()->data, layer()->size);
  plan.packing = ZSTD;
  plan.packed = true;
}

static void
other(const char *text)
{
  add_text(layer(), "%s", text);
}

static void
no_archive(void)
{
  other("This is no archive at all, but a letter.\n");
}

static void
no_archive_random(void)
{
  unsigned n = 12345;
  for (int i = 0; i < 4096; i++) {
    n = n * 1103515245 + 12345;
    add(layer(), (char[]){n >> 16}, 1);
  }
}

/* libarchive knows it, and reads the files that it names: those of this machine. */
static void
no_archive_mtree(void)
{
  add_text(layer(), "#mtree\n./f type=file contents=%s/secret mode=0644\n", canary);
}

static void
no_archive_cpio(void)
{
  add_text(layer(), "07070100000001000081A400000000000000000000000168000000000000000100"
                    "00000000000000000000000000000000000002000000000f%cx", 0);
  add(layer(), NULL, 400);
}

static void
no_archive_zip(void)
{
  add(layer(), "PK\x03\x04\x0a\0\0\0\0\0", 10);
  add(layer(), NULL, 1000);
}

static void
no_archive_ar(void)
{
  other("!<arch>\nf/              0           0     0     644     2         `\nx\n");
}

/* ---- bombs ---- */

/* 70 GiB of zeros in a file, a thousandth of it when packed: it is refused before it is
 * written. */
static void
bomb_claims(enum packing how)
{
  char size[32];
  file(layer(), "ok", "1");
  snprintf(size, sizeof size, "%llu", HUGE_SIZE);
  pax(layer(), "size", size, strlen(size));
  head(layer(), &(struct head){.type = '0', .name = "bomb"});
  add(layer(), NULL, 1 << 20);
  plan.packing = how;
}

static void
bomb_gzip(void)
{
  bomb_claims(GZIP);
}

static void
bomb_tar(void)
{
  bomb_claims(TAR);
}

/* 16 GiB in 512 KiB: a block of zstd is 128 KiB of one byte in four (RFC 8878, RLE). */
static void
bomb_zstd(void)
{
  struct bytes *packed = &plan.layer[0].bytes;
  autobytes struct bytes start = {0};
  uint32_t rle = 1 << 1 | (128 << 10) << 3, raw = BLOCK << 3;
  file(layer(), "ok", "1");
  add(&start, layer()->data, layer()->size);
  pax(&start, "size", "17179869184", 11);
  head(&start, &(struct head){.type = '0', .name = "bomb"});
  add(packed, "\x28\xb5\x2f\xfd\x00\x38", 6); /* a window of 128 KiB */
  for (size_t i = 0; i < start.size; i += BLOCK) {
    add(packed, &raw, 3);
    add(packed, start.data + i, BLOCK);
  }
  for (int i = 0; i < 131072; i++) {
    add(packed, &rle, 3);
    add(packed, "", 1);
  }
  add(packed, "\1\0\0", 3);
  plan.packing = ZSTD;
  plan.packed = true;
}

static const struct hostile endings[] = {
    {"end-missing", ACCEPTED, .result = "f=f:x", .make = end_missing},
    {"end-unpadded", ACCEPTED, .result = "f=f:x", .make = end_unpadded},
    {"end-hides", ACCEPTED, .result = "f=f:x smuggled=-", .make = end_hides},
    {"end-garbage", ACCEPTED, .result = "f=f:x", .make = end_garbage},
    {"gzip-members", ACCEPTED, .result = "f=f:x", .make = gzip_members},
    {"gzip-garbage", REFUSED, "", .make = gzip_garbage},
    {"gzip-checksum", REFUSED, "", .make = gzip_checksum},
    {"gzip-length", REFUSED, "", .make = gzip_length},
    {"gzip-bits", REFUSED, "", .make = gzip_bits},
    {"gzip-not", EITHER, .make = gzip_not},
    {"zstd-not", EITHER, .make = zstd_not},
    {"zstd-garbage", REFUSED, "", .make = zstd_garbage},
    {"zstd-window", REFUSED, "", .make = zstd_window},
    {"no-archive", REFUSED, "", .make = no_archive},
    {"no-archive-random", REFUSED, "", .make = no_archive_random},
    {"no-archive-mtree", REFUSED, "", .make = no_archive_mtree},
    {"no-archive-cpio", REFUSED, "", .make = no_archive_cpio},
    {"no-archive-zip", REFUSED, "", .make = no_archive_zip},
    {"no-archive-ar", REFUSED, "", .make = no_archive_ar},
};

static const struct hostile bombs[] = {
    {"bomb-tar", REFUSED, "limit", .make = bomb_tar},
    {"bomb-gzip", REFUSED, "limit", .make = bomb_gzip},
    {"bomb-zstd", REFUSED, "1100", .make = bomb_zstd},
};

const struct group ending_groups[] = {GROUP("endings", endings), GROUP("bombs", bombs)};
const size_t ending_group_count = sizeof ending_groups / sizeof *ending_groups;
