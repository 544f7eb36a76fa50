/* check_merge.c - 4.4: what is seen of layers that are stacked must be what there is when
 * they are applied to one directory, one after the other. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_stack.h"

/* Mount an image of these layers, and see what there is. */
static void
expect_merged(const char *store, const struct put_layer *layers, size_t count, const char *what,
              const char *tree)
{
  char expected[1000];
  struct stacker *s = stacker_start();
  stacker_image(s, store, layers, count);
  make_directories(at("merged"));
  for (int rw = 0; rw < 2; rw++) {
    must_mount(s, at("merged"), rw);
    const char *got = tree_text(inside(s, at("merged")));
    snprintf(expected, sizeof expected, "%s%s: %s", what, rw ? ", mounted to be written to" : "",
             tree);
    for (char *c = expected; *c; c++)
      if (*c == '\n')
        *c = ' ';
    EXPECT(strcmp(got, tree) == 0, expected, "%s", got);
    must_umount(s, at("merged"));
  }
  stacker_end(s);
}

#define MERGED(what, tree, ...)                                                            \
  expect_merged(store, (const struct put_layer[]){__VA_ARGS__},                            \
                sizeof((const struct put_layer[]){__VA_ARGS__}) / sizeof(struct put_layer), \
                what, tree)

START_TEST(test_one)
{
  const char *store = put_store("store");
  MERGED("an image of one layer",
         ". d 755\na d 755\na/file f 644 one\nlink l a/file\n",
         ITEMS(store, A_DIR("./"), A_DIR("a"), A_FILE("a/file", "one"), A_LINK("link", "a/file")));
}
END_TEST

START_TEST(test_whiteouts)
{
  need_replaced_directories();
  const char *store = put_store("store");
  MERGED("whiteouts of a file, a tree, a link, and of what was never there",
         ". d 755\nd d 755\nd/stays f 644 s\nstays f 644 s\n",
         ITEMS(store, A_FILE("goes", "g"), A_FILE("stays", "s"), A_DIR("d"), A_FILE("d/goes", "g"),
               A_FILE("d/stays", "s"), A_DIR("tree"), A_DIR("tree/in"), A_FILE("tree/in/it", "i"),
               A_LINK("link", "stays")),
         ITEMS(store, WHITEOUT(".wh.goes"), WHITEOUT("d/.wh.goes"), WHITEOUT(".wh.tree"),
               WHITEOUT(".wh.link"), WHITEOUT("d/.wh.never")));
}
END_TEST

START_TEST(test_back)
{
  need_replaced_directories();
  const char *store = put_store("store");
  MERGED("what one layer removes another can bring back; a directory without what was in it",
         ". d 755\ndir d 755\ndir/new f 644 n\nfile f 644 third\n",
         ITEMS(store, A_FILE("file", "first"), A_DIR("dir"), A_FILE("dir/old", "o")),
         ITEMS(store, WHITEOUT(".wh.file"), WHITEOUT(".wh.dir")),
         ITEMS(store, A_FILE("file", "third"), A_DIR("dir"), A_FILE("dir/new", "n")));
}
END_TEST

START_TEST(test_opaque)
{
  need_replaced_directories();
  const char *store = put_store("store");
  MERGED("an opaque directory has what its own layer, and those above, have",
         ". d 755\ndir d 700\ndir/sub d 755\ndir/sub/new f 644 n\ndir/top f 644 t\n",
         ITEMS(store, A_DIR("dir"), A_FILE("dir/old", "o"), A_DIR("dir/sub"),
               A_FILE("dir/sub/old", "o")),
         ITEMS(store, {.path = "dir", .mode = S_IFDIR | 0700}, WHITEOUT("dir/.wh..wh..opq"),
               A_DIR("dir/sub"), A_FILE("dir/sub/new", "n")),
         ITEMS(store, A_FILE("dir/top", "t")));
}
END_TEST

START_TEST(test_kinds)
{
  need_replaced_directories();
  const char *store = put_store("store");
  MERGED("a directory in place of a file, a file in place of a directory, a link in place of both",
         ". d 755\nd f 644 file\nf d 755\nf/in f 644 i\nfl l d\ntl l d\n",
         ITEMS(store, A_FILE("f", "f"), A_DIR("d"), A_FILE("d/in", "i"), A_FILE("fl", "f"),
               A_DIR("tl"), A_FILE("tl/in", "i")),
         ITEMS(store, A_DIR("f"), A_FILE("f/in", "i"), A_FILE("d", "file"), A_LINK("fl", "d"),
               A_LINK("tl", "d")));
}
END_TEST

START_TEST(test_links)
{
  const char *store = put_store("store");
  MERGED("what a layer has in lib goes to usr/lib, if lib is a link to that in a lower layer",
         ". d 755\nlib l usr/lib\nusr d 755\nusr/lib d 755\nusr/lib/new f 644 n\n"
         "usr/lib/old f 644 changed\n",
         ITEMS(store, A_DIR("usr"), A_DIR("usr/lib"), A_FILE("usr/lib/old", "old"),
               A_FILE("usr/lib/goes", "g"), A_LINK("lib", "usr/lib")),
         ITEMS(store, A_FILE("lib/new", "n"), A_FILE("lib/old", "changed"),
               WHITEOUT("lib/.wh.goes")));
}
END_TEST

