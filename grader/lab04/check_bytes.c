/* check_bytes.c - 4.5: layer_pack: whoever packs the same tree gets the same bytes. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_pack.h"
#include "clean.h"

enum { LATER = 2000000000, NAMES = 40 };

/* Files in a directory, made in this or the other order, or with a hole in the order. */
static void
make_tree(const char *root, const char *const *words, int order)
{
  char name[PATH_MAX];
  make_dir(root, 0755);
  for (int i = 0; i < NAMES; i++) {
    int k = order == 0 ? i : order == 1 ? NAMES - 1 - i : (i * 7 + 3) % NAMES;
    snprintf(name, sizeof name, "%s/%s", root, words[k]);
    if (k % 5) {
      a_file(name, words[k]);
      continue;
    }
    a_dir(name);
    snprintf(name, sizeof name, "%s/%s/%s", root, words[k], words[NAMES - 1 - k]);
    a_file(name, "below");
    snprintf(name, sizeof name, "%s/%s", root, words[k]);
    old(name);
  }
  /* Which of them is the file must not depend on which was made first. */
  char first[PATH_MAX], second[PATH_MAX];
  snprintf(first, sizeof first, "%s/%s", root, order ? "zz" : "0a");
  snprintf(second, sizeof second, "%s/%s", root, order ? "0a" : "zz");
  a_file(first, "two names");
  ck_assert_int_eq(link(at(first), at(second)), 0);
  old(root);
}

START_TEST(test_same)
{
  static char words[NAMES][16];
  const char *list[NAMES];
  char first[DIGEST_SIZE];
  for (int i = 0; i < NAMES; i++) {
    snprintf(words[i], sizeof words[i], "%s%d", random_word(), i);
    list[i] = words[i];
  }
  for (int order = 0; order < 3; order++) {
    char root[16];
    snprintf(root, sizeof root, "d%d", order);
    make_tree(root, list, order);
    packed(at(root), false, LATER);
    if (order == 0)
      snprintf(first, sizeof first, "%s", packed_digest());
    EXPECT(strcmp(first, packed_digest()) == 0, "the same tree, made in another order, gives the "
           "same digest", "another one");
  }
  packed(at("d0"), false, LATER);
  EXPECT(strcmp(first, packed_digest()) == 0, "the same directory, once more, gives the same "
         "digest", "another one");
}
END_TEST

/* This one was computed once and for all. */
START_TEST(test_golden)
{
  static const char digest[] =
      "sha256:561c245cb675e81236099e93b77cb1a84c3f58f55e5e8bae8b55388d16c2b9bc";
  char name[300];
  make_dir("d", 0755);
  a_file("d/file", "hello\n");
  ck_assert_int_eq(chmod(at("d/file"), 0755), 0);
  ck_assert_int_eq(link(at("d/file"), at("d/link")), 0);
  a_dir("d/dir");
  a_file("d/dir/x", "");
  a_file("d/dir.x", "x");
  snprintf(name, sizeof name, "d/dir/%0200d", 7);
  a_file(name, "a long name");
  ck_assert_int_eq(symlink("dir", at("d/soft")), 0);
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {1700000000, 123456789}};
  ck_assert_int_eq(utimensat(AT_FDCWD, at("d/file"), times, 0), 0);
  old("d/soft"), old("d/dir"), old("d");
  packed(at("d"), false, 1800000000);
  EXPECT(strcmp(packed_digest(), digest) == 0, "this tree has the same digest on every machine, "
         "for every user", "%s instead of %s", packed_digest(), digest);
}
END_TEST

/* Reading changes the time of reading; a copy has other inodes and other times of
 * change. */
START_TEST(test_times_of_reading)
{
  char first[DIGEST_SIZE];
  make_dir("d", 0755);
  a_file("d/file", "x");
  old("d");
  packed(at("d"), false, LATER);
  snprintf(first, sizeof first, "%s", packed_digest());
  const struct timespec times[] = {{1500000000, 5}, {0, 0}};
  ck_assert_int_eq(utimensat(AT_FDCWD, at("d/file"), times, 0), 0);
  ck_assert_int_eq(utimensat(AT_FDCWD, at("d"), times, 0), 0);
  packed(at("d"), false, LATER);
  EXPECT(strcmp(first, packed_digest()) == 0, "the time of reading does not count", "with another "
         "one, the digest is another");
}
END_TEST

