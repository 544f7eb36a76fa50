/* check_push.c - 4.7: push. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_remote.h"
#include "clean.h"

static char store[PATH_MAX];
static struct descriptor blob;

static void
make_store(void)
{
  snprintf(store, sizeof store, "%s", put_store(random_word()));
}

static void
make_blob(size_t size)
{
  autofree void *bytes = random_bytes(size);
  make_store();
  blob = put_blob(store, "application/octet-stream", bytes, size);
}

static const struct answer *
push_blob(const char *from)
{
  return call(&(struct call){.function = BLOB_PUSH, .store = store, .descriptor = &blob,
                             .from = from});
}

/* How many requests had bytes of the blob with them. */
static int
sent(void)
{
  return asked("PUT", "/blobs/") + asked("PATCH", "/blobs/");
}

static void
expect_there(const char *when)
{
  char expected[256];
  snprintf(expected, sizeof expected, "%s, the registry has the blob in a/b, whole", when);
  EXPECT(remote_has(store, "a/b", blob.digest), expected, "it has not");
}

START_TEST(test_blob)
{
  make_blob(300000);
  remote_start();
  expect_success(push_blob(NULL), "blob_push");
  expect_there("after blob_push");
  int before = sent();
  expect_success(push_blob(NULL), "blob_push, of a blob that is there,");
  EXPECT(sent() == before, "a blob that the registry has (HEAD: 200) is not sent again",
         "it is");
  EXPECT(!asked("GET", "*"), "whether it is there says HEAD; the blob itself need not come",
         "GET");
  remote_stop();
}
END_TEST

START_TEST(test_empty_blob)
{
  make_blob(0);
  remote_start();
  expect_success(push_blob(NULL), "blob_push, of an empty blob,");
  expect_there("after blob_push of an empty blob");
  remote_stop();
}
END_TEST

/* Where to upload is a whole URL, and has no query. */
START_TEST(test_location)
{
  make_blob(1000);
  remote_rule("POST /uploads/ 0 location http://127.0.0.1:%%P/elsewhere/x");
  remote_rule("PUT /elsewhere 0 status 201");
  remote_rule("PATCH /elsewhere 0 status 202");
  remote_rule("PATCH /elsewhere 0 location /elsewhere/x");
  remote_start();
  expect_success(push_blob(NULL), "blob_push");
  const char *line = asked_line("PUT", "/elsewhere/x", 0);
  EXPECT(line && line_query(line, "digest", blob.digest), "the blob is put where Location "
         "says, with its digest: PUT .../elsewhere/x?digest=sha256%3A...", "%s",
         line ? line : "no such request");
  remote_stop();
}
END_TEST

START_TEST(test_mount)
{
  make_blob(1000);
  remote_blob(store, "base/image", blob.digest);
  remote_start();
  expect_success(push_blob("base/image"), "blob_push, from base/image,");
  const char *line = asked_line("POST", "/v2/a/b/blobs/uploads/", 0);
  EXPECT(line && line_query(line, "mount", blob.digest) &&
         line_query(line, "from", "base/image"), "the registry is asked to mount it: POST "
         "/v2/a/b/blobs/uploads/?mount=DIGEST&from=base%2Fimage", "%s",
         line ? line : "no such request");
  expect_there("after blob_push from another repository");
  EXPECT(sent() == 0, "a blob that was mounted (201) is not sent", "it is");
  remote_stop();
}
END_TEST

START_TEST(test_no_mount)
{
  make_blob(1000);
  remote_blob(store, "base/image", blob.digest);
  remote_rule("POST * 0 no-mount");
  remote_start();
  expect_success(push_blob("base/image"), "blob_push, where the registry does not mount "
                 "(202),");
  expect_there("after blob_push where the registry does not mount");
  remote_stop();
}
END_TEST

/* Who may look may not push yet. */
START_TEST(test_tokens)
{
  make_blob(1000);
  remote_rule("GET /token 0 status 200");
  remote_rule("GET /token 0 text {\"token\":\"reader\"}");
  remote_rule("GET push 0 text {\"token\":\"writer\"}");
  remote_rule("HEAD * 0 auth Bearer reader|Bearer realm=\"http://127.0.0.1:%%P/token\","
              "scope=\"repository:a/b:pull\"");
  for (int i = 0; i < 3; i++)
    remote_rule("%s /v2/ 0 auth Bearer writer|Bearer realm=\"http://127.0.0.1:%%P/token\","
                "scope=\"repository:a/b:pull,push\"",
                (const char *[]){"POST", "PUT", "PATCH"}[i]);
  remote_start();
  expect_success(push_blob(NULL), "blob_push, with one token to look and another to push,");
  expect_there("after blob_push with tokens");
  remote_stop();
}
END_TEST

