/* check_apply_make.c - 4.3: entry_make. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check_apply.h"

/* Make an entry of this type in "root/DIRECTORY". */
static const struct answer *
make(const char *directory, const char *name, mode_t type, const char *link)
{
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  struct apply_order order = {
      .root = at("root"), .directory = directory, .name = name,
      .entry = {.path = path, .link = (char *)link, .hard = type == 0,
                .mode = type ? type | 0644 : 0644, .uid = 0, .gid = 0},
  };
  const struct answer *answer = call_make(&order);
  EXPECT(apply_result()->descriptors == 0, "entry_make leaves no descriptor open", "%d are",
         apply_result()->descriptors);
  return answer;
}

START_TEST(test_make)
{
  make_dir("root", 0755);
  make_dir("root/a", 0755);
  expect_success(make("a", "dir", S_IFDIR, NULL), "entry_make of a directory");
  EXPECT(S_ISDIR(look("a/dir").st_mode), "it makes a directory", "mode %o", look("a/dir").st_mode);
  expect_success(make("a", "file", S_IFREG, NULL), "entry_make of an empty file");
  expect_text("a/file", "", "it makes an empty file");
  expect_success(make("a", "fifo", S_IFIFO, NULL), "entry_make of a FIFO");
  EXPECT(S_ISFIFO(look("a/fifo").st_mode), "it makes a FIFO", "mode %o", look("a/fifo").st_mode);
  expect_success(make("a", "link", S_IFLNK, "../..//no where"), "entry_make of a link");
  EXPECT(strcmp(target(at("root/a/link")), "../..//no where") == 0, "the text of a link is "
         "what the entry says, and is not looked at", "it is \"%s\"", target(at("root/a/link")));
  EXPECT(count_entries(at("root/a")) == 4 && count_entries(at("root")) == 1, "it makes that, "
         "and nothing else", "there is more");
}
END_TEST

static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO};
static const char *const words[] = {"a file", "a directory", "a link", "a FIFO"};

/* Make something of type `i` at root/x, by hand; a link leads out. */
static void
put_there(int i)
{
  if (i == 0)
    make_text("root/x", "old", 0644);
  else if (i == 2)
    ck_assert_int_eq(symlink(at("outside/file"), at("root/x")), 0);
  else if (i == 3)
    ck_assert_int_eq(mkfifo(at("root/x"), 0644), 0);
  else {
    make_dir("root/x", 0755);
    make_dir("root/x/deep", 0755);
    make_text("root/x/deep/file", "old", 0644);
    ck_assert_int_eq(symlink(at("outside"), at("root/x/link")), 0);
  }
}

START_TEST(test_make_replaces)
{
  make_dir("root", 0755);
  make_canaries();
  for (int was = 0; was < 4; was++)
    for (int is = 0; is < 4; is++) {
      char call[100], when[200];
      put_there(was);
      snprintf(call, sizeof call, "entry_make of %s where %s was", words[is], words[was]);
      snprintf(when, sizeof when, "after %s", call);
      ino_t inode = look("x").st_ino;
      expect_success(make(".", "x", types[is], is == 2 ? "new" : NULL), call);
      EXPECT((look("x").st_mode & S_IFMT) == types[is], "what was there is replaced", "%s "
             "there is something of mode %o", when, look("x").st_mode);
      if (is == 2)
        EXPECT(strcmp(target(at("root/x")), "new") == 0, "a link is replaced by the new one",
               "%s it leads to \"%s\"", when, target(at("root/x")));
      if (was == 1 && is == 1) {
        EXPECT(look("x").st_ino == inode, "a directory stays when the entry is one", "it is "
               "another");
        expect_text("x/deep/file", "old", "a directory stays with what is in it");
      }
      if (was == 0 && is == 0)
        expect_text("x", "", "a file is replaced by the new one");
      expect_canaries(when);
      char *const rm[] = {"rm", "-rf", (char *)at("root/x"), NULL};
      ck_assert_int_eq(run_program(rm, NULL, 0), 0);
    }
}
END_TEST

