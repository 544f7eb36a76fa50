/* check_write.c - 4.6: image_write, judged by what lies in the store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check_fixtures.h"
#include "check_lab04.h"
#include "clean.h"
#include "config.h"
#include "proc.h"
#include "store.h"

/* What image_write is given. */
struct writing {
  const char *store, *name;
  const char *config;                   /* as text */
  const struct descriptor *layers;
  size_t count;                         /* of them */
};

static struct descriptor *manifest_is; /* what it returned; shared */

static void
call_image_write(struct answer *a, const void *arg)
{
  const struct writing *w = arg;
  student_answer(a, STUDENT(image_write)(open_directory(w->store), w->name, json_of(w->config),
                                         w->layers, w->count, manifest_is));
}

/* An image of two layers, to be written into a store. */
static struct writing
new_writing(void)
{
  static struct descriptor layers[2];
  static char config[1000];
  struct writing w = {.store = put_store(random_word()), .name = random_word(), .config = config,
                      .layers = layers, .count = 2};
  struct put_layer put[2] = {put_any_layer(w.store), put_any_layer(w.store)};
  json_auto_t *json = config_json("linux/arm64/v8", put, 2);
  json_object_set_new(json, "x-ours", json_string("caf\xc3\xa9 \"1\" / \t"));
  char *text = json_dumps(json, 0);
  snprintf(config, sizeof config, "%s", text);
  free(text);
  for (int i = 0; i < 2; i++)
    layers[i] = put[i].blob;
  manifest_is = shared(sizeof *manifest_is);
  return w;
}

/* A blob that a descriptor in JSON names, as JSON; its size must be right. */
static json_t *
follow(const char *store, const json_t *entry, const char *type, const char *what)
{
  const char *digest = json_string_value(json_object_get(entry, "digest"));
  const char *is = json_string_value(json_object_get(entry, "mediaType"));
  struct stat st;
  EXPECT(is && strcmp(is, type) == 0, what, "its mediaType is \"%s\", and not %s",
         is ? is : "(none)", type);
  EXPECT(digest && strlen(digest) == 71 && stat(blob_path(store, digest), &st) == 0, what,
         "there is no blob \"%s\"", digest ? digest : "(none)");
  EXPECT(json_integer_value(json_object_get(entry, "size")) == st.st_size, what, "its size is "
         "%lld, and the blob has %lld bytes",
         (long long)json_integer_value(json_object_get(entry, "size")), (long long)st.st_size);
  json_t *json = json_file(blob_path(store, digest));
  EXPECT(json != NULL, what, "the blob is no JSON");
  return json;
}

/* The entry of index.json of this name. */
static const json_t *
entry_of(const json_t *index, const char *name)
{
  size_t i;
  const json_t *entry;
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    const char *other =
        json_string_value(json_object_get(json_object_get(entry, "annotations"), REF_NAME));
    if (other && strcmp(other, name) == 0)
      return entry;
  }
  return NULL;
}

static json_t *
read_index(const struct writing *w)
{
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/index.json", w->store);
  json_t *index = json_file(path);
  EXPECT(index != NULL, "index.json is JSON", "it is not");
  return index;
}

START_TEST(test_write_image)
{
  struct writing w = new_writing();
  expect_success(student_call(call_image_write, &w), "image_write");
  expect_blobs_whole(w.store, "after image_write");
  json_auto_t *index = read_index(&w);
  const json_t *entry = entry_of(index, w.name);
  EXPECT(entry != NULL, "index.json has an entry of the name", "it has none");
  json_auto_t *manifest = follow(w.store, entry, OCI_MANIFEST, "the entry leads to the manifest");
  json_auto_t *config = follow(w.store, json_object_get(manifest, "config"), OCI_CONFIG,
                               "the manifest leads to the config");
  json_auto_t *want = json_of(w.config), *platform =
      json_of("{\"os\": \"linux\", \"architecture\": \"arm64\", \"variant\": \"v8\"}");
  expect_equal(want, config, "the config is the one that was given");
  expect_equal(platform, json_object_get(entry, "platform"), "the entry has the config's "
               "platform");
  EXPECT(json_integer_value(json_object_get(manifest, "schemaVersion")) == 2,
         "the manifest's schemaVersion is 2", "it is not");
  const char *type = json_string_value(json_object_get(manifest, "mediaType"));
  EXPECT(type && strcmp(type, OCI_MANIFEST) == 0, "the manifest has its mediaType", "\"%s\"",
         type ? type : "(none)");
  json_t *layers = json_object_get(manifest, "layers");
  EXPECT(json_array_size(layers) == 2, "the manifest has both layers", "%zu",
         json_array_size(layers));
  for (int i = 0; i < 2; i++) {
    json_auto_t *layer = entry_json(&w.layers[i], NULL, NULL);
    expect_equal(layer, json_array_get(layers, i), "the manifest's layers are the "
                 "descriptors that were given, in their order");
  }
  const char *digest = json_string_value(json_object_get(entry, "digest"));
  EXPECT(strcmp(manifest_is->digest, digest) == 0 && manifest_is->size ==
         json_integer_value(json_object_get(entry, "size")) &&
         strcmp(manifest_is->media_type, OCI_MANIFEST) == 0, "image_write returns the manifest's "
         "descriptor", "\"%s\", \"%.72s\", %lld", manifest_is->media_type, manifest_is->digest,
         (long long)manifest_is->size);
  EXPECT(in_tmp(w.store) == 0, "nothing is left in tmp", "there is something");
}
END_TEST

