/* check_pack.c - 4.5: layer_pack: what is in a layer, and in which order. */
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

enum { LATER = 2000000000 };

START_TEST(test_kinds)
{
  make_dir("d", 0750);
  a_file("d/file", "what is in it");
  make_dir("d/dir", 01777);
  a_file("d/dir/empty", "");
  ck_assert_int_eq(chmod(at("d/file"), 04711), 0);
  ck_assert_int_eq(symlink("../else/where", at("d/link")), 0);
  ck_assert_int_eq(mkfifo(at("d/pipe"), 0600), 0);
  old("d/link"), old("d/pipe"), old("d/dir"), old("d");
  expect_lines(packed(at("d"), false, LATER),
               "./ d 750 @0\ndir/ d 1777 @0\ndir/empty f 644 @0 =\n"
               "file f 4711 @0 =what is in it\nlink l @0 ->../else/where\npipe p 600 @0\n",
               "all that is in the tree, with the root itself first");
}
END_TEST

/* "a/x" is a path with "a" in front, and "/" is greater than "." and "-". */
START_TEST(test_order)
{
  static const char *const names[] = {"a.b", "b", "a-b", "a", "B", "\xc3\xa9", "_", "10", "9",
                                      "a b", "Z", "~", "ab"};
  make_dir("d", 0755);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char name[64];
    snprintf(name, sizeof name, "d/%s", names[i]);
    a_dir(name);
    snprintf(name, sizeof name, "d/%s/x", names[i]);
    a_file(name, "");
    snprintf(name, sizeof name, "d/%s", names[i]);
    old(name);
  }
  old("d");
  expect_lines(packed(at("d"), false, LATER),
               "./ d 755 @0\n10/ d 755 @0\n10/x f 644 @0 =\n9/ d 755 @0\n9/x f 644 @0 =\n"
               "B/ d 755 @0\nB/x f 644 @0 =\nZ/ d 755 @0\nZ/x f 644 @0 =\n_/ d 755 @0\n"
               "_/x f 644 @0 =\na/ d 755 @0\na/x f 644 @0 =\na b/ d 755 @0\na b/x f 644 @0 =\n"
               "a-b/ d 755 @0\na-b/x f 644 @0 =\na.b/ d 755 @0\na.b/x f 644 @0 =\n"
               "ab/ d 755 @0\nab/x f 644 @0 =\nb/ d 755 @0\nb/x f 644 @0 =\n~/ d 755 @0\n"
               "~/x f 644 @0 =\n\xc3\xa9/ d 755 @0\n\xc3\xa9/x f 644 @0 =\n",
               "names are sorted by their bytes, and what is in a directory comes right behind it");
}
END_TEST

START_TEST(test_hard_links)
{
  make_dir("d", 0755);
  a_dir("d/b");
  a_file("d/z", "once");
  ck_assert_int_eq(link(at("d/z"), at("d/b/second")), 0);
  ck_assert_int_eq(link(at("d/z"), at("d/c")), 0);
  a_file("d/twin", "once");
  ck_assert_int_eq(symlink("z", at("d/soft")), 0);
  ck_assert_int_eq(link(at("d/soft"), at("d/also")), 0);
  /* The other name is not in the tree. */
  a_file("outside", "out");
  ck_assert_int_eq(link(at("outside"), at("d/alone")), 0);
  old("d/soft"), old("d/b"), old("d");
  expect_lines(packed(at("d"), false, LATER),
               "./ d 755 @0\nalone f 644 @0 =out\nalso l @0 ->z\nb/ d 755 @0\n"
               "b/second f 644 @0 =once\nc =>b/second\nsoft =>also\ntwin f 644 @0 =once\n"
               "z =>b/second\n",
               "the name that comes first is the file, the others are hard links to it");
}
END_TEST

START_TEST(test_times)
{
  make_dir("d", 0755);
  a_file("d/old", "");
  make_text("d/new", "", 0644);
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {5000, 999}};
  ck_assert_int_eq(utimensat(AT_FDCWD, at("d/new"), times, 0), 0);
  old("d");
  expect_lines(packed(at("d"), false, LATER),
               "./ d 755 @0\nnew f 644 @5000 =\nold f 644 @0 =\n", "times in whole seconds");
  expect_lines(packed(at("d"), false, 4000),
               "./ d 755 @0\nnew f 644 @4000 =\nold f 644 @0 =\n", "none later than 4000");
}
END_TEST

START_TEST(test_owners)
{
  make_dir("d", 0755);
  a_file("d/file", "x");
  a_dir("d/dir");
  if (chown(at("d/file"), 1, 2) < 0 || chown(at("d/dir"), 65000, 0) < 0)
    student_cannot("no other user's number is to be had here (mend it: install newuidmap, and "
                   "run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
                   "YOUR-NAME)");
  old("d");
  expect_lines(packed(at("d"), false, LATER),
               "./ d 755 @0\ndir/ d 755 65000:0 @0\nfile f 644 1:2 @0 =x\n",
               "owners have the numbers that we see");
}
END_TEST

