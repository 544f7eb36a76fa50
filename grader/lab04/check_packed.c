/* check_packed.c - pack a directory, and read what came with libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check_pack.h"
#include "clean.h"

static char digest[DIGEST_SIZE]; /* of the layer that was packed last */

static void
pack_body(struct answer *a, const void *arg)
{
  const struct pack_order *order = arg;
  struct descriptor layer;
  char diff_id[DIGEST_SIZE];
  int store = open_directory(at("store")), root = open_directory(order->root);
  struct packer *packer = STUDENT(packer_begin)(store, COMPRESS_NONE);
  int bad = packer ? STUDENT(layer_pack)(root, order->upper, order->newest, packer) : -1;
  if (bad) {
    student_answer(a, bad);
    a->text[4000] = '\0'; /* a path may be in there, or two, and Check takes 8 KiB */
    return;
  }
  student_answer(a, STUDENT(packer_finish)(packer, &layer, diff_id));
  if (a->value == 0)
    snprintf(a->text, sizeof a->text, "%s", layer.digest);
}

const struct answer *
call_pack(const char *root, bool upper, time_t newest)
{
  struct pack_order order = {root, upper, newest};
  if (access(at("store"), F_OK) < 0)
    put_store("store");
  return student_call(pack_body, &order);
}

const char *
packed_digest(void)
{
  return digest;
}

const unsigned char *
packed_bytes(size_t *size)
{
  static unsigned char *bytes;
  struct stat st;
  autoclose int fd = open(blob_path(at("store"), digest), O_RDONLY | O_CLOEXEC);
  ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "the layer %s is not in the store", digest);
  free(bytes);
  bytes = malloc(st.st_size + 1);
  ck_assert_int_eq(read(fd, bytes, st.st_size), st.st_size);
  *size = st.st_size;
  return bytes;
}

static int
by_text(const void *a, const void *b)
{
  return strcmp(a, b);
}

static void
write_xattrs(FILE *to, struct archive_entry *e)
{
  char lines[8][256];
  size_t n = 0, size;
  const char *name;
  const void *value;
  archive_entry_xattr_reset(e);
  while (n < 8 && archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK)
    snprintf(lines[n++], sizeof *lines, " %s=%.*s", name, (int)size, (const char *)value);
  qsort(lines, n, sizeof *lines, by_text);
  for (size_t i = 0; i < n; i++)
    fputs(lines[i], to);
}

static void
write_entry(FILE *to, struct archive *archive, struct archive_entry *e)
{
  char text[201];
  mode_t type = archive_entry_filetype(e);
  fprintf(to, "%s", archive_entry_pathname(e));
  if (archive_entry_hardlink(e)) {
    fprintf(to, " =>%s\n", archive_entry_hardlink(e));
    return;
  }
  fprintf(to, " %c", type == AE_IFREG ? 'f' : type == AE_IFDIR ? 'd' : type == AE_IFLNK ? 'l'
                     : type == AE_IFCHR ? 'c' : type == AE_IFBLK ? 'b'
                     : type == AE_IFIFO ? 'p' : '?');
  if (type != AE_IFLNK)
    fprintf(to, " %o", (unsigned)archive_entry_perm(e));
  if (archive_entry_uid(e) || archive_entry_gid(e))
    fprintf(to, " %d:%d", (int)archive_entry_uid(e), (int)archive_entry_gid(e));
  if (type == AE_IFCHR || type == AE_IFBLK)
    fprintf(to, " %d:%d", (int)archive_entry_rdevmajor(e), (int)archive_entry_rdevminor(e));
  fprintf(to, " @%lld", (long long)archive_entry_mtime(e));
  if (type == AE_IFLNK)
    fprintf(to, " ->%s", archive_entry_symlink(e));
  if (type == AE_IFREG) {
    la_ssize_t n = archive_read_data(archive, text, sizeof text - 1);
    fprintf(to, " =%.*s", (int)(n > 0 ? n : 0), text);
  }
  write_xattrs(to, e);
  fputc('\n', to);
}

const char *
packed(const char *root, bool upper, time_t newest)
{
  static char text[65536];
  struct archive_entry *e;
  const struct answer *a = call_pack(root, upper, newest);
  expect_success(a, "layer_pack");
  snprintf(digest, sizeof digest, "%.*s", DIGEST_SIZE - 1, a->text);
  struct archive *archive = archive_read_new();
  archive_read_support_format_tar(archive);
  ck_assert_msg(archive_read_open_filename(archive, blob_path(at("store"), digest), 65536) ==
                ARCHIVE_OK, "the layer cannot be read: %s", archive_error_string(archive));
  FILE *to = fmemopen(text, sizeof text, "w");
  int result;
  while ((result = archive_read_next_header(archive, &e)) >= ARCHIVE_WARN &&
         result != ARCHIVE_EOF)
    write_entry(to, archive, e);
  fclose(to);
  ck_assert_msg(result == ARCHIVE_EOF, "the layer is no archive: %s",
                archive_error_string(archive));
  archive_read_free(archive);
  return text;
}

