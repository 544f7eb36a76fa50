/* check_unpack.c - 4.4: layer_unpack, and what it leaves in the store. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_stack.h"
#include "clean.h"

/* An image of two layers. */
static const char *
two_layers(struct stacker *s, struct put_layer layers[2])
{
  const char *store = put_store("store");
  layers[0] = ITEMS(store, A_DIR("dir"), A_FILE("dir/a", "a"), A_FILE("b", random_word()));
  layers[1] = ITEMS(store, WHITEOUT("dir/.wh.a"), A_FILE("dir/c", random_word()));
  stacker_image(s, store, layers, 2);
  return s->store;
}

static void
expect_clean(const struct stacker *s, const char *when)
{
  char expected[200];
  snprintf(expected, sizeof expected, "nothing is left in the store's directory tmp %s", when);
  EXPECT(in_store(s->store, "tmp") == 0, expected, "%d names are there", in_store(s->store, "tmp"));
  snprintf(expected, sizeof expected, "nothing stays mounted in the store %s", when);
  EXPECT(mounts_below(s, s->store) == 0, expected, "%d mounts are there",
         mounts_below(s, s->store));
}

START_TEST(test_place)
{
  struct put_layer layers[2];
  struct stat st;
  struct stacker *s = stacker_start();
  two_layers(s, layers);
  for (size_t i = 0; i < 2; i++) {
    must_unpack(s, i);
    const char *path = unpacked_path(s->store, layers, i);
    EXPECT(stat(path, &st) == 0 && S_ISDIR(st.st_mode), "a layer is unpacked into layers/CHAIN, "
           "which is the hexadecimal digits of its chainID", "%s is not there", path);
    EXPECT(st.st_ino == s->inode, "layer_unpack returns a descriptor of that directory", "it is "
           "another one");
    EXPECT(in_store(s->store, "layers") == (int)i + 1, "that is all there is in layers", "there "
           "are %d names", in_store(s->store, "layers"));
    expect_clean(s, "after a layer was unpacked");
  }
  stacker_end(s);
}
END_TEST

START_TEST(test_again)
{
  char path[PATH_MAX + 16];
  struct put_layer layers[2];
  struct stat before, after;
  struct stacker *s = stacker_start();
  two_layers(s, layers);
  must_unpack(s, 0);
  must_unpack(s, 1);
  snprintf(path, sizeof path, "%s/dir/c", unpacked_path(s->store, layers, 1));
  ck_assert_int_eq(stat(path, &before), 0);
  /* The blob is not needed any more. */
  ck_assert_int_eq(unlink(blob_path(s->store, layers[1].blob.digest)), 0);
  must_unpack(s, 1);
  ck_assert_int_eq(stat(path, &after), 0);
  EXPECT(before.st_ino == after.st_ino, "a layer that is there is not unpacked once more", "its "
         "files are others now");
  stacker_end(s);
}
END_TEST

START_TEST(test_order)
{
  struct put_layer layers[2];
  struct stacker *s = stacker_start();
  two_layers(s, layers);
  s->number = 1;
  stack_do(s, DO_UNPACK);
  expect_refused(s, "layer_unpack of a layer, when the one below is not there,", ENOENT);
  EXPECT(in_store(s->store, "layers") == 0, "nothing is in layers then", "there is");
  expect_clean(s, "then");
  stacker_end(s);
}
END_TEST

/* What whiteouts and opaque directories look like is the kernel's business; but it must
 * be the kernel's, and not the archive's. */
START_TEST(test_kernel_marks)
{
  char path[PATH_MAX + 16];
  struct put_layer layers[2];
  struct stacker *s = stacker_start();
  two_layers(s, layers);
  must_unpack(s, 0);
  must_unpack(s, 1);
  snprintf(path, sizeof path, "%s/dir/.wh.a", unpacked_path(s->store, layers, 1));
  EXPECT(access(path, F_OK) < 0, "a layer is applied: its whiteouts are no files there",
         ".wh.a is");
  snprintf(path, sizeof path, "%s/dir/a", unpacked_path(s->store, layers, 1));
  EXPECT(access(path, F_OK) == 0, "what the layer removes has a whiteout of overlayfs in "
         "layers/CHAIN", "there is none");
  snprintf(path, sizeof path, "%s/b", unpacked_path(s->store, layers, 1));
  EXPECT(access(path, F_OK) < 0, "a layer's directory has only what the layer has", "files of the "
         "layer below are there, too");
  snprintf(path, sizeof path, "%s/dir/a", unpacked_path(s->store, layers, 0));
  EXPECT(has_text(path, "a"), "the layer below stays as it is", "its file is \"%s\"",
         contents(path));
  stacker_end(s);
}
END_TEST

/* A layer that is not what the image says, number `bad` of two. */
static void
check_broken(size_t bad)
{
  struct put_layer layers[2];
  struct stacker *s = stacker_start();
  two_layers(s, layers);
  snprintf(s->layers[bad].diff_id, DIGEST_SIZE, "%s", random_digest());
  for (s->number = 0; s->number < bad; s->number++)
    stack_do(s, DO_UNPACK);
  stack_do(s, DO_UNPACK);
  expect_refused(s, "layer_unpack of a layer with another diffID than the config says", EBADMSG);
  EXPECT(in_store(s->store, "layers") == (int)bad, "such a layer does not get a name in layers",
         "%d are there", in_store(s->store, "layers"));
  expect_clean(s, "after a failure");
  stacker_end(s);
}

START_TEST(test_broken)
{
  check_broken(0);
}
END_TEST

START_TEST(test_broken_second)
{
  check_broken(1);
}
END_TEST

/* ---- two at once, and one who is killed ---- */

enum { FILES = 60 };

