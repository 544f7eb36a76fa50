/* tar.c - given to pack.c: what stands in front of a file in an archive.
 *
 * Archives of all kinds are read by libarchive (layer.c). Ours we write ourselves, for
 * a layer is called by its digest, and its bytes must not depend on a library's version
 * or on the locale: libarchive writes other headers for "é" in another locale, and
 * gives extended attributes other names if they have a "%" in them. And one kind is
 * enough, the simplest that can say everything: ustar (POSIX.1-1988), with an extended
 * header (POSIX.1-2001) in front of an entry that does not fit. Names are bytes.
 *
 *     [x: extended header]   only if something does not fit below, or has no place there
 *     [its records           "30 mtime=-1\n...": length of the record, key, value
 *      ... zeros to 512]
 *     [header]               512 bytes, numbers in octal digits
 *     [data ... zeros to 512]
 *
 * Source: POSIX, pax(1), "ustar Interchange Format" and "pax Extended Header".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "clean.h"
#include "fail.h"
#include "tar.h"

/* The header, as POSIX has it. */
struct ustar {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
  char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8];
  char prefix[155], rest[12];
};

_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

/* Is this UTF-8? Extended headers are, unless they say that they are not. */
static bool
is_utf8(const char *text)
{
  json_t *json = json_string(text); /* jansson looks closely */
  json_decref(json);
  return json;
}

/* Write a record: its length counts itself. */
static void
record(FILE *to, const char *prefix, const char *key, const void *value, size_t size)
{
  size_t rest = strlen(prefix) + strlen(key) + size + strlen(" =\n"), length = rest + 1;
  while (rest + snprintf(NULL, 0, "%zu", length) > length)
    length++;
  fprintf(to, "%zu %s%s=", length, prefix, key);
  fwrite(value, 1, size, to);
  fputc('\n', to);
}

static void
record_text(FILE *to, const char *key, const char *text)
{
  if (!is_utf8(text))
    record(to, "", "hdrcharset", "BINARY", strlen("BINARY"));
  record(to, "", key, text, strlen(text));
}

/* A number into its field, as octal digits and a NUL; or, if it is too large or
 * negative, into a record. */
static void
number(FILE *to, const char *key, char *field, int width, int64_t value)
{
  bool fits = value >= 0 && value < INT64_C(1) << 3 * (width - 1);
  char digits[32], decimal[32];
  snprintf(digits, sizeof digits, "%0*" PRIo64, width - 1, (uint64_t)(fits ? value : 0));
  memcpy(field, digits, width);
  if (!fits) {
    snprintf(decimal, sizeof decimal, "%" PRId64, value);
    record(to, "", key, decimal, strlen(decimal));
  }
}

/* The path: in the field `name`, or at one of its slashes in two; else in a record. */
static void
place_path(FILE *to, struct ustar *header, const char *path)
{
  size_t n = strlen(path);
  if (n <= sizeof header->name) {
    memcpy(header->name, path, n);
    return;
  }
  /* The first slash behind which what is left fits; but not the last byte. */
  const char *slash = memchr(path + n - sizeof header->name - 1, '/', sizeof header->name);
  if (slash && slash > path && slash[1] && slash - path <= (int)sizeof header->prefix) {
    memcpy(header->prefix, path, slash - path);
    memcpy(header->name, slash + 1, n - (slash + 1 - path));
    return;
  }
  memcpy(header->name, path, sizeof header->name);
  record_text(to, "path", path);
}

static void
place_link(FILE *to, struct ustar *header, const char *link)
{
  size_t n = strlen(link);
  memcpy(header->link, link, n < sizeof header->link ? n : sizeof header->link);
  if (n > sizeof header->link)
    record_text(to, "linkpath", link);
}

static char
type_of(const struct entry *entry)
{
  if (entry->hard)
    return '1';
  switch (entry->mode & S_IFMT) {
  case S_IFREG: return '0';
  case S_IFLNK: return '2';
  case S_IFCHR: return '3';
  case S_IFBLK: return '4';
  case S_IFDIR: return '5';
  case S_IFIFO: return '6';
  }
  return '\0';
}

