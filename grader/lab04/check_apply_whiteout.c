/* check_apply_whiteout.c - 4.3: whiteout_apply. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_apply.h"

/* Call it in "root/DIRECTORY", of a layer that has made nothing, or this. */
static const struct answer *
whiteout_of(const char *directory, const char *name, const char *const made[3])
{
  struct apply_order order = {.root = at("root"), .directory = directory, .name = name};
  for (int i = 0; made && i < 3; i++)
    order.made[i] = made[i];
  const struct answer *answer = call_whiteout(&order);
  EXPECT(apply_result()->descriptors == 0, "whiteout_apply leaves no descriptor open", "%d are",
         apply_result()->descriptors);
  return answer;
}

static void
whiteout(const char *directory, const char *name, const char *const made[3])
{
  char call[NAME_MAX + 64];
  snprintf(call, sizeof call, "whiteout_apply of \"%s\"", name);
  expect_success(whiteout_of(directory, name, made), call);
}

/* A tree to remove from. */
static void
make_tree(void)
{
  make_dir("root", 0755);
  make_dir("root/a", 0755);
  make_dir("root/a/b", 0755);
  make_dir("root/a/b/c", 0755);
  make_text("root/a/b/c/file", "old", 0644);
  make_text("root/a/b/file", "old", 0644);
  make_text("root/a/file", "old", 0644);
  make_text("root/a/.hidden", "old", 0644);
  make_text("root/file", "old", 0644);
}

START_TEST(test_file)
{
  make_tree();
  whiteout(".", ".wh.file", NULL);
  expect_gone("file", "\".wh.file\" removes \"file\"");
  expect_text("a/file", "old", "a whiteout removes the name in its own directory, and none "
              "elsewhere");
  whiteout("a", ".wh..hidden", NULL);
  expect_gone("a/.hidden", "\".wh..hidden\" removes \".hidden\"");
  EXPECT(count_entries(at("root/a")) == 2, "all others stay, and no file \".wh...\" is made",
         "there are %d entries in the directory, not 2", count_entries(at("root/a")));
}
END_TEST

START_TEST(test_tree)
{
  make_tree();
  whiteout(".", ".wh.a", NULL);
  expect_gone("a", "a whiteout of a directory removes it with all that is below it");
  expect_text("file", "old", "what is beside it stays");
}
END_TEST

START_TEST(test_nothing)
{
  make_tree();
  whiteout(".", ".wh.nowhere", NULL);
  whiteout("a/b", ".wh.nowhere", NULL);
  expect_text("a/b/file", "old", "that there is nothing to remove removes nothing else");
}
END_TEST

START_TEST(test_link)
{
  make_tree();
  make_canaries();
  ck_assert_int_eq(symlink(at("outside"), at("root/out")), 0);
  ck_assert_int_eq(symlink(at("outside/dir"), at("root/a/out")), 0);
  ck_assert_int_eq(symlink("a", at("root/in")), 0);
  whiteout(".", ".wh.out", NULL);
  expect_gone("out", "a whiteout of a link removes the link");
  whiteout(".", ".wh.in", NULL);
  expect_gone("in", "a whiteout of a link removes the link");
  expect_text("a/file", "old", "what the link leads to stays");
  whiteout(".", ".wh.a", NULL);
  expect_gone("a", "a whiteout of a directory removes it with the links in it");
  expect_canaries("after whiteouts of links that lead out");
}
END_TEST

START_TEST(test_opaque)
{
  make_tree();
  make_canaries();
  ck_assert_int_eq(symlink(at("outside"), at("root/a/out")), 0);
  whiteout("a", ".wh..wh..opq", NULL);
  expect_there("a", "the directory of \".wh..wh..opq\" stays");
  EXPECT(count_entries(at("root/a")) == 0, "\".wh..wh..opq\" removes all that is in its "
         "directory", "there are %d entries", count_entries(at("root/a")));
  expect_text("file", "old", "what is above it stays");
  expect_canaries("after \".wh..wh..opq\" in a directory with a link that leads out");
  whiteout(".", ".wh..wh..opq", NULL);
  EXPECT(count_entries(at("root")) == 0, "\".wh..wh..opq\" in the root removes all that is in it",
         "there are %d entries", count_entries(at("root")));
}
END_TEST

