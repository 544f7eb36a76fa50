/* check_umount.c - 4.4: stack_find and stack_umount. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_stack.h"
#include "clean.h"

static struct stacker *
new_stacker(const char *name)
{
  const char *store = put_store(name);
  struct put_layer layers[] = {ITEMS(store, A_FILE("file", random_word()), A_DIR("dir"))};
  struct stacker *s = stacker_start();
  stacker_image(s, store, layers, 1);
  return s;
}

static void
find(struct stacker *s, const char *target)
{
  snprintf(s->target, sizeof s->target, "%s", target);
  *s->id = '\0';
  stack_do(s, DO_FIND);
}

static void
expect_found(struct stacker *s, const char *what, const char *target)
{
  char path[2 * PATH_MAX], expected[200];
  struct stat st;
  find(s, target);
  snprintf(expected, sizeof expected, "stack_find finds %s", what);
  EXPECT(s->value >= 0, expected, "-1 with %s, \"%s\"", strerrorname_np(s->error), s->said);
  snprintf(path, sizeof path, "%s/mounts/%s", s->store, s->id);
  EXPECT(*s->id && !strchr(s->id, '/') && stat(path, &st) == 0, "`id` is the name of a directory "
         "in STORE/mounts", "\"%s\"", s->id);
  EXPECT(st.st_ino == s->inode, "the descriptor that stack_find returns is of STORE/mounts/ID",
         "it is of another");
}

static void
expect_none(struct stacker *s, const char *what, const char *target)
{
  find(s, target);
  expect_refused(s, what, ENOENT);
}

START_TEST(test_find)
{
  char first[NAME_MAX + 1], below[PATH_MAX];
  struct stacker *s = new_stacker("store");
  const char *a = make_dir("a", 0755), *b = make_dir("b", 0755);
  expect_none(s, "stack_find where nothing is mounted", a);
  must_mount(s, a, true);
  must_mount(s, b, false);
  expect_found(s, "the first of two", a);
  memcpy(first, s->id, sizeof first);
  expect_found(s, "the second", b);
  EXPECT(strcmp(first, s->id) != 0, "they have two IDs", "both are %s", first);
  snprintf(below, sizeof below, "%s/dir", a);
  expect_none(s, "stack_find of a directory in an image, on which nothing is mounted,", below);
  expect_none(s, "stack_find of a directory above", scratch());
  expect_none(s, "stack_find of a directory that is not there", at("gone"));
  must_umount(s, a);
  expect_none(s, "stack_find where it was unmounted", a);
  expect_found(s, "the other one still", b);
  stacker_end(s);
}
END_TEST

START_TEST(test_other_store)
{
  char store[PATH_MAX];
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755);
  must_mount(s, m, true);
  memcpy(store, s->store, sizeof store);
  snprintf(s->store, sizeof s->store, "%s", put_store("other"));
  expect_none(s, "stack_find of what another store's image is mounted on", m);
  snprintf(s->target, sizeof s->target, "%s", m);
  stack_do(s, DO_UMOUNT);
  expect_refused(s, "stack_umount of that", ENOENT);
  EXPECT(*mount_line(s, m), "it stays mounted", "it is gone");
  memcpy(s->store, store, sizeof store);
  must_umount(s, m);
  stacker_end(s);
}
END_TEST

START_TEST(test_covered)
{
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755), *other = make_dir("other", 0755);
  must_mount(s, m, true);
  mount_inside(s, "tmpfs", "", m);
  expect_none(s, "stack_find where something else is mounted on top", m);
  snprintf(s->target, sizeof s->target, "%s", m);
  stack_do(s, DO_UMOUNT);
  expect_refused(s, "stack_umount there", ENOENT);
  EXPECT(mounts_below(s, m) == 2, "both mounts stay", "%d are there", mounts_below(s, m));
  mount_inside(s, "tmpfs", "", other);
  expect_none(s, "stack_find where a tmpfs is mounted", other);
  stacker_end(s);
}
END_TEST

START_TEST(test_umount_busy)
{
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755);
  must_mount(s, m, true);
  write_text(inside(s, at("m/written")), "written");
  int fd = open(inside(s, at("m/dir")), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  stack_do(s, DO_UMOUNT);
  expect_refused(s, "stack_umount while somebody is in there", EBUSY);
  EXPECT(*mount_line(s, m), "it stays mounted then", "it is gone");
  EXPECT(has_text(inside(s, at("m/written")), "written"), "and what was written is still there",
         "the file is \"%s\"", contents(inside(s, at("m/written"))));
  expect_found(s, "it still", m);
  char written[2 * PATH_MAX];
  snprintf(written, sizeof written, "%s/mounts/%s/upper/written", s->store, s->id);
  EXPECT(has_text(written, "written"), "and what was written is still in STORE/mounts/ID/upper",
         "the file is \"%s\"", contents(written));
  close(fd);
  must_umount(s, m);
  EXPECT(mounts_below(s, scratch()) == 0, "when nobody is, it is unmounted", "it is still there");
  EXPECT(in_store(s->store, "mounts") == 0, "and STORE/mounts/ID is removed", "%d are there",
         in_store(s->store, "mounts"));
  stacker_end(s);
}
END_TEST

START_TEST(test_umount_none)
{
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755);
  mount_inside(s, "tmpfs", "", m);
  snprintf(s->target, sizeof s->target, "%s", m);
  stack_do(s, DO_UMOUNT);
  expect_refused(s, "stack_umount of a tmpfs", ENOENT);
  EXPECT(mounts_below(s, m) == 1, "the tmpfs stays", "it is gone");
  snprintf(s->target, sizeof s->target, "%s", s->store);
  stack_do(s, DO_UMOUNT);
  expect_refused(s, "stack_umount where nothing is mounted", ENOENT);
  stacker_end(s);
}
END_TEST

static void
expect_written(const struct stacker *s, const char *where, const char *upper)
{
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s/written", where);
  EXPECT(has_text(inside(s, path), "written") && has_text(upper, "written"), "while an image is "
         "mounted at another place, too (mount --bind), what was written stays: there, and in "
         "STORE/mounts/ID/upper", "there it is \"%s\", and in upper \"%s\"",
         contents(inside(s, path)), contents(upper));
}

/* Whichever of the two goes first. */
START_TEST(test_bound)
{
  char m[PATH_MAX], n[PATH_MAX], upper[2 * PATH_MAX];
  struct stacker *s = new_stacker("store");
  snprintf(m, sizeof m, "%s", make_dir("m", 0755));
  snprintf(n, sizeof n, "%s", make_dir("n", 0755));
  for (int first = 0; first < 2; first++) {
    must_mount(s, m, true);
    write_text(inside(s, at("m/written")), "written");
    mount_inside(s, "bind", m, n);
    expect_found(s, "what mount --bind shows at another place", n);
    snprintf(upper, sizeof upper, "%s/mounts/%s/upper/written", s->store, s->id);
    must_umount(s, first ? m : n);
    EXPECT(mounts_below(s, scratch()) == 1, "stack_umount unmounts one of two places", "%d are "
           "left", mounts_below(s, scratch()));
    expect_written(s, first ? n : m, upper);
    must_umount(s, first ? n : m);
    EXPECT(in_store(s->store, "mounts") == 0, "with the last place STORE/mounts/ID goes", "%d are "
           "there", in_store(s->store, "mounts"));
  }
  stacker_end(s);
}
END_TEST

