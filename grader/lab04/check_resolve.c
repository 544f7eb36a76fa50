/* check_resolve.c - 4.2: names, descriptors, and platforms. */
#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc.h"

struct found *found;

struct platform
platform_of_text(const char *text)
{
  struct platform platform = {0};
  sscanf(text, "%31[^/]/%31[^/]/%31s", platform.os, platform.architecture, platform.variant);
  return platform;
}

/* ---- image_name_valid ---- */

static void
call_name(struct answer *a, const void *name)
{
  student_answer(a, STUDENT(image_name_valid)(name));
}

static void
expect_name(const char *name, bool valid)
{
  bool is = student_call(call_name, name)->value;
  EXPECT(is == valid, valid ? "image_name_valid is true for what the grammar allows"
                            : "image_name_valid is false for what the grammar does not allow",
         "%s for \"%.60s\"%s", is ? "true" : "false", name, strlen(name) > 60 ? "..." : "");
}

START_TEST(test_names)
{
  static const char *const good[] = {
      "a", "0", "Z9", "web", "web-1.2_3", "docker.io/library/debian:12", "a/b/c/d", "a--b", "a@b",
      "v1.0+build", "example.com:5000/a-b/c.d:e_f", "A@sha256:00", "a--b--c/d--e"};
  static const char *const bad[] = {
      "", "/", "-", "a/", "/a", "a//b", "a-", "-a", "a..b", "a---b", "a-_b", "a-.b", ".", "..",
      "../a", "a/../b", "a/.", "a b", "a\n", "\na", "a\nb", "a\tb", "a;b", "a$b", "a\\b", "a*",
      "a__b", "a::b", "a--", "--a", "a--/b", "a/--b", "caf\xc3\xa9", "a\x7f", "a\x80", "a,b", "~a"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    expect_name(good[i], true);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_name(bad[i], false);
  char name[300];
  memset(name, 'a', sizeof name);
  name[255] = '\0';
  expect_name(name, true);
  name[255] = 'a';
  name[256] = '\0';
  expect_name(name, false);
}
END_TEST

/* ---- descriptor_read ---- */

static void
call_descriptor(struct answer *a, const void *json)
{
  student_answer(a, STUDENT(descriptor_read)(json_of(json), &found->descriptor));
}

/* Text with a digest, "%s" in `shape`, in it. Valid until the next call. */
static const char *
with_digest(const char *shape, const char *digest)
{
  static char text[4096];
  const char *hole = strstr(shape, "%s");
  if (!hole)
    return shape;
  snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - shape), shape, digest, hole + 2);
  return text;
}

static void
expect_descriptor(const char *shape, const char *type, long long size)
{
  char digest[DIGEST_SIZE];
  snprintf(digest, sizeof digest, "%s", random_digest());
  found = shared(sizeof *found);
  const char *json = with_digest(shape, digest);
  expect_success(student_call(call_descriptor, json), "descriptor_read of a good one");
  EXPECT(strcmp(found->descriptor.media_type, type) == 0 && found->descriptor.size == size &&
         strcmp(found->descriptor.digest, digest) == 0, "descriptor_read reads mediaType, digest "
         "and size", "\"%s\", \"%.72s\", %lld for %s", found->descriptor.media_type,
         found->descriptor.digest, (long long)found->descriptor.size, json);
}

START_TEST(test_descriptor)
{
  expect_descriptor("{\"mediaType\": \"" OCI_MANIFEST "\", \"size\": 7682, \"digest\": \"%s\"}",
                    OCI_MANIFEST, 7682);
  expect_descriptor("{\"digest\": \"%s\", \"size\": 0, \"mediaType\": \"text/plain\"}",
                    "text/plain", 0);
  expect_descriptor("{\"digest\": \"%s\", \"size\": 9223372036854775807, \"mediaType\": \"a/b\", "
                    "\"urls\": [\"https://example.com/x\"], \"annotations\": null, \"data\": "
                    "\"eA==\", \"platform\": {\"os\": 1}, \"new\": {\"size\": -1}}", "a/b",
                    9223372036854775807LL);
}
END_TEST

#define TYPE "\"mediaType\": \"text/plain\""
#define GOOD "\"digest\": \"%s\""

