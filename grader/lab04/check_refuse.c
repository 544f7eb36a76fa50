/* check_refuse.c - 4.2: images that are refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clean.h"
#include "resolve.h"

/* An image that is right in all, to be spoiled in one thing. */
struct sound {
  struct question question;    /* its manifest is yet to be put */
  struct put_layer layers[2];
  json_t *config;
  json_t *manifest;            /* without its config */
};

static struct sound
new_sound(void)
{
  struct sound s = {.question = {.store = put_store(random_word()),
                                 .want = platform_of_text("linux/amd64")}};
  for (int i = 0; i < 2; i++)
    s.layers[i] = put_any_layer(s.question.store);
  struct descriptor none = {.media_type = OCI_CONFIG};
  s.config = config_json("linux/amd64", s.layers, 2);
  s.manifest = manifest_json(&none, s.layers, 2);
  return s;
}

/* Put config and manifest into the store; if the manifest has still one. */
static void
put_sound(struct sound *s)
{
  struct descriptor config = put_json(s->question.store, OCI_CONFIG, s->config);
  json_t *old = json_object_get(s->manifest, "config");
  const char *type = json_string_value(json_object_get(old, "mediaType"));
  if (type)
    snprintf(config.media_type, sizeof config.media_type, "%s", type);
  if (old)
    json_object_set_new(s->manifest, "config", entry_json(&config, NULL, NULL));
  s->question.descriptor = put_json(s->question.store, OCI_MANIFEST, s->manifest);
}

static void
expect_refused(struct sound *s, const char *what, int error, const char *says)
{
  put_sound(s);
  expect_no_image(&s->question, what, error, says);
}

START_TEST(test_control)
{
  struct sound s = new_sound();
  put_sound(&s);
  expect_image(&s.question, "of the image that the next ones are made from",
               &s.question.descriptor, 2);
}
END_TEST

START_TEST(test_types)
{
  char type[100];
  struct sound s = new_sound();
  snprintf(type, sizeof type, "application/vnd.example.%s+json", random_word());
  json_object_set_new(json_object_get(s.manifest, "config"), "mediaType", json_string(type));
  expect_refused(&s, "of a config of an unknown media type", ENOTSUP, type);
  s = new_sound();
  json_object_set_new(json_array_get(json_object_get(s.manifest, "layers"), 1), "mediaType",
                      json_string(type));
  expect_refused(&s, "of a layer of an unknown media type", ENOTSUP, type);
  s = new_sound();
  json_object_set_new(json_array_get(json_object_get(s.manifest, "layers"), 0), "mediaType",
                      json_string(OCI_MANIFEST));
  expect_refused(&s, "of a layer that is a manifest", ENOTSUP, OCI_MANIFEST);
  s = new_sound();
  json_object_set_new(json_object_get(s.manifest, "config"), "mediaType",
                      json_string(OCI_LAYER));
  expect_refused(&s, "of a config that is a layer", ENOTSUP, OCI_LAYER);
  s = new_sound();
  put_sound(&s);
  snprintf(s.question.descriptor.media_type, MEDIA_SIZE, "%s", type);
  expect_no_image(&s.question, "of a descriptor of an unknown media type", ENOTSUP, type);
  snprintf(s.question.descriptor.media_type, MEDIA_SIZE, "%s", OCI_CONFIG);
  expect_no_image(&s.question, "of a descriptor of a config", ENOTSUP, OCI_CONFIG);
}
END_TEST

/* An index inside of which the manifest is of a kind that we cannot read: that is said,
 * and not that nothing fits. */
START_TEST(test_types_nested)
{
  char type[100];
  struct sound s = new_sound();
  snprintf(type, sizeof type, "application/vnd.example.%s", random_word());
  json_object_set_new(json_array_get(json_object_get(s.manifest, "layers"), 0), "mediaType",
                      json_string(type));
  put_sound(&s);
  for (int i = 0; i < 2; i++) {
    json_t *entries = json_array();
    json_array_append_new(entries, entry_json(&s.question.descriptor, NULL, NULL));
    s.question.descriptor = put_index(s.question.store, entries);
  }
  expect_no_image(&s.question, "of a layer of an unknown media type, below two indexes", ENOTSUP,
                  type);
}
END_TEST