/* A file that is written anew must not change under its other names. */
START_TEST(test_make_other_names)
{
  make_dir("root", 0755);
  make_text("root/a", "old", 0644);
  ck_assert_int_eq(link(at("root/a"), at("root/b")), 0);
  expect_success(make(".", "a", S_IFREG, NULL), "entry_make of a file");
  expect_text("a", "", "the entry's file is there");
  expect_text("b", "old", "a hard link of what was there before keeps what is in it: that file "
              "is not the new one");
}
END_TEST

START_TEST(test_make_root)
{
  make_dir("root", 0755);
  make_text("root/file", "old", 0644);
  expect_success(make(".", ".", S_IFDIR, NULL), "entry_make of \".\", a directory,");
  expect_text("file", "old", "the root stays with what is in it");
  const struct answer *a = make(".", ".", S_IFREG, NULL);
  expect_errno(a, "entry_make of \".\", a file,", EPERM);
  expect_text("file", "old", "when the root cannot become a file, nothing is removed");
}
END_TEST

/* ---- hard links ---- */

static void
expect_same(const char *a, const char *b, const char *why)
{
  struct stat one = look(a), other = look(b);
  EXPECT(one.st_ino == other.st_ino && one.st_dev == other.st_dev, why, "%s and %s are two "
         "files", a, b);
}

START_TEST(test_hard)
{
  make_dir("root", 0755);
  make_dir("root/usr", 0755);
  make_dir("root/usr/lib", 0755);
  make_text("root/usr/lib/file", "text", 0644);
  ck_assert_int_eq(symlink("/usr/lib", at("root/lib")), 0);
  static const char *const paths[] = {"usr/lib/file", "/usr/lib/file", "./usr//lib/./file",
                                      "lib/file"};
  for (int i = 0; i < 4; i++) {
    char name[8], call[64];
    snprintf(name, sizeof name, "h%d", i);
    snprintf(call, sizeof call, "entry_make of a hard link to \"%s\"", paths[i]);
    expect_success(make(".", name, 0, paths[i]), call);
    expect_same(name, "usr/lib/file", "a hard link is one more name of the file that the path "
                "means in the target");
  }
}
END_TEST

START_TEST(test_hard_replaces)
{
  make_dir("root", 0755);
  make_dir("root/dir", 0755);
  make_text("root/file", "text", 0644);
  make_text("root/other", "old", 0644);
  make_text("root/dir/file", "old", 0644);
  expect_success(make(".", "other", 0, "file"), "entry_make of a hard link where a file was");
  expect_same("other", "file", "a hard link replaces the file that was there");
  expect_success(make(".", "dir", 0, "file"), "entry_make of a hard link where a directory was");
  expect_same("dir", "file", "a hard link replaces the directory that was there");
  expect_success(make(".", "other", 0, "./file"), "entry_make of a hard link that is there "
                 "already");
  expect_same("other", "file", "a hard link that is there already stays");
  expect_success(make(".", "file", 0, "file"), "entry_make of a hard link to itself");
  expect_text("file", "text", "a hard link to itself stays, with what is in it");
}
END_TEST

START_TEST(test_hard_to_link)
{
  make_dir("root", 0755);
  make_canaries();
  ck_assert_int_eq(symlink(at("outside/file"), at("root/link")), 0);
  make_text("root/real", "text", 0644);
  ck_assert_int_eq(symlink("real", at("root/soft")), 0);
  expect_success(make(".", "a", 0, "soft"), "entry_make of a hard link to a symbolic link");
  expect_same("a", "soft", "a hard link to a symbolic link is one more name of the link itself");
  expect_success(make(".", "b", 0, "link"), "entry_make of a hard link to a symbolic link");
  expect_same("b", "link", "a hard link to a symbolic link is one more name of the link itself");
  expect_canaries("after entry_make of a hard link to a link that leads out");
}
END_TEST

