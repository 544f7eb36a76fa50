/* check_read.c - 4.2: images that are read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "proc.h"
#include "resolve.h"

/* What the test wants to know of an image. */
static void
keep(const struct image *image, const char *key)
{
  found->descriptor = image->manifest;
  found->config = image->config;
  found->count = image->count;
  for (size_t i = 0; i < image->count && i < 8; i++) {
    found->layers[i] = image->layers[i];
    memcpy(found->diff_ids[i], image->diff_ids[i], DIGEST_SIZE);
  }
  const char *value = key ? json_string_value(json_object_get(image->json, key)) : NULL;
  snprintf(found->value, sizeof found->value, "%s", value ? value : "(none)");
}

void
call_image(struct answer *a, const void *arg)
{
  const struct question *q = arg;
  struct image image = {0};
  int store = open_directory(q->store);
  int result = q->name ? STUDENT(image_resolve)(store, q->name, &q->want, &image)
                       : STUDENT(image_read)(store, &q->descriptor, &q->want, &image);
  student_answer(a, result);
  if (result == 0)
    keep(&image, q->config_key);
}

void
expect_image(const struct question *q, const char *what, const struct descriptor *manifest,
             size_t count)
{
  char call[300];
  found = shared(sizeof *found);
  snprintf(call, sizeof call, "%s, %s,", q->name ? "image_resolve" : "image_read", what);
  expect_success(student_call(call_image, q), call);
  EXPECT(strcmp(found->descriptor.digest, manifest->digest) == 0 &&
         found->descriptor.size == manifest->size, "image->manifest is the manifest that was "
         "chosen", "%s, it is \"%.80s\", and not \"%s\"", what, found->descriptor.digest,
         manifest->digest);
  EXPECT(found->count == count, "image->count is the number of layers", "%s, it is %zu, and not "
         "%zu", what, found->count, count);
}

void
expect_no_image(const struct question *q, const char *what, int error, const char *says)
{
  char call[300];
  found = shared(sizeof *found);
  snprintf(call, sizeof call, "%s, %s,", q->name ? "image_resolve" : "image_read", what);
  expect_errno(student_call(call_image, q), call, error);
  EXPECT(!says || strstr(student_said()->text, says), "the message names what was refused",
         "%s, it says \"%s\", without \"%s\"", what, student_said()->text, says);
}

START_TEST(test_image)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64"),
                       .config_key = "author"};
  struct put_layer layers[3];
  for (int i = 0; i < 3; i++)
    layers[i] = put_any_layer(q.store);
  json_t *config = config_json("linux/amd64", layers, 3);
  const char *author = random_word();
  json_object_set_new(config, "author", json_string(author));
  struct descriptor config_is = put_json(q.store, OCI_CONFIG, config);
  q.descriptor = put_json(q.store, OCI_MANIFEST, manifest_json(&config_is, layers, 3));
  expect_image(&q, "of a manifest with three layers", &q.descriptor, 3);
  EXPECT(strcmp(found->config.digest, config_is.digest) == 0, "image->config is the config's "
         "descriptor", "\"%.80s\", and not \"%s\"", found->config.digest, config_is.digest);
  EXPECT(strcmp(found->value, author) == 0, "image->json is the config", "its author is \"%s\", "
         "and not \"%s\"", found->value, author);
  for (int i = 0; i < 3; i++) {
    EXPECT(strcmp(found->layers[i].digest, layers[i].blob.digest) == 0 &&
           found->layers[i].size == layers[i].blob.size &&
           strcmp(found->layers[i].media_type, layers[i].blob.media_type) == 0,
           "image->layers has the layers, the lowest first", "number %d is \"%.80s\", and not "
           "\"%s\"", i, found->layers[i].digest, layers[i].blob.digest);
    EXPECT(strcmp(found->diff_ids[i], layers[i].diff_id) == 0, "image->diff_ids has the diffIDs, "
           "the lowest first", "number %d is \"%.72s\", and not \"%s\"", i, found->diff_ids[i],
           layers[i].diff_id);
  }
}
END_TEST

