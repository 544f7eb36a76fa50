/* check_mount.c - 4.4: stack_mount. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_stack.h"

/* A stacker with an image of two layers, in a new store. */
static struct stacker *
new_stacker(const char *name)
{
  const char *store = put_store(name);
  struct put_layer layers[] = {ITEMS(store, A_FILE("low", "low"), A_FILE("both", random_word())),
                               ITEMS(store, A_FILE("both", "high"), A_DIR("dir"))};
  struct stacker *s = stacker_start();
  stacker_image(s, store, layers, 2);
  return s;
}

static const char *
merged(const struct stacker *s, const char *mount, const char *name)
{
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s%s%s", mount, *name ? "/" : "", name);
  return inside(s, path);
}

START_TEST(test_apart)
{
  struct stacker *s = new_stacker("store");
  const char *a = make_dir("a", 0755), *b = make_dir("b", 0755);
  must_mount(s, a, true);
  must_mount(s, b, true);
  EXPECT(in_store(s->store, "layers") == 2, "two that run one image share its layers: there are "
         "two in the store", "%d are there", in_store(s->store, "layers"));
  write_text(merged(s, a, "low"), "written");
  write_text(merged(s, a, "dir/new"), "new");
  ck_assert_int_eq(unlink(merged(s, a, "both")), 0);
  EXPECT(has_text(merged(s, a, "low"), "written") && has_text(merged(s, a, "dir/new"), "new"),
         "what one writes is there", "it is not");
  const char *other = tree_text(merged(s, b, ""));
  EXPECT(strcmp(other, ". d 755\nboth f 644 high\ndir d 755\nlow f 644 low\n") == 0, "what one "
         "writes the other never sees", "the other sees: %s", other);
  for (size_t i = 0; i < 2; i++)
    EXPECT(strcmp(tree_text(unpacked_path(s->store, s->layers, i)),
                  i ? ". d 755\nboth f 644 high\ndir d 755\n"
                    : tree_text(unpacked_path(s->store, s->layers, 0))) == 0,
           "the layers stay as they are", "layer 1 is now: %s",
           tree_text(unpacked_path(s->store, s->layers, i)));
  char low[PATH_MAX + 16];
  snprintf(low, sizeof low, "%s/low", unpacked_path(s->store, s->layers, 0));
  EXPECT(has_text(low, "low"), "the layers stay as they are", "layer 0 has \"%s\" now",
         contents(low));
  stacker_end(s);
}
END_TEST

START_TEST(test_clean)
{
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755);
  for (int i = 0; i < 3; i++) {
    must_mount(s, m, true);
    const char *tree = tree_text(merged(s, m, ""));
    EXPECT(strcmp(tree, ". d 755\nboth f 644 high\ndir d 755\nlow f 644 low\n") == 0, "each run "
           "starts with the image as it is", "run %d starts with: %s", i + 1, tree);
    write_text(merged(s, m, "low"), "written");
    write_text(merged(s, m, "new"), "new");
    ck_assert_int_eq(rmdir(merged(s, m, "dir")), 0);
    must_umount(s, m);
    EXPECT(in_store(s->store, "mounts") == 0, "what was written goes with the mount: nothing is in "
           "the store's directory mounts", "%d names are", in_store(s->store, "mounts"));
    EXPECT(in_store(s->store, "tmp") == 0, "nothing is in tmp", "%d names are",
           in_store(s->store, "tmp"));
  }
  stacker_end(s);
}
END_TEST

static void
expect_read_only(struct stacker *s, const char *m, const char *what)
{
  char expected[100];
  must_mount(s, m, false);
  int bad = mkdir(merged(s, m, "new"), 0755), error = errno;
  snprintf(expected, sizeof expected, "%s cannot be written to: EROFS", what);
  EXPECT(bad < 0 && error == EROFS, expected, "%s", bad ? strerrorname_np(error)
                                                        : "a directory can be made");
  EXPECT(strstr(mount_line(s, m), " - overlay "), "it is an overlay", "%s", mount_line(s, m));
  must_umount(s, m);
}