START_TEST(test_refused)
{
  static const struct { const char *rule; int error; const char *what; } cases[] = {
      {"HEAD * 0 status 403", EACCES, "blob_push, where HEAD is answered with 403,"},
      {"HEAD * 0 status 500", EIO, "blob_push, where HEAD is answered with 500,"},
      {"POST * 0 status 403", EACCES, "blob_push, where POST is answered with 403,"},
      {"POST * 0 status 500", EIO, "blob_push, where POST is answered with 500,"},
      {"PUT * 0 status 400", EIO, "blob_push, where PUT is answered with 400,"},
      {"PUT * 0 status 200", EIO, "blob_push, where PUT is answered with 200 (not 201),"},
      {"POST * 0 status 200", EIO, "blob_push, where POST is answered with 200,"},
      {"POST * 0 location -", EBADMSG, "blob_push, where there is no Location,"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    make_blob(1000);
    remove(remote_path("rules"));
    remove(remote_path("port"));
    remote_rule("%s", cases[i].rule);
    remote_start();
    expect_errno(push_blob(NULL), cases[i].what, cases[i].error);
    remote_stop();
  }
}
END_TEST

START_TEST(test_missing)
{
  make_blob(1000);
  remove(blob_path(store, blob.digest));
  remote_start();
  expect_errno(push_blob(NULL), "blob_push, of a blob that is not in the store,", ENOENT);
  remote_stop();
}
END_TEST

/* ---- images ---- */

static struct put_layer layers[3];
static struct descriptor manifest;

static void
make_image(const char *name)
{
  make_store();
  for (size_t i = 0; i < 3; i++)
    layers[i] = put_any_layer(store);
  manifest = put_image(store, "linux/amd64", layers, 3, name);
}

static const struct answer *
push_image(const char *tag, const char *digest)
{
  return call(&(struct call){.function = IMAGE_PUSH, .store = store, .which = tag,
                             .digest = digest, .descriptor = &manifest});
}

/* The registry has the manifest under this name: bytes and type. */
static void
expect_manifest(const char *called)
{
  char path[256], expected[512];
  size_t length;
  snprintf(path, sizeof path, "a/b/manifests/%s", called);
  snprintf(expected, sizeof expected, "the registry has the manifest, byte for byte, as "
           "/v2/%s", path);
  const char *there = remote_holds(path);
  length = strlen(there);
  EXPECT(strcmp(sha256(there, length), manifest.digest) == 0, expected, "%.200s", there);
  snprintf(path, sizeof path, "a/b/manifests/%s.type", called);
  EXPECT(strcmp(remote_holds(path), manifest.media_type) == 0, "the manifest's Content-Type "
         "is its media type", "\"%s\"", remote_holds(path));
}

START_TEST(test_image)
{
  make_image(NULL);
  remote_start();
  expect_success(push_image("1", NULL), "image_push");
  for (int i = 0; i < 3; i++)
    EXPECT(remote_has(store, "a/b", layers[i].blob.digest), "the registry has all layers",
           "not number %d", i);
  expect_manifest("1");
  EXPECT(asked("PUT", "-> 400") == 0, "the manifest comes last, when all that it names is "
         "there", "before that (400)");
  remote_stop();
}
END_TEST

START_TEST(test_image_docker)
{
  make_image(NULL);
  json_auto_t *json = json_file(blob_path(store, manifest.digest));
  json_object_set_new(json, "mediaType", json_string(DOCKER "distribution.manifest.v2+json"));
  manifest = put_json(store, DOCKER "distribution.manifest.v2+json", json_incref(json));
  remote_start();
  expect_success(push_image("1", NULL), "image_push, of a manifest of Docker's,");
  expect_manifest("1");
  remote_stop();
}
END_TEST

START_TEST(test_image_digest)
{
  make_image(NULL);
  remote_start();
  expect_errno(push_image("1", random_digest()), "image_push, with the digest of something "
               "else,", EINVAL);
  EXPECT(asked("*", "*") == 0, "nothing is sent then", "%s", asked_line("*", "*", 0));
  expect_success(push_image("", manifest.digest), "image_push, by digest,");
  expect_manifest(manifest.digest);
  remote_stop();
}
END_TEST

START_TEST(test_image_200)
{
  make_image(NULL);
  remote_rule("PUT /manifests/ 0 status 200");
  remote_start();
  expect_errno(push_image("1", NULL), "image_push, where PUT of the manifest is answered with "
               "200 (not 201),", EIO);
  remote_stop();
}
END_TEST

START_TEST(test_image_broken)
{
  make_image(NULL);
  remote_rule("HEAD %s 0 status 500", layers[1].blob.digest);
  remote_start();
  expect_errno(push_image("1", NULL), "image_push, where a layer cannot be sent,", EIO);
  EXPECT(!asked("PUT", "/manifests/"), "there is no manifest where a layer is missing",
         "it is sent");
  remote_stop();
}
END_TEST

/* The store knows by its names where layers are already. */
START_TEST(test_image_mount)
{
  make_image(NULL);
  remote_image(store, "base/image", "1", &manifest);
  const char *here = remote_start();
  char name[128];
  snprintf(name, sizeof name, "%s/base/image:1", here);
  add_to_index(store, entry_json(&manifest, "linux/amd64", name));
  expect_success(push_image("1", NULL), "image_push");
  expect_manifest("1");
  EXPECT(sent() == 0, "layers that the registry has in base/image, as a name in the store "
         "says, are mounted, and not sent", "%d are sent", sent());
  remote_stop();
}
END_TEST

void
push_tests(void)
{
  student_test("4.7 blob_push brings a blob, once", test_blob);
  student_test("4.7 blob_push brings an empty blob", test_empty_blob);
  student_test("4.7 blob_push uploads where the registry says", test_location);
  student_test("4.7 blob_push has a blob mounted from another repository", test_mount);
  student_test("4.7 blob_push uploads what is not mounted", test_no_mount);
  student_test("4.7 blob_push answers a challenge at each step", test_tokens);
  student_test("4.7 blob_push says why the registry refuses", test_refused);
  student_test("4.7 blob_push says that the blob is missing", test_missing);
  student_test("4.7 image_push brings all of an image, the manifest last", test_image);
  student_test("4.7 image_push keeps the manifest's type", test_image_docker);
  student_test("4.7 image_push goes by the digest", test_image_digest);
  student_test("4.7 image_push takes 201 alone for success", test_image_200);
  student_test("4.7 image_push sends no manifest where a layer is missing",
               test_image_broken);
  student_test("4.7 image_push mounts what the registry has elsewhere", test_image_mount);
}