START_TEST(test_no_layers)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  q.descriptor = put_image(q.store, "linux/amd64", NULL, 0, NULL);
  expect_image(&q, "of an image without layers", &q.descriptor, 0);
}
END_TEST

/* An image of one layer for each of these platforms, in an index. */
static struct descriptor
put_platforms(const char *store, const char *const *platforms, struct descriptor *manifests)
{
  json_t *entries = json_array();
  for (int i = 0; platforms[i]; i++) {
    struct put_layer layer = put_any_layer(store);
    manifests[i] = put_image(store, platforms[i], &layer, 1, NULL);
    json_array_append_new(entries, entry_json(&manifests[i], platforms[i], NULL));
  }
  return put_index(store, entries);
}

START_TEST(test_platforms)
{
  static const char *const platforms[] = {"linux/s390x", "linux/amd64", "linux/arm/v6",
                                          "linux/arm/v7", "linux/arm64/v8", NULL};
  struct descriptor manifests[5];
  struct question q = {.store = put_store("store")};
  q.descriptor = put_platforms(q.store, platforms, manifests);
  for (int i = 0; i < 5; i++) {
    q.want = platform_of_text(platforms[i]);
    expect_image(&q, platforms[i], &manifests[i], 1);
  }
  q.want = platform_of_text("linux/arm64");
  expect_image(&q, "linux/arm64 without a variant", &manifests[4], 1);
  q.want = platform_of_text("linux/riscv64");
  expect_no_image(&q, "for linux/riscv64, of which there is none", ENOTSUP, "linux/s390x");
}
END_TEST

/* The index of an index ... of this: `depth` of them above it. */
static struct descriptor
put_above(const char *store, struct descriptor below, int depth)
{
  for (int i = 0; i < depth; i++) {
    json_t *entries = json_array();
    json_array_append_new(entries, entry_json(&below, NULL, NULL));
    below = put_index(store, entries);
  }
  return below;
}

START_TEST(test_nested)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct put_layer layer = put_any_layer(q.store);
  struct descriptor manifest = put_image(q.store, "linux/amd64", &layer, 1, NULL);
  q.descriptor = put_above(q.store, manifest, 2);
  expect_image(&q, "of an index in an index", &manifest, 1);
  q.descriptor = put_above(q.store, manifest, INDEX_DEPTH);
  expect_image(&q, "through INDEX_DEPTH indexes", &manifest, 1);
  q.descriptor = put_above(q.store, manifest, INDEX_DEPTH + 1);
  expect_no_image(&q, "through INDEX_DEPTH + 1 indexes", ELOOP, NULL);
}
END_TEST

START_TEST(test_beside)
{
  static const char *const first[] = {"linux/s390x", "linux/arm64/v8", NULL};
  static const char *const second[] = {"linux/ppc64le", "linux/amd64", NULL};
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct descriptor manifests[4], indexes[2];
  indexes[0] = put_platforms(q.store, first, manifests);
  indexes[1] = put_platforms(q.store, second, manifests + 2);
  json_t *entries = json_array();
  for (int i = 0; i < 2; i++)
    json_array_append_new(entries, entry_json(&indexes[i], NULL, NULL));
  q.descriptor = put_index(q.store, entries);
  expect_image(&q, "where only the second index in an index has the platform", &manifests[3], 1);
  q.want = platform_of_text("linux/arm64");
  expect_image(&q, "where the first index in an index has the platform", &manifests[1], 1);
  q.want = platform_of_text("linux/riscv64");
  expect_no_image(&q, "where none of the indexes in an index has the platform", ENOTSUP, NULL);
}
END_TEST

/* Nine times the same index in an index, and so on: 9 + 81 + 729 ways to find
 * nothing. */