START_TEST(test_hard_links)
{
  const char *store = put_store("store");
  MERGED("hard links to files of a lower layer",
         ". d 755\na f 644 a\nb f 644 a\nc f 644 new\nd f 644 c\n",
         ITEMS(store, A_FILE("a", "a"), A_FILE("c", "c")),
         ITEMS(store, HARD_LINK("b", "a"), HARD_LINK("d", "c"), A_FILE("c", "new")));
}
END_TEST

START_TEST(test_modes)
{
  const char *store = put_store("store");
  MERGED("new modes, of a directory with files of a lower layer in it, and of a file",
         ". d 755\nd d 1770\nd/in f 644 i\nf f 4755 new\n",
         ITEMS(store, A_DIR("d"), A_FILE("d/in", "i"), A_FILE("f", "f")),
         ITEMS(store, {.path = "d", .mode = S_IFDIR | 01770},
               {.path = "f", .mode = S_IFREG | 04755, .text = "new"}));
}
END_TEST

START_TEST(test_root_opaque)
{
  need_replaced_directories();
  const char *store = put_store("store");
  MERGED("an opaque root hides all layers below", ". d 755\nnew f 644 n\n",
         ITEMS(store, A_FILE("old", "o"), A_DIR("dir"), A_FILE("dir/old", "o")),
         ITEMS(store, WHITEOUT(".wh..wh..opq"), A_FILE("new", "n")));
}
END_TEST

START_TEST(test_none)
{
  const char *store = put_store("store");
  MERGED("a layer without anything, in the middle", ". d 755\na f 644 a\nb f 644 b\n",
         ITEMS(store, A_FILE("a", "a")), ITEMS(store, A_DIR("./")), ITEMS(store, A_FILE("b", "b")));
}
END_TEST

/* 128 layers: each brings a file, and takes that of the one before. */
START_TEST(test_128)
{
  static struct put_layer layers[128];
  char names[2][32], tree[100];
  const char *store = put_store("store");
  for (int i = 0; i < 128; i++) {
    snprintf(names[0], sizeof names[0], "file%d", i);
    snprintf(names[1], sizeof names[1], ".wh.file%d", i - 1);
    layers[i] = ITEMS(store, A_FILE(names[0], "here"), WHITEOUT(names[1]));
  }
  snprintf(tree, sizeof tree, ". d 755\nfile127 f 644 here\n");
  expect_merged(store, layers, 128, "128 layers", tree);
}
END_TEST

/* ---- the root directory ---- */

static void
expect_root(struct stacker *s, bool rw, const char *what, mode_t mode, time_t mtime)
{
  char expected[300];
  struct stat st;
  must_mount(s, at("merged"), rw);
  ck_assert_int_eq(stat(inside(s, at("merged")), &st), 0);
  snprintf(expected, sizeof expected, "%s, mounted %s: the root directory has mode %o and mtime "
           "%ld", what, rw ? "to be written to" : "read-only", mode, mtime);
  EXPECT((st.st_mode & 07777) == mode && st.st_mtim.tv_sec == mtime, expected, "mode %o and mtime "
         "%ld", st.st_mode & 07777, st.st_mtim.tv_sec);
  must_umount(s, at("merged"));
}

START_TEST(test_root)
{
  const char *store = put_store("store");
  const time_t then = 1234567890, later = 1300000000;
  struct put_layer layers[] = {
      ITEMS(store, {.path = "./", .mode = S_IFDIR | 01711, .mtime = then}, A_FILE("a", "a")),
      ITEMS(store, A_FILE("b", "b")),
      ITEMS(store, {.path = "./", .mode = S_IFDIR | 0750, .mtime = later}, A_FILE("c", "c"))};
  struct stacker *s = stacker_start();
  make_dir("merged", 0755);
  for (int rw = 0; rw < 2; rw++) {
    stacker_image(s, store, layers, 1);
    expect_root(s, rw, "one layer that has an entry for the root", 01711, then);
    stacker_image(s, store, layers, 2);
    expect_root(s, rw, "above that, a layer that has none", 01711, then);
    stacker_image(s, store, layers, 3);
    expect_root(s, rw, "above these, one that has", 0750, later);
  }
  stacker_end(s);
}
END_TEST

void
stack_apply_tests(void)
{
  student_test("4.4 an image of one layer is what the layer is", test_one);
  student_test("4.4 whiteouts in a stack", test_whiteouts);
  student_test("4.4 removed and brought back in a stack", test_back);
  student_test("4.4 opaque directories in a stack", test_opaque);
  student_test("4.4 an opaque root in a stack", test_root_opaque);
  student_test("4.4 files that become directories, and the reverse, in a stack", test_kinds);
  student_test("4.4 links above a layer's entries in a stack", test_links);
  student_test("4.4 hard links to lower files in a stack", test_hard_links);
  student_test("4.4 new modes in a stack", test_modes);
  student_test("4.4 an empty layer in a stack", test_none);
  student_test("4.4 the root directory is as the layers say", test_root);
  student_test("4.4 an image of 128 layers", test_128);
}
