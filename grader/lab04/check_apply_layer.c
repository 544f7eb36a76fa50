/* check_apply_layer.c - 4.3: layer_apply: files, their times, and how much of it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check_apply.h"
#include "clean.h"

enum { MIB = 1024 * 1024 };

START_TEST(test_all)
{
  static const char *const filters[] = {"gzip", "zstd", "none"};
  const char *word = random_word();
  for (int i = 0; i < 3; i++) {
    const struct record records[] = {
        {.path = "./", .mode = S_IFDIR | 0751, .mtime = {.tv_sec = 111}},
        {.path = "./dir/", .mode = S_IFDIR | 01770, .mtime = {.tv_sec = 222, .tv_nsec = 5}},
        {.path = "./dir/file", .mode = S_IFREG | 04711, .text = word,
         .mtime = {.tv_sec = 333, .tv_nsec = 987654321}},
        {.path = "./dir/link", .mode = S_IFLNK | 0777, .link = "file", .mtime = {.tv_sec = 444}},
        {.path = "./dir/hard", .link = "./dir/file"},
        {.path = "./fifo", .mode = S_IFIFO | 0622, .mtime = {.tv_sec = 555}},
    };
    apply((struct put_layer[]){put_records(the_store(), records, 6, filters[i])}, 1);
    expect_text("dir/file", word, "a file has the bytes of the layer");
    EXPECT(look("dir/file").st_mode == (S_IFREG | 04711), "a file has its mode", "%o",
           look("dir/file").st_mode);
    EXPECT(look("dir/file").st_ino == look("dir/hard").st_ino, "a hard link is the same file",
           "it is another");
    EXPECT(strcmp(target(at("root/dir/link")), "file") == 0, "a link leads where it should",
           "it leads to %s", target(at("root/dir/link")));
    EXPECT(look("fifo").st_mode == (S_IFIFO | 0622), "a FIFO has its mode", "%o",
           look("fifo").st_mode);
    EXPECT(look(".").st_mode == (S_IFDIR | 0751), "the root has its mode", "%o",
           look(".").st_mode);
    EXPECT(look("dir").st_mode == (S_IFDIR | 01770), "a directory has its mode", "%o",
           look("dir").st_mode);
    for (int r = 0; r < 6; r++)
      if (records[r].mode)
        expect_mtime(records[r].path, records[r].mtime, "everything has the mtime of its entry");
    char *const rm[] = {"rm", "-rf", (char *)at("root"), NULL};
    ck_assert_int_eq(run_program(rm, NULL, 0), 0);
  }
}
END_TEST

START_TEST(test_owners)
{
  need_owners();
  APPLY(LAYER({.path = "dir", .mode = S_IFDIR | 02750, .uid = 11, .gid = 12},
              {.path = "dir/file", .mode = S_IFREG | 06755, .text = "x", .uid = 13, .gid = 14},
              {.path = "dir/link", .mode = S_IFLNK | 0777, .link = "/nowhere", .uid = 15,
               .gid = 16}));
  static const char *const paths[] = {"dir", "dir/file", "dir/link"};
  static const mode_t modes[] = {S_IFDIR | 02750, S_IFREG | 06755, S_IFLNK | 0777};
  for (unsigned i = 0; i < 3; i++) {
    struct stat st = look(paths[i]);
    EXPECT(st.st_uid == 11 + 2 * i && st.st_gid == 12 + 2 * i, "everything has the owner of its "
           "entry", "%s has %u:%u", paths[i], st.st_uid, st.st_gid);
    EXPECT(st.st_mode == modes[i], "everything has the mode of its entry", "%s has %o", paths[i],
           st.st_mode);
  }
}
END_TEST

START_TEST(test_devices)
{
  make_dir("root", 0755);
  struct apply_order order = {.root = at("root"), .count = 1, .devices = true, .layers = {
      LAYER({.path = "null", .mode = S_IFCHR | 0666, .major = 1, .minor = 3})}};
  if (mknod(at("null"), S_IFCHR | 0600, 0x103) < 0) {
    /* An ordinary user's cage: then it is the kernel who refuses. */
    expect_errno(call_layers(&order), "layer_apply of a device that the kernel does not let us "
                 "make", EPERM);
    return;
  }
  expect_success(call_layers(&order), "layer_apply of a device, with target->devices,");
  EXPECT(look("null").st_mode == (S_IFCHR | 0666) && look("null").st_rdev == 0x103, "a device "
         "has its numbers and its mode", "mode %o, device %lx", look("null").st_mode,
         look("null").st_rdev);
}
END_TEST