START_TEST(test_fan)
{
  static const char *const other[] = {"linux/s390x", NULL};
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct descriptor manifest;
  q.descriptor = put_platforms(q.store, other, &manifest);
  for (int depth = 1; depth < 4; depth++) {
    json_t *entries = json_array();
    for (int i = 0; i < 9; i++)
      json_array_append_new(entries, entry_json(&q.descriptor, NULL, NULL));
    q.descriptor = put_index(q.store, entries);
  }
  expect_no_image(&q, "where indexes fan out, 9 in each, 4 deep", ELOOP, NULL);
}
END_TEST

/* An index in which nothing fits: another one each time. */
static struct descriptor
put_unfit(const char *store)
{
  struct descriptor none = {.media_type = OCI_MANIFEST, .size = 7};
  snprintf(none.digest, sizeof none.digest, "%s", random_digest());
  return put_index(store, json_pack("[o]", entry_json(&none, "linux/s390x", NULL)));
}

/* An index of so many in which nothing fits, and, behind them, one in which this does. */
static struct descriptor
put_behind(const char *store, const struct descriptor *manifest, int unfit)
{
  json_t *entries = json_array();
  for (int i = 0; i < unfit; i++) {
    struct descriptor one = put_unfit(store);
    json_array_append_new(entries, entry_json(&one, NULL, NULL));
  }
  struct descriptor last = put_above(store, *manifest, 1);
  json_array_append_new(entries, entry_json(&last, NULL, NULL));
  return put_index(store, entries);
}

START_TEST(test_reads)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct put_layer layer = put_any_layer(q.store);
  struct descriptor manifest = put_image(q.store, "linux/amd64", &layer, 1, NULL);
  q.descriptor = put_behind(q.store, &manifest, INDEX_READS - 2);
  expect_image(&q, "in the last of INDEX_READS indexes, the first one counted,", &manifest, 1);
  q.descriptor = put_behind(q.store, &manifest, INDEX_READS - 1);
  expect_no_image(&q, "in the last of INDEX_READS + 1 indexes, the first one counted,", ELOOP,
                  NULL);
}
END_TEST

/* What is null is not there. */
START_TEST(test_null)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct put_layer layer = put_any_layer(q.store);
  struct descriptor config = put_json(q.store, OCI_CONFIG, config_json("linux/amd64", &layer, 1));
  json_t *json = manifest_json(&config, &layer, 1);
  json_object_set_new(json, "mediaType", json_null());
  json_object_set_new(json, "manifests", json_null());
  struct descriptor manifest = put_json(q.store, OCI_MANIFEST, json);
  q.descriptor = manifest;
  expect_image(&q, "of a manifest whose \"mediaType\" and \"manifests\" are null", &manifest, 1);
  json_t *entry = entry_json(&manifest, NULL, NULL);
  json_object_set_new(entry, "platform", json_null());
  json = json_pack("{si, sn, sn, sn, s[o]}", "schemaVersion", 2, "mediaType", "config", "layers",
                   "manifests", entry);
  q.descriptor = put_json(q.store, OCI_INDEX, json);
  expect_image(&q, "of an index whose \"config\", \"layers\" and \"platform\" are null",
               &manifest, 1);
}
END_TEST

/* ---- Docker's types ---- */

#define DOCKER "application/vnd.docker."

START_TEST(test_docker)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct put_layer layer = put_any_layer(q.store);
  strcpy(layer.blob.media_type, DOCKER "image.rootfs.diff.tar.gzip");
  struct descriptor config = put_json(q.store, DOCKER "container.image.v1+json",
                                      config_json("linux/amd64", &layer, 1));
  json_t *json = manifest_json(&config, &layer, 1);
  json_object_set_new(json, "mediaType", json_string(DOCKER "distribution.manifest.v2+json"));
  struct descriptor manifest = put_json(q.store, DOCKER "distribution.manifest.v2+json", json);
  q.descriptor = manifest;
  expect_image(&q, "of Docker's manifest", &manifest, 1);
  json_t *entries = json_array();
  json_array_append_new(entries, entry_json(&manifest, "linux/amd64", NULL));
  json = json_pack("{si, ss, so}", "schemaVersion", 2, "mediaType",
                   DOCKER "distribution.manifest.list.v2+json", "manifests", entries);
  q.descriptor = put_json(q.store, DOCKER "distribution.manifest.list.v2+json", json);
  expect_image(&q, "of Docker's manifest list", &manifest, 1);
}
END_TEST