START_TEST(test_descriptor_bad)
{
  static const struct {
    const char *shape, *says;
  } bad[] = {
      {"[]", NULL},
      {"{}", NULL},
      {"{" TYPE ", " GOOD "}", "size"},
      {"{" TYPE ", \"size\": 4}", "digest"},
      {"{" GOOD ", \"size\": 4}", "mediaType"},
      {"{" TYPE ", " GOOD ", \"size\": -1}", "size"},
      {"{" TYPE ", " GOOD ", \"size\": -9223372036854775808}", "size"},
      {"{" TYPE ", " GOOD ", \"size\": 4.0}", "size"},
      {"{" TYPE ", " GOOD ", \"size\": 1e3}", "size"},
      {"{" TYPE ", " GOOD ", \"size\": \"4\"}", "size"},
      {"{" TYPE ", " GOOD ", \"size\": null}", "size"},
      {"{" TYPE ", " GOOD ", \"size\": true}", "size"},
      {"{" TYPE ", " GOOD ", \"size\": [4]}", "size"},
      {"{\"mediaType\": \"\", " GOOD ", \"size\": 4}", "mediaType"},
      {"{\"mediaType\": 4, " GOOD ", \"size\": 4}", "mediaType"},
      {"{\"mediaType\": null, " GOOD ", \"size\": 4}", "mediaType"},
      {"{" TYPE ", \"digest\": 4, \"size\": 4}", "digest"},
      {"{" TYPE ", \"digest\": null, \"size\": 4}", "digest"},
      {"{" TYPE ", \"digest\": [\"%s\"], \"size\": 4}", "digest"},
      {"{" TYPE ", \"digest\": \"\", \"size\": 4}", "digest"},
      {"{" TYPE ", \"digest\": \"%s0\", \"size\": 4}", "digest"},
      {"{" TYPE ", \"digest\": \"%s/../x\", \"size\": 4}", "digest"},
      {"{" TYPE ", \"digest\": \"sha256:../../../../etc/passwd\", \"size\": 4}", "digest"},
      {"{" TYPE ", \"digest\": \"md5:d41d8cd98f00b204e9800998ecf8427e\", \"size\": 4}", "digest"},
  };
  found = shared(sizeof *found);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char call[400];
    const char *json = with_digest(bad[i].shape, random_digest());
    snprintf(call, sizeof call, "descriptor_read of %.300s", json);
    expect_errno(student_call(call_descriptor, json), call, EBADMSG);
    if (bad[i].says)
      EXPECT(strcasestr(student_said()->text, bad[i].says) ||
             strcasestr(student_said()->text, "media type"),
             "the message names what is wrong", "\"%s\" for %s", student_said()->text, json);
  }
}
END_TEST

START_TEST(test_descriptor_long)
{
  char json[700], type[400];
  found = shared(sizeof *found);
  for (int length = 254; length <= 300; length++) {
    snprintf(type, sizeof type, "a/%0*d", length - 2, 0);
    snprintf(json, sizeof json, "{\"mediaType\": \"%s\", \"size\": 1, \"digest\": \"%s\"}", type,
             random_digest());
    const struct answer *a = student_call(call_descriptor, json);
    if (length <= 255)
      EXPECT(a->value == 0 && strcmp(found->descriptor.media_type, type) == 0, "descriptor_read "
             "takes a media type of up to 255 bytes", "%d, \"%s\" for %d bytes",
             a->value, a->text, length);
    else
      expect_errno(a, "descriptor_read of a media type of more than 255 bytes", EBADMSG);
  }
}
END_TEST

/* ---- platform_fits ---- */

static void
call_fits(struct answer *a, const void *arg)
{
  const struct question *q = arg;
  student_answer(a, STUDENT(platform_fits)(json_of(q->json), &q->want));
}

START_TEST(test_platform)
{
  static const struct {
    const char *json, *want;
    bool fits;
  } cases[] = {
      {"{\"os\": \"linux\", \"architecture\": \"amd64\"}", "linux/amd64", true},
      {"{\"os\": \"linux\", \"architecture\": \"arm64\"}", "linux/amd64", false},
      {"{\"os\": \"windows\", \"architecture\": \"amd64\"}", "linux/amd64", false},
      {"{\"os\": \"linux\", \"architecture\": \"amd64p32\"}", "linux/amd64", false},
      {"{\"os\": \"linux\", \"architecture\": \"amd\"}", "linux/amd64", false},
      {"{\"os\": \"linux\", \"architecture\": \"arm\", \"variant\": \"v7\"}", "linux/arm/v7", true},
      {"{\"os\": \"linux\", \"architecture\": \"arm\", \"variant\": \"v6\"}", "linux/arm/v7",
       false},
      {"{\"os\": \"linux\", \"architecture\": \"arm\", \"variant\": \"v6\"}", "linux/arm", true},
      {"{\"os\": \"linux\", \"architecture\": \"arm\"}", "linux/arm/v7", true},
      {"{\"os\": \"linux\", \"architecture\": \"arm64\", \"variant\": \"v8\"}", "linux/arm64",
       true},
      {"{\"os\": \"unknown\", \"architecture\": \"unknown\"}", "linux/amd64", false},
      {"{\"os\": \"linux\"}", "linux/amd64", false},
      {"{\"architecture\": \"amd64\"}", "linux/amd64", false},
      {"{\"os\": 4, \"architecture\": [\"amd64\"]}", "linux/amd64", false},
      {"{\"os\": \"linux\", \"architecture\": \"amd64\", \"os.version\": \"6\", \"features\": []}",
       "linux/amd64", true},
  };
  char json[300];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(json, sizeof json, "{\"platform\": %s}", cases[i].json);
    struct question q = {.json = json, .want = platform_of_text(cases[i].want)};
    bool fits = student_call(call_fits, &q)->value;
    EXPECT(fits == cases[i].fits, "platform_fits compares os and architecture, and the variant if "
           "both have one", "%s for %s and %s", fits ? "true" : "false", json, cases[i].want);
  }
  struct question q = {.json = "{\"mediaType\": \"a/b\"}", .want = platform_of_text("linux/s390x")};
  EXPECT(student_call(call_fits, &q)->value == true, "a descriptor without a platform fits all",
         "it does not");
}
END_TEST

void
resolve_tests(void)
{
  student_test("4.2 image_name_valid knows the grammar", test_names);
  student_test("4.2 descriptor_read reads media type, digest and size", test_descriptor);
  student_test("4.2 descriptor_read refuses what is missing or of another type",
               test_descriptor_bad);
  student_test("4.2 descriptor_read refuses a media type that is too long", test_descriptor_long);
  student_test("4.2 platform_fits compares os, architecture and variant", test_platform);
  index_tests();
  read_tests();
  refuse_tests();
}