START_TEST(test_names)
{
  char longest[NAME_MAX + 1], path[600], deep[2048] = "d";
  memset(longest, 'n', NAME_MAX);
  longest[NAME_MAX] = '\0';
  snprintf(path, sizeof path, "%s/%s", longest, longest);
  for (int i = 0; i < 300; i++)
    strcat(deep, "/dir");
  setenv("LC_ALL", "C", 1);
  APPLY(LAYER(FILE_("\xc3\xa4\xe2\x82\xac/\xf0\x9f\x8f\xba", "four bytes"),
              FILE_("new\nline", "two lines"), FILE_(" space ", "space"), FILE_(path, "long"),
              FILE_(deep, "deep"), FILE_("e\xcc\x81", "two signs"), FILE_("\xc3\xa9", "one sign")));
  expect_text("\xc3\xa4\xe2\x82\xac/\xf0\x9f\x8f\xba", "four bytes", "names may be of any "
              "language, whatever the locale is");
  expect_text("new\nline", "two lines", "names may have any sign in them");
  expect_text(" space ", "space", "names may have any sign in them");
  expect_text(path, "long", "a name may have 255 bytes");
  expect_text(deep, "deep", "a path may be deep");
  expect_text("e\xcc\x81", "two signs", "a name is bytes: it is not made another");
  expect_text("\xc3\xa9", "one sign", "a name is bytes: it is not made another");
}
END_TEST

/* ---- what is in files ---- */

START_TEST(test_large)
{
  size_t size = 3 * MIB + 123;
  autofree char *bytes = random_bytes(size);
  APPLY(LAYER({.path = "large", .mode = S_IFREG | 0644, .text = bytes, .size = size},
              FILE_("small", "text")));
  autoclose int fd = open(at("root/large"), O_RDONLY | O_CLOEXEC);
  autofree char *got = malloc(size + 1);
  EXPECT(read(fd, got, size + 1) == (ssize_t)size && memcmp(got, bytes, size) == 0,
         "a large file, which comes in many pieces, has the bytes of the layer",
         "%lld of %zu bytes, or others", (long long)look("large").st_size, size);
  expect_text("small", "text", "what comes after a large file is read, too");
}
END_TEST

/* The letter or zero at this place, and where it changes. */
static void
expect_parts(const char *path, const struct part *parts, off_t size)
{
  EXPECT(look(path).st_size == size, "a sparse file is as long as its entry says", "%s has %lld "
         "bytes, not %lld", path, (long long)look(path).st_size, (long long)size);
  char name[64];
  snprintf(name, sizeof name, "root/%s", path);
  autoclose int fd = open(at(name), O_RDONLY | O_CLOEXEC);
  off_t end = 0;
  for (int i = 0; i < PARTS; end = parts[i].offset + parts[i].size, i++) {
    off_t next = i < PARTS && parts[i].size ? parts[i].offset : size;
    char bytes[4] = "????";
    if (next > end)
      ck_assert_int_eq(pread(fd, bytes, 1, end) + pread(fd, bytes + 1, 1, next - 1), 2);
    EXPECT(next == end || (!bytes[0] && !bytes[1]), "where a sparse file has a hole, there are "
           "zeros", "%s has \"%c\" at %lld", path, bytes[0] ? bytes[0] : bytes[1], (long long)end);
    if (!parts[i].size)
      break;
    ck_assert_int_eq(pread(fd, bytes, 1, next) + pread(fd, bytes + 1, 1, next + parts[i].size - 1), 2);
    EXPECT(bytes[0] == PART_LETTER && bytes[1] == PART_LETTER, "where a sparse file has data, "
           "there are those of the layer", "%s has %d at %lld", path, bytes[0], (long long)next);
  }
}

START_TEST(test_sparse)
{
  static const struct part middle[PARTS] = {{1 * MIB, 8192}, {20 * MIB, 4096}};
  static const struct part start[PARTS] = {{0, 4096}};
  static const struct part end[PARTS] = {{24 * MIB - 4096, 4096}};
  struct record records[3] = {
      {.path = "middle", .mode = S_IFREG | 0644, .size = 24 * MIB},
      {.path = "start", .mode = S_IFREG | 0644, .size = 24 * MIB},
      {.path = "end", .mode = S_IFREG | 0644, .size = 24 * MIB},
  };
  memcpy(records[0].parts, middle, sizeof middle);
  memcpy(records[1].parts, start, sizeof start);
  memcpy(records[2].parts, end, sizeof end);
  apply((struct put_layer[]){put_records(the_store(), records, 3, "gzip")}, 1);
  expect_parts("middle", middle, 24 * MIB);
  expect_parts("start", start, 24 * MIB);
  expect_parts("end", end, 24 * MIB);
  for (int i = 0; i < 3; i++)
    EXPECT(look(records[i].path).st_blocks < 1024, "the holes of a sparse file stay holes, which "
           "take no room", "%s has %lld KiB on the disk, for 12 KiB of data", records[i].path,
           (long long)look(records[i].path).st_blocks / 2);
}
END_TEST