/* What was written may be anything. */
START_TEST(test_umount_all)
{
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755);
  char name[64];
  must_mount(s, m, true);
  for (int i = 0; i < 20; i++) {
    snprintf(name, sizeof name, "m/deep%.*s", i * 2, "/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d");
    ck_assert_int_eq(mkdir(inside(s, at(name)), 0755), 0);
  }
  ck_assert_int_eq(unlink(inside(s, at("m/file"))), 0);
  ck_assert_int_eq(symlink(s->store, inside(s, at("m/link"))), 0);
  ck_assert_int_eq(mkdir(inside(s, at("m/closed")), 0), 0);
  must_umount(s, m);
  EXPECT(in_store(s->store, "mounts") == 0, "all that was written is removed", "STORE/mounts has "
         "%d names", in_store(s->store, "mounts"));
  EXPECT(in_store(s->store, "layers") == 1 && in_store(s->store, "blobs/sha256") > 0, "and nothing "
         "of the store that a link in it leads to", "the store has lost something");
  stacker_end(s);
}
END_TEST

void
stack_umount_tests(void)
{
  student_test("4.4 stack_find says what of ours is mounted", test_find);
  student_test("4.4 stack_find takes another store's for none", test_other_store);
  student_test("4.4 stack_find takes what lies under another mount for none", test_covered);
  student_test("4.4 stack_umount refuses while somebody is in there", test_umount_busy);
  student_test("4.4 stack_umount leaves alone what is not ours", test_umount_none);
  student_test("4.4 stack_umount removes all that was written", test_umount_all);
  student_test("4.4 stack_umount keeps what is mounted at another place, too", test_bound);
}