/* A line, without its newline. */
static int
line_length(const char *line)
{
  return strcspn(line, "\n");
}

/* Long ones: only the first line that differs. */
void
expect_lines(const char *got, const char *want, const char *what)
{
  char expected[2000];
  int line = 1;
  if (strlen(want) > 300) {
    while (*got && line_length(got) == line_length(want) &&
           strncmp(got, want, line_length(got) + 1) == 0) {
      got += line_length(got) + 1;
      want += line_length(want) + 1;
      line++;
    }
    snprintf(expected, sizeof expected, "%s: line %d is \"%.*s\"", what, line,
             line_length(want), want);
    EXPECT(strcmp(got, want) == 0, expected, "\"%.*s\"", line_length(got), got);
    return;
  }
  snprintf(expected, sizeof expected, "%s: %s", what, want);
  for (char *c = expected; *c; c++)
    if (*c == '\n')
      *c = ' ';
  EXPECT(strcmp(got, want) == 0, expected, "%s", got);
}

void
expect_path_said(const struct answer *a, const char *path)
{
  EXPECT(strstr(a->text, path), "the message of a failing layer_pack names the path, from the root "
         "of the tree on", "\"%.600s\", and the path is %s", a->text, path);
}

void
old(const char *name)
{
  const struct timespec times[2] = {0};
  ck_assert_int_eq(utimensat(AT_FDCWD, at(name), times, AT_SYMLINK_NOFOLLOW), 0);
}

void
a_file(const char *name, const char *text)
{
  make_text(name, text, 0644);
  old(name);
}

void
a_dir(const char *name)
{
  make_dir(name, 0755);
  old(name);
}

/* Are we in the first user namespace? user_namespaces(7): its map is the whole. */
static bool
is_first(void)
{
  unsigned inside, outside, count;
  FILE *file = fopen("/proc/self/uid_map", "re");
  int n = file ? fscanf(file, "%u %u %u", &inside, &outside, &count) : 0;
  if (file)
    fclose(file);
  return n == 3 && count == 4294967295U;
}

static const char no_xattrs[] = "the file system of /tmp has no extended attributes user.* (a "
                               "tmpfs has, since Linux 6.6)";

void
give_xattr(const char *name, const char *attribute, const char *value)
{
  if (lsetxattr(at(name), attribute, value, strlen(value), 0) == 0)
    return;
  if (errno == ENOTSUP)
    student_cannot(no_xattrs);
  ck_abort_msg("the test cannot give %s the attribute %s: %s", name, attribute, strerror(errno));
}

const char *
own_xattr(const char *name)
{
  static char texts[16][64];
  static int next;
  static const char *prefix;
  char *text = texts[next++ % 16];
  if (!prefix)
    prefix = setxattr(scratch(), "user.probe", "x", 1, 0) == 0 ? "user" : "trusted";
  if (strcmp(prefix, "trusted") == 0 && !is_first())
    student_cannot(no_xattrs);
  snprintf(text, sizeof *texts, "%s.%s", prefix, name);
  return text;
}

bool
memory_has_user_xattrs(void)
{
  struct utsname about;
  unsigned major = 0, minor = 0;
  return uname(&about) == 0 && sscanf(about.release, "%u.%u", &major, &minor) == 2 &&
         (major > 6 || (major == 6 && minor >= 6));
}

void
need_replaced_directories(void)
{
  if (setxattr(scratch(), overlay_xattr("probe", true), "x", 1, 0) < 0)
    student_cannot("no directory can be replaced in an overlay here: the file system of /tmp has "
                   "no extended attributes user.* (a tmpfs has, since Linux 6.6)");
}

void
need_user_xattrs(void)
{
  if (setxattr(scratch(), "user.probe", "x", 1, 0) < 0)
    student_cannot(no_xattrs);
}

const char *
overlay_xattr(const char *name, bool ours)
{
  static char text[2][64];
  snprintf(text[ours], sizeof *text, "%s.overlay.%s", is_first() == ours ? "trusted" : "user",
           name);
  return text[ours];
}
