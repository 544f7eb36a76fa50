/* check_pull.c - 4.7: pull. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_remote.h"
#include "clean.h"

#define BYTES "application/octet-stream"

/* Where the registry's things come from, and where they shall go. */
static char source[PATH_MAX], store[PATH_MAX];
static struct descriptor blob;

static void
make_stores(void)
{
  snprintf(source, sizeof source, "%s", put_store(random_word()));
  snprintf(store, sizeof store, "%s", put_store(random_word()));
}

/* A registry with a blob of so many bytes. */
static void
make_blob(size_t size)
{
  autofree void *bytes = random_bytes(size);
  make_stores();
  blob = put_blob(source, BYTES, bytes, size);
  remote_blob(source, "a/b", blob.digest);
}

static const struct answer *
pull_blob(void)
{
  return call(&(struct call){.function = BLOB_PULL, .store = store, .descriptor = &blob});
}

/* It has come, and nothing else. */
static void
expect_blob(const char *what)
{
  expect_success(pull_blob(), what);
  expect_store(store, 1, what);
  remote_stop();
}

/* A cut is worth another try, and nothing else. */
static void
expect_asked_once(const char *what)
{
  char expected[256];
  snprintf(expected, sizeof expected, "%s asks once: another try is for a connection that was "
           "cut (ECONNRESET)", what);
  EXPECT(asked("GET", blob.digest) == 1, expected, "%d requests", asked("GET", blob.digest));
}

static void
expect_refused(const char *what, int error)
{
  expect_errno(pull_blob(), what, error);
  expect_store(store, 0, what);
  remote_stop();
}

START_TEST(test_blob)
{
  make_blob(300000);
  remote_start();
  expect_success(pull_blob(), "blob_pull");
  expect_store(store, 1, "after blob_pull");
  EXPECT(asked("GET", blob.digest) == 1, "one request: GET /v2/a/b/blobs/DIGEST", "%d",
         asked("GET", blob.digest));
  expect_success(pull_blob(), "blob_pull, of a blob that is there,");
  EXPECT(asked("*", "*") == 1, "what is in the store is not asked for", "%s",
         asked_line("*", "*", 1));
  remote_stop();
}
END_TEST

START_TEST(test_blob_login)
{
  make_blob(1000);
  remote_rule("GET /token 0 status 200");
  remote_rule("GET /token 0 text {\"token\":\"t\"}");
  remote_rule("GET /blobs/ 0 auth Bearer t|Bearer realm=\"http://127.0.0.1:%%P/token\"");
  remote_start();
  expect_blob("blob_pull, from a registry that wants a token,");
}
END_TEST

START_TEST(test_empty_blob)
{
  make_blob(0);
  remote_start();
  expect_blob("blob_pull, of an empty blob,");
}
END_TEST

/* Cut off three times, and each time we go on from there. */
START_TEST(test_resume)
{
  make_blob(300000);
  remote_rule("GET /blobs/ 3 cut 70000");
  remote_start();
  expect_success(pull_blob(), "blob_pull, of a blob whose connection is cut three times,");
  expect_store(store, 1, "after blob_pull with cuts");
  for (int i = 1; i < 4; i++) {
    char expected[128];
    const char *line = asked_line("GET", blob.digest, i);
    long long from = line ? atoll(line_value(line, "from")) : -2;
    snprintf(expected, sizeof expected, "request %d asks for the rest: Range: bytes=%d-",
             i + 1, i * 70000);
    EXPECT(from == i * 70000, expected, from == -2 ? "there is no such request"
           : from == -1 ? "for all of it" : "from %lld on", from);
  }
  remote_stop();
}
END_TEST

START_TEST(test_begin_again)
{
  make_blob(300000);
  remote_rule("GET /blobs/ 0 whole");
  remote_rule("GET /blobs/ 2 cut 70000");
  remote_start();
  expect_blob("blob_pull, from a registry that begins at the beginning again (200),");
}
END_TEST

/* The last rule that fits counts: first three that bring nothing, then one that brings
 * something, then three that bring nothing. */
START_TEST(test_patience)
{
  make_blob(100000);
  remote_rule("GET /blobs/ %d cut 0", 2 * PULL_TRIES - 3);
  remote_rule("GET /blobs/ %d cut 20000", PULL_TRIES - 1);
  remote_rule("GET /blobs/ %d cut 0", PULL_TRIES - 2);
  remote_start();
  expect_blob("blob_pull, where several connections bring nothing, but not "
              "PULL_TRIES in a row,");
}
END_TEST

static void
expect_end(const char *what)
{
  remote_start();
  expect_errno(pull_blob(), what, ECONNRESET);
  expect_store(store, 0, what);
  EXPECT(asked("GET", "*") <= PULL_TRIES + 2 && asked("GET", "*") >= 2, "it is tried again, "
         "and given up after PULL_TRIES (5) connections in a row without a new byte",
         "%d requests", asked("GET", "*"));
  remote_stop();
}

START_TEST(test_give_up)
{
  make_blob(100000);
  remote_rule("GET /blobs/ 0 status 500"); /* who does not give up comes to this */
  remote_rule("GET /blobs/ 20 status 0");
  remote_rule("GET /blobs/ 20 drop");
  expect_end("blob_pull, where each connection is cut at once,");
}
END_TEST

START_TEST(test_give_up_same_place)
{
  make_blob(100000);
  remote_rule("GET /blobs/ 0 status 500"); /* who does not give up comes to this */
  remote_rule("GET /blobs/ 20 status 0");
  remote_rule("GET /blobs/ 0 whole");
  remote_rule("GET /blobs/ 0 cut 30000");
  expect_end("blob_pull, where each connection begins at the beginning (200) and is cut at "
             "the same place,");
}
END_TEST

