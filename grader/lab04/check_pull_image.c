/* check_pull_image.c - 4.7: manifests and images that are pulled. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_remote.h"
#include "clean.h"

/* Where the registry's things come from, and where they shall go. */
static char source[PATH_MAX], store[PATH_MAX];

static struct descriptor manifest;
static struct put_layer layers[5];

/* A registry with an image, called a/b:1. */
static void
make_image(size_t count)
{
  snprintf(source, sizeof source, "%s", put_store(random_word()));
  snprintf(store, sizeof store, "%s", put_store(random_word()));
  for (size_t i = 0; i < count; i++)
    layers[i] = put_any_layer(source);
  manifest = put_image(source, "linux/amd64", layers, count, NULL);
  remote_image(source, "a/b", "1", &manifest);
}

static const struct answer *
pull_manifest(const char *which)
{
  return call(&(struct call){.function = MANIFEST_PULL, .store = store, .which = which});
}

static void
expect_manifest(const char *which)
{
  expect_success(pull_manifest(which), "manifest_pull");
  EXPECT(strcmp(came->got.digest, manifest.digest) == 0 && came->got.size == manifest.size &&
         strcmp(came->got.media_type, manifest.media_type) == 0,
         "manifest_pull gives the manifest's media type, digest and size", "\"%s\", %s, %lld",
         came->got.media_type, came->got.digest, (long long)came->got.size);
}

START_TEST(test_manifest)
{
  make_image(1);
  remote_rule("GET /manifests/ 1 type %s; charset=utf-8", manifest.media_type);
  remote_rule("GET /manifests/ 2 digest -");
  remote_start();
  expect_manifest("1");
  expect_store(store, 1, "after manifest_pull");
  expect_manifest(manifest.digest);
  expect_manifest("1");
  remote_stop();
}
END_TEST

START_TEST(test_accept)
{
  static const char *const types[] = {
      OCI_INDEX, OCI_MANIFEST, DOCKER "distribution.manifest.list.v2+json",
      DOCKER "distribution.manifest.v2+json"};
  make_image(1);
  remote_start();
  expect_manifest("1");
  for (size_t i = 0; i < 4; i++) {
    char expected[256];
    snprintf(expected, sizeof expected, "the registry is told that we read %s (Accept)",
             types[i]);
    EXPECT(strstr(line_value(asked_line("GET", "*", 0), "accept"), types[i]), expected,
           "\"%s\"", line_value(asked_line("GET", "*", 0), "accept"));
  }
  remote_stop();
}
END_TEST

static void
expect_no_manifest(const char *which, const char *what, int error)
{
  remote_start();
  expect_errno(pull_manifest(which), what, error);
  expect_store(store, 0, what);
}

START_TEST(test_other_manifest)
{
  make_image(1);
  remote_rule("GET /manifests/ 0 wrong");
  remote_rule("GET /manifests/ 0 digest -");
  expect_no_manifest(manifest.digest, "manifest_pull by a digest, where something else comes,",
                     EBADMSG);
  remote_stop();
}
END_TEST

/* It says that it is what was asked for. */
START_TEST(test_liar)
{
  make_image(1);
  remote_rule("GET /manifests/ 0 wrong");
  expect_no_manifest(manifest.digest, "manifest_pull by a digest, where something else comes "
                     "with that digest in Docker-Content-Digest,", EBADMSG);
  remote_stop();
}
END_TEST

START_TEST(test_wrong_header)
{
  make_image(1);
  remote_rule("GET /manifests/ 0 digest %s", random_digest());
  expect_no_manifest("1", "manifest_pull, where Docker-Content-Digest is that of something "
                     "else,", EBADMSG);
  remote_stop();
}
END_TEST

START_TEST(test_huge_manifest)
{
  make_image(1);
  remote_rule("GET /manifests/ 0 huge");
  expect_no_manifest("1", "manifest_pull, where 10 GB are to come,", EFBIG);
  expect_no_flood("a manifest of 10 GB is not read");
  remote_stop();
}
END_TEST

START_TEST(test_endless_manifest)
{
  make_image(1);
  remote_rule("GET /manifests/ 0 flood");
  expect_no_manifest("1", "manifest_pull, where bytes come without end,", EFBIG);
  expect_no_flood("no more than JSON_LIMIT bytes of a manifest are read");
  remote_stop();
}
END_TEST

START_TEST(test_other_type)
{
  make_image(1);
  remote_rule("GET /manifests/ 0 type text/html");
  expect_no_manifest("1", "manifest_pull, of text/html,", ENOTSUP);
  remote_stop();
}
END_TEST

START_TEST(test_layer_type)
{
  make_image(1);
  remote_rule("GET /manifests/ 0 type %s", OCI_LAYER);
  expect_no_manifest("1", "manifest_pull, of what is called a layer (Content-Type),", ENOTSUP);
  remote_stop();
}
END_TEST

START_TEST(test_no_manifest)
{
  make_image(1);
  expect_no_manifest("2", "manifest_pull, of a tag that there is not,", ENOENT);
  remote_stop();
}
END_TEST

/* ---- images ---- */

static const struct answer *
pull_image(const char *which, const char *digest, const char *called)
{
  return call(&(struct call){.function = IMAGE_PULL, .store = store, .which = which,
                             .digest = digest, .called = called});
}

/* The digest that `name` has in the store's index.json; "" if none. */
static const char *
called(const char *name)
{
  static char digest[DIGEST_SIZE];
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/index.json", store);
  json_auto_t *index = json_file(path);
  json_t *entry;
  size_t i;
  *digest = '\0';
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    const char *ref = json_string_value(
        json_object_get(json_object_get(entry, "annotations"), REF_NAME));
    if (ref && strcmp(ref, name) == 0)
      snprintf(digest, sizeof digest, "%s",
               json_string_value(json_object_get(entry, "digest")));
  }
  return digest;
}