START_TEST(test_kinds)
{
  struct sound s = new_sound();
  json_object_set_new(s.manifest, "mediaType", json_string(OCI_INDEX));
  expect_refused(&s, "of a manifest that says of itself that it is an index", EBADMSG, NULL);
  s = new_sound();
  json_object_set_new(s.manifest, "mediaType", json_integer(4));
  expect_refused(&s, "of a manifest whose \"mediaType\" is a number", EBADMSG, NULL);
  s = new_sound();
  json_object_set_new(s.manifest, "manifests", json_array());
  expect_refused(&s, "of a manifest that has \"manifests\", too", EBADMSG, NULL);
  s = new_sound();
  json_object_del(s.manifest, "mediaType");
  put_sound(&s);
  expect_image(&s.question, "of a manifest without \"mediaType\"", &s.question.descriptor, 2);
  strcpy(s.question.descriptor.media_type, OCI_INDEX);
  expect_no_image(&s.question, "of a manifest whose descriptor says that it is an index", EBADMSG,
                  NULL);
  json_t *entries = json_array();
  json_array_append_new(entries, entry_json(&s.question.descriptor, NULL, NULL));
  json_t *index = json_pack("{si, so, s[]}", "schemaVersion", 2, "manifests", entries, "layers");
  s.question.descriptor = put_json(s.question.store, OCI_INDEX, index);
  expect_no_image(&s.question, "of an index that has \"layers\", too", EBADMSG, NULL);
}
END_TEST

START_TEST(test_version)
{
  static const char *const versions[] = {"1", "3", "\"2\"", "2.0", "[2]", "{\"a\": 2}"};
  for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
    char what[100], text[100];
    struct sound s = new_sound();
    snprintf(what, sizeof what, "of a manifest with the schemaVersion %s", versions[i]);
    snprintf(text, sizeof text, "[%s]", versions[i]);
    json_auto_t *version = json_of(text);
    json_object_set(s.manifest, "schemaVersion", json_array_get(version, 0));
    expect_refused(&s, what, EBADMSG, NULL);
  }
  struct sound s = new_sound();
  json_object_del(s.manifest, "schemaVersion");
  expect_refused(&s, "of a manifest without a schemaVersion", EBADMSG, NULL);
}
END_TEST

START_TEST(test_index_version)
{
  struct sound s = new_sound();
  put_sound(&s);
  struct descriptor manifest = s.question.descriptor;
  for (int version = 0; version <= 3; version++) {
    json_t *index = json_pack("{s[o]}", "manifests", entry_json(&manifest, NULL, NULL));
    char what[64] = "of an index without a schemaVersion";
    if (version > 0) {
      json_object_set_new(index, "schemaVersion", json_integer(version));
      snprintf(what, sizeof what, "of an index with the schemaVersion %d", version);
    }
    s.question.descriptor = put_json(s.question.store, OCI_INDEX, index);
    if (version == 2)
      expect_image(&s.question, what, &manifest, 2);
    else
      expect_no_image(&s.question, what, EBADMSG, NULL);
  }
}
END_TEST

START_TEST(test_manifest)
{
  struct sound s = new_sound();
  json_object_del(s.manifest, "layers");
  expect_refused(&s, "of a manifest without \"layers\"", EBADMSG, NULL);
  s = new_sound();
  json_object_set_new(s.manifest, "layers", json_object());
  expect_refused(&s, "of a manifest whose \"layers\" is an object", EBADMSG, NULL);
  s = new_sound();
  json_object_del(s.manifest, "config");
  expect_refused(&s, "of a manifest without \"config\"", EBADMSG, NULL);
  s = new_sound();
  json_object_set_new(json_array_get(json_object_get(s.manifest, "layers"), 1), "size",
                      json_integer(-5));
  expect_refused(&s, "of a layer with a negative size", EBADMSG, NULL);
  s = new_sound();
  json_object_set_new(json_array_get(json_object_get(s.manifest, "layers"), 1), "digest",
                      json_string("sha256:../../../etc/shadow"));
  expect_refused(&s, "of a layer whose digest is a path", EBADMSG, NULL);
}
END_TEST