START_TEST(test_wrong_bytes)
{
  make_blob(50000);
  remote_rule("GET /blobs/ 0 wrong");
  remote_start();
  expect_refused("blob_pull, where one bit is wrong,", EBADMSG);
}
END_TEST

START_TEST(test_too_long)
{
  make_blob(50000);
  remote_rule("GET /blobs/ 0 add 1");
  remote_start();
  expect_refused("blob_pull, where one byte more comes,", EBADMSG);
  expect_asked_once("blob_pull, where one byte more comes,");
}
END_TEST

START_TEST(test_too_short)
{
  make_blob(50000);
  remote_rule("GET /blobs/ 0 add -1000");
  remote_start();
  expect_refused("blob_pull, where 1000 bytes less come, and the answer says so,", EBADMSG);
}
END_TEST

/* It cuts us off where its blob ends: for the rest there is only 416. */
START_TEST(test_no_rest)
{
  make_blob(50000);
  remote_rule("GET /blobs/ 0 add -1000");
  remote_rule("GET /blobs/ 1 add 0");
  remote_rule("GET /blobs/ 1 cut 49000");
  remote_start();
  expect_refused("blob_pull, where the registry has no rest (416),", EBADMSG);
}
END_TEST

/* It says that there is more, and is cut off when all is there: what we want, we have. */
START_TEST(test_cut_at_end)
{
  make_blob(50000);
  remote_rule("GET /blobs/ 1 add 1000");
  remote_rule("GET /blobs/ 1 cut 50000");
  remote_start();
  expect_blob("blob_pull, where the connection is cut when all bytes have come,");
}
END_TEST

START_TEST(test_flood)
{
  make_blob(50000);
  remote_rule("GET /blobs/ 0 flood");
  remote_start();
  expect_errno(pull_blob(), "blob_pull, where bytes come without end,", EBADMSG);
  expect_store(store, 0, "after blob_pull, where bytes come without end,");
  expect_no_flood("no more is read of a blob than its size");
  remote_stop();
}
END_TEST

START_TEST(test_statuses)
{
  static const struct { const char *status; int error; } cases[] = {
      {"404", ENOENT}, {"403", EACCES}, {"401", EACCES}, {"500", EIO}, {"429", EAGAIN}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char what[128];
    make_blob(1000);
    remove(remote_path("rules"));
    remove(remote_path("port"));
    remote_rule("GET /blobs/ 0 status %s", cases[i].status);
    snprintf(what, sizeof what, "blob_pull, where the registry answers %s,", cases[i].status);
    remove(remote_path("log"));
    remote_start();
    expect_refused(what, cases[i].error);
    expect_asked_once(what);
  }
}
END_TEST

START_TEST(test_redirects)
{
  make_blob(1000);
  remote_blob(source, "c", blob.digest);
  remote_rule("GET /a/b/blobs/ 0 redirect http://127.0.0.2:%%P/v2/c/blobs/%s", blob.digest);
  remote_start();
  expect_success(call(&(struct call){.function = BLOB_PULL, .store = store,
                                     .descriptor = &blob, .token = "Bearer t"}),
                 "blob_pull, where the registry sends us to another host,");
  expect_store(store, 1, "after blob_pull by a redirect");
  const char *line = asked_line("GET", "host=127.0.0.2", 0);
  EXPECT(line && !*line_value(line, "auth"), "the registry's token goes to no other host",
         "%s", line ? line_value(line, "auth") : "it was not asked");
  remote_stop();
}
END_TEST

START_TEST(test_redirect_loop)
{
  make_blob(1000);
  remote_rule("GET /blobs/ 0 redirect /v2/a/b/blobs/%s", blob.digest);
  remote_start();
  expect_refused("blob_pull, where a redirect leads to itself,", ELOOP);
}
END_TEST

START_TEST(test_bad_digest)
{
  make_blob(1000);
  snprintf(blob.digest, sizeof blob.digest, "sha256:../../../index.json");
  remote_start();
  expect_errno(pull_blob(), "blob_pull, of what is no digest,", EINVAL);
  EXPECT(asked("*", "*") == 0, "the registry is not asked for that", "%s",
         asked_line("*", "*", 0));
  remote_stop();
}
END_TEST

void
pull_tests(void)
{
  student_test("4.7 blob_pull fetches a blob once", test_blob);
  student_test("4.7 blob_pull gets a token where it needs one", test_blob_login);
  student_test("4.7 blob_pull fetches an empty blob", test_empty_blob);
  student_test("4.7 blob_pull goes on where the connection was cut", test_resume);
  student_test("4.7 blob_pull begins again with a registry that does", test_begin_again);
  student_test("4.7 blob_pull has patience as long as something comes", test_patience);
  student_test("4.7 blob_pull gives up where nothing comes", test_give_up);
  student_test("4.7 blob_pull gives up where nothing new comes", test_give_up_same_place);
  student_test("4.7 blob_pull refuses wrong bytes", test_wrong_bytes);
  student_test("4.7 blob_pull refuses a blob that is too long", test_too_long);
  student_test("4.7 blob_pull refuses a blob that is too short", test_too_short);
  student_test("4.7 blob_pull refuses a blob of which there is no rest", test_no_rest);
  student_test("4.7 blob_pull is content when all bytes have come", test_cut_at_end);
  student_test("4.7 blob_pull does not read what has no end", test_flood);
  student_test("4.7 blob_pull says why the registry does not give a blob, at once",
               test_statuses);
  student_test("4.7 blob_pull follows a redirect, without the token", test_redirects);
  student_test("4.7 blob_pull refuses a redirect in a circle", test_redirect_loop);
  student_test("4.7 blob_pull asks for digests only", test_bad_digest);
  pull_image_tests();
}
