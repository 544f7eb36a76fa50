/* ask.c - a registry, and what it may make us do. Given. */
#include <errno.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "http.h"

enum { REDIRECTS = 10 /* in a row */ };

/* ---- a registry ---- */

static void
start_curl(void)
{
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

int
registry_open(struct registry *registry, const struct reference *reference,
              const char *user)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  struct origin origin;
  pthread_once(&once, start_curl);
  memset(registry, 0, sizeof *registry);
  snprintf(registry->repository, sizeof registry->repository, "%s", reference->repository);
  snprintf(registry->base, sizeof registry->base, "https://%s", reference->host);
  if (url_origin(registry->base, &origin) < 0)
    return -1;
  if (host_is_here(origin.host))
    snprintf(registry->base, sizeof registry->base, "http://%s", reference->host);
  registry->connections = calloc(1, sizeof *registry->connections);
  registry->user = user ? strdup(user) : NULL;
  if (!registry->connections || (user && !registry->user)) {
    free(registry->connections);
    free(registry->user);
    memset(registry, 0, sizeof *registry);
    return refuse(ENOMEM, "no memory to talk to %s", reference->host);
  }
  pthread_mutex_init(&registry->connections->lock, NULL);
  return 0;
}

void
registry_close(struct registry *registry)
{
  int error = errno;
  struct connections *connections = registry->connections;
  if (connections) {
    while (connections->count > 0)
      curl_easy_cleanup(connections->idle[--connections->count]);
    pthread_mutex_destroy(&connections->lock);
    free(connections->authorization);
    free(connections);
  }
  free(registry->user);
  memset(registry, 0, sizeof *registry);
  errno = error;
}

int
registry_authorize(struct registry *registry, const char *value)
{
  /* It becomes a line of a request: a line feed in it would begin another one. */
  for (const char *c = value; *c; c++)
    if (!isgraph(*c & 0xff) && *c != ' ')
      return refuse(EBADMSG, "the token that %s wants to have is none", registry->base);
  char *copy = strdup(value);
  if (!copy)
    return fail("find memory for a token");
  pthread_mutex_lock(&registry->connections->lock);
  free(registry->connections->authorization);
  registry->connections->authorization = copy;
  pthread_mutex_unlock(&registry->connections->lock);
  return 0;
}

/* ---- redirects ---- */

