/* hostile_headers.c - archives whose headers lie: of sizes, of names, of holes. */
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "hostile.h"

/* ---- headers and PAX records ---- */

static void
name_empty(void)
{
  file(layer(), "ok", "1");
  file(layer(), "", "x");
  tar_end(layer());
}

static void
name_nul(void)
{
  pax(layer(), "path", "f\0/../../pwned", 14);
  file(layer(), "harmless", "x");
  tar_end(layer());
}

static void
prefix(void)
{
  file(layer(), "pwned", "x");
  char *block = layer()->data;
  snprintf(block + 345, 155, "../../canary");
  head_seal(block);
  tar_end(layer());
}

static void
checksum(void)
{
  file(layer(), "f", "x");
  layer()->data[0] = 'g';
  tar_end(layer());
}

/* A size in base 256: a number of 95 bits behind the first, with a sign. */
static void
size_binary(unsigned char first, unsigned char rest)
{
  file(layer(), "ok", "1");
  char *block = head(layer(), &(struct head){.type = '0', .name = "f"});
  memset(block + 124, rest, 12);
  block[124] = (char)first;
  head_seal(block);
  body(layer(), "x", 1);
  tar_end(layer());
}

static void
size_negative(void)
{
  size_binary(0xff, 0xff);
}

static void
size_minus_512(void)
{
  file(layer(), "ok", "1");
  char *block = head(layer(), &(struct head){.type = '0', .name = "f"});
  memset(block + 124, 0xff, 10);
  memcpy(block + 134, "\xfe\x00", 2);
  head_seal(block);
  tar_end(layer());
}

static void
size_endless(void)
{
  size_binary(0x80, 0xff);
}

