/* registry.c - 4.7: pull and push.
 *
 * A registry is a web server with blobs and manifests, and every one of them is called by
 * its digest. So it makes no difference whether we trust the registry, the network, or a
 * cache between: whoever the bytes come from, they are the right ones or none. What is
 * left to trust is the one thing that has a name and no digest: the tag.
 *
 *     GET  /v2/library/debian/manifests/12        -> the manifest (or an index)
 *     GET  /v2/library/debian/blobs/sha256:...    -> its config, its layers
 *
 * Pushing goes the other way round, the manifest last: nobody shall ever see one whose
 * blobs are not there. And pulling writes the name last, for the same reason.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

/* ---- references ---- */

//>
/* Put what a reference has in front of tag and digest into host and repository. */
static int
read_name(char *name, struct reference *reference)
{
  const char *host = "docker.io", *repository = name, *library = "";
  char *slash = strchr(name, '/');
  if (slash) {
    *slash = '\0';
    if (strpbrk(name, ".:") || strcmp(name, "localhost") == 0) {
      host = name;
      repository = slash + 1;
    } else
      *slash = '/';
  }
  if (!host_valid(host))
    return refuse(EINVAL, "\"%.300s\" is no HOST or HOST:PORT", host);
  if (strcmp(host, "docker.io") == 0) {
    host = "registry-1.docker.io";
    library = strchr(repository, '/') ? "" : "library/";
  }
  snprintf(reference->host, sizeof reference->host, "%s", host);
  int n = snprintf(reference->repository, sizeof reference->repository, "%s%s", library,
                   repository);
  return (size_t)n < sizeof reference->repository && repository_valid(reference->repository)
             ? 0
             : refuse(EINVAL, "\"%.300s\" is no repository: small letters and digits, with "
                      ". _ __ or - between them, in parts separated by /; at most 255 bytes",
                      repository);
}
//<

int
reference_parse(const char *text, struct reference *reference)
{
  //> /* TODO 4.7: from the back: a digest, a tag, then the host and the rest. Which ":" is
  //>  * a tag's, and which a port's? */
  //> return todo("4.7", text, reference);
  autofree char *name = strdup(text);
  memset(reference, 0, sizeof *reference);
  if (!name)
    return fail("find memory for a reference");
  if (strstr(name, "://"))
    return refuse(EINVAL, "\"%.300s\": a reference has no https:// in front", text);
  char *digest = strchr(name, '@');
  if (digest) {
    *digest++ = '\0';
    if (!digest_valid(digest))
      return refuse(EINVAL, "\"%.100s\" is no digest: sha256:, and 64 digits of 0-9a-f",
                    digest);
    snprintf(reference->digest, sizeof reference->digest, "%s", digest);
  }
  /* Before the last "/", a ":" is a port's. */
  char *slash = strrchr(name, '/'), *tag = strchr(slash ?: name, ':');
  if (tag) {
    *tag++ = '\0';
    if (!tag_valid(tag))
      return refuse(EINVAL, "\"%.200s\" is no tag: 1 to 128 letters, digits, and _ . -, "
                    "not . or - first", tag);
  }
  snprintf(reference->tag, sizeof reference->tag, "%s", tag ?: digest ? "" : "latest");
  return read_name(name, reference);
  //<
}

/* ---- who asks ---- */

//>
/* May we ask there for a token, perhaps with a password? Else whoever answers in the
 * registry's place, or the registry itself, could have it sent to anywhere. */
static int
check_realm(const struct registry *registry, const char *realm)
{
  struct origin there, base;
  if (url_origin(realm, &there) < 0 || url_origin(registry->base, &base) < 0)
    return -1;
  if (strcmp(there.scheme, "https") == 0 ||
      (strcmp(base.scheme, "http") == 0 && strcmp(there.host, base.host) == 0))
    return 0;
  return refuse(EPERM, "%s sends us to %.200s for a token: we do not ask there, without "
                "encryption", registry->base, realm);
}