START_TEST(test_read_only)
{
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755);
  expect_read_only(s, m, "an image of two layers, mounted read-only,");
  s->count = 1;
  expect_read_only(s, m, "an image of one layer, mounted read-only,");
  stacker_end(s);
}
END_TEST

/* The only directory in STORE/mounts. */
static const char *
only_mount(const struct stacker *s)
{
  static char path[PATH_MAX + NAME_MAX + 32];
  char mounts[PATH_MAX + 16];
  int n = 0;
  snprintf(mounts, sizeof mounts, "%s/mounts", s->store);
  DIR *dir = opendir(mounts);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.' && ++n)
      snprintf(path, sizeof path, "%s/%s", mounts, e->d_name);
  if (dir)
    closedir(dir);
  EXPECT(n == 1, "there is one directory in STORE/mounts", "%d are there", n);
  return path;
}

static void
expect_record(struct stacker *s, const char *target, bool rw)
{
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s/image.json", only_mount(s));
  json_t *json = json_file(path);
  EXPECT(json, "STORE/mounts/ID/image.json is JSON", "it is %s", contents(path));
  const char *names[] = {"image", "name", "target"};
  const char *want[] = {s->manifest, "some/name", target};
  for (int i = 0; i < 3; i++) {
    char expected[2 * PATH_MAX];
    const char *got = json_string_value(json_object_get(json, names[i]));
    snprintf(expected, sizeof expected, "\"%s\" in image.json is \"%s\"", names[i], want[i]);
    EXPECT(got && strcmp(got, want[i]) == 0, expected, "%s", contents(path));
  }
  const json_t *has_rw = json_object_get(json, "rw");
  EXPECT(json_is_boolean(has_rw) && json_is_true(has_rw) == rw, rw ? "\"rw\" is true" : "\"rw\" is "
         "false", "%s", contents(path));
  json_decref(json);
}

START_TEST(test_record)
{
  char link[PATH_MAX], upper[2 * PATH_MAX];
  struct stacker *s = new_stacker("store");
  make_dir("in", 0755);
  const char *m = make_dir("in/m", 0755);
  snprintf(link, sizeof link, "%s", at("link"));
  ck_assert_int_eq(symlink("in", link), 0);
  must_mount(s, m, true);
  expect_record(s, m, true);
  write_text(merged(s, m, "new"), "new");
  snprintf(upper, sizeof upper, "%s/upper/new", only_mount(s));
  EXPECT(has_text(upper, "new"), "what is written is in STORE/mounts/ID/upper", "new is \"%s\" "
         "there", contents(upper));
  must_umount(s, m);
  snprintf(s->directory, sizeof s->directory, "%s", scratch());
  must_mount(s, "link/m", false);
  expect_record(s, m, false);
  must_umount(s, "link/../in/./m");
  stacker_end(s);
}
END_TEST

START_TEST(test_busy)
{
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755);
  must_mount(s, m, true);
  stack_do(s, DO_MOUNT);
  expect_refused(s, "stack_mount where an image is mounted already", EBUSY);
  EXPECT(mounts_below(s, m) == 1, "the one mount stays", "%d are there", mounts_below(s, m));
  EXPECT(in_store(s->store, "mounts") == 1, "and nothing else in the store's directory mounts",
         "%d are there", in_store(s->store, "mounts"));
  stacker_end(s);
}
END_TEST

static void
expect_nothing(struct stacker *s, const char *what, const char *target)
{
  char expected[200];
  snprintf(s->target, sizeof s->target, "%s", target);
  for (int rw = 0; rw < 2; rw++) {
    s->rw = rw;
    stack_do(s, DO_MOUNT);
    expect_refused(s, what, 0);
    snprintf(expected, sizeof expected, "%s leaves nothing in mounts and tmp", what);
    EXPECT(in_store(s->store, "mounts") == 0 && in_store(s->store, "tmp") == 0, expected, "%d and "
           "%d names are there", in_store(s->store, "mounts"), in_store(s->store, "tmp"));
    EXPECT(mounts_below(s, scratch()) == 0, "nothing is mounted then", "there is a mount");
  }
}