/* Make Location whole: it may be a path. */
static void
resolve(char **location, const char *url)
{
  CURLU *whole = curl_url();
  char *text = NULL;
  if (whole && curl_url_set(whole, CURLUPART_URL, url, 0) == CURLUE_OK &&
      curl_url_set(whole, CURLUPART_URL, *location, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
    curl_url_get(whole, CURLUPART_URL, &text, 0);
  if (text) {
    free(*location);
    *location = strdup(text);
  }
  curl_free(text);
  curl_url_cleanup(whole);
}

static bool
same_origin(const struct origin *a, const struct origin *b)
{
  return strcmp(a->scheme, b->scheme) == 0 && strcasecmp(a->host, b->host) == 0 &&
         strcmp(a->port, b->port) == 0;
}

/* Look at where we are to go: https, or this machine from this machine. A registry far
 * away has no business with what listens here. */
static int
check_next(const char *from, const char *to)
{
  struct origin old, new;
  if (url_origin(to, &new) < 0 || url_origin(from, &old) < 0)
    return -1;
  if (strcmp(new.scheme, "https") == 0 ||
      (host_is_here(new.host) && strcmp(old.scheme, "http") == 0))
    return 0;
  return refuse(EPERM, "%.*s sends us to %.*s: we do not ask there without encryption",
                (int)strcspn(from, "?"), from, (int)strcspn(to, "?"), to);
}

/* What goes into Authorization at first. Memory for free(3), or NULL. */
static char *
first_authorization(struct registry *registry, const struct request *request,
                    const char *url)
{
  struct origin asked, base;
  if (request->authorization)
    return strdup(request->authorization);
  if (url_origin(url, &asked) < 0 || url_origin(registry->base, &base) < 0 ||
      !same_origin(&asked, &base))
    return NULL;
  pthread_mutex_lock(&registry->connections->lock);
  const char *value = registry->connections->authorization;
  char *copy = value ? strdup(value) : NULL;
  pthread_mutex_unlock(&registry->connections->lock);
  return copy;
}

/* Does this answer send us on? Only who reads is sent on: what is written goes to whom
 * we meant. */
static bool
sends_on(const struct request *request, const struct answer_http *answer)
{
  const char *method = request->method ?: "GET";
  long s = answer->status;
  return answer->location && (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) &&
         (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

/* Follow a redirect: `url` becomes the new one, and the authorization goes if that is
 * somebody else's. */
static int
follow(char **url, char **authorization, struct answer_http *answer)
{
  struct origin old, new;
  if (check_next(*url, answer->location) < 0 || url_origin(*url, &old) < 0 ||
      url_origin(answer->location, &new) < 0)
    return -1;
  if (!same_origin(&old, &new)) {
    free(*authorization);
    *authorization = NULL;
  }
  free(*url);
  *url = answer->location;
  answer->location = NULL;
  return 0;
}

int
http_ask(struct registry *registry, const struct request *request,
         struct answer_http *answer)
{
  autofree char *url = NULL;
  memset(answer, 0, sizeof *answer);
  if (asprintf(&url, "%s%s", *request->url == '/' ? registry->base : "", request->url) < 0)
    return refuse(ENOMEM, "no memory for a URL");
  autofree char *authorization = first_authorization(registry, request, url);
  int result = check_next(registry->base, url);
  for (int hops = 0; result == 0; hops++) {
    result = http_exchange(registry->connections, request, url, authorization, answer);
    if (result == 0 && answer->location)
      resolve(&answer->location, url);
    if (result < 0 || !sends_on(request, answer))
      break;
    result = hops == REDIRECTS
                 ? refuse(ELOOP, "%s sends us on and on: more than %d redirects",
                          registry->base, REDIRECTS)
                 : follow(&url, &authorization, answer);
    http_free(answer);
  }
  if (result < 0)
    http_free(answer);
  return result;
}

void
http_free(struct answer_http *answer)
{
  int error = errno;
  free(answer->text);
  free(answer->location);
  free(answer->challenge);
  free(answer->digest);
  free(answer->media_type);
  memset(answer, 0, sizeof *answer);
  errno = error;
}

/* ---- refused ---- */

/* What the registry says: {"errors": [{"code":, "message":, "detail":}]}. Whatever it
 * is, it cannot draw on our terminal. Source: distribution specification, "Error
 * Codes". */
static void
registry_says(const struct answer_http *answer, char *text, size_t size)
{
  json_t *json = answer->size ? json_loadb(answer->text, answer->size, 0, NULL) : NULL;
  json_t *error = json_array_get(json_object_get(json, "errors"), 0);
  const char *said = json_string_value(json_object_get(error, "message"))
      ?: json_string_value(json_object_get(error, "code"))
      ?: json_string_value(json_object_get(json, "details"));
  snprintf(text, size, "%s%.300s", said && *said ? ": " : "", said ?: "");
  for (char *c = text; *c; c++)
    if (iscntrl(*c & 0xff))
      *c = '?';
  json_decref(json);
}

int
http_refused(const struct answer_http *answer, const char *format, ...)
{
  static const struct { long status; int error; const char *means; } known[] = {
      {400, EIO, "it does not understand the question"},
      {401, EACCES, "it does not know who asks"},
      {403, EACCES, "this user may not"},
      {404, ENOENT, "not found"},
      {413, EIO, "it is too large for the registry"},
      {429, EAGAIN, "too many requests: try it again later"},
  };
  char what[1024], says[512];
  const char *means = answer->status / 100 == 5 ? "the registry is out of order"
                                                : "an answer that we did not expect";
  int error = EIO;
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].status == answer->status) {
      error = known[i].error;
      means = known[i].means;
    }
  registry_says(answer, says, sizeof says);
  return refuse(error, "%s: %ld, %s%s", what, answer->status, means, says);
}