START_TEST(test_many_layers)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct put_layer one = put_any_layer(q.store), many[LAYER_MAX + 1];
  for (int i = 0; i <= LAYER_MAX; i++)
    many[i] = one;
  q.descriptor = put_image(q.store, "linux/amd64", many, LAYER_MAX, NULL);
  expect_image(&q, "of LAYER_MAX layers", &q.descriptor, LAYER_MAX);
  q.descriptor = put_image(q.store, "linux/amd64", many, LAYER_MAX + 1, NULL);
  expect_no_image(&q, "of LAYER_MAX + 1 layers", E2BIG, NULL);
}
END_TEST

/* ---- the config ---- */

static json_t *
diff_ids(struct sound *s)
{
  return json_object_get(json_object_get(s->config, "rootfs"), "diff_ids");
}

START_TEST(test_config)
{
  struct sound s = new_sound();
  json_object_del(s.config, "os");
  expect_refused(&s, "of a config without \"os\"", EBADMSG, NULL);
  s = new_sound();
  json_object_set_new(s.config, "architecture", json_integer(64));
  expect_refused(&s, "of a config whose \"architecture\" is a number", EBADMSG, NULL);
  s = new_sound();
  json_object_del(s.config, "rootfs");
  expect_refused(&s, "of a config without \"rootfs\"", EBADMSG, NULL);
  s = new_sound();
  json_object_set_new(json_object_get(s.config, "rootfs"), "type", json_string("tree"));
  expect_refused(&s, "of a config with another rootfs.type", EBADMSG, NULL);
  s = new_sound();
  json_array_remove(diff_ids(&s), 0);
  expect_refused(&s, "of one diffID for two layers", EBADMSG, NULL);
  s = new_sound();
  json_array_append_new(diff_ids(&s), json_string(random_digest()));
  expect_refused(&s, "of three diffIDs for two layers", EBADMSG, NULL);
  s = new_sound();
  json_array_set_new(diff_ids(&s), 1, json_string("sha256:x"));
  expect_refused(&s, "of a diffID that is no digest", EBADMSG, NULL);
  s = new_sound();
  json_array_set_new(diff_ids(&s), 0, json_null());
  expect_refused(&s, "of a diffID that is null", EBADMSG, NULL);
}
END_TEST

/* ---- bytes ---- */

/* Text in the place of a manifest, a config, or an index. */
static void
expect_bad_text(const char *text, size_t size, const char *what, int error)
{
  struct question q = {.store = put_store(random_word()), .want = platform_of_text("linux/amd64")};
  char where[200];
  snprintf(where, sizeof where, "of a manifest that is %s", what);
  q.descriptor = put_blob(q.store, OCI_MANIFEST, text, size);
  expect_no_image(&q, where, error, NULL);
  snprintf(where, sizeof where, "of an index that is %s", what);
  q.descriptor = put_blob(q.store, OCI_INDEX, text, size);
  expect_no_image(&q, where, error, NULL);
  snprintf(where, sizeof where, "of a config that is %s", what);
  struct descriptor config = put_blob(q.store, OCI_CONFIG, text, size);
  q.descriptor = put_json(q.store, OCI_MANIFEST, manifest_json(&config, NULL, 0));
  expect_no_image(&q, where, error, NULL);
}