/* ---- times of directories ---- */

START_TEST(test_times)
{
  static const struct timespec first = {.tv_sec = 1000, .tv_nsec = 1}, second = {.tv_sec = 2000};
  APPLY(LAYER({.path = "before", .mode = S_IFDIR | 0755, .mtime = first},
              FILE_("before/x", "x"), FILE_("before/y", "y"), DIR_("before/z"),
              FILE_("after/x", "x"), FILE_("elsewhere", "x"),
              {.path = "after", .mode = S_IFDIR | 0755, .mtime = second},
              {.path = "before/z", .mode = S_IFDIR | 0755, .mtime = second},
              FILE_("before/z/deep/file", "x"), SOFT_("last", "before"), FILE_("last/w", "w")));
  expect_mtime("before", first, "a directory has the mtime of its entry, although files are made "
               "in it later");
  expect_mtime("after", second, "a directory has the mtime of its entry, although it was made "
               "before");
  expect_mtime("before/z", second, "a directory has the mtime of its entry, although a directory "
               "is made in it that no entry names");
  expect_mtime("before/z/deep", (struct timespec){0}, "a directory that no entry names has the "
               "mtime 0");
}
END_TEST

START_TEST(test_times_root)
{
  static const struct timespec root = {.tv_sec = 1000, .tv_nsec = 1};
  APPLY(LAYER({.path = "./", .mode = S_IFDIR | 0755, .mtime = root}, FILE_("./x", "x"),
              FILE_("./y", "y")));
  expect_mtime(".", root, "the root has the mtime of its entry, which comes first");
  APPLY(LAYER(FILE_("z", "z"), {.path = ".", .mode = S_IFDIR | 0755, .mtime = {.tv_sec = 7}}));
  expect_mtime(".", (struct timespec){.tv_sec = 7}, "the root has the mtime of its entry, which "
               "comes last");
}
END_TEST

START_TEST(test_times_below)
{
  static const struct timespec old = {.tv_sec = 1000, .tv_nsec = 1};
  APPLY(LAYER({.path = "a", .mode = S_IFDIR | 0700, .mtime = old}, FILE_("a/x", "x"),
              FILE_("a/y", "y"), {.path = "b", .mode = S_IFDIR | 0700, .mtime = old},
              {.path = "b/c", .mode = S_IFDIR | 0700, .mtime = old},
              FILE_("b/c/gone", "x"), {.path = "./", .mode = S_IFDIR | 0755, .mtime = old}),
        LAYER(FILE_("a/new", "new"), FILE_("a/.wh.x", ""), FILE_("a/y", "other"),
              FILE_("b/c/.wh.gone", "")));
  expect_there("a/new", "the second layer is applied");
  expect_gone("a/x", "the second layer is applied");
  expect_mtime("a", old, "a directory that this layer does not name keeps its mtime");
  expect_mtime("b/c", old, "a directory that this layer does not name keeps its mtime, although "
               "something in it was removed");
  expect_mtime("b", old, "a directory that this layer does not name keeps its mtime");
  expect_mtime(".", old, "a directory that this layer does not name keeps its mtime");
  EXPECT((look("a").st_mode & 07777) == 0700, "a directory that this layer does not name keeps "
         "its mode", "%04o", look("a").st_mode & 07777);
}
END_TEST

/* ---- how much ---- */

enum { MANY = 4000 };

/* So many files in so many directories, with room for few descriptors. */
START_TEST(test_many)
{
  static struct record records[MANY];
  static char paths[MANY][32];
  for (int i = 0; i < MANY; i++) {
    snprintf(paths[i], sizeof paths[i], "d%d/e%d/f%d", i % 7, i % 100, i);
    records[i] = (struct record)FILE_(paths[i], "x");
  }
  make_dir("root", 0755);
  struct apply_order order = {.root = at("root"), .count = 1, .limit = 40, .layers = {
      put_records(the_store(), records, MANY, "gzip")}};
  expect_success(call_layers(&order), "layer_apply of 4000 files, with 40 descriptors,");
  for (int i = 0; i < MANY; i += 97)
    expect_text(paths[i], "x", "with room for 40 descriptors a layer of 4000 files is applied");
}
END_TEST

