/* check_records.c - layers with all that an archive can say. */
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "check_apply.h"
#include "clean.h"

/* An archive that is written to memory, and grows. */
struct memory {
  char *bytes;         /* free(3) */
  size_t size, room;   /* in use; there */
};

static la_ssize_t
write_memory(struct archive *archive, void *arg, const void *data, size_t size)
{
  struct memory *memory = arg;
  (void)archive;
  if (memory->size + size > memory->room) {
    memory->room = 2 * (memory->size + size);
    memory->bytes = realloc(memory->bytes, memory->room);
    ck_assert_ptr_nonnull(memory->bytes);
  }
  memcpy(memory->bytes + memory->size, data, size);
  memory->size += size;
  return size;
}

static struct archive_entry *
new_entry(const struct record *r)
{
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, r->path);
  archive_entry_set_mode(entry, r->mode ? r->mode : S_IFREG | 0644);
  archive_entry_set_uid(entry, r->uid);
  archive_entry_set_gid(entry, r->gid);
  archive_entry_set_mtime(entry, r->mtime.tv_sec, r->mtime.tv_nsec);
  archive_entry_set_rdev(entry, makedev(r->major, r->minor));
  archive_entry_set_size(entry, r->size ? r->size : r->text ? strlen(r->text) : 0);
  if (!r->mode)
    archive_entry_set_hardlink(entry, r->link);
  else if (S_ISLNK(r->mode))
    archive_entry_set_symlink(entry, r->link);
  for (int i = 0; i < XATTRS && r->xattrs[i].name; i++)
    archive_entry_xattr_add_entry(entry, r->xattrs[i].name, r->xattrs[i].value,
                                  r->xattrs[i].size ? r->xattrs[i].size
                                                    : strlen(r->xattrs[i].value));
  for (int i = 0; i < PARTS && r->parts[i].size; i++)
    archive_entry_sparse_add_entry(entry, r->parts[i].offset, r->parts[i].size);
  return entry;
}

static const struct part *
part_at(const struct record *r, off_t offset)
{
  for (int i = 0; i < PARTS && r->parts[i].size; i++)
    if (offset >= r->parts[i].offset && offset < r->parts[i].offset + (off_t)r->parts[i].size)
      return &r->parts[i];
  return NULL;
}

/* The writer wants the holes, too, and leaves them out. */
static void
write_parts(struct archive *archive, const struct record *r)
{
  static char bytes[4096];
  for (size_t done = 0, n; done < r->size; done += n) {
    n = r->size - done < sizeof bytes ? r->size - done : sizeof bytes;
    for (size_t i = 0; i < n; i += 512)
      memset(bytes + i, part_at(r, done + i) ? PART_LETTER : 0, n - i < 512 ? n - i : 512);
    ck_assert_int_eq(archive_write_data(archive, bytes, n), n);
  }
}

static void
write_record(struct archive *archive, const struct record *r)
{
  struct archive_entry *entry = new_entry(r);
  size_t size = archive_entry_size(entry);
  ck_assert_msg(archive_write_header(archive, entry) >= ARCHIVE_WARN,
                "the test cannot write %s: %s", r->path, archive_error_string(archive));
  if (r->parts[0].size)
    write_parts(archive, r);
  else if (size)
    ck_assert_int_eq(archive_write_data(archive, r->text, size), size);
  archive_entry_free(entry);
}

static struct memory
write_archive(const struct record *records, size_t count)
{
  struct memory memory = {0};
  struct archive *archive = archive_write_new();
  ck_assert_int_eq(archive_write_set_format_pax(archive), ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(archive, 1);
  ck_assert_int_eq(archive_write_open(archive, &memory, NULL, write_memory, NULL), ARCHIVE_OK);
  for (size_t i = 0; i < count; i++)
    write_record(archive, &records[i]);
  ck_assert_int_eq(archive_write_close(archive), ARCHIVE_OK);
  archive_write_free(archive);
  return memory;
}

/* The same bytes, packed: libarchive's "raw" format is one file without a header. */
static struct memory
pack(const struct memory *plain, const char *filter)
{
  struct memory memory = {0};
  struct archive *archive = archive_write_new();
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  ck_assert_int_eq(archive_write_set_format_raw(archive), ARCHIVE_OK);
  ck_assert_int_eq(archive_write_add_filter_by_name(archive, filter), ARCHIVE_OK);
  ck_assert_int_eq(archive_write_set_filter_option(archive, NULL, "compression-level", "1"),
                   ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(archive, 1);
  ck_assert_int_eq(archive_write_open(archive, &memory, NULL, write_memory, NULL), ARCHIVE_OK);
  ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
  ck_assert_int_eq(archive_write_data(archive, plain->bytes, plain->size), plain->size);
  ck_assert_int_eq(archive_write_close(archive), ARCHIVE_OK);
  archive_entry_free(entry);
  archive_write_free(archive);
  return memory;
}

struct put_layer
put_records(const char *store, const struct record *records, size_t count,
            const char *filter)
{
  struct put_layer layer;
  char type[MEDIA_SIZE];
  bool plain = strcmp(filter, "none") == 0;
  snprintf(type, sizeof type, OCI_LAYER "%s%s", plain ? "" : "+", plain ? "" : filter);
  struct memory tar = write_archive(records, count);
  struct memory packed = plain ? tar : pack(&tar, filter);
  snprintf(layer.diff_id, sizeof layer.diff_id, "%s", sha256(tar.bytes, tar.size));
  layer.blob = put_blob(store, type, packed.bytes, packed.size);
  if (!plain)
    free(packed.bytes);
  free(tar.bytes);
  return layer;
}

const char *
the_store(void)
{
  struct stat st;
  return stat(at("store"), &st) == 0 ? at("store") : put_store("store");
}
