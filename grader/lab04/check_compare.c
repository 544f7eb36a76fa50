/* check_compare.c - 4.5: tree_diff. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "check_pack.h"
#include "clean.h"

/* Two trees, and when to stop. */
struct diff_order {
  const char *before, *after; /* paths */
  int stop;                   /* after so many changes; 0: never */
};

/* Where the changes go: into the answer, a line each. */
struct lines {
  char text[32768];
  size_t size;
  int count, stop;
};

static int
take_line(enum change change, const char *path, void *arg)
{
  struct lines *lines = arg;
  lines->size += snprintf(lines->text + lines->size, sizeof lines->text - lines->size, "%c %s\n",
                          change, path);
  return ++lines->count == lines->stop ? 4711 : 0;
}

static void
diff_body(struct answer *a, const void *arg)
{
  static struct lines lines;
  const struct diff_order *order = arg;
  lines.stop = order->stop;
  int before = open_directory(order->before), after = open_directory(order->after);
  int value = STUDENT(tree_diff)(before, after, take_line, &lines);
  student_answer(a, value);
  if (value >= 0)
    snprintf(a->text, sizeof a->text, "%s", lines.text);
}

static const struct answer *
call_diff(int stop)
{
  struct diff_order order = {at("b"), at("a"), stop};
  return student_call(diff_body, &order);
}

static void
expect_diff(const char *want, const char *what)
{
  const struct answer *a = call_diff(0);
  expect_success(a, "tree_diff");
  expect_lines(a->text, want, what);
}

/* b is before, a is after. */
static void
make_both(void)
{
  make_dir("b", 0755);
  make_dir("a", 0755);
}

static void
in_both(const char *name, const char *text)
{
  char path[300];
  for (const char *tree = "ba"; *tree; tree++) {
    snprintf(path, sizeof path, "%c/%s", *tree, name);
    if (text)
      a_file(path, text);
    else
      a_dir(path);
  }
}

START_TEST(test_same)
{
  make_both();
  in_both("file", "same");
  in_both("dir", NULL);
  in_both("dir/file", "same");
  ck_assert_int_eq(symlink("file", at("b/link")), 0);
  ck_assert_int_eq(symlink("file", at("a/link")), 0);
  /* Neither times count, nor which names are one file, nor holes. */
  ck_assert_int_eq(utimensat(AT_FDCWD, at("a/file"), NULL, 0), 0);
  a_file("b/x", "x");
  a_file("b/y", "x");
  a_file("a/x", "x");
  ck_assert_int_eq(link(at("a/x"), at("a/y")), 0);
  expect_diff("", "two trees that are the same: no difference");
  struct diff_order order = {at("a"), at("a"), 0};
  expect_lines(student_call(diff_body, &order)->text, "", "a tree and itself: no difference");
}
END_TEST

START_TEST(test_files)
{
  make_both();
  in_both("same", "same");
  a_file("b/gone", "");
  a_file("a/new", "");
  a_file("b/longer", "x");
  a_file("a/longer", "xx");
  a_file("b/other", "ab");
  a_file("a/other", "ba");
  a_file("b/emptied", "x");
  a_file("a/emptied", "");
  expect_diff("M /emptied\nD /gone\nM /longer\nA /new\nM /other\n", "files: added, deleted, of "
              "another length, of the same length with other bytes");
}
END_TEST

START_TEST(test_large)
{
  static char data[200001];
  make_both();
  for (int i = 0; i < 3; i++) {
    char name[16];
    snprintf(name, sizeof name, "b/%d", i);
    make_file(name, data, sizeof data, 0644);
    size_t where = i == 0 ? sizeof data - 1 : i == 1 ? 65536 : 0;
    data[where] = 'x';
    snprintf(name, sizeof name, "a/%d", i);
    make_file(name, data, sizeof data, 0644);
    data[where] = 0;
  }
  expect_diff("M /0\nM /1\nM /2\n", "large files: one byte is another, the last, one in the "
              "middle, the first");
}
END_TEST

START_TEST(test_attributes)
{
  make_both();
  in_both("mode", "x");
  in_both("setuid", "x");
  in_both("dir", NULL);
  in_both("dir/in", "x");
  ck_assert_int_eq(chmod(at("a/mode"), 0600), 0);
  ck_assert_int_eq(chmod(at("a/setuid"), 04644), 0);
  ck_assert_int_eq(chmod(at("a/dir"), 01755), 0);
  ck_assert_int_eq(symlink("one", at("b/link")), 0);
  ck_assert_int_eq(symlink("two", at("a/link")), 0);
  ck_assert_int_eq(symlink("short", at("b/longlink")), 0);
  ck_assert_int_eq(symlink("short/er", at("a/longlink")), 0);
  expect_diff("M /dir\nM /link\nM /longlink\nM /mode\nM /setuid\n", "modes, and where links lead");
  ck_assert_int_eq(chmod(at("a"), 0711), 0);
  expect_diff("M /\nM /dir\nM /link\nM /longlink\nM /mode\nM /setuid\n",
              "the root itself is \"/\"");
}
END_TEST

START_TEST(test_owners)
{
  make_both();
  in_both("group", "x");
  in_both("owner", NULL);
  in_both("owner/in", "x");
  if (chown(at("a/owner"), 1, 0) < 0 || chown(at("a/group"), 0, 1) < 0)
    student_cannot("no other user's number is to be had here (mend it: install newuidmap, and "
                   "run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
                   "YOUR-NAME)");
  expect_diff("M /group\nM /owner\n", "owners and groups");
}
END_TEST

