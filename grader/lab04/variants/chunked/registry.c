/* registry.c - 4.7 in another way: references are read from the front, what comes goes
 * straight into the store, what was there already is passed over, uploads go in chunks,
 * and the config travels with the layers. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

/* Take what is before one of `ends` (or the end) off the front of *rest. */
static bool
take(const char **rest, const char *ends, char *to, size_t size)
{
  size_t length = strcspn(*rest, ends);
  if (length >= size)
    return false;
  memcpy(to, *rest, length);
  to[length] = '\0';
  *rest += length;
  return true;
}

int
reference_parse(const char *text, struct reference *reference)
{
  struct reference r = {.host = "registry-1.docker.io"};
  const char *rest = text, *slash = strchr(text, '/');
  char first[256] = "", path[256];
  if (slash && slash - text < 256)
    memcpy(first, text, slash - text);
  bool hub = true;
  if (slash && (strchr(first, '.') || strchr(first, ':') || !strcmp(first, "localhost"))) {
    if (!host_valid(first))
      return refuse(EINVAL, "%s: is no host", first);
    hub = strcmp(first, "docker.io") == 0;
    if (!hub)
      memcpy(r.host, first, sizeof first);
    rest = slash + 1;
  }
  if (!take(&rest, ":@", path, sizeof path))
    return refuse(EINVAL, "the name of the repository is too long");
  int n = snprintf(r.repository, sizeof r.repository, "%s%s",
                   hub && !strchr(path, '/') ? "library/" : "", path);
  if ((size_t)n >= sizeof r.repository || !repository_valid(r.repository))
    return refuse(EINVAL, "\"%s\" is no repository", path);
  if (*rest == ':') {
    rest++;
    if (!take(&rest, "@", r.tag, sizeof r.tag) || !tag_valid(r.tag))
      return refuse(EINVAL, "%s: what is behind the colon is no tag", text);
  } else if (!*rest)
    strncpy(r.tag, "latest", sizeof r.tag - 1);
  if (*rest == '@') {
    rest++;
    if (!digest_valid(rest))
      return refuse(EINVAL, "%s: what is behind the @ is no digest", text);
    memcpy(r.digest, rest, sizeof r.digest);
  }
  *reference = r;
  return 0;
}

/* ---- who asks ---- */

static int
bearer(struct registry *registry, const char *token)
{
  size_t size = strlen(token) + sizeof "Bearer ";
  autofree char *value = malloc(size);
  if (!value)
    return fail("keep a token");
  snprintf(value, size, "Bearer %s", token);
  return registry_authorize(registry, value);
}

int
registry_login(struct registry *registry, const struct challenge *challenge)
{
  struct origin realm, ours;
  struct answer_http answer;
  autofree char *password = registry->user ? basic_authorization(registry->user) : NULL;
  if (challenge->basic)
    return password ? registry_authorize(registry, password)
                    : refuse(EACCES, "who are you?");
  if (url_origin(challenge->realm, &realm) < 0 || url_origin(registry->base, &ours) < 0)
    return -1;
  if (strcmp(realm.scheme, "https") != 0 &&
      (strcmp(ours.scheme, "https") == 0 || strcasecmp(realm.host, ours.host) != 0))
    return refuse(EPERM, "%s: not without encryption", challenge->realm);
  autofree char *url = challenge_url(challenge);
  struct request request = {.method = "GET", .url = url,
                            .authorization = password ? password : ""};
  if (!url || http_ask(registry, &request, &answer) < 0)
    return -1;
  int result = -1;
  if (answer.status != 200)
    http_refused(&answer, "get a token");
  else {
    json_error_t error;
    json_auto_t *json = json_loadb(answer.text, answer.size, 0, &error);
    const char *token = json_string_value(json_object_get(json, "token"));
    if (!token || !*token)
      token = json_string_value(json_object_get(json, "access_token"));
    result = token && *token ? bearer(registry, token)
                             : refuse(EBADMSG, "there is no token in the answer");
  }
  http_free(&answer);
  return result;
}

int
registry_ask(struct registry *registry, const struct request *request,
             struct answer_http *answer)
{
  struct challenge challenge;
  for (int tries = 4;; tries--) {
    int result = http_ask(registry, request, answer);
    if (result < 0 || tries == 0 || answer->status != 401 || !answer->challenge)
      return result;
    result = challenge_parse(answer->challenge, &challenge);
    http_free(answer);
    if (result < 0 || registry_login(registry, &challenge) < 0)
      return -1;
  }
}

/* ---- pull ---- */

/* What comes goes into this blob, but for what it has. */
struct sink {
  struct blob blob;
  int64_t at, most;
};

static int
pour(void *arg, long status, const void *data, size_t size)
{
  struct sink *sink = arg;
  if (!data) {
    sink->at = status == 206 ? sink->blob.size : 0;
    return 0;
  }
  int64_t over = sink->blob.size - sink->at;
  sink->at += size;
  if (over >= (int64_t)size)
    return 0;
  const char *new = data;
  new += over > 0 ? over : 0;
  size -= over > 0 ? over : 0;
  if (sink->blob.size + (int64_t)size > sink->most)
    return refuse(EBADMSG, "more than %lld bytes", (long long)sink->most);
  return blob_write(&sink->blob, new, size);
}