/* Docker's word in the one, and the specification's in the other: of the same kind. */
START_TEST(test_docker_mixed)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  static const char *const words[2][2] = {
      {OCI_MANIFEST, OCI_INDEX},
      {DOCKER "distribution.manifest.v2+json", DOCKER "distribution.manifest.list.v2+json"}};
  for (int i = 0; i < 2; i++) {
    struct put_layer layer = put_any_layer(q.store);
    struct descriptor config = put_json(q.store, OCI_CONFIG,
                                        config_json("linux/amd64", &layer, 1));
    json_t *json = manifest_json(&config, &layer, 1);
    json_object_set_new(json, "mediaType", json_string(words[i][0]));
    struct descriptor manifest = put_json(q.store, words[!i][0], json);
    q.descriptor = manifest;
    expect_image(&q, "of a manifest that is Docker's by its descriptor or by its own word, and "
                 "the specification's by the other", &manifest, 1);
    json = json_pack("{si, ss, s[o]}", "schemaVersion", 2, "mediaType", words[i][1], "manifests",
                     entry_json(&manifest, "linux/amd64", NULL));
    q.descriptor = put_json(q.store, words[!i][1], json);
    expect_image(&q, "of an index that is Docker's by its descriptor or by its own word, and the "
                 "specification's by the other", &manifest, 1);
  }
}
END_TEST

/* ---- the specification's examples ---- */

/* The three documents, with digests of what is really there in the place of theirs. */
START_TEST(test_examples)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64"),
                       .config_key = "author"};
  struct put_layer layers[2] = {put_any_layer(q.store), put_any_layer(q.store)};
  char text[4096];
  snprintf(text, sizeof text,
           "{\n    \"created\": \"2015-10-31T22:22:56.015925234Z\",\n"
           "    \"author\": \"Alyssa P. Hacker <alyspdev@example.com>\",\n"
           "    \"architecture\": \"amd64\",\n    \"os\": \"linux\",\n"
           "    \"config\": {\"User\": \"alice\", \"Memory\": 2048, \"MemorySwap\": 4096,\n"
           "      \"CpuShares\": 8, \"ExposedPorts\": {\"8080/tcp\": {}},\n"
           "      \"Env\": [\"PATH=/usr/bin:/bin\", \"FOO=oci_is_a\", \"BAR=well_written_spec\"],\n"
           "      \"Entrypoint\": [\"/bin/my-app-binary\"], \"Cmd\": [\"--foreground\"],\n"
           "      \"Volumes\": {\"/var/job-result-data\": {}}, \"WorkingDir\": \"/home/alice\",\n"
           "      \"Labels\": {\"com.example.project.git.commit\": \"45a939b2999782a3f005\"}},\n"
           "    \"rootfs\": {\"diff_ids\": [\"%s\", \"%s\"], \"type\": \"layers\"},\n"
           "    \"history\": [{\"created\": \"2015-10-31T22:22:54.690851953Z\",\n"
           "      \"created_by\": \"/bin/sh -c #(nop) ADD file:a3bc1e842b69636f9d in /\"},\n"
           "      {\"created\": \"2015-10-31T22:22:55.613815829Z\",\n"
           "       \"created_by\": \"/bin/sh -c #(nop) CMD [\\\"sh\\\"]\",\n"
           "       \"empty_layer\": true}]\n}\n", layers[0].diff_id, layers[1].diff_id);
  struct descriptor config = put_text(q.store, OCI_CONFIG, text);
  json_t *json = manifest_json(&config, layers, 2);
  json_object_set_new(json, "subject", entry_json(&config, NULL, NULL));
  json_object_set_new(json, "annotations", json_of("{\"com.example.key1\": \"value1\"}"));
  struct descriptor manifest = put_json(q.store, OCI_MANIFEST, json);
  snprintf(text, sizeof text,
           "{\n  \"schemaVersion\": 2,\n  \"manifests\": [\n    {\"mediaType\": \"" OCI_MANIFEST
           "\", \"size\": 7143, \"digest\": \"%s\",\n     \"platform\": {\"architecture\": "
           "\"ppc64le\", \"os\": \"linux\"}},\n    {\"mediaType\": \"" OCI_MANIFEST "\", \"size\": "
           "%lld, \"digest\": \"%s\",\n     \"platform\": {\"architecture\": \"amd64\", \"os\": "
           "\"linux\"}}],\n  \"annotations\": {\"com.example.key1\": \"value1\"}\n}\n",
           random_digest(), (long long)manifest.size, manifest.digest);
  q.descriptor = put_text(q.store, OCI_INDEX, text);
  expect_image(&q, "of the specification's example", &manifest, 2);
  EXPECT(strcmp(found->value, "Alyssa P. Hacker <alyspdev@example.com>") == 0, "image->json is the "
         "config", "its author is \"%s\"", found->value);
  snprintf(text, sizeof text,
           "[{\"mediaType\": \"" OCI_INDEX "\", \"size\": %lld, \"digest\": \"%s\", "
           "\"annotations\": {\"" REF_NAME "\": \"stable-release\"}}, {\"mediaType\": \""
           OCI_MANIFEST "\", \"size\": 7143, \"digest\": \"%s\", \"platform\": {\"architecture\": "
           "\"ppc64le\", \"os\": \"linux\"}, \"annotations\": {\"" REF_NAME "\": \"v1.0\"}}, "
           "{\"mediaType\": \"application/xml\", \"size\": 7143, \"digest\": \"%s\", "
           "\"annotations\": {\"org.freedesktop.specifications.metainfo.version\": \"1.0\"}}]",
           (long long)q.descriptor.size, q.descriptor.digest, random_digest(), random_digest());
  put_index_json(q.store, json_of(text));
  q.name = "stable-release";
  expect_image(&q, "in the specification's index.json", &manifest, 2);
  q.name = "v1.0";
  expect_no_image(&q, "of v1.0 there, which is for ppc64le only", ENOTSUP, "ppc64le");
}
END_TEST