START_TEST(test_devices)
{
  make_both();
  ck_assert_int_eq(mknod(at("b/c"), S_IFCHR, makedev(0, 0)), 0);
  ck_assert_int_eq(mknod(at("b/d"), S_IFCHR, makedev(0, 0)), 0);
  ck_assert_int_eq(mknod(at("a/d"), S_IFCHR, makedev(0, 0)), 0);
  /* Only root of the first user namespace can make this one. Without it c is gone. */
  bool made = mknod(at("a/c"), S_IFCHR, makedev(1, 3)) == 0;
  expect_diff(made ? "M /c\n" : "D /c\n", "devices with other numbers");
}
END_TEST

START_TEST(test_xattrs)
{
  make_both();
  in_both("added", "x");
  in_both("changed", "x");
  in_both("longer", "x");
  in_both("other", "x");
  in_both("same", "x");
  in_both("overlay", NULL);
  give_xattr("a/added", own_xattr("x"), "x");
  give_xattr("b/changed", own_xattr("x"), "x");
  give_xattr("a/changed", own_xattr("x"), "y");
  give_xattr("b/longer", own_xattr("x"), "x");
  give_xattr("a/longer", own_xattr("x"), "xx");
  give_xattr("b/other", own_xattr("x"), "x");
  give_xattr("a/other", own_xattr("y"), "x");
  give_xattr("b/same", own_xattr("x"), "x");
  give_xattr("b/same", own_xattr("y"), "y");
  give_xattr("a/same", own_xattr("y"), "y");
  give_xattr("a/same", own_xattr("x"), "x");
  give_xattr("a/overlay", overlay_xattr("opaque", true), "y");
  expect_diff("M /added\nM /changed\nM /longer\nM /other\n", "extended attributes, but not the "
              "overlay's, and in any order");
}
END_TEST

START_TEST(test_trees)
{
  make_both();
  a_dir("a/new");
  a_file("a/new/x", "");
  a_dir("a/new/y");
  a_file("a/new/y/z", "");
  a_dir("b/old");
  a_file("b/old/x", "");
  a_file("a/new.x", "");
  expect_diff("A /new\nA /new/x\nA /new/y\nA /new/y/z\nA /new.x\nD /old\nD /old/x\n",
              "what is only on one side is named, and all below it");
}
END_TEST

START_TEST(test_kinds)
{
  make_both();
  a_dir("b/d");
  a_file("b/d/in", "");
  a_file("a/d", "");
  a_file("b/f", "");
  a_dir("a/f");
  a_file("a/f/in", "");
  a_file("b/l", "x");
  ck_assert_int_eq(symlink("x", at("a/l")), 0);
  a_dir("b/dl");
  a_file("b/dl/in", "");
  ck_assert_int_eq(symlink("d", at("a/dl")), 0);
  ck_assert_int_eq(mkfifo(at("b/p"), 0644), 0);
  a_file("a/p", "");
  expect_diff("M /d\nD /d/in\nM /dl\nD /dl/in\nM /f\nA /f/in\nM /l\nM /p\n",
              "a file where a directory was, and the reverse; links are not followed");
}
END_TEST

START_TEST(test_order)
{
  static const char *const names[] = {"a", "a-b", "a.b", "ab", "B", "z"};
  make_both();
  for (int i = 5; i >= 0; i--) {
    char path[16];
    snprintf(path, sizeof path, "%c/%s", i % 2 ? 'a' : 'b', names[i]);
    a_dir(path);
    snprintf(path, sizeof path, "%c/%s/x", i % 2 ? 'a' : 'b', names[i]);
    a_file(path, "");
  }
  expect_diff("D /B\nD /B/x\nD /a\nD /a/x\nA /a-b\nA /a-b/x\nD /a.b\nD /a.b/x\nA /ab\nA /ab/x\n"
              "A /z\nA /z/x\n", "in the order of layer_pack");
}
END_TEST

START_TEST(test_stop)
{
  make_both();
  a_dir("a/dir");
  a_file("a/dir/x", "");
  a_file("a/y", "");
  a_file("a/z", "");
  for (int stop = 1; stop <= 4; stop++) {
    const struct answer *a = call_diff(stop);
    EXPECT(a->value == 4711, "what on_change returns but 0 is what tree_diff returns", "%d",
           a->value);
    EXPECT(count_lines(a->text) == stop, "that ends the comparison", "after change %d there were "
           "%d", stop, count_lines(a->text));
  }
  ck_assert_int_eq(chmod(at("a"), 0711), 0);
  const struct answer *a = call_diff(1);
  EXPECT(a->value == 4711, "what on_change returns for \"/\" is what tree_diff returns, too", "%d",
         a->value);
}
END_TEST

START_TEST(test_socket)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  make_both();
  in_both("x", "x");
  a_file("a/s2", "");
  for (int i = 1; i <= 2; i++) {
    char name[8];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(name, sizeof name, "b/s%d", i);
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s", at(name));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
  }
  expect_diff("A /s2\n", "a socket is not there");
}
END_TEST

void
diff_tree_tests(void)
{
  student_test("4.5 tree_diff of trees that are the same", test_same);
  student_test("4.5 tree_diff of files", test_files);
  student_test("4.5 tree_diff of large files", test_large);
  student_test("4.5 tree_diff of modes and links", test_attributes);
  student_test("4.5 tree_diff of owners", test_owners);
  student_test("4.5 tree_diff of devices", test_devices);
  student_test("4.5 tree_diff of extended attributes", test_xattrs);
  student_test("4.5 tree_diff names all that is below", test_trees);
  student_test("4.5 tree_diff of a directory where a file was", test_kinds);
  student_test("4.5 tree_diff keeps the order", test_order);
  student_test("4.5 tree_diff ends when it is told to", test_stop);
  student_test("4.5 tree_diff leaves sockets out", test_socket);
}