/* All but the checksum. What does not fit becomes records. */
static void
fill_in(FILE *to, struct ustar *header, const struct entry *entry)
{
  char path[PATH_MAX + 2];
  bool device = S_ISCHR(entry->mode) || S_ISBLK(entry->mode), hard = entry->hard;
  size_t n = strlen(entry->path);
  snprintf(path, sizeof path, "%s%s", entry->path,
           !hard && S_ISDIR(entry->mode) && n && entry->path[n - 1] != '/' ? "/" : "");
  place_path(to, header, path);
  if (entry->link)
    place_link(to, header, entry->link);
  number(to, "mode", header->mode, sizeof header->mode, entry->mode & 07777);
  number(to, "uid", header->uid, sizeof header->uid, entry->uid);
  number(to, "gid", header->gid, sizeof header->gid, entry->gid);
  number(to, "size", header->size, sizeof header->size,
         !hard && S_ISREG(entry->mode) ? entry->size : 0);
  number(to, "mtime", header->mtime, sizeof header->mtime, entry->mtime.tv_sec);
  number(to, "SCHILY.devmajor", header->major, sizeof header->major,
         device && !hard ? major(entry->device) : 0);
  number(to, "SCHILY.devminor", header->minor, sizeof header->minor,
         device && !hard ? minor(entry->device) : 0);
  header->type = type_of(entry);
}

/* The sum of all bytes, the checksum itself taken for spaces. */
static void
finish(struct ustar *header)
{
  unsigned sum = 0;
  char digits[8];
  memcpy(header->magic, "ustar", 6);
  memcpy(header->version, "00", 2);
  memset(header->checksum, ' ', sizeof header->checksum);
  for (size_t i = 0; i < sizeof *header; i++)
    sum += ((const unsigned char *)header)[i];
  snprintf(digits, sizeof digits, "%06o", sum);
  memcpy(header->checksum, digits, 7); /* with its NUL; then a space */
}

/* Put an extended header in front. */
static void
write_extended(FILE *to, const char *records, size_t size)
{
  struct ustar header = {.name = "PaxHeaders", .type = 'x'};
  static const char zeros[TAR_BLOCK];
  FILE *none = NULL; /* nothing here is too large */
  number(none, "", header.mode, sizeof header.mode, 0644);
  number(none, "", header.uid, sizeof header.uid, 0);
  number(none, "", header.gid, sizeof header.gid, 0);
  number(none, "", header.size, sizeof header.size, size);
  number(none, "", header.mtime, sizeof header.mtime, 0);
  finish(&header);
  fwrite(&header, sizeof header, 1, to);
  fwrite(records, 1, size, to);
  fwrite(zeros, 1, tar_padding(size), to);
}

/* Write both, with what `records` gathers. */
static int
write_headers(FILE *records, char **text, size_t *size, const struct entry *entry, FILE *to)
{
  struct ustar header = {0};
  fill_in(records, &header, entry);
  for (size_t i = 0; i < entry->xattr_count && !entry->hard; i++) {
    const struct xattr *x = &entry->xattrs[i];
    if (strchr(x->name, '='))
      return refuse(EINVAL, "/%s: a layer cannot have its extended attribute %s, for there "
                    "is a \"=\" in the name", entry->path, x->name);
    record(records, "SCHILY.xattr.", x->name, x->value, x->size);
  }
  if (fflush(records) != 0)
    return fail("make the header of /%s", entry->path);
  if (*size)
    write_extended(to, *text, *size);
  finish(&header);
  fwrite(&header, sizeof header, 1, to);
  return 0;
}

int
tar_header(const struct entry *entry, char **bytes, size_t *size)
{
  autofree char *text = NULL;
  size_t length = 0;
  *bytes = NULL;
  if (!type_of(entry) || strlen(entry->path) > PATH_MAX)
    return refuse(EINVAL, "/%s: a layer cannot have such a file", entry->path);
  FILE *records = open_memstream(&text, &length), *to = open_memstream(bytes, size);
  int bad = records && to ? write_headers(records, &text, &length, entry, to)
                          : fail("make the header of /%s", entry->path);
  int error = errno;
  if (records)
    fclose(records);
  if (to && fclose(to) != 0 && !bad)
    return fail("make the header of /%s", entry->path);
  errno = error;
  return bad;
}
