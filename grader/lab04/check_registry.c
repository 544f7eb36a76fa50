/* check_registry.c - 4.7: who asks. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_remote.h"
#include "clean.h"
#include "proc.h"

/* ---- who asks ---- */

/* A challenge whose realm is PATH of the registry on HOST. */
static struct challenge
bearer(const char *host, const char *path)
{
  struct challenge c = {.service = "the registry", .scope = "repository:a/b:pull"};
  snprintf(c.realm, sizeof c.realm, "http://%s%s", host, path);
  return c;
}

/* A token server at /token, which gives `token`, called `name`. */
static void
token_server(const char *name, const char *token)
{
  remote_rule("GET /token 0 status 200");
  remote_rule("GET /token 0 text {\"%s\":\"%s\",\"expires_in\":300}", name, token);
}

/* "Basic ..." for a user. For free(3). */
static char *
basic(const char *user)
{
  char base64[1024], *value;
  EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)user, strlen(user));
  ck_assert_int_ge(asprintf(&value, "Basic %s", base64), 0);
  return value;
}

static void
expect_sent(const char *part, const char *authorization, const char *why)
{
  char expected[512];
  const char *line = asked_line("*", part, 0);
  snprintf(expected, sizeof expected, "Authorization of the request to %.*s: \"%s\", %s",
           (int)strcspn(part, "\t"), part, authorization, why);
  EXPECT(line, expected, "no such request");
  EXPECT(strcmp(line_value(line, "auth"), authorization) == 0, expected, "\"%s\"",
         line_value(line, "auth"));
}

static void
expect_token(const char *name, const char *token)
{
  char value[256];
  token_server(name, token);
  struct challenge c = bearer(remote_start(), "/token");
  expect_success(call(&(struct call){.challenge = &c, .then = "/v2/"}), "registry_login");
  const char *line = asked_line("GET", "/token", 0);
  EXPECT(line, "registry_login asks the realm for a token (GET)", "it is not asked");
  EXPECT(line_query(line, "service", "the registry"), "the token server is told the service "
         "(service=the%20registry)", "%s", line);
  EXPECT(line_query(line, "scope", "repository:a/b:pull"), "the token server is told the "
         "scope (scope=repository%3Aa%2Fb%3Apull)", "%s", line);
  snprintf(value, sizeof value, "Bearer %s", token);
  expect_sent("/v2/\t", value, "the token that was given");
  remote_stop();
}

START_TEST(test_token)
{
  expect_token("token", random_word());
}
END_TEST

START_TEST(test_access_token)
{
  expect_token("access_token", random_word());
}
END_TEST

/* Go writes "" for what it does not have. */
START_TEST(test_empty_token)
{
  const char *token = random_word();
  char value[256];
  remote_rule("GET /token 0 status 200");
  remote_rule("GET /token 0 text {\"token\":\"\",\"access_token\":\"%s\"}", token);
  struct challenge c = bearer(remote_start(), "/token");
  expect_success(call(&(struct call){.challenge = &c, .then = "/v2/"}),
                 "registry_login, where \"token\" is empty, and there is an \"access_token\",");
  snprintf(value, sizeof value, "Bearer %s", token);
  expect_sent("/v2/\t", value, "the token that is not empty");
  remote_stop();
}
END_TEST

START_TEST(test_scopes)
{
  token_server("token", "t");
  struct challenge c = bearer(remote_start(), "/token?first=1");
  snprintf(c.scope, sizeof c.scope, "repository:a/b:pull,push repository:c:pull");
  expect_success(call(&(struct call){.challenge = &c}), "registry_login");
  const char *line = asked_line("GET", "/token", 0);
  EXPECT(line && line_query(line, "first", "1") &&
         line_query(line, "scope", "repository:a/b:pull,push") &&
         line_query(line, "scope", "repository:c:pull"),
         "a realm with a query keeps it, and each word of the scope is a scope= of its own",
         "%s", line ? line : "no request");
  remote_stop();
}
END_TEST

START_TEST(test_password)
{
  char user[64];
  snprintf(user, sizeof user, "%s:%s:x", random_word(), random_word());
  autofree char *value = basic(user);
  token_server("token", "t");
  struct challenge c = bearer(remote_start(), "/token");
  expect_success(call(&(struct call){.challenge = &c, .user = user, .then = "/v2/"}),
                 "registry_login");
  expect_sent("/token", value, "user and password");
  expect_sent("/v2/\t", "Bearer t", "and not the password");
  remote_stop();
}
END_TEST

