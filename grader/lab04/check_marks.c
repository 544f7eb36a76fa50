/* check_marks.c - 4.5: overlay_mark. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check_pack.h"

struct mark_order {
  const char *directory, *name;  /* what overlay_mark is asked */
  bool apart;                    /* in a user namespace of its own */
};

enum { NO_NAMESPACE = -4712 };

static void
mark_body(struct answer *a, const void *arg)
{
  const struct mark_order *order = arg;
  if (order->apart && enter_apart() < 0) {
    student_answer(a, NO_NAMESPACE);
    return;
  }
  student_answer(a, STUDENT(overlay_mark)(open_directory(order->directory), order->name));
}

static const char *const marks[] = {"MARK_NONE", "MARK_WHITEOUT", "MARK_OPAQUE"};

static void
expect_answer(const struct mark_order *order, enum mark want, const char *what)
{
  char expected[300];
  int got = student_call(mark_body, order)->value;
  if (got == NO_NAMESPACE)
    student_cannot(no_apart);
  snprintf(expected, sizeof expected, "overlay_mark of %s is %s", what, marks[want]);
  EXPECT(got == (int)want, expected, "%s", got >= 0 && got <= 2 ? marks[got] : "something else");
}

static void
expect_mark(const char *directory, const char *name, enum mark want, const char *what)
{
  struct mark_order order = {at(directory), name, false};
  expect_answer(&order, want, what);
}

START_TEST(test_device)
{
  make_dir("d", 0755);
  ck_assert_int_eq(mknod(at("d/gone"), S_IFCHR | 0600, makedev(0, 0)), 0);
  a_file("d/empty", "");
  a_file("d/file", "x");
  a_dir("d/dir");
  ck_assert_int_eq(symlink("gone", at("d/link")), 0);
  ck_assert_int_eq(mkfifo(at("d/fifo"), 0600), 0);
  expect_mark("d", "gone", MARK_WHITEOUT, "a character device 0, 0");
  expect_mark("d", "empty", MARK_NONE, "an empty file");
  expect_mark("d", "file", MARK_NONE, "a file");
  expect_mark("d", "dir", MARK_NONE, "a directory");
  expect_mark("d", "link", MARK_NONE, "a link to a whiteout");
  expect_mark("d", "fifo", MARK_NONE, "a FIFO");
  expect_mark("d", "nothing", MARK_NONE, "what is not there");
  if (mknod(at("d/null"), S_IFCHR | 0600, makedev(1, 3)) == 0) /* root's to make */
    expect_mark("d", "null", MARK_NONE, "a character device 1, 3");
}
END_TEST

START_TEST(test_opaque)
{
  make_dir("d", 0755);
  a_dir("d/y");
  a_dir("d/x");
  a_dir("d/longer");
  a_dir("d/above");
  a_dir("d/above/in");
  a_file("d/file", "");
  give_xattr("d/y", overlay_xattr("opaque", true), "y");
  give_xattr("d/x", overlay_xattr("opaque", true), "x");
  give_xattr("d/longer", overlay_xattr("opaque", true), "yes");
  give_xattr("d/above", overlay_xattr("opaque", true), "y");
  give_xattr("d/file", overlay_xattr("opaque", true), "y");
  expect_mark("d", "y", MARK_OPAQUE, "a directory with overlay.opaque=y");
  expect_mark("d/y", ".", MARK_OPAQUE, "\".\" in a directory with overlay.opaque=y");
  expect_mark("d", "x", MARK_NONE, "a directory with overlay.opaque=x");
  expect_mark("d", "longer", MARK_NONE, "a directory with overlay.opaque=yes");
  expect_mark("d/above", "in", MARK_NONE, "a directory in an opaque one");
  expect_mark("d", "file", MARK_NONE, "a file with overlay.opaque=y");
}
END_TEST

START_TEST(test_xattr_whiteout)
{
  make_dir("d", 0755);
  make_dir("y", 0755);
  a_file("d/gone", "");
  a_file("d/full", "x");
  a_file("d/empty", "");
  a_file("y/gone", "");
  a_dir("d/dir");
  give_xattr("d", overlay_xattr("opaque", true), "x");
  give_xattr("y", overlay_xattr("opaque", true), "y");
  give_xattr("d/gone", overlay_xattr("whiteout", true), "y");
  give_xattr("d/full", overlay_xattr("whiteout", true), "y");
  give_xattr("d/dir", overlay_xattr("whiteout", true), "y");
  give_xattr("y/gone", overlay_xattr("whiteout", true), "y");
  expect_mark("d", "gone", MARK_WHITEOUT, "an empty file with overlay.whiteout, in a directory "
              "with overlay.opaque=x,");
  expect_mark("d", "empty", MARK_NONE, "an empty file without that attribute");
  expect_mark("d", "full", MARK_NONE, "a file that is not empty");
  expect_mark("d", "dir", MARK_NONE, "a directory with overlay.whiteout");
  expect_mark("y", "gone", MARK_NONE, "such a file in a directory with overlay.opaque=y");
}
END_TEST

/* Whoever may set user.* must not be able to hide a layer's files from root. (An
 * ordinary user cannot set the others, so he has nothing to fear.) */
START_TEST(test_others)
{
  make_dir("d", 0755);
  a_dir("d/dir");
  a_dir("d/real");
  a_file("d/gone", "");
  give_xattr("d/real", overlay_xattr("opaque", true), "y");
  expect_mark("d", "real", MARK_OPAQUE, "a directory with the overlay's own opaque=y");
  if (strncmp(overlay_xattr("x", false), "trusted", 7) == 0)
    return;
  if (strncmp(own_xattr("x"), "user", 4) != 0)
    return; /* nor anybody here */
  give_xattr("d/dir", overlay_xattr("opaque", false), "y");
  give_xattr("d", overlay_xattr("opaque", false), "x");
  give_xattr("d/gone", overlay_xattr("whiteout", false), "y");
  expect_mark("d", "dir", MARK_NONE, "a directory with user.overlay.opaque=y, which is not the "
              "overlay's here,");
  expect_mark("d", "gone", MARK_NONE, "a file with user.overlay.whiteout");
}
END_TEST

/* Whoever runs the tests: in a user namespace it is user.*. */
START_TEST(test_apart)
{
  need_user_xattrs();
  make_dir("d", 0755);
  a_dir("d/dir");
  a_dir("d/other");
  a_file("d/gone", "");
  give_xattr("d/dir", "user.overlay.opaque", "y");
  give_xattr("d", "user.overlay.opaque", "x");
  give_xattr("d/gone", "user.overlay.whiteout", "y");
  const char *d = at("d");
  struct mark_order dir = {d, "dir", true}, other = {d, "other", true}, gone = {d, "gone", true};
  expect_answer(&dir, MARK_OPAQUE, "a directory with user.overlay.opaque=y, in a user namespace,");
  expect_answer(&gone, MARK_WHITEOUT, "an empty file with user.overlay.whiteout, in a user "
                "namespace,");
  expect_answer(&other, MARK_NONE, "a directory without, in a user namespace,");
}
END_TEST

void
diff_mark_tests(void)
{
  student_test("4.5 overlay_mark of a device 0, 0", test_device);
  student_test("4.5 overlay_mark of opaque directories", test_opaque);
  student_test("4.5 overlay_mark of whiteouts that are files", test_xattr_whiteout);
  student_test("4.5 overlay_mark does not believe user.overlay where it need not", test_others);
  if (memory_has_user_xattrs())
    student_test("4.5 overlay_mark in a user namespace", test_apart);
}