/* The text of this key; NULL if it is empty, as Go writes what it does not have. */
static const char *
text_of(const json_t *json, const char *key)
{
  const char *text = json_string_value(json_object_get(json, key));
  return text && *text ? text : NULL;
}

/* Take the token out of the answer, and use it from here on. */
static int
use_token(struct registry *registry, const struct answer_http *answer)
{
  json_auto_t *json = json_read(answer->text, answer->size, "the token server's answer");
  if (!json)
    return -1;
  autofree char *value = NULL;
  const char *token = text_of(json, "token") ?: text_of(json, "access_token");
  if (!token)
    return refuse(EBADMSG, "the token server's answer has no token in it");
  if (asprintf(&value, "Bearer %s", token) < 0)
    return refuse(ENOMEM, "no memory for a token");
  return registry_authorize(registry, value);
}
//<

int
registry_login(struct registry *registry, const struct challenge *challenge)
{
  //> /* TODO 4.7: Basic is easy. For Bearer, look at the realm before you ask there; and
  //>  * whose is the Authorization that you send? */
  //> return todo("4.7", registry, challenge);
  if (challenge->basic && !registry->user)
    return refuse(EACCES, "%s wants a user and a password", registry->base);
  autofree char *password = registry->user ? basic_authorization(registry->user)
                                           : strdup("");
  if (!password)
    return -1;
  if (challenge->basic)
    return registry_authorize(registry, password);
  if (check_realm(registry, challenge->realm) < 0)
    return -1;
  /* The old token of the registry is not for this server: the password, or nothing. */
  struct answer_http answer;
  autofree char *url = challenge_url(challenge);
  if (!url || http_ask(registry, &(struct request){.url = url, .authorization = password},
                       &answer) < 0)
    return -1;
  int result = answer.status == 200
                   ? use_token(registry, &answer)
                   : http_refused(&answer, "get a token from %s", challenge->realm);
  http_free(&answer);
  return result;
  //<
}

int
registry_ask(struct registry *registry, const struct request *request,
             struct answer_http *answer)
{
  //> /* TODO 4.7: http_ask; on 401, answer the challenge and ask again. For ever? */
  //> return todo("4.7", registry, request, answer);

  /* Twice, because of our own threads: one that pushes has got a token for that, and
   * before it can use it another one has put its own there, which is for reading. */
  for (int logins = 0;; logins++) {
    struct challenge challenge;
    if (http_ask(registry, request, answer) < 0)
      return -1;
    if (answer->status != 401 || !answer->challenge || logins >= 2)
      return 0;
    if (challenge_parse(answer->challenge, &challenge) < 0 ||
        registry_login(registry, &challenge) < 0) {
      http_free(answer);
      return -1;
    }
    http_free(answer);
    logins += challenge.basic; /* a password does not become right by saying it again */
  }
  //<
}

/* ---- pull ---- */

//>
/* A blob on its way to us. */
struct fetch {
  struct registry *registry;     /* where from */
  int store;                     /* where to */
  const struct descriptor *want; /* what it should be */
  struct blob blob;              /* what we have of it */
};

/* http_ask's on_data. */
static int
on_piece(void *arg, long status, const void *data, size_t size)
{
  struct fetch *fetch = arg;
  if (!data && status != 206 && fetch->blob.size > 0) {
    /* We asked for the rest, and it begins at the beginning. So do we. */
    progress_add(-fetch->blob.size);
    blob_drop(&fetch->blob);
    return blob_begin(fetch->store, &fetch->blob);
  }
  if ((int64_t)size > fetch->want->size - fetch->blob.size)
    return refuse(EBADMSG, "the blob %s should have %lld bytes, and %s sends more",
                  fetch->want->digest, (long long)fetch->want->size, fetch->registry->base);
  progress_add(size);
  return size ? blob_write(&fetch->blob, data, size) : 0;
}