/* The whiteout comes after what its own layer has made. */
START_TEST(test_made)
{
  static const char *const made[3] = {"./file", "a/b/file"};
  make_tree();
  whiteout(".", ".wh.file", made);
  expect_text("file", "old", "a whiteout does not remove what its own layer has made");
  whiteout(".", ".wh.a", made);
  expect_text("a/b/file", "old", "a whiteout of a directory does not remove what its own layer has "
              "made below it");
  expect_gone("a/b/c", "it removes the directories in there that are older");
  expect_gone("a/file", "it removes the files in there that are older");
  expect_gone("a/.hidden", "it removes the files in there that are older");
}
END_TEST

START_TEST(test_made_opaque)
{
  static const char *const made[3] = {"a/file", "a/b/c/file"};
  make_tree();
  whiteout("a", ".wh..wh..opq", made);
  expect_text("a/file", "old", "\".wh..wh..opq\" does not remove what its own layer has made");
  expect_text("a/b/c/file", "old", "\".wh..wh..opq\" does not remove what its own layer has made "
              "in a directory below");
  expect_gone("a/b/file", "it removes what is older there");
  expect_gone("a/.hidden", "it removes what is older");
}
END_TEST

START_TEST(test_made_file)
{
  static const char *const made[3] = {"./a"};
  make_tree();
  whiteout(".", ".wh.a", made);
  expect_there("a", "a whiteout does not remove a directory that its own layer has made");
  EXPECT(count_entries(at("root/a")) == 0, "it removes what is older in there", "there are %d "
         "entries", count_entries(at("root/a")));
}
END_TEST

START_TEST(test_refused)
{
  static const char *const names[] = {".wh.", ".wh..", ".wh...", ".wh..wh.", ".wh..wh.plnk",
                                      ".wh..wh.aufs", ".wh..wh..opqx", ".wh..wh..wh.x"};
  make_tree();
  make_canaries();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char call[64];
    snprintf(call, sizeof call, "whiteout_apply of \"%s\"", names[i]);
    expect_errno(whiteout_of("a/b", names[i], NULL), call, EPERM);
    expect_text("a/b/c/file", "old", "a whiteout of no name removes nothing");
    expect_text("a/file", "old", "a whiteout of no name removes nothing");
    expect_text("file", "old", "a whiteout of no name removes nothing");
    expect_errno(whiteout_of(".", names[i], NULL), call, EPERM);
    expect_canaries(call);
  }
}
END_TEST

START_TEST(test_odd_names)
{
  static const char *const names[] = {"...", "..a", " ", ".wh", "a\nb", "\xc3\xa4"};
  make_tree();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64], name[64];
    snprintf(path, sizeof path, "root/a/%s", names[i]);
    snprintf(name, sizeof name, ".wh.%s", names[i]);
    make_text(path, "old", 0644);
    whiteout("a", name, NULL);
    expect_gone(path + strlen("root/"), "a whiteout removes whatever name a file can have");
  }
  EXPECT(count_entries(at("root/a")) == 3, "all others stay", "there are %d entries in the "
         "directory, not 3", count_entries(at("root/a")));
}
END_TEST

void
apply_whiteout_tests(void)
{
  student_test("4.3 whiteout_apply removes a file", test_file);
  student_test("4.3 whiteout_apply removes a tree", test_tree);
  student_test("4.3 whiteout_apply of what is not there", test_nothing);
  student_test("4.3 whiteout_apply does not follow links", test_link);
  student_test("4.3 whiteout_apply of .wh..wh..opq removes all in its directory", test_opaque);
  student_test("4.3 whiteout_apply keeps what its layer has made", test_made);
  student_test("4.3 whiteout_apply of .wh..wh..opq keeps what its layer has made", test_made_opaque);
  student_test("4.3 whiteout_apply empties a directory that its layer has made", test_made_file);
  student_test("4.3 whiteout_apply refuses names that no file can have", test_refused);
  student_test("4.3 whiteout_apply takes names with dots and odd signs", test_odd_names);
}
