/* check_index.c - 4.2: entries of an index. */
#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc.h"

/* Which entry it is: its annotation "nr". */
static void
answer_entry(struct answer *a, const json_t *entry)
{
  const char *nr =
      json_string_value(json_object_get(json_object_get(entry, "annotations"), "nr"));
  student_answer(a, entry ? atoi(nr ? nr : "-2") : -1);
}

static void
call_find(struct answer *a, const void *arg)
{
  const struct question *q = arg;
  answer_entry(a, STUDENT(index_find)(json_of(q->json), q->name, &q->want));
}

static void
call_choose(struct answer *a, const void *arg)
{
  const struct question *q = arg;
  size_t at = q->at;
  answer_entry(a, STUDENT(index_choose)(json_of(q->json), &q->want, &at));
  found->at = at;
}

/* An entry of an index with a number, to be found again. */
static json_t *
numbered(int nr, const char *type, const char *platform, const char *name)
{
  char text[16];
  struct descriptor descriptor = {.size = 100 + nr};
  snprintf(descriptor.media_type, sizeof descriptor.media_type, "%s", type);
  snprintf(descriptor.digest, sizeof descriptor.digest, "%s", random_digest());
  snprintf(text, sizeof text, "%d", nr);
  json_t *entry = entry_json(&descriptor, platform, name);
  if (!name)
    json_object_set_new(entry, "annotations", json_object());
  json_object_set_new(json_object_get(entry, "annotations"), "nr", json_string(text));
  return entry;
}

/* An index as text; the array is used up. */
static const char *
index_text(json_t *entries)
{
  json_t *index = json_pack("{si, so}", "schemaVersion", 2, "manifests", entries);
  char *text = json_dumps(index, JSON_COMPACT);
  ck_assert_ptr_nonnull(text);
  json_decref(index);
  return for_the_test(text);
}

static void
expect_found(const char *json, const char *name, const char *want, int nr)
{
  struct question q = {.json = json, .name = name, .want = platform_of_text(want)};
  const struct answer *a = student_call(call_find, &q);
  EXPECT(a->value == nr, "index_find gives the first entry of that name whose platform fits",
         "entry %d instead of %d for \"%s\", %s (\"%s\")", a->value, nr, name, want, a->text);
}

START_TEST(test_find)
{
  json_t *e = json_array();
  json_array_append_new(e, numbered(0, OCI_MANIFEST, "linux/amd64", "web"));
  json_array_append_new(e, json_of("{\"mediaType\": \"application/xml\", \"size\": 7143}"));
  json_array_append_new(e, json_of("{\"annotations\": {\"" REF_NAME "\": 7}}"));
  json_array_append_new(e, json_of("{\"annotations\": null}"));
  json_array_append_new(e, numbered(4, OCI_MANIFEST, "linux/arm64/v8", "web"));
  json_array_append_new(e, numbered(5, OCI_MANIFEST, "linux/amd64", "web2"));
  json_array_append_new(e, numbered(6, OCI_MANIFEST, "linux/amd64", "WEB"));
  json_array_append_new(e, numbered(7, OCI_INDEX, NULL, "all"));
  json_array_append_new(e, numbered(8, OCI_MANIFEST, "linux/amd64", "all"));
  const char *json = index_text(e);
  expect_found(json, "web", "linux/amd64", 0);
  expect_found(json, "web", "linux/arm64", 4);
  expect_found(json, "web2", "linux/amd64", 5);
  expect_found(json, "WEB", "linux/amd64", 6);
  expect_found(json, "all", "linux/amd64", 7);
  expect_found(json, "all", "linux/riscv64", 7);
}
END_TEST

static void
expect_none(void (*body)(struct answer *, const void *), const struct question *q,
            const char *call, int error, const char *says)
{
  const struct answer *a = student_call(body, q);
  expect_errno(a, call, error);
  EXPECT(!says || strstr(a->text, says), "the message names what there is", "\"%s\" does not have "
         "\"%s\" in it", a->text, says);
}