static void
size_exbibytes(void)
{
  file(layer(), "ok", "1");
  char *block = head(layer(), &(struct head){.type = '0', .name = "f"});
  memcpy(block + 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
  head_seal(block);
  body(layer(), "x", 1);
  tar_end(layer());
}

static void
size_letters(void)
{
  file(layer(), "ok", "1");
  char *block = head(layer(), &(struct head){.type = '0', .name = "f"});
  memcpy(block + 124, "zzzzzzzzzzz", 11);
  head_seal(block);
  tar_end(layer());
}

static void
size_pax_huge(void)
{
  file(layer(), "ok", "1");
  pax(layer(), "size", "99999999999999", 14);
  file(layer(), "f", "x");
  tar_end(layer());
}

static void
size_pax_overflows(void)
{
  file(layer(), "ok", "1");
  pax(layer(), "size", "99999999999999999999999", 23);
  file(layer(), "f", "x");
  tar_end(layer());
}

/* CVE-2025-62518: who believes the header and not the PAX record takes what is in a
 * file for entries. */
static void
size_differs(void)
{
  autobytes struct bytes inner = {0};
  file(&inner, "smuggled", "x");
  pax(layer(), "size", "1024", 4);
  head(layer(), &(struct head){.type = '0', .name = "f"});
  body(layer(), inner.data, inner.size);
  file(layer(), "g", "y");
  tar_end(layer());
}

/* A link, a directory, with a size: no data belongs to it. */
static void
size_of_link(void)
{
  head(layer(), &(struct head){.type = '2', .name = "l", .link = "to", .size = 2 * BLOCK});
  file(layer(), "f", "x");
  tar_end(layer());
}

static void
pax_of_megabytes(void)
{
  autofree char *text = malloc(16 << 20);
  if (!text)
    give_up("no memory");
  memset(text, 'x', 16 << 20);
  file(layer(), "ok", "1");
  pax(layer(), "comment", text, 16 << 20);
  file(layer(), "f", "x");
  tar_end(layer());
}

/* It says that it has 8 GiB, and has not. */
static void
pax_claims(void)
{
  file(layer(), "ok", "1");
  head(layer(), &(struct head){.type = 'x', .name = "x", .size = 077777777777});
  body(layer(), "12 comment=x\n", 13);
  file(layer(), "f", "x");
  tar_end(layer());
}

static void
raw_pax(const char *text)
{
  file(layer(), "ok", "1");
  head(layer(), &(struct head){.type = 'x', .name = "x", .size = strlen(text)});
  body(layer(), text, strlen(text));
  file(layer(), "f", "x");
  tar_end(layer());
}

static void
pax_length_lies(void)
{
  raw_pax("999999 path=pwned\n");
}

static void
pax_length_zero(void)
{
  raw_pax("0 path=pwned\n");
}

static void
pax_length_negative(void)
{
  raw_pax("-5 path=pwned\n");
}

static void
pax_many(void)
{
  for (int i = 0; i < 1000; i++)
    pax(layer(), "comment", "x", 1);
  file(layer(), "f", "x");
  tar_end(layer());
}

static void
long_name_endless(void)
{
  file(layer(), "ok", "1");
  head(layer(), &(struct head){.type = 'L', .name = "././@LongLink", .size = 1ULL << 32});
  tar_end(layer());
}

/* ---- holes ---- */

/* An old sparse entry of GNU tar: type S, a map of offsets and sizes at 386, whether
 * more follow at 482, and at 483 the size with the holes. */
static void
sparse(uint64_t real, const uint64_t map[][2], size_t count, size_t data)
{
  char *text = calloc(1, data + 1);
  file(layer(), "ok", "1");
  char *block = head(layer(), &(struct head){.type = 'S', .name = "f", .size = data});
  memcpy(block + 257, "ustar  ", 8);
  for (size_t i = 0; i < count && i < 4; i++) {
    unsigned long long at = map[i][0], length = map[i][1];
    snprintf(block + 386 + 24 * i, 12, "%011llo", at & 077777777777);
    snprintf(block + 398 + 24 * i, 12, "%011llo", length & 077777777777);
  }
  block[483] = (char)0x80;
  for (int i = 0; i < 8; i++)
    block[487 + i] = (char)(real >> (56 - 8 * i));
  head_seal(block);
  memset(text, 'x', data);
  body(layer(), text, data);
  free(text);
  tar_end(layer());
}

static void
sparse_honest(void)
{
  sparse(1 << 20, (uint64_t[][2]){{0, 512}, {1 << 19, 512}, {1 << 20, 0}}, 3, 1024);
}

static void
sparse_backwards(void)
{
  sparse(1 << 20, (uint64_t[][2]){{1 << 19, 512}, {0, 512}}, 2, 1024);
}

static void
sparse_overlaps(void)
{
  sparse(1 << 20, (uint64_t[][2]){{0, 1024}, {512, 512}}, 2, 1024);
}

static void
sparse_beyond(void)
{
  sparse(1024, (uint64_t[][2]){{1ULL << 32, 512}, {0, 512}}, 2, 1024);
}

static void
sparse_more_than_there(void)
{
  sparse(1 << 20, (uint64_t[][2]){{0, 1 << 19}}, 1, 512);
}

static void
sparse_exbibytes(void)
{
  sparse(INT64_MAX, (uint64_t[][2]){{0, 512}}, 1, 512);
}

static void
sparse_negative(void)
{
  sparse(UINT64_MAX, (uint64_t[][2]){{0, 512}}, 1, 512);
}

/* A map of GNU's newest form, 1.0: numbers as lines, before the data. */
static void
sparse_map(const char *map, const char *real, const char *data)
{
  static const char start[] = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
                              "21 GNU.sparse.name=f\n";
  autobytes struct bytes records = {0};
  file(layer(), "ok", "1");
  add_text(&records, "%s%zu GNU.sparse.realsize=%s\n", start, strlen(real) + 24, real);
  head(layer(), &(struct head){.type = 'x', .name = "x", .size = records.size});
  body(layer(), records.data, records.size);
  size_t size = (strlen(map) + BLOCK - 1) / BLOCK * BLOCK;
  head(layer(), &(struct head){.type = '0', .name = "x", .size = size + strlen(data)});
  body(layer(), map, strlen(map));
  body(layer(), data, strlen(data));
  tar_end(layer());
}

static void
sparse_map_honest(void)
{
  sparse_map("1\n1000\n1\n", "2000", "x");
}

static void
sparse_map_count(void)
{
  sparse_map("999999999999\n0\n1\n", "1", "x");
}

static void
sparse_map_endless(void)
{
  autofree char *map = expanded("1000000\n<0\n0\n*1000000>");
  sparse_map(map, "1", "x");
}

static void
sparse_map_overflows(void)
{
  sparse_map("1\n9223372036854775807\n9223372036854775807\n", "10", "x");
}

static const struct hostile headers[] = {
    {"name-empty", REFUSED, "", .make = name_empty},
    {"name-nul", EITHER, .make = name_nul},
    {"name-prefix", REFUSED, "\\.\\.", .make = prefix},
    {"checksum", REFUSED, "", .make = checksum},
    {"size-negative", REFUSED, "", .make = size_negative},
    {"size-minus-512", REFUSED, "", .make = size_minus_512},
    {"size-endless", REFUSED, "", .make = size_endless},
    {"size-exbibytes", REFUSED, "", .make = size_exbibytes},
    {"size-letters", EITHER, .make = size_letters},
    {"size-pax-huge", REFUSED, "", .make = size_pax_huge},
    {"size-pax-overflows", REFUSED, "", .make = size_pax_overflows},
    {"size-differs", ACCEPTED, .result = "smuggled=- f=h:1024 g=f:y", .make = size_differs},
    {"size-of-link", ACCEPTED, .result = "l=l:to f=f:x", .make = size_of_link},
    {"pax-of-megabytes", REFUSED, "", .make = pax_of_megabytes},
    {"pax-claims", REFUSED, "", .make = pax_claims},
    {"pax-length-lies", EITHER, .make = pax_length_lies},
    {"pax-length-zero", EITHER, .make = pax_length_zero},
    {"pax-length-negative", EITHER, .make = pax_length_negative},
    {"pax-many", EITHER, .make = pax_many},
    {"long-name-endless", REFUSED, "", .make = long_name_endless},
};

static const struct hostile holes[] = {
    {"sparse", ACCEPTED, .result = "f=h:1048576 f=w:512", .make = sparse_honest},
    {"sparse-backwards", EITHER, .make = sparse_backwards},
    {"sparse-overlaps", EITHER, .make = sparse_overlaps},
    {"sparse-beyond", EITHER, .make = sparse_beyond},
    {"sparse-more-than-there", EITHER, .make = sparse_more_than_there},
    {"sparse-exbibytes", REFUSED, "", .make = sparse_exbibytes},
    {"sparse-negative", REFUSED, "", .make = sparse_negative},
    {"sparse-map", ACCEPTED, .result = "f=h:2000", .make = sparse_map_honest},
    {"sparse-map-count", REFUSED, "", .make = sparse_map_count},
    {"sparse-map-endless", REFUSED, "", .make = sparse_map_endless},
    {"sparse-map-overflows", REFUSED, "", .make = sparse_map_overflows},
};

const struct group header_groups[] = {GROUP("headers", headers), GROUP("holes", holes)};
const size_t header_group_count = sizeof header_groups / sizeof *header_groups;