/* ---- image_resolve ---- */

START_TEST(test_resolve)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct descriptor manifests[3];
  char names[3][16];
  for (int i = 0; i < 3; i++) {
    struct put_layer layers[2] = {put_any_layer(q.store), put_any_layer(q.store)};
    snprintf(names[i], sizeof names[i], "%s", random_word());
    manifests[i] = put_image(q.store, "linux/amd64", layers, 2, names[i]);
  }
  for (int i = 2; i >= 0; i--) {
    q.name = names[i];
    expect_image(&q, "of one of three images", &manifests[i], 2);
  }
  q.name = random_word();
  expect_no_image(&q, "of a name that is not there", ENOENT, names[0]);
  unlink(at("store/index.json"));
  q.name = names[0];
  expect_no_image(&q, "in a store without index.json", ENOENT, NULL);
}
END_TEST

void
read_tests(void)
{
  student_test("4.2 image_read reads manifest, layers and config", test_image);
  student_test("4.2 image_read takes an image without layers", test_no_layers);
  student_test("4.2 image_read picks the platform", test_platforms);
  student_test("4.2 image_read follows nested indexes, up to INDEX_DEPTH", test_nested);
  student_test("4.2 image_read looks into the next index when nothing fits", test_beside);
  student_test("4.2 image_read looks into no more than INDEX_READS indexes", test_fan);
  student_test("4.2 image_read looks into INDEX_READS indexes, to the last", test_reads);
  student_test("4.2 image_read takes what is null for what is not there", test_null);
  student_test("4.2 image_read knows Docker's media types", test_docker);
  student_test("4.2 image_read takes Docker's type and the specification's for one kind",
               test_docker_mixed);
  student_test("4.2 image_read accepts the specification's examples", test_examples);
  student_test("4.2 image_resolve goes from a name to the image", test_resolve);
}