START_TEST(test_sparse)
{
  static char zeros[300000];
  char first[DIGEST_SIZE];
  size_t size;
  make_dir("d", 0755);
  memset(zeros + 100000, 'x', 10);
  make_file("d/file", zeros, sizeof zeros, 0644);
  old("d/file"), old("d");
  packed(at("d"), false, LATER);
  snprintf(first, sizeof first, "%s", packed_digest());
  packed_bytes(&size);
  EXPECT(size > sizeof zeros, "all of a file is in the layer", "the layer has %zu bytes", size);
  autoclose int fd = open(at("d/file"), O_WRONLY | O_TRUNC | O_CLOEXEC);
  ck_assert(fd >= 0 && ftruncate(fd, sizeof zeros) == 0 &&
            pwrite(fd, "xxxxxxxxxx", 10, 100000) == 10);
  old("d/file");
  packed(at("d"), false, LATER);
  EXPECT(strcmp(first, packed_digest()) == 0, "holes in a file are zeros: the same digest",
         "another one");
}
END_TEST

/* Names that a program might take for something else. */
START_TEST(test_names)
{
  static const char *const names[] = {"new\nline", "not\xffutf8", "sp ace", "-option", "q'u\"o",
                                      "\xc3\xa9", "back\\slash", "\x01", "*", "...", "..x"};
  char name[600], lines[8192];
  int n = snprintf(lines, sizeof lines, "./ d 755 @0\n");
  /* In the order of their bytes. */
  static const int sorted[] = {7, 8, 3, 9, 10, 6, 0, 1, 4, 2, 5};
  make_dir("d", 0755);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(name, sizeof name, "d/%s", names[i]);
    a_file(name, "x");
    if (sorted[i] != 5)
      n += snprintf(lines + n, sizeof lines - n, "%s f 644 @0 =x\n", names[sorted[i]]);
  }
  snprintf(name, sizeof name, "d/~%0254d", 1);
  a_dir(name);
  snprintf(name, sizeof name, "d/~%0254d/%0255d", 1, 2);
  a_file(name, "deep");
  ck_assert_int_eq(symlink(name, at("d/~link")), 0);
  snprintf(lines + n, sizeof lines - n, "~%0254d/ d 755 @0\n~%0254d/%0255d f 644 @0 =deep\n"
           "~link l @0 ->%s\n%s f 644 @0 =x\n", 1, 1, 2, name, names[5]);
  snprintf(name, sizeof name, "d/~%0254d", 1);
  old(name), old("d/~link"), old("d");
  expect_lines(packed(at("d"), false, LATER), lines, "any name there can be");
}
END_TEST

/* Make directories in directories, with names of 200 bytes, so many. */
static void
make_deep(const char *root, int levels)
{
  char name[256];
  snprintf(name, sizeof name, "%0200d", 1);
  int fd = open(make_dir(root, 0755), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < levels; i++) {
    ck_assert_int_eq(mkdirat(fd, name, 0755), 0);
    int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(below, 0);
    close(fd);
    fd = below;
  }
  close(fd);
}

static void
remove_deep(const char *root)
{
  char *argv[] = {"rm", "-rf", (char *)at(root), NULL};
  ck_assert_int_eq(run_program(argv, NULL, 0), 0);
}

START_TEST(test_deep)
{
  make_deep("d", 20);
  packed(at("d"), false, LATER);
  remove_deep("d");
  make_deep("d", 21);
  const struct answer *a = call_pack(at("d"), false, LATER);
  remove_deep("d");
  expect_errno(a, "layer_pack of a path of more than 4,096 bytes", ENAMETOOLONG);
}
END_TEST

START_TEST(test_long_whiteout)
{
  char name[300], lines[400];
  make_dir("d", 0755);
  snprintf(name, sizeof name, "d/%0251d", 1);
  ck_assert_int_eq(mknod(at(name), S_IFCHR, 0), 0);
  old("d");
  snprintf(lines, sizeof lines, "./ d 755 @0\n.wh.%0251d f 644 @0 =\n", 1);
  expect_lines(packed(at("d"), true, LATER), lines, "a whiteout of a name of 251 bytes");
  a_dir("d/sub");
  snprintf(name, sizeof name, "d/sub/%0252d", 1);
  ck_assert_int_eq(mknod(at(name), S_IFCHR, 0), 0);
  const struct answer *a = call_pack(at("d"), true, LATER);
  expect_errno(a, "layer_pack of a whiteout of a name of 252 bytes", ENAMETOOLONG);
  expect_path_said(a, name + 2);
}
END_TEST

void
diff_bytes_tests(void)
{
  student_test("4.5 layer_pack gives the same bytes in any order of making", test_same);
  student_test("4.5 layer_pack gives the same bytes on any machine", test_golden);
  student_test("4.5 layer_pack leaves out times of reading", test_times_of_reading);
  student_test("4.5 layer_pack takes holes for zeros", test_sparse);
  student_test("4.5 layer_pack takes odd and long names", test_names);
  student_test("4.5 layer_pack refuses paths that nobody can unpack", test_deep);
  student_test("4.5 layer_pack refuses whiteouts whose name is too long", test_long_whiteout);
}
