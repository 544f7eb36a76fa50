/* check_deep.c - 4.5: trees that are deeper than a process has descriptors. */
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_pack.h"
#include "clean.h"

enum { LEVELS = 1500, DESCRIPTORS = 256, LATER = 2000000000 };

/* So many directories "d", each in the one above, with a file behind the next ("z"), to
 * which the way back must be found; and one at the end. */
static void
make_deep(const char *root)
{
  int fd = open(make_dir(root, 0755), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < LEVELS; i++) {
    ck_assert_int_eq(mkdirat(fd, "d", 0755), 0);
    int below = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(below, 0);
    if (i % 100 == 0)
      ck_assert_int_eq(mknodat(fd, "z", S_IFREG | 0644, 0), 0);
    close(fd);
    fd = below;
  }
  ck_assert_int_eq(mknodat(fd, "end", S_IFREG | 0644, 0), 0);
  close(fd);
}

static void
remove_deep(const char *root)
{
  char *argv[] = {"rm", "-rf", (char *)at(root), NULL};
  ck_assert_int_eq(run_program(argv, NULL, 0), 0);
}

/* In the child. */
static void
few_descriptors(void)
{
  const struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
    _exit(96);
}

static void
pack_body(struct answer *a, const void *arg)
{
  struct descriptor layer;
  char diff_id[DIGEST_SIZE];
  int store = open_directory(at("store")), root = open_directory(arg);
  few_descriptors();
  struct packer *packer = STUDENT(packer_begin)(store, COMPRESS_NONE);
  int bad = packer ? STUDENT(layer_pack)(root, true, LATER, packer) : -1;
  if (!bad)
    bad = STUDENT(packer_finish)(packer, &layer, diff_id);
  student_answer(a, bad);
  if (!bad)
    snprintf(a->text, sizeof a->text, "%s", layer.digest);
  else
    a->text[300] = '\0'; /* all of the path nobody reads */
}

/* How many entries the layer has, and how long the longest path is. */
static int
count_entries_of(const char *digest, size_t *longest)
{
  struct archive_entry *e;
  int count = 0;
  struct archive *archive = archive_read_new();
  archive_read_support_format_tar(archive);
  ck_assert_int_eq(archive_read_open_filename(archive, blob_path(at("store"), digest), 65536),
                   ARCHIVE_OK);
  for (*longest = 0; archive_read_next_header(archive, &e) == ARCHIVE_OK; count++)
    if (strlen(archive_entry_pathname(e)) > *longest)
      *longest = strlen(archive_entry_pathname(e));
  archive_read_free(archive);
  return count;
}

START_TEST(test_pack)
{
  size_t longest;
  char digest[DIGEST_SIZE];
  put_store("store");
  make_deep("d");
  const struct answer *a = student_call(pack_body, at("d"));
  remove_deep("d");
  expect_success(a, "layer_pack of a tree 1,500 directories deep, with 256 descriptors (ulimit "
                 "-n),");
  snprintf(digest, sizeof digest, "%.*s", DIGEST_SIZE - 1, a->text);
  int count = count_entries_of(digest, &longest);
  EXPECT(count == 1 + LEVELS + LEVELS / 100 + 1, "of a tree 1,500 directories deep all is in the "
         "layer: 1517 entries", "%d", count);
  EXPECT(longest == 2 * LEVELS + 3, "the longest path has 3003 bytes", "%zu", longest);
}
END_TEST

/* What tree_diff has told. */
struct told {
  int count;          /* changes */
  size_t longest;     /* of their paths, bytes */
};

static int
take_change(enum change change, const char *path, void *arg)
{
  struct told *told = arg;
  (void)change;
  told->count++;
  if (strlen(path) > told->longest)
    told->longest = strlen(path);
  return 0;
}

static void
diff_body(struct answer *a, const void *arg)
{
  struct told told = {0};
  const char *const *trees = arg;
  int before = open_directory(trees[0]), after = open_directory(trees[1]);
  few_descriptors();
  int bad = STUDENT(tree_diff)(before, after, take_change, &told);
  student_answer(a, bad);
  if (!bad)
    snprintf(a->text, sizeof a->text, "%d %zu", told.count, told.longest);
  else
    a->text[300] = '\0';
}

static void
expect_told(const char *before, const char *after, const char *want, const char *what)
{
  char expected[200];
  const char *trees[] = {at(before), at(after)};
  const struct answer *a = student_call(diff_body, trees);
  expect_success(a, "tree_diff of trees 1,500 directories deep, with 256 descriptors (ulimit -n),");
  snprintf(expected, sizeof expected, "%s: so many changes, and the longest path has so many "
           "bytes: %s", what, want);
  EXPECT(strcmp(a->text, want) == 0, expected, "%s", a->text);
}

START_TEST(test_diff)
{
  make_deep("d");
  make_deep("e");
  make_dir("none", 0755);
  make_text("e/zz", "x", 0644);
  expect_told("d", "e", "1 3", "two deep trees, and one file is new (/zz)");
  expect_told("d", "none", "1516 3004", "a deep tree that is gone");
  expect_told("none", "d", "1516 3004", "a deep tree that is new");
  remove_deep("d");
  remove_deep("e");
}
END_TEST

void
diff_deep_tests(void)
{
  student_test("4.5 layer_pack of a very deep tree", test_pack);
  student_test("4.5 tree_diff of very deep trees", test_diff);
}