/* The same config, with its keys in another order. */
START_TEST(test_write_same)
{
  struct writing w = new_writing();
  char digest[DIGEST_SIZE];
  expect_success(student_call(call_image_write, &w), "image_write");
  snprintf(digest, sizeof digest, "%s", manifest_is->digest);
  json_auto_t *config = json_of(w.config), *other = json_object();
  const char *keys[64], *key;
  json_t *value;
  int n = 0;
  json_object_foreach(config, key, value)
    keys[n++] = key;
  while (n-- > 0)
    json_object_set(other, keys[n], json_object_get(config, keys[n]));
  autofree char *text = json_dumps(other, JSON_INDENT(4));
  w.config = text;
  w.name = random_word();
  expect_success(student_call(call_image_write, &w), "image_write");
  EXPECT(strcmp(manifest_is->digest, digest) == 0, "the same image has the same digest, in "
         "whatever order the config's keys came", "%s, and then %s", digest, manifest_is->digest);
  json_auto_t *index = read_index(&w);
  EXPECT(json_array_size(json_object_get(index, "manifests")) == 2, "it has two names now", "%zu",
         json_array_size(json_object_get(index, "manifests")));
}
END_TEST

START_TEST(test_write_docker)
{
  static const char *const types[][2] = {
      {"application/vnd.docker.image.rootfs.diff.tar.gzip", OCI_LAYER "+gzip"},
      {"application/vnd.docker.image.rootfs.diff.tar", OCI_LAYER},
  };
  struct writing w = new_writing();
  struct descriptor layers[2] = {w.layers[0], w.layers[1]};
  for (int i = 0; i < 2; i++)
    snprintf(layers[i].media_type, MEDIA_SIZE, "%s", types[i][0]);
  w.layers = layers;
  expect_success(student_call(call_image_write, &w), "image_write");
  json_auto_t *manifest = json_file(blob_path(w.store, manifest_is->digest));
  for (int i = 0; i < 2; i++) {
    const char *type = json_string_value(json_object_get(
        json_array_get(json_object_get(manifest, "layers"), i), "mediaType"));
    EXPECT(type && strcmp(type, types[i][1]) == 0, "Docker's media types become the OCI's",
           "\"%s\" is \"%s\"", types[i][0], type ? type : "(none)");
  }
}
END_TEST

static void
expect_not_named(const struct writing *w, const char *when)
{
  json_auto_t *index = read_index(w);
  EXPECT(!entry_of(index, w->name), "nobody is called so when image_write fails", "%s, index.json "
         "has the name", when);
  expect_blobs_whole(w->store, when);
}

START_TEST(test_write_count)
{
  struct writing w = new_writing();
  w.count = 1;
  expect_errno(student_call(call_image_write, &w), "image_write, of two diffIDs and one layer,",
               EINVAL);
  expect_not_named(&w, "with one layer for two diffIDs");
}
END_TEST

/* Where nothing can get a name: neither blob nor index. */
static void
call_without_names(struct answer *a, const void *arg)
{
  static const int calls[] = {
#ifdef SYS_rename
      SYS_rename, SYS_link,
#endif
#ifdef SYS_renameat
      SYS_renameat,
#endif
      SYS_renameat2, SYS_linkat, -1};
  forbid(calls, EDQUOT);
  call_image_write(a, arg);
}

START_TEST(test_write_fails)
{
  struct writing w = new_writing();
  expect_errno(student_call(call_without_names, &w), "image_write, where rename(2) fails,", EDQUOT);
  expect_not_named(&w, "where rename(2) fails");
  EXPECT(in_tmp(w.store) == 0, "nothing is left in tmp", "there is something");
}
END_TEST

/* At every moment, what index.json names is there. */
struct moment {
  const struct writing *writing;
  int named; /* how often it had the name */
};

static void
look(pid_t pid, const struct __ptrace_syscall_info *call, void *arg)
{
  struct moment *moment = arg;
  const struct writing *w = moment->writing;
  (void)pid, (void)call;
  json_auto_t *index = read_index(w);
  const json_t *entry = entry_of(index, w->name);
  if (!entry)
    return;
  moment->named++;
  const char *what = "what index.json names is there at every moment";
  json_auto_t *manifest = follow(w->store, entry, OCI_MANIFEST, what);
  json_decref(follow(w->store, json_object_get(manifest, "config"), OCI_CONFIG, what));
}

START_TEST(test_write_order)
{
  struct writing w = new_writing();
  struct moment moment = {.writing = &w};
  expect_success(follow_call(call_image_write, &w, look, &moment), "image_write");
  ck_assert_int_gt(moment.named, 0);
}
END_TEST

void
write_tests(void)
{
  student_test("4.6 image_write writes config, manifest and name", test_write_image);
  student_test("4.6 image_write gives the same image the same digest", test_write_same);
  student_test("4.6 image_write turns Docker's media types into the OCI's", test_write_docker);
  student_test("4.6 image_write refuses another number of layers than of diffIDs",
               test_write_count);
  student_test("4.6 image_write leaves no name when it fails", test_write_fails);
  student_test("4.6 image_write never names what is not there", test_write_order);
}