START_TEST(test_find_none)
{
  const char *word = random_word();
  json_t *e = json_array();
  json_array_append_new(e, numbered(0, OCI_MANIFEST, "linux/s390x", word));
  struct question q = {.json = index_text(e), .want = platform_of_text("linux/amd64")};
  q.name = "other";
  expect_none(call_find, &q, "index_find, of a name that is not there,", ENOENT, word);
  q.name = "";
  expect_none(call_find, &q, "index_find, of an empty name,", ENOENT, NULL);
  q.name = word;
  expect_none(call_find, &q, "index_find, of a name of which no platform fits,", ENOTSUP, NULL);
  q.json = "{\"manifests\": []}";
  expect_none(call_find, &q, "index_find, in an index without entries,", ENOENT, NULL);
}
END_TEST

START_TEST(test_choose)
{
  found = shared(sizeof *found);
  json_t *e = json_array();
  json_array_append_new(e, numbered(0, OCI_MANIFEST, "linux/ppc64le", NULL));
  json_array_append_new(e, numbered(1, "application/vnd.example.sbom+json", NULL, NULL));
  json_array_append_new(e, json_of("{\"mediaType\": 4}"));
  json_array_append_new(e, numbered(3, OCI_MANIFEST, "linux/amd64", NULL));
  json_array_append_new(e, numbered(4, OCI_INDEX, NULL, NULL));
  json_array_append_new(e, numbered(5, "application/vnd.docker.distribution.manifest.v2+json",
                                    "linux/amd64", NULL));
  json_array_append_new(e, numbered(6, "application/vnd.docker.distribution.manifest.list.v2+json",
                                    NULL, NULL));
  json_array_append_new(e, numbered(7, OCI_CONFIG, "linux/amd64", NULL));
  struct question q = {.json = index_text(e), .want = platform_of_text("linux/amd64")};
  static const int in_turn[] = {3, 4, 5, 6};
  for (int i = 0; i < 4; i++) {
    const struct answer *a = student_call(call_choose, &q);
    EXPECT(a->value == in_turn[i], "index_choose gives manifests and indexes that fit, in their "
           "order, from *at on", "entry %d (\"%s\") instead of %d, from %zu on", a->value, a->text,
           in_turn[i], q.at);
    EXPECT(found->at == (size_t)in_turn[i] + 1, "*at becomes the number behind the entry",
           "%zu after entry %d", found->at, in_turn[i]);
    q.at = found->at;
  }
  expect_none(call_choose, &q, "index_choose, behind the last entry that fits,", ENOTSUP,
              "linux/ppc64le");
}
END_TEST

START_TEST(test_choose_none)
{
  found = shared(sizeof *found);
  json_t *e = json_array();
  json_array_append_new(e, numbered(0, OCI_MANIFEST, "linux/arm64/v8", NULL));
  json_array_append_new(e, numbered(1, OCI_MANIFEST, "windows/amd64", NULL));
  struct question q = {.json = index_text(e), .want = platform_of_text("linux/amd64")};
  expect_none(call_choose, &q, "index_choose, where nothing fits,", ENOTSUP, "linux/arm64");
  expect_none(call_choose, &q, "index_choose, where nothing fits,", ENOTSUP, "windows/amd64");
  q.json = "{\"manifests\": []}";
  expect_none(call_choose, &q, "index_choose, in an index without entries,", ENOTSUP, NULL);
  q.json = "{\"schemaVersion\": 2}";
  expect_none(call_choose, &q, "index_choose, in an index without \"manifests\",", EBADMSG, NULL);
  q.json = "{\"manifests\": {\"mediaType\": \"" OCI_MANIFEST "\"}}";
  expect_none(call_choose, &q, "index_choose, where \"manifests\" is no array,", EBADMSG, NULL);
}
END_TEST

void
index_tests(void)
{
  student_test("4.2 index_find gives the first of a name that fits", test_find);
  student_test("4.2 index_find says which names or platforms there are", test_find_none);
  student_test("4.2 index_choose goes through what fits", test_choose);
  student_test("4.2 index_choose says which platforms there are", test_choose_none);
}
