/* check_apply_mark.c - 4.3: layers on layers: what replaces, and whiteouts. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_apply.h"

#define OPQ_(d) FILE_(d ".wh..wh..opq", "")

START_TEST(test_layers)
{
  APPLY(LAYER(DIR_("a"), FILE_("a/keep", "1"), FILE_("a/change", "1"), FILE_("a/type", "1"),
              DIR_("a/dir"), FILE_("a/dir/x", "1"), SOFT_("a/link", "keep")),
        LAYER(FILE_("a/change", "22"), DIR_("a/type"), FILE_("a/type/x", "2"),
              FILE_("a/dir", "2"), FILE_("a/link", "2"), FILE_("a/new", "2")),
        LAYER(SOFT_("a/change", "new"), FILE_("a/type/y", "3"), DIR_("a/dir")));
  expect_text("a/keep", "1", "what no later layer names stays");
  expect_text("a/new", "2", "a later layer adds");
  EXPECT(S_ISLNK(look("a/change").st_mode), "a file is replaced by a later layer's link", "mode %o",
         look("a/change").st_mode);
  expect_text("a/type/x", "2", "a file is replaced by a later layer's directory");
  expect_text("a/type/y", "3", "a directory stays with what is in it");
  EXPECT(S_ISDIR(look("a/dir").st_mode) && count_entries(at("root/a/dir")) == 0, "a directory that "
         "was a file in between is empty", "%d entries", count_entries(at("root/a/dir")));
  EXPECT(S_ISREG(look("a/link").st_mode), "a link is replaced by a later layer's file", "mode %o",
         look("a/link").st_mode);
}
END_TEST

/* The same entry twice in one layer: the later one counts. */
START_TEST(test_twice)
{
  APPLY(LAYER(FILE_("a", "first"), FILE_("a", "2"), FILE_("b", "x"), DIR_("b"), FILE_("b/c", "y"),
              DIR_("d"), FILE_("d/e", "x"), FILE_("d", "file"), SOFT_("f", "a"), FILE_("f", "new")));
  expect_text("a", "2", "of two entries with one path, the later one counts");
  expect_text("b/c", "y", "of two entries with one path, the later one counts");
  expect_text("d", "file", "of two entries with one path, the later one counts");
  expect_text("f", "new", "of two entries with one path, the later one counts");
  expect_text("a", "2", "a file in the place of a link is not written through the link");
}
END_TEST

START_TEST(test_hard_below)
{
  APPLY(LAYER(FILE_("a", "old"), HARD_("b", "a")), LAYER(FILE_("a", "new"), HARD_("c", "b")));
  expect_text("a", "new", "a later layer's file is there");
  expect_text("b", "old", "the other name of the file below it keeps what was in it");
  expect_text("c", "old", "a hard link may be one to a file of a layer below");
}
END_TEST

START_TEST(test_links_of_images)
{
  APPLY(LAYER(DIR_("usr"), DIR_("usr/lib"), SOFT_("lib", "usr/lib"), DIR_("run"), DIR_("var"),
              SOFT_("var/run", "/run")),
        LAYER(FILE_("lib/libc.so", "elf"), FILE_("var/run/pid", "1"), FILE_("lib/new/x", "x"),
              HARD_("usr/lib/hard", "lib/libc.so")));
  EXPECT(S_ISLNK(look("lib").st_mode) && S_ISLNK(look("var/run").st_mode), "a link on the way of "
         "a path stays one", "it is something else");
  expect_text("usr/lib/libc.so", "elf", "a path through the link lib -> usr/lib lies in usr/lib");
  expect_text("run/pid", "1", "a path through the link var/run -> /run lies in the target's /run");
  expect_text("usr/lib/new/x", "x", "a directory that is missing behind a link is made there");
  expect_text("usr/lib/hard", "elf", "a hard link is found through a link");
}
END_TEST

/* The words of two paths are the same, and the link in them is another by then. */
START_TEST(test_link_now)
{
  APPLY(LAYER(DIR_("d"), SOFT_("l", "."), FILE_("l/x", "x"), SOFT_("l/l", "d"), FILE_("l/y", "y")));
  expect_text("x", "x", "a path goes where the link leads");
  expect_text("d/y", "y", "a path goes where the link leads now, not where it led for the entry "
              "before");
}
END_TEST

/* ---- whiteouts ---- */

#define BELOW                                                                              \
  LAYER(DIR_("a"), FILE_("a/x", "old"), FILE_("a/y", "old"), DIR_("a/d"), FILE_("a/d/x", "old"),\
        FILE_("a/d/y", "old"), FILE_("b", "old"))

START_TEST(test_whiteout)
{
  APPLY(BELOW, LAYER(FILE_("a/.wh.x", ""), FILE_("a/.wh.d", ""), FILE_(".wh.b", ""),
                     FILE_("a/.wh.never", ""), FILE_("no/such/.wh.dir", "")));
  expect_gone("a/x", "a whiteout removes a file of the layers below");
  expect_gone("a/d", "a whiteout removes a directory of the layers below");
  expect_gone("b", "a whiteout removes a file in the root");
  expect_text("a/y", "old", "what has no whiteout stays");
  EXPECT(count_entries(at("root/a")) == 1, "a whiteout is not made as a file", "%d entries",
         count_entries(at("root/a")));
}
END_TEST

static void
expect_anew(const char *order)
{
  char why[200];
  snprintf(why, sizeof why, "a whiteout, %s what its own layer brings, leaves that", order);
  expect_text("a/x", "new", why);
  expect_text("a/d/x", "new", why);
  snprintf(why, sizeof why, "a whiteout, %s what its own layer brings, removes what is older",
           order);
  expect_gone("a/d/y", why);
  expect_text("a/y", "old", "what has no whiteout stays");
}