/* Ask for what we do not have yet. Returns 0 when the answer came to its end. */
static int
fetch_rest(struct fetch *fetch)
{
  char url[512];
  struct answer_http answer;
  const char *digest = fetch->want->digest, *base = fetch->registry->base;
  snprintf(url, sizeof url, "/v2/%s/blobs/%s", fetch->registry->repository, digest);
  struct request request = {.url = url, .from = fetch->blob.size, .on_data = on_piece,
                            .arg = fetch};
  if (registry_ask(fetch->registry, &request, &answer) < 0)
    return -1;
  int result = answer.status == 200 || answer.status == 206 ? 0
               : answer.status == 416 /* there is no byte behind those that we have */
                   ? refuse(EBADMSG, "the blob %s should have %lld bytes, and %s has %lld",
                            digest, (long long)fetch->want->size, base,
                            (long long)fetch->blob.size)
                   : http_refused(&answer, "get the blob %s from %s", digest, base);
  http_free(&answer);
  return result;
}

/* Go on as long as something comes. */
static int
fetch_all(struct fetch *fetch)
{
  /* The most that we have ever had: one that always begins at the beginning, and is
   * always cut at the same place, brings bytes, but no new ones. */
  int64_t most = 0;
  int tries = 0;
  while (fetch->blob.size < fetch->want->size && fetch_rest(fetch) < 0) {
    int error = errno;
    bool new = fetch->blob.size > most;
    most = new ? fetch->blob.size : most;
    tries = new ? 0 : tries + 1;
    if (error != ECONNRESET || tries == PULL_TRIES) {
      errno = error;
      return -1;
    }
    usleep(50000 * tries);
  }
  return 0;
}
//<

int
blob_pull(struct registry *registry, int store, const struct descriptor *want)
{
  //> /* TODO 4.7: write what comes into a blob of 4.1. When the connection is cut, ask for
  //>  * the rest; and blob_finish tells whether it was worth it. */
  //> return todo("4.7", registry, store, want);
  struct fetch fetch = {.registry = registry, .store = store, .want = want};
  autoclose int there = blob_open(store, want);
  if (there >= 0)
    progress_add(want->size);
  if (there >= 0 || errno != ENOENT)
    return there < 0 ? -1 : 0;
  if (blob_begin(store, &fetch.blob) < 0)
    return -1;
  /* An answer that is too short came to its end, too. blob_finish sees that. */
  if (fetch_all(&fetch) == 0)
    return blob_finish(&fetch.blob, want, NULL);
  blob_drop(&fetch.blob);
  return -1;
  //<
}

//>
/* Which of the manifest's types we read. */
static const char *const accept[] = {
    "Accept: application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json",
    NULL,
};

/* Is that what was asked for, and what the registry says that it is? Fills in `got`. */
static int
check_manifest(const struct answer_http *answer, const char *which, struct descriptor *got)
{
  digest_of(answer->text, answer->size, got->digest);
  got->size = answer->size;
  if (strchr(which, ':') && strcmp(which, got->digest) != 0)
    return refuse(EBADMSG, "the manifest %s was asked for, and what came is %s", which,
                  got->digest);
  if (answer->digest && strcmp(answer->digest, got->digest) != 0)
    return refuse(EBADMSG, "the registry calls a manifest %.80s that is %s",
                  answer->digest, got->digest);
  const char *type = answer->media_type ?: "";
  enum media media = media_of(type);
  snprintf(got->media_type, sizeof got->media_type, "%s", type);
  return media == MEDIA_MANIFEST || media == MEDIA_INDEX
             ? 0 : refuse(ENOTSUP, "%s is no manifest or index that we can read, but \"%.255s\""
                          " (Content-Type)", which, type);
}

/* Put so many bytes into the store. */
static int
keep(int store, const void *data, const struct descriptor *want)
{
  struct blob blob;
  if (blob_begin(store, &blob) < 0)
    return -1;
  if (blob_write(&blob, data, want->size) == 0)
    return blob_finish(&blob, want, NULL);
  blob_drop(&blob);
  return -1;
}
//<

