/* check_overlay.c - 4.4: overlay_mount. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_stack.h"
#include "clean.h"

/* Make the directories of an overlay in `base`: l0 ... , u, w, m. */
static void
make_overlay(struct stacker *s, const char *base, size_t lower, bool rw)
{
  char path[PATH_MAX + 16];
  make_directories(base);
  for (size_t i = 0; i < lower; i++) {
    snprintf(path, sizeof path, "%s/l%zu", base, i);
    make_directories(path);
  }
  for (const char *name = "uwm"; *name; name++) {
    snprintf(path, sizeof path, "%s/%c", base, *name);
    make_directories(path);
  }
  snprintf(s->store, sizeof s->store, "%s", base);
  snprintf(s->source, sizeof s->source, "source-%s", random_word());
  s->number = lower;
  s->rw = rw;
}

static void
must_overlay(struct stacker *s, const char *what)
{
  char expected[200];
  stack_do(s, DO_OVERLAY);
  snprintf(expected, sizeof expected, "overlay_mount %s succeeds", what);
  EXPECT(s->value == 0, expected, "%d with %s, \"%s\"", s->value, strerrorname_np(s->error),
         s->said);
}

/* A path below the overlay's base, as the stacker sees it. */
static const char *
in_base(const struct stacker *s, const char *name)
{
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", s->store, name);
  return inside(s, path);
}

START_TEST(test_order)
{
  struct stacker *s = stacker_start();
  make_overlay(s, at("o"), 3, true);
  write_text(at("o/l0/all"), "lowest");
  write_text(at("o/l1/all"), "middle");
  write_text(at("o/l2/all"), "highest");
  write_text(at("o/l0/two"), "lowest");
  write_text(at("o/l1/two"), "middle");
  write_text(at("o/l0/one"), "lowest");
  must_overlay(s, "of three directories and an upper one");
  EXPECT(has_text(in_base(s, "m/all"), "highest"), "the last of `lower` is the highest: what it "
         "has is seen", "what is seen is \"%s\"", contents(in_base(s, "m/all")));
  EXPECT(has_text(in_base(s, "m/two"), "middle"), "of the next, what the highest does not have",
         "what is seen is \"%s\"", contents(in_base(s, "m/two")));
  EXPECT(has_text(in_base(s, "m/one"), "lowest"), "of the first, what is in no other", "what is "
         "seen is \"%s\"", contents(in_base(s, "m/one")));
  write_text(in_base(s, "m/all"), "written");
  EXPECT(has_text(at("o/u/all"), "written"), "what is written is in the upper directory", "there "
         "it is \"%s\"", contents(at("o/u/all")));
  EXPECT(has_text(at("o/l2/all"), "highest"), "the lower ones stay as they are", "what is there "
         "now is \"%s\"", contents(at("o/l2/all")));
  stacker_end(s);
}
END_TEST

START_TEST(test_line)
{
  char dash[128];
  struct stacker *s = stacker_start();
  make_overlay(s, at("o"), 1, true);
  must_overlay(s, "of one directory and an upper one");
  const char *line = mount_line(s, at("o/m"));
  snprintf(dash, sizeof dash, " - overlay %s ", s->source);
  EXPECT(*line, "the overlay is mounted on the directory `target`", "nothing is");
  EXPECT(strstr(line, dash), "type and source in /proc/self/mountinfo are what they should be",
         "%s", line);
  EXPECT(strstr(line, "nodev"), "the overlay is nodev: an image's device nodes open nothing",
         "%s", line);
  EXPECT(!strstr(line, "nosuid") && !strstr(line, "noexec"), "setuid programs work in a "
         "container, and others, too", "%s", line);
  EXPECT(mounts_below(s, scratch()) == 1, "one mount is made", "there are %d",
         mounts_below(s, scratch()));
  stacker_end(s);
}
END_TEST

/* Whatever a path has in it that means something in options. */
static const char *const odd[] = {"a,b", "lower:dir=1", "back\\slash\\", "sp ace", "new\nline",
                                  ",upperdir=/tmp", "\\,", "\\:x", "#%\"'"};

START_TEST(test_odd)
{
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    char name[64], what[128];
    struct stacker *s = stacker_start();
    snprintf(name, sizeof name, "%zu%s", i, odd[i]);
    make_overlay(s, at(name), 2, true);
    snprintf(name, sizeof name, "%zu%s/l0/file", i, odd[i]);
    write_text(at(name), "found");
    snprintf(what, sizeof what, "of directories in \"%s\"", odd[i]);
    must_overlay(s, what);
    EXPECT(has_text(in_base(s, "m/file"), "found"), what, "the file in there is \"%s\"",
           contents(in_base(s, "m/file")));
    stacker_end(s);
  }
}
END_TEST

START_TEST(test_long)
{
  char path[PATH_MAX];
  struct stacker *s = stacker_start();
  int n = snprintf(path, sizeof path, "%s", scratch());
  while (n < 3600)
    n += snprintf(path + n, sizeof path - n, "/%0200d", n);
  make_overlay(s, path, 3, true);
  must_overlay(s, "of three directories whose paths are 3,600 bytes long");
  EXPECT(*mount_line(s, scratch()) || mounts_below(s, scratch()) == 1, "it is mounted",
         "it is not");
  stacker_end(s);
}
END_TEST