START_TEST(test_xattrs)
{
  char want[400];
  make_dir("d", 0755);
  a_file("d/a", "x");
  a_dir("d/b");
  give_xattr("d/a", own_xattr("two"), "2");
  give_xattr("d/a", own_xattr("one"), "1");
  give_xattr("d/a", overlay_xattr("origin", true), "o");
  give_xattr("d/b", own_xattr("dir"), "d");
  ck_assert_int_eq(link(at("d/a"), at("d/c")), 0);
  old("d/b"), old("d");
  snprintf(want, sizeof want, "./ d 755 @0\na f 644 @0 =x %s=1 %s=2\nb/ d 755 @0 %s=d\nc =>a\n",
           own_xattr("one"), own_xattr("two"), own_xattr("dir"));
  expect_lines(packed(at("d"), false, LATER), want, "extended attributes, but not the overlay's");
}
END_TEST

/* ---- marks ---- */

static void
a_whiteout(const char *name)
{
  ck_assert_int_eq(mknod(at(name), S_IFCHR, makedev(0, 0)), 0);
  old(name);
}

START_TEST(test_whiteouts)
{
  make_dir("d", 0755);
  a_whiteout("d/b");
  a_file("d/a", "x");
  a_file("d/c", "x");
  a_dir("d/dir");
  a_whiteout("d/dir/.hidden");
  old("d/dir"), old("d");
  expect_lines(packed(at("d"), true, LATER),
               "./ d 755 @0\na f 644 @0 =x\n.wh.b f 644 @0 =\nc f 644 @0 =x\ndir/ d 755 @0\n"
               "dir/.wh..hidden f 644 @0 =\n",
               "a whiteout of overlayfs becomes an empty file .wh.NAME in its place");
  expect_lines(packed(at("d"), false, LATER),
               "./ d 755 @0\na f 644 @0 =x\nb c 0 0:0 @0\nc f 644 @0 =x\ndir/ d 755 @0\n"
               "dir/.hidden c 0 0:0 @0\n",
               "a directory that is not an upper one has no whiteouts, only devices");
}
END_TEST

START_TEST(test_opaque)
{
  make_dir("d", 0755);
  a_dir("d/dir");
  a_file("d/dir/!", "x");
  a_dir("d/dir/sub");
  give_xattr("d/dir", overlay_xattr("opaque", true), "y");
  give_xattr("d/dir/sub", overlay_xattr("opaque", true), "y");
  old("d/dir"), old("d");
  expect_lines(packed(at("d"), true, LATER),
               "./ d 755 @0\ndir/ d 755 @0\ndir/.wh..wh..opq f 644 @0 =\ndir/! f 644 @0 =x\n"
               "dir/sub/ d 755 @0\ndir/sub/.wh..wh..opq f 644 @0 =\n",
               "in an opaque directory, .wh..wh..opq comes first");
  expect_lines(packed(at("d"), false, LATER),
               "./ d 755 @0\ndir/ d 755 @0\ndir/! f 644 @0 =x\ndir/sub/ d 755 @0\n",
               "a directory that is not an upper one is not opaque");
  give_xattr("d", overlay_xattr("opaque", true), "y");
  expect_lines(packed(at("d"), true, LATER),
               "./ d 755 @0\n.wh..wh..opq f 644 @0 =\ndir/ d 755 @0\n"
               "dir/.wh..wh..opq f 644 @0 =\ndir/! f 644 @0 =x\ndir/sub/ d 755 @0\n"
               "dir/sub/.wh..wh..opq f 644 @0 =\n",
               "the root can be opaque, too");
}
END_TEST

START_TEST(test_wh_names)
{
  static const char *const names[] = {"d/.wh.a", "d/.wh.", "d/sub/.wh..wh..opq"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    make_dir("d", 0755);
    a_dir("d/sub");
    a_file(names[i], "");
    const struct answer *a = call_pack(at("d"), false, LATER);
    expect_errno(a, "layer_pack of a tree with a file whose name begins with .wh.", EPERM);
    expect_path_said(a, names[i] + 2);
    ck_assert_int_eq(unlink(at(names[i])), 0);
    ck_assert_int_eq(rmdir(at("d/sub")), 0);
    ck_assert_int_eq(rmdir(at("d")), 0);
  }
  make_dir("d", 0755);
  a_file("d/.w", "");
  a_file("d/.whx", "");
  a_file("d/x.wh.", "");
  old("d");
  expect_lines(packed(at("d"), true, LATER),
               "./ d 755 @0\n.w f 644 @0 =\n.whx f 644 @0 =\nx.wh. f 644 @0 =\n",
               "names that only look a little like it are names");
}
END_TEST

START_TEST(test_socket)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  make_dir("d", 0755);
  a_file("d/a", "x");
  a_file("d/z", "x");
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%.90s", at("d/s"));
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  close(fd);
  old("d");
  expect_lines(packed(at("d"), false, LATER), "./ d 755 @0\na f 644 @0 =x\nz f 644 @0 =x\n",
               "a socket is left out, and the rest is there");
}
END_TEST

void
diff_pack_tests(void)
{
  student_test("4.5 layer_pack writes all kinds of files", test_kinds);
  student_test("4.5 layer_pack sorts by bytes", test_order);
  student_test("4.5 layer_pack makes second names hard links", test_hard_links);
  student_test("4.5 layer_pack keeps times, but none later than the newest", test_times);
  student_test("4.5 layer_pack keeps owners", test_owners);
  student_test("4.5 layer_pack keeps extended attributes", test_xattrs);
  student_test("4.5 layer_pack translates whiteouts", test_whiteouts);
  student_test("4.5 layer_pack translates opaque directories", test_opaque);
  student_test("4.5 layer_pack refuses names that begin with .wh.", test_wh_names);
  student_test("4.5 layer_pack leaves sockets out", test_socket);
}