int
manifest_pull(struct registry *registry, int store, const char *which,
              struct descriptor *got)
{
  //> /* TODO 4.7: GET, with an Accept for each of the four types; look at it; and only
  //>  * then write it. */
  //> return todo("4.7", registry, store, which, got);
  char url[512];
  struct answer_http answer;
  snprintf(url, sizeof url, "/v2/%s/manifests/%s", registry->repository, which);
  struct request request = {.url = url, .headers = accept, .limit = JSON_LIMIT};
  if (registry_ask(registry, &request, &answer) < 0)
    return -1;
  int result = answer.status == 200
                   ? check_manifest(&answer, which, got)
                   : http_refused(&answer, "get the manifest %s of %s from %s", which,
                                  registry->repository, registry->base);
  if (result == 0)
    result = keep(store, answer.text, got);
  http_free(&answer);
  return result;
  //<
}

//>
/* What several threads look at at the same time; none of them changes it. */
struct transfer {
  struct registry *registry;         /* with whom */
  int store;                         /* where from, or to */
  const struct image *image;         /* what */
  const struct reference *reference; /* called so there; to push */
};

enum { AT_ONCE = 4 /* layers that travel at the same time */ };

static int
pull_layer(void *arg, size_t i)
{
  struct transfer *t = arg;
  return blob_pull(t->registry, t->store, &t->image->layers[i]);
}
//<

int
image_pull(struct registry *registry, int store, const struct reference *reference,
           const char *name, const struct platform *want)
{
  //> /* TODO 4.7: manifest_pull, choice_pull; the config; image_read; the layers; and
  //>  * image_put, when all is there. Who wants to see how far it is: progress_begin with
  //>  * image_bytes, progress_add in blob_pull, progress_end. */
  //> return todo("4.7", registry, store, reference, name, want);

  /* With a digest, a tag beside it is only for people to read. */
  const char *which = *reference->digest ? reference->digest : reference->tag;
  struct descriptor manifest, config;
  struct image image;
  /* image_read wants no more than the config: so what we cannot use is refused before
   * its gigabytes travel. */
  if (manifest_pull(registry, store, which, &manifest) < 0 ||
      choice_pull(registry, store, want, &manifest) < 0 ||
      manifest_config(store, &manifest, &config) < 0 ||
      blob_pull(registry, store, &config) < 0 ||
      image_read(store, &manifest, want, &image) < 0)
    return -1;
  struct transfer t = {.registry = registry, .store = store, .image = &image};
  progress_begin("pull", image_bytes(&image));
  int result = parallel_run(pull_layer, &t, image.count, AT_ONCE);
  progress_end();
  if (result == 0)
    result = image_put(store, name, &image);
  image_free(&image);
  return result;
  //<
}

/* ---- push ---- */

//>
/* Does the registry have this blob? 1, 0, or -1. */
static int
is_there(struct registry *registry, const struct descriptor *blob)
{
  char url[512];
  struct answer_http answer;
  snprintf(url, sizeof url, "/v2/%s/blobs/%s", registry->repository, blob->digest);
  if (registry_ask(registry, &(struct request){.method = "HEAD", .url = url}, &answer) < 0)
    return -1;
  int result = answer.status == 200   ? 1
               : answer.status == 404 ? 0
                                      : http_refused(&answer, "ask %s for the blob %s",
                                                     registry->base, blob->digest);
  http_free(&answer);
  return result;
}

/* Ask to upload a blob, or to have it mounted from elsewhere. Where to upload it goes to
 * `location` (free(3)); NULL: there is nothing left to do. */