START_TEST(test_whiteout_first)
{
  APPLY(BELOW, LAYER(FILE_("a/.wh.x", ""), FILE_("a/.wh.d", ""), FILE_("a/x", "new"),
                     FILE_("a/d/x", "new")));
  expect_anew("before");
}
END_TEST

START_TEST(test_whiteout_last)
{
  APPLY(BELOW, LAYER(FILE_("a/x", "new"), FILE_("a/d/x", "new"), FILE_("a/.wh.x", ""),
                     FILE_("a/.wh.d", "")));
  expect_anew("behind");
}
END_TEST

START_TEST(test_whiteout_type)
{
  APPLY(BELOW, LAYER(FILE_("a/.wh.d", ""), FILE_("a/d", "file"), DIR_("a/x"), FILE_("a/.wh.x", ""),
                     SOFT_("b", "a"), FILE_(".wh.b", "")));
  expect_text("a/d", "file", "a whiteout makes way for something of another type");
  EXPECT(S_ISDIR(look("a/x").st_mode), "a whiteout behind a directory of its own layer leaves it",
         "mode %o", look("a/x").st_mode);
  EXPECT(S_ISLNK(look("b").st_mode), "a whiteout behind a link of its own layer leaves it",
         "mode %o", look("b").st_mode);
  expect_text("a/y", "old", "a whiteout does not follow a link");
}
END_TEST

START_TEST(test_opaque)
{
  APPLY(BELOW, LAYER(OPQ_("a/"), FILE_("a/x", "new"), FILE_("a/e/f", "new")));
  EXPECT(count_entries(at("root/a")) == 2, "\".wh..wh..opq\", before all else in its directory, "
         "removes what the layers below have in it", "%d entries, not 2", count_entries(at("root/a")));
  expect_text("a/x", "new", "what the layer itself brings is there");
  expect_text("a/e/f", "new", "what the layer itself brings is there");
  expect_text("b", "old", "outside of that directory all stays");
}
END_TEST

START_TEST(test_opaque_last)
{
  APPLY(BELOW, LAYER(FILE_("a/x", "new"), FILE_("a/d/x", "new"), HARD_("a/h", "a/x"),
                     OPQ_("a/")));
  expect_text("a/x", "new", "\".wh..wh..opq\", behind all else in its directory, leaves what its own "
              "layer has brought");
  expect_text("a/d/x", "new", "\".wh..wh..opq\" leaves what its own layer has brought, in "
              "directories below, too");
  expect_text("a/h", "new", "\".wh..wh..opq\" leaves hard links that its own layer has brought");
  expect_gone("a/d/y", "\".wh..wh..opq\" removes what is older, in directories below, too");
  expect_gone("a/y", "\".wh..wh..opq\" removes what is older");
}
END_TEST

START_TEST(test_opaque_root)
{
  APPLY(BELOW, LAYER(FILE_("new", "new"), FILE_(".wh..wh..opq", "")));
  EXPECT(count_entries(at("root")) == 1, "\".wh..wh..opq\" in the root removes all that the layers "
         "below have brought", "%d entries, not 1", count_entries(at("root")));
  expect_text("new", "new", "what the layer itself brings is there");
}
END_TEST

/* What was brought by way of a link is the layer's, too. */
START_TEST(test_opaque_link)
{
  APPLY(LAYER(DIR_("usr"), DIR_("usr/lib"), FILE_("usr/lib/old", "old"), FILE_("usr/old", "old"),
              SOFT_("lib", "/usr/lib")),
        LAYER(FILE_("lib/new", "new"), OPQ_("usr/")));
  expect_text("usr/lib/new", "new", "\".wh..wh..opq\" leaves what its own layer has brought by way "
              "of a link");
  expect_gone("usr/lib/old", "\".wh..wh..opq\" removes what is older");
  expect_gone("usr/old", "\".wh..wh..opq\" removes what is older");
}
END_TEST

/* A layer's own names are those of this layer, not of one before. */
START_TEST(test_made_is_new)
{
  APPLY(LAYER(FILE_("a/x", "1"), FILE_("b", "1")), LAYER(OPQ_("a/"), FILE_(".wh.b", "")));
  expect_gone("a/x", "a whiteout removes what the layer before it has made");
  expect_gone("b", "a whiteout removes what the layer before it has made");
}
END_TEST

void
apply_mark_tests(void)
{
  student_test("4.3 layer_apply on layers below", test_layers);
  student_test("4.3 layer_apply of one path twice", test_twice);
  student_test("4.3 layer_apply leaves other names of what it replaces", test_hard_below);
  student_test("4.3 layer_apply follows the links that images have", test_links_of_images);
  student_test("4.3 layer_apply goes by the links as they are now", test_link_now);
  student_test("4.3 layer_apply of whiteouts", test_whiteout);
  student_test("4.3 layer_apply of a whiteout before what its layer brings", test_whiteout_first);
  student_test("4.3 layer_apply of a whiteout behind what its layer brings", test_whiteout_last);
  student_test("4.3 layer_apply of a whiteout and another type", test_whiteout_type);
  student_test("4.3 layer_apply of an opaque directory, marked first", test_opaque);
  student_test("4.3 layer_apply of an opaque directory, marked last", test_opaque_last);
  student_test("4.3 layer_apply of an opaque root", test_opaque_root);
  student_test("4.3 layer_apply of an opaque directory and a link", test_opaque_link);
  student_test("4.3 layer_apply takes nothing of the layer before for its own", test_made_is_new);
}