static void
expect_called(const char *name, const char *digest)
{
  char expected[256];
  snprintf(expected, sizeof expected, "%s in the store's index.json is %s", name,
           *digest ? digest : "nothing");
  EXPECT(strcmp(called(name), digest) == 0, expected, "\"%s\"", called(name));
}

START_TEST(test_image)
{
  const char *name = random_word();
  make_image(3);
  remote_start();
  expect_success(pull_image("1", NULL, name), "image_pull");
  expect_store(store, 5, "after image_pull of an image with 3 layers");
  expect_called(name, manifest.digest);
  remote_stop();
}
END_TEST

START_TEST(test_image_index)
{
  const char *name = random_word();
  make_image(1);
  struct put_layer other_layer = put_any_layer(source);
  struct descriptor other = put_image(source, "linux/s390x", &other_layer, 1, NULL);
  struct descriptor inner = put_index(
      source, json_pack("[o]", entry_json(&manifest, "linux/amd64", NULL)));
  struct descriptor index = put_index(
      source, json_pack("[oo]", entry_json(&other, "linux/s390x", NULL),
                        entry_json(&inner, NULL, NULL)));
  remote_image(source, "a/b", "other", &other);
  remote_manifest(source, "a/b", "inner", &inner);
  remote_manifest(source, "a/b", "all", &index);
  remote_start();
  expect_success(pull_image("all", NULL, name), "image_pull, of an index in an index,");
  expect_called(name, manifest.digest);
  EXPECT(!asked("*", other_layer.blob.digest), "layers of other platforms are not fetched",
         "one is");
  expect_store(store, -1, "after image_pull of an index");
  remote_stop();
}
END_TEST

START_TEST(test_image_digest)
{
  const char *name = random_word();
  make_image(1);
  struct put_layer other_layer = put_any_layer(source);
  struct descriptor other = put_image(source, "linux/amd64", &other_layer, 1, NULL);
  remote_image(source, "a/b", "2", &other);
  remote_start();
  expect_success(pull_image("2", manifest.digest, name),
                 "image_pull, of a reference with a tag and a digest,");
  expect_called(name, manifest.digest);
  remote_stop();
}
END_TEST

/* Nobody is called by a name who is not all there; who was, still is. */
START_TEST(test_image_broken)
{
  const char *name = random_word();
  make_image(4);
  struct put_layer old_layer = put_any_layer(store);
  struct descriptor old = put_image(store, "linux/amd64", &old_layer, 1, name);
  remote_rule("GET %s 0 wrong", layers[2].blob.digest);
  remote_start();
  expect_errno(pull_image("1", NULL, name), "image_pull, where a layer is wrong,", EBADMSG);
  expect_called(name, old.digest);
  expect_store(store, -1, "after image_pull, where a layer is wrong,");
  remote_stop();
}
END_TEST

START_TEST(test_image_unknown)
{
  make_image(1);
  snprintf(layers[0].blob.media_type, sizeof layers[0].blob.media_type,
           "application/x-strange");
  struct descriptor config = put_json(source, OCI_CONFIG,
                                      config_json("linux/amd64", layers, 1));
  struct descriptor strange = put_json(source, OCI_MANIFEST,
                                       manifest_json(&config, layers, 1));
  remote_image(source, "a/b", "strange", &strange);
  remote_start();
  expect_errno(pull_image("strange", NULL, "x"), "image_pull, with a layer of a type that we "
               "do not know,", ENOTSUP);
  EXPECT(!asked("*", layers[0].blob.digest), "a layer that we cannot use is not fetched",
         "it is");
  expect_called("x", "");
  remote_stop();
}
END_TEST

/* While one layer is slow, others come. */
START_TEST(test_parallel)
{
  const char *name = random_word();
  make_image(4);
  for (int i = 0; i < 4; i++)
    remote_rule("GET %s 0 delay 150", layers[i].blob.digest);
  remote_start();
  expect_success(pull_image("1", NULL, name), "image_pull");
  int most = 1;
  for (int i = 2; i <= 8; i++) {
    char busy[16];
    snprintf(busy, sizeof busy, "busy=%d\t", i);
    most = asked("GET", busy) ? i : most;
  }
  EXPECT(most > 1, "several layers are asked for at a time", "one after another");
  remote_stop();
}
END_TEST

void
pull_image_tests(void)
{
  student_test("4.7 manifest_pull fetches a manifest by tag and by digest", test_manifest);
  student_test("4.7 manifest_pull says what it can read", test_accept);
  student_test("4.7 manifest_pull refuses another one than was asked for",
               test_other_manifest);
  student_test("4.7 manifest_pull believes the bytes, and not the header", test_liar);
  student_test("4.7 manifest_pull refuses one that is not what the header says",
               test_wrong_header);
  student_test("4.7 manifest_pull refuses 10 GB", test_huge_manifest);
  student_test("4.7 manifest_pull refuses bytes without end", test_endless_manifest);
  student_test("4.7 manifest_pull refuses what is no manifest", test_other_type);
  student_test("4.7 manifest_pull refuses what is called a layer", test_layer_type);
  student_test("4.7 manifest_pull says that there is no such tag", test_no_manifest);
  student_test("4.7 image_pull fetches all of an image, and gives it its name", test_image);
  student_test("4.7 image_pull fetches what an index has for this platform",
               test_image_index);
  student_test("4.7 image_pull goes by the digest, not the tag", test_image_digest);
  student_test("4.7 image_pull gives no name to what is not whole", test_image_broken);
  student_test("4.7 image_pull fetches no layer that nobody can use", test_image_unknown);
  student_test("4.7 image_pull fetches several layers at a time", test_parallel);
}