/* One connection. 1: that was all; 0: it was cut; -1. */
static int
draw(struct registry *registry, struct sink *sink, const char *url)
{
  struct answer_http answer;
  struct request request = {.url = url, .from = sink->blob.size, .on_data = pour,
                            .arg = sink};
  if (registry_ask(registry, &request, &answer) < 0)
    return errno == ECONNRESET ? 0 : -1;
  int result = 1;
  if (answer.status / 100 != 2 && answer.status != 416)
    result = http_refused(&answer, "fetch %s", url);
  http_free(&answer);
  return result;
}

int
blob_pull(struct registry *registry, int store, const struct descriptor *want)
{
  struct sink sink = {.most = want->size};
  autofree char *url = NULL;
  int there = blob_open(store, want);
  if (there >= 0)
    close(there);
  if (there >= 0 || errno != ENOENT)
    return there < 0 ? -1 : 0;
  if (asprintf(&url, "/v2/%s/blobs/%s", registry->repository, want->digest) < 0)
    return refuse(ENOMEM, "no memory");
  if (blob_begin(store, &sink.blob) < 0)
    return -1;
  for (int idle = 0, result = 0; result == 0;) {
    int64_t before = sink.blob.size;
    result = draw(registry, &sink, url);
    idle = sink.blob.size > before ? 0 : idle + 1;
    if (result == 0 && idle == PULL_TRIES) {
      result = -1;
      errno = ECONNRESET;
    }
    if (result < 0) {
      blob_drop(&sink.blob);
      return -1;
    }
    if (result == 0)
      nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
  return blob_finish(&sink.blob, want, NULL);
}

/* Straight into the store; and blob_finish compares it with what it should be. */
int
manifest_pull(struct registry *registry, int store, const char *which,
              struct descriptor *got)
{
  static const char *const headers[] = {
      "Accept: application/vnd.oci.image.index.v1+json",
      "Accept: application/vnd.oci.image.manifest.v1+json",
      "Accept: application/vnd.docker.distribution.manifest.list.v2+json",
      "Accept: application/vnd.docker.distribution.manifest.v2+json", NULL};
  struct sink sink = {.most = JSON_LIMIT};
  struct answer_http answer = {0};
  autofree char *url = NULL;
  if (asprintf(&url, "/v2/%s/manifests/%s", registry->repository, which) < 0)
    return refuse(ENOMEM, "no memory");
  struct request request = {.url = url, .headers = headers, .limit = JSON_LIMIT,
                            .on_data = pour, .arg = &sink};
  if (blob_begin(store, &sink.blob) < 0)
    return -1;
  const char *by_digest = strncmp(which, "sha256:", 7) == 0 ? which : NULL, *should = NULL;
  int result = registry_ask(registry, &request, &answer);
  if (result == 0 && answer.status != 200)
    result = http_refused(&answer, "fetch %s", url);
  if (result == 0) {
    enum media media = media_of(answer.media_type ?: "");
    should = by_digest ?: answer.digest;
    if (media != MEDIA_MANIFEST && media != MEDIA_INDEX)
      result = refuse(ENOTSUP, "%s: %s", url, answer.media_type);
    else if (should && answer.digest && strcmp(should, answer.digest) != 0)
      result = refuse(EBADMSG, "%s: comes as %s", url, answer.digest);
  }
  if (result < 0)
    blob_drop(&sink.blob);
  else {
    struct descriptor want = {.size = sink.blob.size};
    snprintf(want.digest, sizeof want.digest, "%.71s", should ?: "");
    result = blob_finish(&sink.blob, should ? &want : NULL, got);
    snprintf(got->media_type, sizeof got->media_type, "%s", answer.media_type);
  }
  http_free(&answer);
  return result;
}

/* Each layer in a thread, and as many threads as layers, but 8. */
struct job {
  pthread_t thread;
  struct registry *registry;
  int store, result, error;
  const struct descriptor *blob;
  char message[4096];
};

static void *
run(void *arg)
{
  struct job *job = arg;
  job->result = blob_pull(job->registry, job->store, job->blob);
  job->error = errno;
  snprintf(job->message, sizeof job->message, "%s", failure());
  return NULL;
}

static int
pull_some(struct registry *registry, int store, const struct descriptor *blobs, size_t count)
{
  struct job *jobs = calloc(count + 1, sizeof *jobs);
  int result = jobs ? 0 : fail("no memory");
  for (size_t i = 0; jobs && i < count; i++) {
    jobs[i] = (struct job){.registry = registry, .store = store, .blob = &blobs[i]};
    if (pthread_create(&jobs[i].thread, NULL, run, &jobs[i]) != 0) {
      run(&jobs[i]);
      jobs[i].thread = 0;
    }
  }
  for (size_t i = 0; jobs && i < count; i++) {
    if (jobs[i].thread)
      pthread_join(jobs[i].thread, NULL);
    if (jobs[i].result < 0 && result == 0)
      result = refuse(jobs[i].error, "%s", jobs[i].message);
  }
  free(jobs);
  return result;
}

int
image_pull(struct registry *registry, int store, const struct reference *reference,
           const char *name, const struct platform *want)
{
  struct descriptor at, config;
  struct image image;
  if (manifest_pull(registry, store, *reference->digest ? reference->digest : reference->tag,
                    &at) < 0)
    return -1;
  if (media_of(at.media_type) == MEDIA_INDEX && choice_pull(registry, store, want, &at) < 0)
    return -1;
  if (manifest_config(store, &at, &config) < 0 || blob_pull(registry, store, &config) < 0 ||
      image_read(store, &at, want, &image) < 0)
    return -1;
  int result = 0;
  for (size_t i = 0; result == 0 && i < image.count; i += 8)
    result = pull_some(registry, store, image.layers + i,
                       image.count - i < 8 ? image.count - i : 8);
  if (result == 0)
    result = image_put(store, name, &image);
  image_free(&image);
  return result;
}

/* ---- push ---- */

enum { CHUNK = 100000 };

/* Send a piece; *location becomes where the next goes. */
static int
send_chunk(struct registry *registry, int file, int64_t from, int64_t size, char **location)
{
  char range[64];
  struct answer_http answer;
  snprintf(range, sizeof range, "Content-Range: %lld-%lld", (long long)from,
           (long long)(from + size - 1));
  struct request request = {
      .method = "PATCH", .url = *location, .upload = file, .upload_from = from,
      .upload_size = size,
      .headers = (const char *[]){"Content-Type: application/octet-stream", range, NULL}};
  if (registry_ask(registry, &request, &answer) < 0)
    return -1;
  int result = 0;
  if (answer.status != 202)
    result = http_refused(&answer, "send a piece");
  else if (answer.location) {
    free(*location);
    *location = strdup(answer.location);
  }
  http_free(&answer);
  return result;
}

/* A request without a body; the status has to be one of two. Which it was, or -1. */
static long
short_ask(struct registry *registry, const char *method, const char *url, long a, long b,
          char **location)
{
  struct answer_http answer;
  if (registry_ask(registry, &(struct request){.method = method, .url = url}, &answer) < 0)
    return -1;
  long status = answer.status;
  if (status != a && status != b)
    status = http_refused(&answer, "%s %s", method, url);
  else if (location && status == 202 && !answer.location)
    status = refuse(EBADMSG, "%s: no Location", url);
  else if (location && answer.location)
    *location = strdup(answer.location);
  http_free(&answer);
  return status;
}

int
blob_push(struct registry *registry, int store, const struct descriptor *blob,
          const char *from)
{
  autofree char *url = NULL, *start = NULL, *location = NULL;
  autoclose int file = blob_open(store, blob);
  if (file < 0)
    return -1;
  if (asprintf(&url, "/v2/%s/blobs/%s", registry->repository, blob->digest) < 0 ||
      asprintf(&start, "/v2/%s/blobs/uploads/%s%s%s%s", registry->repository,
               from ? "?from=" : "", from ?: "", from ? "&mount=" : "",
               from ? blob->digest : "") < 0)
    return refuse(ENOMEM, "no memory");
  long status = short_ask(registry, "HEAD", url, 200, 404, NULL);
  if (status != 404)
    return status < 0 ? -1 : 0;
  status = short_ask(registry, "POST", start, 202, from ? 201 : 202, &location);
  if (status != 202)
    return status < 0 ? -1 : 0;
  for (int64_t at = 0; at < blob->size; at += CHUNK)
    if (send_chunk(registry, file, at, blob->size - at < CHUNK ? blob->size - at : CHUNK,
                   &location) < 0)
      return -1;
  autofree char *last = url_with(location, "digest", blob->digest);
  return last && short_ask(registry, "PUT", last, 201, 201, NULL) == 201 ? 0 : -1;
}

int
image_push(struct registry *registry, int store, const struct image *image,
           const struct reference *reference)
{
  const char *called = *reference->tag ? reference->tag : image->manifest.digest;
  if (*reference->digest && strcmp(image->manifest.digest, reference->digest) != 0)
    return refuse(EINVAL, "%s: is another image", reference->digest);
  for (size_t i = 0; i <= image->count; i++) {
    const struct descriptor *blob = i < image->count ? &image->layers[i] : &image->config;
    char from[256];
    if (blob_push(registry, store, blob,
                  mount_source(store, reference, blob, from) ? from : NULL) < 0)
      return -1;
  }
  autofree char *url = NULL, *type = NULL;
  autoclose int file = blob_open(store, &image->manifest);
  struct answer_http answer;
  if (file < 0 || asprintf(&type, "content-type: %s", image->manifest.media_type) < 0 ||
      asprintf(&url, "/v2/%s/manifests/%s", registry->repository, called) < 0)
    return -1;
  struct request request = {.method = "PUT", .url = url, .upload = file,
                            .upload_size = image->manifest.size,
                            .headers = (const char *[]){type, NULL}};
  if (registry_ask(registry, &request, &answer) < 0)
    return -1;
  int result = answer.status == 201 ? 0 : http_refused(&answer, "push %s", url);
  http_free(&answer);
  return result;
}