START_TEST(test_read_only)
{
  struct stacker *s = stacker_start();
  make_overlay(s, at("o"), 2, false);
  write_text(at("o/l1/file"), "there");
  must_overlay(s, "of two directories, without an upper one,");
  EXPECT(has_text(in_base(s, "m/file"), "there"), "both are seen", "the file is \"%s\"",
         contents(in_base(s, "m/file")));
  int bad = mkdir(in_base(s, "m/new"), 0755), error = errno;
  EXPECT(bad < 0 && error == EROFS, "without an upper directory nothing can be written: EROFS",
         "%s", bad < 0 ? strerrorname_np(error) : "mkdir succeeds");
  stacker_end(s);
}
END_TEST

/* Many lower ones, each with a file, and one that all have. */
static void
check_many(size_t count, bool rw)
{
  char name[64], what[64];
  struct stacker *s = stacker_start();
  make_overlay(s, at("o"), count, rw);
  for (size_t i = 0; i < count; i += count - 1) {
    snprintf(name, sizeof name, "o/l%zu/file%zu", i, i);
    write_text(at(name), "there");
  }
  snprintf(what, sizeof what, "of %zu directories%s", count, rw ? " and an upper one" : "");
  must_overlay(s, what);
  snprintf(name, sizeof name, "m/file%zu", count - 1);
  EXPECT(has_text(in_base(s, "m/file0"), "there") && has_text(in_base(s, name), "there"),
         "what is in the first and in the last of them is seen", "it is not");
  stacker_end(s);
}

START_TEST(test_many)
{
  check_many(128, false);
}
END_TEST

START_TEST(test_most)
{
  check_many(LAYER_MAX, true);
}
END_TEST

START_TEST(test_too_many)
{
  struct stacker *s = stacker_start();
  make_overlay(s, at("o"), LAYER_MAX + 1, true);
  stack_do(s, DO_OVERLAY);
  expect_refused(s, "overlay_mount of 501 directories", E2BIG);
  s->number = 0;
  stack_do(s, DO_OVERLAY);
  expect_refused(s, "overlay_mount of no directory", EINVAL);
  EXPECT(mounts_below(s, scratch()) == 0, "nothing is mounted then", "there is a mount");
  stacker_end(s);
}
END_TEST

/* Renaming, changing and linking must leave nothing in the upper directory but files:
 * its reader knows nothing of the rest. */
START_TEST(test_plain)
{
  struct stacker *s = stacker_start();
  make_overlay(s, at("o"), 1, true);
  make_dir("o/l0/dir", 0755);
  write_text(at("o/l0/dir/file"), "within");
  write_text(at("o/l0/changed"), "data of the lower file");
  must_overlay(s, "of one directory and an upper one");
  /* With redirect_dir the directory would move, and its files stay below. */
  if (rename(in_base(s, "m/dir"), in_base(s, "m/moved")) == 0)
    EXPECT(has_text(at("o/u/moved/file"), "within"), "a directory that was renamed is whole in "
           "the upper directory, or cannot be renamed (EXDEV)", "its file is \"%s\"",
           contents(at("o/u/moved/file")));
  /* With metacopy only the new mode would be above. */
  ck_assert_int_eq(chmod(in_base(s, "m/changed"), 0600), 0);
  EXPECT(has_text(at("o/u/changed"), "data of the lower file"), "a file that was changed is whole "
         "in the upper directory", "what is in it is \"%s\"", contents(at("o/u/changed")));
  EXPECT(count_entries(at("o/w")) == 1, "the work directory has nothing but \"work\" in it (no "
         "\"index\")", "there are %d", count_entries(at("o/w")));
  stacker_end(s);
}
END_TEST

/* A directory that hides what is below: where trusted.* attributes cannot be had, only
 * with userxattr. */
static void
replace_directory(struct stacker *s)
{
  make_overlay(s, at("o"), 1, true);
  make_dir("o/l0/dir", 0755);
  write_text(at("o/l0/dir/old"), "old");
  must_overlay(s, "of one directory and an upper one");
  ck_assert_int_eq(unlink(in_base(s, "m/dir/old")), 0);
  EXPECT(rmdir(in_base(s, "m/dir")) == 0, "a directory of the lower one can be removed", "%s",
         strerrorname_np(errno));
  EXPECT(mkdir(in_base(s, "m/dir"), 0755) == 0, "and one made in its place (in a user namespace "
         "this needs the option userxattr)", "%s", strerrorname_np(errno));
  EXPECT(count_entries(in_base(s, "m/dir")) == 0, "the new one is empty", "it is not");
  stacker_end(s);
}

START_TEST(test_opaque)
{
  need_replaced_directories();
  replace_directory(stacker_start());
}
END_TEST

/* The same, whoever runs the tests. */
START_TEST(test_userxattr)
{
  need_user_xattrs();
  replace_directory(stacker_start_apart());
}
END_TEST

void
stack_overlay_tests(void)
{
  student_test("4.4 overlay_mount stacks in order, and writes to the upper one", test_order);
  student_test("4.4 overlay_mount has source and flags as it should", test_line);
  student_test("4.4 overlay_mount takes paths with , : and \\", test_odd);
  student_test("4.4 overlay_mount takes long paths", test_long);
  student_test("4.4 overlay_mount without an upper directory is read-only", test_read_only);
  student_test("4.4 overlay_mount of 128 directories", test_many);
  student_test("4.4 overlay_mount of 500 directories", test_most);
  student_test("4.4 overlay_mount refuses none, and more than 500", test_too_many);
  student_test("4.4 overlay_mount keeps the upper directory plain", test_plain);
  student_test("4.4 overlay_mount lets directories be replaced", test_opaque);
  if (memory_has_user_xattrs())
    student_test("4.4 overlay_mount in a user namespace", test_userxattr);
}
