/* check_apply_inside.c - 4.3: layers that want out. hostile.bats has many more of them,
 * for the tool. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_apply.h"

/* Apply layers that may fail, or not; nothing outside may change. Returns what it said. */
static const struct answer *
attack(const char *what, const struct put_layer *layers, size_t count)
{
  make_dir("root", 0755);
  make_canaries();
  struct apply_order order = {.root = at("root"), .count = count};
  memcpy(order.layers, layers, count * sizeof *layers);
  const struct answer *answer = call_layers(&order);
  expect_canaries(what);
  return answer;
}

#define ATTACK(what, ...)                                                                  \
  attack(what, (const struct put_layer[]){__VA_ARGS__},                                    \
         sizeof((const struct put_layer[]){__VA_ARGS__}) / sizeof(struct put_layer))

/* "outside/NAME", absolute. */
static const char *
outside(const char *name)
{
  static char paths[4][PATH_MAX];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, PATH_MAX, "%s/outside%s%s", scratch(), *name ? "/" : "", name);
  return path;
}

START_TEST(test_up)
{
  const struct answer *a = ATTACK("after a path with \"..\"", LAYER(FILE_("a/../../outside/file", "evil")));
  expect_errno(a, "layer_apply of \"a/../../outside/file\"", EPERM);
}
END_TEST

START_TEST(test_absolute)
{
  char path[PATH_MAX];
  expect_success(ATTACK("after an absolute path", LAYER(FILE_(outside("file"), "inside"))),
                 "layer_apply of an absolute path");
  snprintf(path, sizeof path, "./%s", outside("file"));
  expect_text(path, "inside", "an absolute path begins at the target's root");
}
END_TEST

START_TEST(test_link_then_file)
{
  ATTACK("after a link that leads out, and a file behind it",
         LAYER(SOFT_("out", outside("")), FILE_("out/file", "evil"), FILE_("out/new", "evil")));
  EXPECT(S_ISLNK(look("out").st_mode), "the link is there, and stays", "mode %o", look("out").st_mode);
}
END_TEST

START_TEST(test_link_is_file)
{
  expect_success(ATTACK("after a link that leads out, and a file in its place",
                        LAYER(SOFT_("out", outside("file"))), LAYER(FILE_("out", "inside"))),
                 "layer_apply of a file where a link was");
  expect_text("out", "inside", "a file in the place of a link replaces the link");
}
END_TEST

START_TEST(test_link_is_dir)
{
  expect_success(ATTACK("after a link that leads out, and a directory in its place",
                        LAYER(SOFT_("out", outside("dir"))),
                        LAYER({.path = "out", .mode = S_IFDIR | 0700}, FILE_("out/file", "inside"))),
                 "layer_apply of a directory where a link was");
  EXPECT(S_ISDIR(look("out").st_mode), "a directory in the place of a link replaces the link",
         "mode %o", look("out").st_mode);
  expect_text("out/file", "inside", "what is in it lies in the target");
}
END_TEST

/* A later layer swaps a directory for a link. */
START_TEST(test_swap)
{
  ATTACK("after a directory that was swapped for a link that leads out",
         LAYER(DIR_("dir"), FILE_("dir/file", "inside")),
         LAYER(FILE_("dir/more", "x"), SOFT_("dir", outside("dir")), FILE_("dir/file", "evil")));
  expect_there("dir", "what comes before it in the layer is made");
}
END_TEST

START_TEST(test_hard_out)
{
  ATTACK("after a hard link through a link that leads out, and a file in its place",
         LAYER(SOFT_("out", outside("")), HARD_("stolen", "out/file")));
  expect_gone("stolen", "no hard link is made to a file outside");
  expect_there("out", "what comes before it in the layer is made");
}
END_TEST

/* A hard link to a link is the link, and must not be written through. */
START_TEST(test_hard_to_link)
{
  ATTACK("after a hard link to a link that leads out, and a file in its place",
         LAYER(SOFT_("out", outside("file")), HARD_("hard", "out"),
               {.path = "hard", .mode = S_IFREG | 04777, .text = "evil", .mtime = {.tv_sec = 5}}));
  expect_text("hard", "evil", "a file in the place of a hard link to a link replaces it");
}
END_TEST

START_TEST(test_whiteout_out)
{
  ATTACK("after whiteouts behind a link that leads out",
         LAYER(SOFT_("out", outside("")), SOFT_("up", "../outside"), FILE_("out/.wh.file", ""),
               FILE_("out/.wh..wh..opq", ""), FILE_("up/.wh.dir", "")));
  expect_there("up", "what comes before it in the layer is made");
}
END_TEST

START_TEST(test_whiteout_up)
{
  const struct answer *a = ATTACK("after a whiteout of \"..\"", LAYER(DIR_("a"), FILE_("a/.wh...", "")));
  expect_errno(a, "layer_apply of a whiteout of \"..\"", EPERM);
  expect_there("a", "a whiteout of \"..\" removes nothing");
}
END_TEST

/* The text of a link that goes up as far as it likes ends at the target's root. */
START_TEST(test_link_up)
{
  expect_success(ATTACK("after a link with many \"..\"",
                        LAYER(DIR_("tmp"), SOFT_("up", "../../../../../../../tmp"),
                              FILE_("up/x", "inside"))),
                 "layer_apply of a path through a link with many \"..\"");
  expect_text("tmp/x", "inside", "a link with many \"..\" ends at the target's root");
}
END_TEST

/* The way to a directory that is missing leads through a link that leads out. */
START_TEST(test_implied)
{
  ATTACK("after a path whose directories are missing behind a link that leads out",
         LAYER(SOFT_("out", outside("")), FILE_("out/dir/new/er/file", "evil")));
  expect_there("out", "what comes before it in the layer is made");
}
END_TEST

START_TEST(test_overlay)
{
  const struct answer *a = ATTACK("after an attribute of overlayfs", LAYER(
      {.path = "dir", .mode = S_IFDIR | 0755, .xattrs = {{"trusted.overlay.opaque", "y", 1}}}));
  expect_errno(a, "layer_apply of a directory with trusted.overlay.opaque", EPERM);
}
END_TEST

START_TEST(test_device)
{
  const struct answer *a = ATTACK("after a device", LAYER(
      {.path = "disk", .mode = S_IFBLK | 0666, .major = 8, .minor = 0}));
  expect_errno(a, "layer_apply of a device", EPERM);
  expect_gone("disk", "without target->devices no device is made");
}
END_TEST

void
apply_inside_tests(void)
{
  student_test("4.3 layer_apply refuses a path with ..", test_up);
  student_test("4.3 layer_apply of an absolute path", test_absolute);
  student_test("4.3 layer_apply of a link out and a file behind it", test_link_then_file);
  student_test("4.3 layer_apply of a link out and a file in its place", test_link_is_file);
  student_test("4.3 layer_apply of a link out and a directory in its place", test_link_is_dir);
  student_test("4.3 layer_apply of a directory that becomes a link out", test_swap);
  student_test("4.3 layer_apply of a hard link through a link out", test_hard_out);
  student_test("4.3 layer_apply of a hard link to a link out", test_hard_to_link);
  student_test("4.3 layer_apply of whiteouts behind a link out", test_whiteout_out);
  student_test("4.3 layer_apply of a whiteout of ..", test_whiteout_up);
  student_test("4.3 layer_apply of a link that climbs", test_link_up);
  student_test("4.3 layer_apply of missing directories behind a link out", test_implied);
  student_test("4.3 layer_apply refuses attributes of overlayfs", test_overlay);
  student_test("4.3 layer_apply refuses devices", test_device);
}