START_TEST(test_basic)
{
  struct challenge c = {.basic = true, .realm = "somewhere"};
  char user[64];
  snprintf(user, sizeof user, "%s:%s", random_word(), random_word());
  autofree char *value = basic(user);
  remote_start();
  expect_success(call(&(struct call){.challenge = &c, .user = user, .then = "/v2/"}),
                 "registry_login, of Basic,");
  expect_sent("/v2/\t", value, "user and password");
  expect_errno(call(&(struct call){.challenge = &c}),
               "registry_login, of Basic, without user and password,", EACCES);
  EXPECT(asked("*", "*") == 1, "Basic needs nobody to be asked", "%d requests",
         asked("*", "*") - 1);
  remote_stop();
}
END_TEST

/* The token server may be somebody else than the registry, even at the same address. */
START_TEST(test_old_token)
{
  token_server("token", "new");
  struct challenge c = bearer(remote_start(), "/token");
  expect_success(call(&(struct call){.challenge = &c, .token = "Bearer old",
                                     .then = "/v2/"}), "registry_login");
  expect_sent("/token", "", "not the token of before");
  expect_sent("/v2/\t", "Bearer new", "the new token");
  remote_stop();
}
END_TEST

static void
expect_not_asked(void)
{
  EXPECT(asked("*", "*") == 0, "who must not have the password is not asked", "%s",
         asked_line("*", "*", 0));
}