static int
begin_upload(struct registry *registry, const struct descriptor *blob, const char *from,
             char **location)
{
  char url[512];
  snprintf(url, sizeof url, "/v2/%s/blobs/uploads/", registry->repository);
  autofree char *mount = from ? url_with(url, "mount", blob->digest) : NULL;
  autofree char *mount_from = mount ? url_with(mount, "from", from) : NULL;
  struct answer_http answer;
  if ((from && !mount_from) ||
      registry_ask(registry, &(struct request){.method = "POST", .url = mount_from ?: url},
                   &answer) < 0)
    return -1;
  int result = 0;
  if (from && answer.status == 201)
    *location = NULL;
  else if (answer.status != 202)
    result = http_refused(&answer, "begin to upload the blob %s to %s", blob->digest,
                          registry->base);
  else if (!answer.location)
    result = refuse(EBADMSG, "%s does not say where to upload to (Location)",
                    registry->base);
  else if (!(*location = url_with(answer.location, "digest", blob->digest)))
    result = -1;
  http_free(&answer);
  return result;
}

/* PUT a blob of the store to this URL. */
static int
put(struct registry *registry, int store, const struct descriptor *blob, const char *url,
    const char *type)
{
  char header[MEDIA_SIZE + 32];
  struct answer_http answer;
  autoclose int file = blob_open(store, blob);
  if (file < 0)
    return -1;
  snprintf(header, sizeof header, "Content-Type: %s", type);
  struct request request = {.method = "PUT", .url = url, .upload = file,
                            .upload_size = blob->size,
                            .headers = (const char *[]){header, NULL}};
  if (registry_ask(registry, &request, &answer) < 0)
    return -1;
  int result = answer.status == 201 ? 0 : http_refused(&answer, "upload %s to %s",
                                                       blob->digest, registry->base);
  http_free(&answer);
  return result;
}
//<

int
blob_push(struct registry *registry, int store, const struct descriptor *blob,
          const char *from)
{
  //> /* TODO 4.7: HEAD; then POST, and PUT to the Location that it gives (url_with). With
  //>  * `from`, the POST may be all that it takes. */
  //> return todo("4.7", registry, store, blob, from);
  autofree char *location = NULL;
  int there = is_there(registry, blob);
  if (there < 0 || (!there && begin_upload(registry, blob, from, &location) < 0))
    return -1;
  if (location)
    return put(registry, store, blob, location, "application/octet-stream");
  progress_add(blob->size); /* it did not need to travel */
  return 0;
  //<
}

//>
static int
push_blob(struct transfer *t, const struct descriptor *blob)
{
  char from[256];
  bool known = mount_source(t->store, t->reference, blob, from);
  return blob_push(t->registry, t->store, blob, known ? from : NULL);
}

static int
push_layer(void *arg, size_t i)
{
  struct transfer *t = arg;
  return push_blob(t, &t->image->layers[i]);
}
//<

int
image_push(struct registry *registry, int store, const struct image *image,
           const struct reference *reference)
{
  //> /* TODO 4.7: config and layers, from where they are if one knows (mount_source); then
  //>  * PUT the manifest, with its own type. Who wants to see how far it is: progress_begin
  //>  * and progress_end; http_ask counts what is sent. */
  //> return todo("4.7", registry, store, image, reference);
  struct transfer t = {.registry = registry, .store = store, .image = image,
                       .reference = reference};
  char url[512];
  if (*reference->digest && strcmp(reference->digest, image->manifest.digest) != 0)
    return refuse(EINVAL, "the image's digest is %s, so it cannot be pushed as %s",
                  image->manifest.digest, reference->digest);
  snprintf(url, sizeof url, "/v2/%s/manifests/%s", registry->repository,
           *reference->tag ? reference->tag : reference->digest);
  progress_begin("push", image_bytes(image));
  /* The config goes alone: so there is a token for all when the layers follow. */
  int result = push_blob(&t, &image->config);
  if (result == 0)
    result = parallel_run(push_layer, &t, image->count, AT_ONCE);
  if (result == 0)
    result = put(registry, store, &image->manifest, url, image->manifest.media_type);
  progress_end();
  return result;
  //<
}