START_TEST(test_failing)
{
  struct stacker *s = new_stacker("store");
  const char *m = make_dir("m", 0755);
  must_mount(s, m, true); /* it does not always fail */
  must_umount(s, m);
  expect_nothing(s, "stack_mount on a directory that is not there", at("gone"));
  expect_nothing(s, "stack_mount on a file", make_text("file", "", 0644));
  snprintf(s->layers[1].diff_id, DIGEST_SIZE, "%s", random_digest());
  expect_nothing(s, "stack_mount of an image with a broken layer", m);
  stacker_end(s);
}
END_TEST

/* The kernel does not take an upper directory that is in an overlay. So this fails as late
 * as can be: at the mount itself. */
START_TEST(test_failing_late)
{
  char options[3 * PATH_MAX], mounts[PATH_MAX + 16];
  struct stacker *s = new_stacker("store");
  make_dir("low", 0755), make_dir("up", 0755), make_dir("work", 0755);
  const char *m = make_dir("m", 0755);
  snprintf(mounts, sizeof mounts, "%s/mounts", s->store);
  snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", at("low"), at("up"),
           at("work"));
  mount_inside(s, "overlay", options, mounts);
  snprintf(s->target, sizeof s->target, "%s", m);
  s->rw = true;
  stack_do(s, DO_MOUNT);
  expect_refused(s, "stack_mount when mount(2) fails", 0);
  EXPECT(count_entries(inside(s, mounts)) == 0, "a stack_mount whose mount(2) fails leaves nothing "
         "in STORE/mounts", "%d names are there", count_entries(inside(s, mounts)));
  EXPECT(in_store(s->store, "tmp") == 0, "nor in STORE/tmp", "%d names are there",
         in_store(s->store, "tmp"));
  EXPECT(!*mount_line(s, m), "nothing is mounted then", "there is a mount");
  stacker_end(s);
}
END_TEST

START_TEST(test_odd)
{
  static const char *const names[] = {"st,ore:1\\", "lowerdir=a:b", "new\nline sp ace"};
  for (int i = 0; i < 3; i++) {
    char name[64];
    struct stacker *s = new_stacker(names[i]);
    snprintf(name, sizeof name, "m%s", names[i]);
    const char *m = make_dir(name, 0755);
    must_mount(s, m, true);
    EXPECT(has_text(merged(s, m, "both"), "high"), "an image is mounted on any path, out of any",
           "with \"%s\" in the paths it is not", names[i]);
    stack_do(s, DO_FIND);
    EXPECT(s->value >= 0, "stack_find finds it", "-1 with %s, \"%s\"", strerrorname_np(s->error),
           s->said);
    must_umount(s, m);
    stacker_end(s);
  }
}
END_TEST

START_TEST(test_long)
{
  char path[PATH_MAX];
  int n = snprintf(path, sizeof path, "%s/", scratch());
  struct stacker *s = new_stacker("store");
  while (n < 3000)
    n += snprintf(path + n, sizeof path - n, "%0200d/", n);
  snprintf(path + n, sizeof path - n, "m");
  make_directories(path);
  must_mount(s, path, true);
  EXPECT(has_text(merged(s, path, "both"), "high"), "an image is mounted on a path of 3,000 bytes",
         "it is not");
  must_umount(s, path);
  stacker_end(s);
}
END_TEST

void
stack_mount_tests(void)
{
  student_test("4.4 two mounts of one image share its layers, and nothing else", test_apart);
  student_test("4.4 each mount starts clean", test_clean);
  student_test("4.4 stack_mount read-only", test_read_only);
  student_test("4.4 stack_mount writes down what it mounts", test_record);
  student_test("4.4 stack_mount refuses where an image is mounted", test_busy);
  student_test("4.4 stack_mount that fails leaves nothing", test_failing);
  student_test("4.4 stack_mount leaves nothing when mount(2) fails", test_failing_late);
  student_test("4.4 stack_mount takes odd paths", test_odd);
  student_test("4.4 stack_mount takes long paths", test_long);
}
