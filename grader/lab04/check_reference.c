/* check_reference.c - 4.7: what people type. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check_lab04.h"
#include "proc.h"

#define HUB "registry-1.docker.io"
#define D1 "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEN(x) x x x x x x x x x x
#define A128 TEN("aaaaaaaaaaaa") "aaaaaaaa"
#define A255 A128 TEN("aaaaaaaaaaaa") "aaaaaaa"

static const struct {
  const char *text;
  struct reference means;
} right[] = {
    {"debian", {HUB, "library/debian", "latest", ""}},
    {"debian:12", {HUB, "library/debian", "12", ""}},
    {"debian@" D1, {HUB, "library/debian", "", D1}},
    {"debian:12@" D1, {HUB, "library/debian", "12", D1}},
    {"library/debian", {HUB, "library/debian", "latest", ""}},
    {"moby/buildkit:v0.12.0-rc1", {HUB, "moby/buildkit", "v0.12.0-rc1", ""}},
    {"docker.io/debian", {HUB, "library/debian", "latest", ""}},
    {"docker.io/library/debian:12", {HUB, "library/debian", "12", ""}},
    {"docker.io/a/b/c", {HUB, "a/b/c", "latest", ""}},
    {"localhost/x", {"localhost", "x", "latest", ""}},
    {"localhost:5000/x", {"localhost:5000", "x", "latest", ""}},
    {"localhost:5000/x:y", {"localhost:5000", "x", "y", ""}},
    {"localhost:5000/a/b@" D1, {"localhost:5000", "a/b", "", D1}},
    {"localhost:5000", {HUB, "library/localhost", "5000", ""}},
    {"localhost2/x", {HUB, "localhost2/x", "latest", ""}},
    {"127.0.0.1:65535/a/b", {"127.0.0.1:65535", "a/b", "latest", ""}},
    {"[::1]/a", {"[::1]", "a", "latest", ""}},
    {"[2001:db8::1]:443/a:b", {"[2001:db8::1]:443", "a", "b", ""}},
    {"ghcr.io/a/b/c-d_e.f:v1.2", {"ghcr.io", "a/b/c-d_e.f", "v1.2", ""}},
    {"quay.io/a__b---c/0", {"quay.io", "a__b---c/0", "latest", ""}},
    {"a-b.example:443/x", {"a-b.example:443", "x", "latest", ""}},
    {"x:_.-A", {HUB, "library/x", "_.-A", ""}},
    {"x:" A128, {HUB, "library/x", A128, ""}},
    {"a.io/" A255, {"a.io", A255, "latest", ""}},
};

static const char *const wrong[] = {
    "", ":", "@", "/", "a:", "a@", ":12", "@" D1, "/a", "a/", "a//b", "a/b/:t",
    "A", "a/B", "a b", " a", "a ", "a\n", "a\nb", "a:t\n", "a:t t", "a/\xc3\xa4",
    "a..b", "a._b", "a___b", "-a", "a-", "_a", "a.", "a/.b", "a/../b", "../a", "./a",
    "a:.t", "a:-t", "a:t:u", "a:t/b:u/c", "a:" A128 "a", "a.io/" A255 "a",
    "a@sha256:0123", "a@sha512:" "0123456789abcdef", "a@" D1 "0", "a@" D1 "@" D1, "a@t",
    "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
    "https://a.io/b", "a.io/https://b", "user:password@a.io/b",
    "a.io:/b", "a.io:x/b", "a.io:0/b", "a.io:65536/b", "a.io:99999999999/b", "a_b.io/c",
    "-a.io/b", "[::1/a", "::1/a", "a.io:5000:6000/b", A255 ".a/b",
};

/* What came of each text, in memory that the test sees. */
struct parsed {
  int value, error;     /* what reference_parse returned, and errno */
  char message[512];    /* what it left */
  struct reference means;
};
enum { MOST = 128 };
static struct parsed *parsed;

/* Parse one after another, a text for each; the answer says how many. */
static void
parse(struct answer *a, const void *texts)
{
  static const struct reference before = {"?", "?", "?", "?"};
  const char *const *text = texts;
  const char *(*message)(void) = student_symbol("failure");
  student_answer(a, 0);
  for (int i = 0; text[i]; i++) {
    struct parsed *p = &parsed[i];
    p->means = before;
    errno = 0;
    p->value = STUDENT(reference_parse)(text[i], &p->means);
    p->error = errno;
    snprintf(p->message, sizeof p->message, "%s", p->value < 0 ? message() : "");
    a->value = i + 1;
  }
}

/* All of them; the test fails if that does not come to its end. */
static void
parse_all(const char *const *texts)
{
  parsed = shared(MOST * sizeof *parsed);
  student_call(parse, texts);
}

START_TEST(test_reference)
{
  const char *texts[MOST] = {NULL};
  enum { COUNT = sizeof right / sizeof *right };
  for (int i = 0; i < COUNT; i++)
    texts[i] = right[i].text;
  parse_all(texts);
  for (int i = 0; i < COUNT; i++) {
    const struct reference *r = &right[i].means, *got = &parsed[i].means;
    char expected[2048];
    snprintf(expected, sizeof expected, "reference_parse(\"%s\") returns 0, and host \"%s\", "
             "repository \"%s\", tag \"%s\", digest \"%s\"", right[i].text, r->host,
             r->repository, r->tag, r->digest);
    EXPECT(parsed[i].value == 0, expected, "%d, \"%s\" (%s)", parsed[i].value,
           parsed[i].message, strerror(parsed[i].error));
    EXPECT(strcmp(r->host, got->host) == 0 && strcmp(r->repository, got->repository) == 0 &&
           strcmp(r->tag, got->tag) == 0 && strcmp(r->digest, got->digest) == 0, expected,
           "host \"%s\", repository \"%s\", tag \"%s\", digest \"%s\"", got->host,
           got->repository, got->tag, got->digest);
  }
}
END_TEST

START_TEST(test_not_a_reference)
{
  enum { COUNT = sizeof wrong / sizeof *wrong };
  const char *texts[MOST] = {NULL};
  memcpy(texts, wrong, sizeof wrong);
  parse_all(texts);
  for (int i = 0; i < COUNT; i++) {
    char expected[1024];
    snprintf(expected, sizeof expected, "reference_parse(\"%s\") returns -1 with EINVAL, and "
             "leaves a message", wrong[i]);
    for (char *c = expected; *c; c++)
      *c = *c == '\n' ? '?' : *c;
    EXPECT(parsed[i].value == -1 && parsed[i].error == EINVAL && *parsed[i].message, expected,
           "%d, \"%s\" (%s)", parsed[i].value, parsed[i].message,
           parsed[i].value < 0 ? strerror(parsed[i].error) : "it is taken");
  }
}
END_TEST

void
reference_tests(void)
{
  student_test("4.7 reference_parse reads what people type", test_reference);
  student_test("4.7 reference_parse refuses what is no reference", test_not_a_reference);
}