/* Where a password would be read on its way. */
START_TEST(test_realm)
{
  token_server("token", "t");
  const char *here = remote_start(), *port = strchr(here, ':');
  struct { const char *host, *realm; } cases[] = {
      {NULL, "http://127.0.0.2%s/token"},
      {NULL, "http://127.0.0.12%s/token"},
      {NULL, "http://localhost%s/token"},
      {NULL, "http://127.0.0.1@127.0.0.2%s/token"},
      {NULL, "ftp://127.0.0.1%s/token"},
      {NULL, "file:///etc/passwd"},
      {NULL, "/token"},
      {"registry.invalid", "http://127.0.0.1%s/token"},
      {"registry.invalid", "http://registry.invalid%s/token"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct challenge c = {.scope = "repository:a/b:pull"};
    char what[512];
    /* "%s" is in some of them, and is the only one in them. */
    const char *gap = strstr(cases[i].realm, "%s");
    if (gap)
      snprintf(c.realm, sizeof c.realm, "%.*s%s%s", (int)(gap - cases[i].realm),
               cases[i].realm, port, gap + 2);
    else
      snprintf(c.realm, sizeof c.realm, "%s", cases[i].realm);
    snprintf(what, sizeof what, "registry_login, for the registry %s://%s with the realm "
             "%.200s,", cases[i].host ? "https" : "http", cases[i].host ?: here, c.realm);
    expect_errno(call(&(struct call){.challenge = &c, .host = cases[i].host,
                                     .user = "user:secret"}), what, EPERM);
    expect_not_asked();
  }
  remote_stop();
}
END_TEST

/* On https, and by the name of this machine: so the host alone is no answer. */
START_TEST(test_realm_of_https)
{
  token_server("token", "t");
  struct challenge c = bearer(remote_start(), "/token");
  char what[256];
  snprintf(what, sizeof what, "registry_login, for the registry https://127.0.0.1:1 with the "
           "realm %.100s,", c.realm);
  expect_errno(call(&(struct call){.challenge = &c, .base = "https://127.0.0.1:1",
                                   .user = "user:secret"}), what, EPERM);
  expect_not_asked();
  remote_stop();
}
END_TEST

/* It is another program than the registry, often. */
START_TEST(test_realm_port)
{
  autofree char *value = basic("user:secret");
  token_server("token", "t");
  struct challenge c = bearer(remote_start(), "/token");
  expect_success(call(&(struct call){.challenge = &c, .host = "127.0.0.1:1",
                                     .user = "user:secret"}),
                 "registry_login, for the registry http://127.0.0.1:1 with the token server "
                 "at another port of 127.0.0.1,");
  expect_sent("/token", value, "user and password");
  remote_stop();
}
END_TEST

START_TEST(test_no_token)
{
  static const struct { const char *status, *text; int error; const char *what; } cases[] = {
      {"401", "{}", EACCES, "registry_login, where the token server answers 401,"},
      {"403", "{}", EACCES, "registry_login, where the token server answers 403,"},
      {"200", "{}", EBADMSG, "registry_login, where the answer has no token,"},
      {"200", "{\"token\":7}", EBADMSG, "registry_login, where the token is a number,"},
      {"200", "{\"token\":\"\"}", EBADMSG, "registry_login, where the token is empty,"},
      {"200", "[\"token\"]", EBADMSG, "registry_login, where the answer is no object,"},
      {"200", "token", EBADMSG, "registry_login, where the answer is no JSON,"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    remote_rule("GET /token%zu 0 status %s", i, cases[i].status);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    remote_rule("GET /token%zu 0 text %s", i, cases[i].text);
  const char *here = remote_start();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char path[32];
    snprintf(path, sizeof path, "/token%zu", i);
    struct challenge c = bearer(here, path);
    expect_errno(call(&(struct call){.challenge = &c}), cases[i].what, cases[i].error);
  }
  remote_stop();
}
END_TEST

/* ---- asking ---- */

static void
expect_status_of(const char *path, long status, const char *what)
{
  char expected[256];
  expect_success(call(&(struct call){.function = REGISTRY_ASK, .which = path}), what);
  snprintf(expected, sizeof expected, "%s gives the answer %ld", what, status);
  EXPECT(came->status == status, expected, "%ld", came->status);
}

START_TEST(test_ask)
{
  const char *token = random_word();
  token_server("token", token);
  remote_rule("GET /v2/ 0 status 200");
  remote_rule("GET /v2/ 0 auth Bearer %s|Bearer realm=\"http://127.0.0.1:%%P/token\"", token);
  remote_start();
  expect_status_of("/v2/", 200, "registry_ask, where a token is wanted (401),");
  EXPECT(asked("GET", "/v2/") == 2 && asked("GET", "/token") == 1, "three requests: one that "
         "is refused, one for a token, and the same again", "%d to the registry, %d for a "
         "token", asked("GET", "/v2/"), asked("GET", "/token"));
  remote_stop();
}
END_TEST

START_TEST(test_ask_other)
{
  remote_rule("GET /v2/none 0 status 404");
  remote_rule("GET /v2/silent 0 status 401");
  remote_rule("GET /v2/strange 0 auth x|Negotiate");
  remote_rule("GET /v2/broken 0 auth x|Bearer service=\"y\"");
  remote_rule("GET /v2/nobody 0 auth x|Bearer realm=\"http://127.0.0.1:%%P/token\"");
  remote_rule("GET /token 0 status 403");
  remote_start();
  expect_status_of("/v2/none", 404, "registry_ask, of what there is not,");
  expect_status_of("/v2/silent", 401, "registry_ask, where there is a 401 without challenge,");
  expect_errno(call(&(struct call){.function = REGISTRY_ASK, .which = "/v2/strange"}),
               "registry_ask, with a challenge that we do not know (Negotiate),", ENOTSUP);
  expect_errno(call(&(struct call){.function = REGISTRY_ASK, .which = "/v2/broken"}),
               "registry_ask, with a challenge without realm,", EBADMSG);
  expect_errno(call(&(struct call){.function = REGISTRY_ASK, .which = "/v2/nobody"}),
               "registry_ask, where we get no token (403),", EACCES);
  remote_stop();
}
END_TEST

/* A registry that is content with no token. */
START_TEST(test_ask_for_ever)
{
  token_server("token", "t");
  remote_rule("GET /v2/ 0 status 404"); /* who does not give up comes to this */
  remote_rule("GET /v2/ 20 auth x|Bearer realm=\"http://127.0.0.1:%%P/token\"");
  remote_start();
  expect_status_of("/v2/", 401, "registry_ask, where no token helps,");
  EXPECT(asked("GET", "/v2/") <= 10, "it gives up soon", "%d requests",
         asked("GET", "/v2/"));
  remote_stop();
}
END_TEST

void
registry_tests(void)
{
  reference_tests();
  student_test("4.7 registry_login gets a token, and uses it", test_token);
  student_test("4.7 registry_login takes an access_token as well", test_access_token);
  student_test("4.7 registry_login takes no empty token", test_empty_token);
  student_test("4.7 registry_login asks for all that the challenge names", test_scopes);
  student_test("4.7 registry_login gives user and password to the realm, and nobody else",
               test_password);
  student_test("4.7 registry_login answers Basic with user and password", test_basic);
  student_test("4.7 registry_login gives the registry's token to no token server",
               test_old_token);
  student_test("4.7 registry_login asks nowhere where a password could be read", test_realm);
  student_test("4.7 registry_login asks by https for a registry on https",
               test_realm_of_https);
  student_test("4.7 registry_login asks at any port of the registry's host", test_realm_port);
  student_test("4.7 registry_login says why there is no token", test_no_token);
  student_test("4.7 registry_ask answers a challenge, and asks again", test_ask);
  student_test("4.7 registry_ask passes on what is no challenge, and why there is no login",
               test_ask_other);
  student_test("4.7 registry_ask does not ask for ever", test_ask_for_ever);
  pull_tests();
  push_tests();
}