static void
expect_no_hard(const char *link, int error, const char *what)
{
  char call[128];
  snprintf(call, sizeof call, "entry_make of a hard link to %s", what);
  expect_errno(make(".", "new", 0, link), call, error);
  expect_canaries(call);
}

START_TEST(test_hard_refused)
{
  make_dir("root", 0755);
  make_dir("root/dir", 0755);
  make_canaries();
  ck_assert_int_eq(symlink(at("outside"), at("root/out")), 0);
  ck_assert_int_eq(symlink("../outside", at("root/up")), 0);
  expect_no_hard("dir", EPERM, "a directory");
  expect_no_hard(".", EPERM, "the root");
  expect_no_hard("nowhere", ENOENT, "what is not there");
  expect_no_hard("dir/../../outside/file", EPERM, "a path with \"..\"");
  expect_no_hard(at("outside/file"), ENOENT, "the absolute path of a file outside");
  expect_no_hard("out/file", ENOENT, "a path through a link that leads out");
  expect_no_hard("up/dir/file", ENOENT, "a path through a link that leads out");
  EXPECT(!is_there("new"), "no link is made then", "it is there");
}
END_TEST

/* ---- devices ---- */

static const struct answer *
make_device(mode_t type, unsigned major, unsigned minor, bool devices)
{
  struct apply_order order = {
      .root = at("root"), .name = "device", .devices = devices,
      .entry = {.path = "device", .mode = type | 0600, .device = makedev(major, minor)},
  };
  return call_make(&order);
}

START_TEST(test_device_refused)
{
  make_dir("root", 0755);
  expect_errno(make_device(S_IFCHR, 1, 3, false), "entry_make of a character device, without "
               "target->devices,", EPERM);
  expect_gone("device", "without target->devices no device is made");
  expect_errno(make_device(S_IFBLK, 7, 0, false), "entry_make of a block device, without "
               "target->devices,", EPERM);
  expect_gone("device", "without target->devices no device is made");
  expect_errno(make_device(S_IFCHR, 0, 0, true), "entry_make of a character device 0, 0", EPERM);
  expect_gone("device", "a character device 0, 0 is never made: it would be a whiteout");
  expect_errno(make_device(S_IFCHR, 0, 0, false), "entry_make of a character device 0, 0", EPERM);
}
END_TEST

START_TEST(test_device)
{
  make_dir("root", 0755);
  if (mknod(at("null"), S_IFCHR | 0600, makedev(1, 3)) < 0) {
    /* An ordinary user's cage: then it is the kernel who refuses. */
    expect_errno(make_device(S_IFCHR, 1, 3, true), "entry_make of a device that the kernel does "
                 "not let us make", EPERM);
    return;
  }
  expect_success(make_device(S_IFCHR, 1, 3, true), "entry_make of a character device, with "
                 "target->devices,");
  struct stat st = look("device");
  EXPECT(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3), "with target->devices the device is "
         "made, with its numbers", "mode %o, numbers %u, %u", st.st_mode, major(st.st_rdev),
         minor(st.st_rdev));
}
END_TEST

void
apply_make_tests(void)
{
  student_test("4.3 entry_make makes each type", test_make);
  student_test("4.3 entry_make replaces what was there, and not what that leads to", test_make_replaces);
  student_test("4.3 entry_make leaves other names of a file as they are", test_make_other_names);
  student_test("4.3 entry_make of the root", test_make_root);
  student_test("4.3 entry_make finds what a hard link means in the target", test_hard);
  student_test("4.3 entry_make replaces by a hard link, but not by itself", test_hard_replaces);
  student_test("4.3 entry_make of a hard link to a symbolic link", test_hard_to_link);
  student_test("4.3 entry_make refuses hard links to directories and out of the target", test_hard_refused);
  student_test("4.3 entry_make refuses devices, unless they are wanted", test_device_refused);
  student_test("4.3 entry_make makes devices that are wanted", test_device);
}