START_TEST(test_text)
{
  static const struct {
    const char *text, *what;
  } bad[] = {
      {"", "empty"},
      {"{", "cut off"},
      {"[]", "an array"},
      {"null", "null"},
      {"{\"schemaVersion\": 2} x", "followed by something"},
      {"{\"schemaVersion\": 2, \"schemaVersion\": 2}", "with a key twice"},
      {"{\"a\": \"\xff\xfe\"}", "not UTF-8"},
      {"{\"a\": \"\\u0000\"}", "with a zero byte in a text"},
      {"{\"a\": 123456789012345678901234567890}", "with a number that is too large"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_bad_text(bad[i].text, strlen(bad[i].text), bad[i].what, EBADMSG);
}
END_TEST

START_TEST(test_bombs)
{
  size_t size = 200000;
  autofree char *text = malloc(size + 1);
  ck_assert_ptr_nonnull(text);
  memset(text, '[', size);
  expect_bad_text(text, size, "100,000 arrays in each other", EBADMSG);
  for (size_t i = 0; i + 5 <= size; i += 5)
    memcpy(text + i, "{\"\":{", 5);
  expect_bad_text(text, size, "objects in each other without end", EBADMSG);
}
END_TEST

/* More bytes than anybody may send. */
START_TEST(test_huge)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  size_t size = JSON_LIMIT + 1;
  autofree char *text = malloc(size);
  ck_assert_ptr_nonnull(text);
  memset(text, ' ', size);
  memcpy(text, "{}", 2);
  q.descriptor = put_blob(q.store, OCI_MANIFEST, text, size);
  expect_no_image(&q, "of a manifest of more than JSON_LIMIT bytes", EFBIG, NULL);
  q.descriptor = put_blob(q.store, OCI_INDEX, text, size);
  expect_no_image(&q, "of an index of more than JSON_LIMIT bytes", EFBIG, NULL);
  q.descriptor.size = INT64_MAX;
  expect_no_image(&q, "of an index of 2^63 - 1 bytes", EFBIG, NULL);
  struct descriptor config = put_blob(q.store, OCI_CONFIG, text, size);
  q.descriptor = put_json(q.store, OCI_MANIFEST, manifest_json(&config, NULL, 0));
  expect_no_image(&q, "of a config of more than JSON_LIMIT bytes", EFBIG, NULL);
}
END_TEST

/* A config with 300,000 labels, in less than JSON_LIMIT bytes. */
static struct descriptor
put_labels(const char *store)
{
  autofree char *text = malloc(JSON_LIMIT);
  ck_assert_ptr_nonnull(text);
  size_t n = sprintf(text, "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":"
                     "\"layers\",\"diff_ids\":[]},\"config\":{\"Labels\":{");
  for (int i = 0; i < 300000; i++)
    n += sprintf(text + n, "%s\"%x\":\"\"", i ? "," : "", i);
  n += sprintf(text + n, "}}}");
  ck_assert_uint_lt(n, JSON_LIMIT);
  return put_blob(store, OCI_CONFIG, text, n);
}

START_TEST(test_labels)
{
  struct question q = {.store = put_store("store"), .want = platform_of_text("linux/amd64")};
  struct descriptor config = put_labels(q.store);
  q.descriptor = put_json(q.store, OCI_MANIFEST, manifest_json(&config, NULL, 0));
  expect_no_image(&q, "of a config with 300,000 labels", EFBIG, NULL);
}
END_TEST

/* What json_read would refuse with EFBIG; but that it is not what the digest says shows
 * first. */
START_TEST(test_verified_first)
{
  static const char *const types[] = {OCI_MANIFEST, OCI_INDEX, OCI_CONFIG};
  for (int i = 0; i < 3; i++) {
    struct question q = {.store = put_store(random_word()),
                         .want = platform_of_text("linux/amd64")};
    struct descriptor bad = put_labels(q.store), is = bad;
    char what[200];
    snprintf(bad.digest, sizeof bad.digest, "%s", random_digest());
    snprintf(bad.media_type, sizeof bad.media_type, "%s", types[i]);
    ck_assert_int_eq(rename(blob_path(q.store, is.digest), blob_path(q.store, bad.digest)), 0);
    q.descriptor = i < 2 ? bad
                         : put_json(q.store, OCI_MANIFEST, manifest_json(&bad, NULL, 0));
    snprintf(what, sizeof what, "of %s that has another digest, and is verified before anybody "
             "reads its JSON", i == 0 ? "a manifest" : i == 1 ? "an index" : "a config");
    expect_no_image(&q, what, EBADMSG, NULL);
  }
}
END_TEST

/* ---- nothing to free ---- */

/* image_read into an image that has anything in it. */
static void
call_dirty(struct answer *a, const void *arg)
{
  static const struct image none;
  const struct question *q = arg;
  struct image image;
  int store = open_directory(q->store);
  memset(&image, 0x5a, sizeof image);
  student_answer(a, STUDENT(image_read)(store, &q->descriptor, &q->want, &image));
  bool zero = !image.layers && !image.diff_ids && !image.json && image.count == none.count;
  snprintf(a->text, sizeof a->text, "%s", zero ? "zero" : "not zero");
}

static void
expect_nothing(const struct question *q, const char *what)
{
  const struct answer *a = student_call(call_dirty, q);
  EXPECT(a->value == -1, "image_read fails", "%s, it returns %d", what, a->value);
  EXPECT(strcmp(a->text, "zero") == 0, "when image_read fails, *image is all zero: there is "
         "nothing to free", "%s, its pointers or its count are not", what);
}

START_TEST(test_nothing_to_free)
{
  struct sound s = new_sound();
  put_sound(&s);
  unlink(blob_path(s.question.store, s.question.descriptor.digest));
  expect_nothing(&s.question, "where the manifest is not there");
  s = new_sound();
  json_object_set_new(json_array_get(json_object_get(s.manifest, "layers"), 1), "size",
                      json_integer(-5));
  put_sound(&s);
  expect_nothing(&s.question, "where the second layer has a negative size");
  s = new_sound();
  json_array_set_new(diff_ids(&s), 1, json_string("sha256:x"));
  put_sound(&s);
  expect_nothing(&s.question, "where the second diffID is no digest");
  struct descriptor index = put_index(s.question.store,
                                      json_pack("[o]", entry_json(&s.question.descriptor, NULL,
                                                                  NULL)));
  s.question.descriptor = index;
  expect_nothing(&s.question, "where that lies in an index");
}
END_TEST

START_TEST(test_changed)
{
  struct sound s = new_sound();
  put_sound(&s);
  autoclose int fd = open(blob_path(s.question.store, s.question.descriptor.digest),
                          O_RDWR | O_CLOEXEC);
  ck_assert_int_eq(pwrite(fd, " ", 1, s.question.descriptor.size - 1), 1);
  expect_no_image(&s.question, "of a manifest that was changed", EBADMSG, NULL);
  s = new_sound();
  put_sound(&s);
  struct descriptor other = put_image(s.question.store, "linux/amd64", NULL, 0, NULL);
  ck_assert_int_eq(rename(blob_path(s.question.store, other.digest),
                          blob_path(s.question.store, s.question.descriptor.digest)), 0);
  s.question.descriptor.size = other.size;
  expect_no_image(&s.question, "of a manifest in whose place another one lies", EBADMSG, NULL);
  s = new_sound();
  put_sound(&s);
  unlink(blob_path(s.question.store, s.question.descriptor.digest));
  expect_no_image(&s.question, "of a manifest that is not there", ENOENT, NULL);
}
END_TEST

void
refuse_tests(void)
{
  student_test("4.2 image_read reads what the next ones are made from", test_control);
  student_test("4.2 image_read refuses unknown media types by name", test_types);
  student_test("4.2 image_read names a media type below indexes, too", test_types_nested);
  student_test("4.2 image_read refuses what is not what its descriptor says", test_kinds);
  student_test("4.2 image_read refuses another schemaVersion", test_version);
  student_test("4.2 image_read refuses another schemaVersion of an index", test_index_version);
  student_test("4.2 image_read refuses a manifest that lacks something", test_manifest);
  student_test("4.2 image_read refuses more than LAYER_MAX layers", test_many_layers);
  student_test("4.2 image_read refuses a config that does not fit", test_config);
  student_test("4.2 image_read refuses what is no JSON", test_text);
  student_test("4.2 image_read refuses values in each other without end", test_bombs);
  student_test("4.2 image_read refuses more than JSON_LIMIT bytes", test_huge);
  student_test("4.2 image_read refuses a config with too many labels", test_labels);
  student_test("4.2 image_read refuses blobs that were changed", test_changed);
  student_test("4.2 image_read verifies before it reads JSON", test_verified_first);
  student_test("4.2 image_read leaves nothing to free when it fails", test_nothing_to_free);
}