static struct put_layer
layer_of_files(const char *store)
{
  static char names[FILES][16];
  static struct item items[FILES];
  for (int i = 0; i < FILES; i++) {
    snprintf(names[i], sizeof names[i], "file%d", i);
    items[i] = (struct item){.path = names[i], .mode = S_IFREG | 0644, .text = random_word()};
  }
  return put_layer(store, items, FILES, "none");
}

/* All that is in layers must be whole. */
static void
expect_whole(const struct stacker *s, size_t count, const char *when)
{
  for (size_t i = 0; i < count; i++) {
    const char *path = unpacked_path(s->store, s->layers, i);
    if (access(path, F_OK) == 0)
      EXPECT(count_entries(path) == FILES, when, "one of %d files of 60 is there",
             count_entries(path));
  }
}

START_TEST(test_both)
{
  struct stacker *s[2];
  struct put_layer layers[8];
  const char *store = put_store("store");
  for (int i = 0; i < 8; i++)
    layers[i] = layer_of_files(store);
  for (int i = 0; i < 2; i++) {
    s[i] = stacker_start();
    stacker_image(s[i], store, layers, 8);
  }
  for (size_t i = 0; i < 8; i++) {
    s[0]->number = s[1]->number = i;
    stack_ask(s[0], DO_UNPACK);
    stack_ask(s[1], DO_UNPACK);
    for (int k = 0; k < 2; k++)
      EXPECT(stack_wait(s[k]) >= 0, "two that unpack one layer at the same time both succeed",
             "one fails with %s, \"%s\"", strerrorname_np(s[k]->error), s[k]->said);
    EXPECT(s[0]->inode == s[1]->inode, "both have the same directory then", "they have two");
  }
  expect_whole(s[0], 8, "whatever is in layers is whole, after two have unpacked it");
  EXPECT(in_store(store, "layers") == 8, "one directory for a layer", "%d for 8 layers",
         in_store(store, "layers"));
  expect_clean(s[0], "after two have unpacked the same");
  stacker_end(s[0]);
  stacker_end(s[1]);
}
END_TEST

static bool begun;

static int
look_for_file5(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)type;
  begun = begun || strcmp(path + ftw->base, "file5") == 0;
  return begun;
}

/* Is there anything in tmp yet of a layer's files? */
static bool
has_begun(const char *store)
{
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/tmp", store);
  begun = false;
  nftw(path, look_for_file5, 16, FTW_PHYS);
  return begun;
}

START_TEST(test_killed)
{
  const char *store = put_store("store");
  struct put_layer layers[] = {layer_of_files(store), layer_of_files(store)};
  for (int i = 0; i < 12; i++) {
    struct stacker *s = stacker_start();
    stacker_image(s, store, layers, 2);
    s->number = i % 2;
    stack_ask(s, DO_UNPACK);
    usleep(i * 150);
    stacker_end(s);
    expect_whole(s, 2, "whatever is in layers is whole, also if we are killed");
  }
  struct stacker *s = stacker_start();
  stacker_image(s, store, layers, 2);
  must_unpack(s, 0);
  must_unpack(s, 1);
  expect_whole(s, 2, "after that, it can be unpacked");
  EXPECT(in_store(store, "layers") == 2, "after that, both layers are there", "%d are",
         in_store(store, "layers"));
  stacker_end(s);
}
END_TEST

/* Large layers, so that we come while one is unpacked; and several, should we come late. */
enum { LARGE = 8 };

static int
mounts_while_unpacking(struct stacker *s, size_t i)
{
  s->number = i;
  stack_ask(s, DO_UNPACK);
  while (s->asked != s->done && !has_begun(s->store))
    usleep(20); /* who sleeps is let in soon, also where there is but one processor */
  /* It stands still while we look. If it is done already, there is less to see, and what
   * there is must still be so. */
  kill(s->worker, SIGSTOP);
  int there = mounts_below(s, s->store);
  kill(s->worker, SIGCONT);
  stack_wait(s);
  return there;
}

START_TEST(test_no_mount)
{
  const char *store = put_store("store");
  static char text[900000];
  memset(text, 'x', sizeof text - 1);
  struct put_layer layers[LARGE] = {ITEMS(store, A_FILE("first", random_word()))};
  for (int i = 1; i < LARGE; i++)
    layers[i] = ITEMS(store, A_FILE("file5", random_word()), A_FILE("big", text));
  struct stacker *s = stacker_start();
  stacker_image(s, store, layers, LARGE);
  must_unpack(s, 0);
  for (int i = 1; i < LARGE; i++) {
    int there = mounts_while_unpacking(s, i);
    EXPECT(there == 0, "while a layer is unpacked, nothing is mounted that would stay if we were "
           "killed (MNT_DETACH)", "%d mounts are there", there);
  }
  EXPECT(in_store(store, "layers") == LARGE, "then all layers are there", "%d are",
         in_store(store, "layers"));
  stacker_end(s);
}
END_TEST

void
stack_unpack_tests(void)
{
  student_test("4.4 layer_unpack puts a layer into its place", test_place);
  student_test("4.4 layer_unpack does nothing if it is there", test_again);
  student_test("4.4 layer_unpack needs those below", test_order);
  student_test("4.4 layer_unpack makes the kernel's whiteouts", test_kernel_marks);
  student_test("4.4 layer_unpack leaves nothing of a broken layer", test_broken);
  student_test("4.4 layer_unpack leaves nothing of a broken second layer", test_broken_second);
  student_test("4.4 layer_unpack by two at once", test_both);
  student_test("4.4 layer_unpack and kill -9", test_killed);
  student_test("4.4 layer_unpack keeps no mount while it works", test_no_mount);
}