START_TEST(test_memory)
{
  struct record records[] = {
      {.path = "large", .mode = S_IFREG | 0644, .text = calloc(1, 48 * MIB), .size = 48 * MIB},
  };
  ck_assert_ptr_nonnull(records[0].text);
  struct put_layer layer = put_records(the_store(), records, 1, "gzip");
  free((void *)records[0].text);
  apply(&layer, 1);
  EXPECT(look("large").st_size == 48 * MIB, "a large file is as long as it should be", "%lld bytes",
         (long long)look("large").st_size);
  EXPECT(apply_result()->memory < 24 * 1024, "layer_apply of a file of 48 MiB takes little memory: "
         "a piece at a time", "it takes %ld MiB more", apply_result()->memory / 1024);
}
END_TEST

/* ---- the digests ---- */

static const struct answer *
apply_bad(struct put_layer layer)
{
  make_dir("root", 0755);
  struct apply_order order = {.root = at("root"), .count = 1, .layers = {layer}};
  const struct answer *answer = call_layers(&order);
  EXPECT(apply_result()->descriptors == 0, "when layer_apply fails, as many descriptors are open "
         "as before", "%d more", apply_result()->descriptors);
  return answer;
}

START_TEST(test_diff_id)
{
  struct put_layer layer = LAYER(FILE_("file", random_word()));
  snprintf(layer.diff_id, sizeof layer.diff_id, "%s", random_digest());
  expect_errno(apply_bad(layer), "layer_apply of a layer with another diffID than the config has",
               EBADMSG);
}
END_TEST

START_TEST(test_digest)
{
  struct put_layer layer = LAYER(FILE_("file", random_word()));
  struct put_layer other = LAYER(FILE_("file", random_word()));
  /* The other's bytes under its name: of the same size, and a good archive. */
  other.blob.size = layer.blob.size;
  autofree char *good = strdup(blob_path(the_store(), layer.blob.digest));
  const char *bad = blob_path(the_store(), other.blob.digest);
  struct stat a, b;
  ck_assert_int_eq(stat(good, &a) + stat(bad, &b), 0);
  ck_assert_int_eq(rename(bad, good), 0);
  layer.blob.size = b.st_size;
  memcpy(layer.diff_id, other.diff_id, DIGEST_SIZE);
  expect_errno(apply_bad(layer), "layer_apply of a blob that has not the digest it is called by",
               EBADMSG);
}
END_TEST

/* After a failure, what is open is closed, and the message says of which entry. */
START_TEST(test_message)
{
  const char *word = random_word();
  char path[64];
  snprintf(path, sizeof path, "dir/%s/../x", word);
  const struct answer *a = apply_bad(LAYER(DIR_("dir"), FILE_("dir/good", "x"), FILE_(path, "x")));
  expect_errno(a, "layer_apply of a path with \"..\"", EPERM);
  EXPECT(strncmp(a->text, path, strlen(path)) == 0, "the message of layer_apply begins with the "
         "entry's path", "\"%.200s\"", a->text);
}
END_TEST

START_TEST(test_stops)
{
  const struct answer *a = apply_bad(LAYER(FILE_("first", "x"), HARD_("second", "nowhere"),
                                           FILE_("third", "x")));
  expect_errno(a, "layer_apply of a hard link to nothing", ENOENT);
  EXPECT(strncmp(a->text, "second", 6) == 0, "the message of layer_apply begins with the entry's "
         "path", "\"%.200s\"", a->text);
  expect_gone("third", "layer_apply ends at the first entry that fails");
}
END_TEST

void
apply_layer_tests(void)
{
  student_test("4.3 layer_apply makes all of a layer, however it is packed", test_all);
  student_test("4.3 layer_apply gives everything its owner", test_owners);
  student_test("4.3 layer_apply makes devices that are wanted", test_devices);
  student_test("4.3 layer_apply takes any name", test_names);
  student_test("4.3 layer_apply writes files of many pieces", test_large);
  student_test("4.3 layer_apply keeps the holes of sparse files", test_sparse);
  student_test("4.3 layer_apply gives directories their mtimes", test_times);
  student_test("4.3 layer_apply gives the root its mtime", test_times_root);
  student_test("4.3 layer_apply leaves the mtimes of directories that it does not name", test_times_below);
  student_test("4.3 layer_apply takes thousands of entries with few descriptors", test_many);
  student_test("4.3 layer_apply takes little memory", test_memory);
  student_test("4.3 layer_apply refuses a wrong diffID", test_diff_id);
  student_test("4.3 layer_apply refuses a wrong digest", test_digest);
  student_test("4.3 layer_apply says which entry failed", test_message);
  student_test("4.3 layer_apply ends at the first failure", test_stops);
}
