/* http.c - one exchange with a web server, by libcurl. Given.
 *
 * libcurl does the work: TLS, certificates, proxies, connections that stay open. What it
 * may do is narrow: https, and http to this machine; no redirect (ask.c looks at those,
 * because a redirect is what a stranger asks us to do); no answer without an end.
 * Sources: libcurl's manual pages, CURLOPT_*(3). */
#include "http.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"

enum {
  SILENCE = 30,            /* s without a byte */
  ERROR_TEXT = 64 * 1024,  /* bytes of an error's body that we keep */
};

/* A handle of libcurl is for one thread at a time. Who wants one takes it from those
 * that are idle, and with it a connection that is open already. */
static CURL *
take_handle(struct connections *connections)
{
  CURL *curl = NULL;
  pthread_mutex_lock(&connections->lock);
  if (connections->count > 0)
    curl = connections->idle[--connections->count];
  pthread_mutex_unlock(&connections->lock);
  return curl ?: curl_easy_init();
}

static void
give_handle(struct connections *connections, CURL *curl)
{
  pthread_mutex_lock(&connections->lock);
  if (connections->count < IDLE) {
    curl_easy_reset(curl); /* forgets all but its connections */
    connections->idle[connections->count++] = curl;
    curl = NULL;
  }
  pthread_mutex_unlock(&connections->lock);
  curl_easy_cleanup(curl);
}

/* ---- what comes and goes ---- */

/* One request on its way. */
struct exchange {
  const struct request *request;
  struct answer_http *answer;   /* what has come so far */
  CURL *curl;
  int64_t got;                  /* bytes of its body */
  int64_t sent;                 /* bytes that we have sent */
  bool told;                    /* on_data knows the status */
  bool enough;                  /* of an error's body: it is no failure that we stop */
  int error;                    /* errno why we stopped ourselves; 0: we have not */
};

/* Give on_data the status, or a piece. Returns false when it has had enough. */
static bool
tell(struct exchange *x, const void *data, size_t size)
{
  if (x->request->on_data(x->request->arg, x->answer->status, data, size) == 0)
    return true;
  x->error = errno ?: EIO;
  return false;
}

/* Is that an answer whose body somebody waits for? */
static bool
is_for_on_data(const struct exchange *x)
{
  return x->request->on_data && x->answer->status / 100 == 2;
}

/* Keep a piece in `text`. */
static bool
keep(struct exchange *x, const void *data, size_t size)
{
  char *text = realloc(x->answer->text, x->answer->size + size + 1);
  if (!text) {
    x->error = errno;
    return fail("find memory for an answer"), false;
  }
  memcpy(text + x->answer->size, data, size);
  x->answer->text = text;
  x->answer->size += size;
  text[x->answer->size] = '\0';
  return true;
}

/* CURLOPT_WRITEFUNCTION(3): a piece of the body. What we return but `size` ends it. */
static size_t
on_body(char *data, size_t one, size_t size, void *arg)
{
  struct exchange *x = arg;
  int64_t limit = x->request->limit ?: x->request->on_data ? INT64_MAX : JSON_LIMIT;
  (void)one; /* it is 1 */
  curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->answer->status);
  if (x->answer->status / 100 != 2) {
    size_t room = ERROR_TEXT - x->answer->size;
    x->enough = size > room;
    return keep(x, data, size < room ? size : room) && !x->enough ? size : 0;
  }
  /* What it says itself that there will be counts, too: why wait for that? */
  curl_off_t length = 0;
  curl_easy_getinfo(x->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length > limit || (int64_t)size > limit - x->got) {
    x->error = EFBIG;
    refuse(EFBIG, "the answer has more than %lld bytes", (long long)limit);
    return 0;
  }
  x->got += size;
  if (!is_for_on_data(x))
    return keep(x, data, size) ? size : 0;
  bool first = !x->told;
  x->told = true;
  return (first && !tell(x, NULL, 0)) || !tell(x, data, size) ? 0 : size;
}

/* If the header line is NAME, keep its value. */
static void
keep_header(char **to, const char *name, const char *line, size_t size)
{
  size_t length = strlen(name);
  if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
    return;
  for (line += length + 1, size -= length + 1; size > 0 && isspace(*line & 0xff); size--)
    line++;
  while (size > 0 && isspace(line[size - 1] & 0xff))
    size--;
  free(*to);
  *to = strndup(line, size);
}

static bool
is_ours(const char *challenge)
{
  return challenge && (strncasecmp(challenge, "Bearer", 6) == 0 ||
                       strncasecmp(challenge, "Basic", 5) == 0);
}

/* CURLOPT_HEADERFUNCTION(3): a line. */
static size_t
on_header(char *line, size_t one, size_t size, void *arg)
{
  struct answer_http *answer = ((struct exchange *)arg)->answer;
  (void)one;
  keep_header(&answer->location, "Location", line, size);
  keep_header(&answer->digest, "Docker-Content-Digest", line, size);
  keep_header(&answer->media_type, "Content-Type", line, size);
  if (answer->media_type)
    answer->media_type[strcspn(answer->media_type, "; \t")] = '\0';
  if (!is_ours(answer->challenge))
    keep_header(&answer->challenge, "WWW-Authenticate", line, size);
  return size;
}

/* CURLOPT_READFUNCTION(3): what we send. */
static size_t
on_send(char *data, size_t one, size_t size, void *arg)
{
  struct exchange *x = arg;
  const struct request *request = x->request;
  int64_t left = request->upload_size - x->sent;
  (void)one;
  ssize_t n = pread(request->upload, data, (int64_t)size < left ? (int64_t)size : left,
                    request->upload_from + x->sent);
  if (n < 0 || (n == 0 && left > 0)) {
    x->error = n < 0 ? errno : EIO;
    refuse(x->error, "cannot read what is to be sent: %s",
           n < 0 ? strerror(errno) : "the file is shorter than it was");
    return CURL_READFUNC_ABORT;
  }
  x->sent += n;
  progress_add(n);
  return n;
}

/* CURLOPT_SEEKFUNCTION(3): once more, on another connection. */
static int
on_seek(void *arg, curl_off_t offset, int from)
{
  struct exchange *x = arg;
  (void)from; /* it is SEEK_SET */
  progress_add(offset - x->sent);
  x->sent = offset;
  return CURL_SEEKFUNC_OK;
}

/* ---- one exchange ---- */

/* What may be asked at all. */
static void
set_bounds(CURL *curl, const char *url)
{
  bool here = strncmp(url, "http:", 5) == 0; /* others were refused before */
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, here ? "http" : "https");
#else
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(here ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
  if (here) /* a proxy is another machine */
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
  /* Certificates of one's own, by the variable that OpenSSL's programs read. */
  if (getenv("SSL_CERT_FILE"))
    curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* threads */
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)SILENCE);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE);
}

static void
set_request(CURL *curl, struct exchange *x, const char *url)
{
  const struct request *request = x->request;
  const char *method = request->method ?: "GET";
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "img");
  if (strcmp(method, "HEAD") == 0)
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  else if (strcmp(method, "GET") != 0) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->upload_size);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
  }
  if (request->from > 0) {
    char range[32];
    snprintf(range, sizeof range, "%lld-", (long long)request->from);
    curl_easy_setopt(curl, CURLOPT_RANGE, range);
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
  curl_easy_setopt(curl, CURLOPT_READDATA, x);
  curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(curl, CURLOPT_SEEKDATA, x);
}

/* The headers to send. Memory for curl_slist_free_all. */
static struct curl_slist *
make_headers(const struct request *request, const char *authorization)
{
  /* Do not wait for a "100 Continue": few registries send it. */
  struct curl_slist *list = curl_slist_append(NULL, "Expect:");
  for (const char *const *header = request->headers; header && *header; header++)
    list = curl_slist_append(list, *header) ?: list;
  char *line = NULL;
  if (authorization && *authorization &&
      asprintf(&line, "Authorization: %s", authorization) >= 0)
    list = curl_slist_append(list, line) ?: list;
  free(line);
  return list;
}

/* Which errno stands for what libcurl says. */
static int
error_of(CURLcode code)
{
  switch (code) {
  case CURLE_COULDNT_CONNECT: return ECONNREFUSED;
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY: return EHOSTUNREACH;
  case CURLE_OPERATION_TIMEDOUT: return ETIMEDOUT;
  case CURLE_PARTIAL_FILE:
  case CURLE_GOT_NOTHING:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_HTTP2:
  case CURLE_HTTP2_STREAM: return ECONNRESET;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE: return EPROTO;
  case CURLE_OUT_OF_MEMORY: return ENOMEM;
  default: return EIO;
  }
}

/* curl_easy_perform(3), without SIGPIPE: TLS writes to a connection that the other side
 * has closed, and that signal would be our end (signal(7)). */
static CURLcode
perform(CURL *curl)
{
  sigset_t pipe, before, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  bool was = sigismember(&pending, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  CURLcode code = curl_easy_perform(curl);
  if (!was)
    while (sigtimedwait(&pipe, NULL, &(struct timespec){0}) >= 0)
      ;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

/* Say what happened. A message names no query: there are keys in some of them. */
static int
say(struct exchange *x, CURLcode code, const char *url, const char *why)
{
  if (x->error) {
    errno = x->error; /* and the message is there */
    return -1;
  }
  const char *advice = error_of(code) == EPROTO
      ? " (a certificate of your own: put its file's name into SSL_CERT_FILE)" : "";
  return refuse(error_of(code), "%s %.*s: %s%s", x->request->method ?: "GET",
                (int)strcspn(url, "?"), url, *why ? why : curl_easy_strerror(code), advice);
}

int
http_exchange(struct connections *connections, const struct request *request,
              const char *url, const char *authorization, struct answer_http *answer)
{
  char why[CURL_ERROR_SIZE] = "";
  struct exchange x = {.request = request, .answer = answer};
  CURL *curl = take_handle(connections);
  if (!curl || !keep(&(struct exchange){.answer = answer}, "", 0)) {
    curl_easy_cleanup(curl);
    return refuse(ENOMEM, "no memory to ask %s", url);
  }
  struct curl_slist *headers = make_headers(request, authorization);
  x.curl = curl;
  set_bounds(curl, url);
  set_request(curl, &x, url);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
  CURLcode code = perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
  if ((code == CURLE_OK || x.enough) && !x.error) {
    code = CURLE_OK;
    if (is_for_on_data(&x) && !x.told && !tell(&x, NULL, 0))
      code = CURLE_WRITE_ERROR;
  } else if (code == CURLE_OK)
    code = CURLE_WRITE_ERROR;
  int result = code == CURLE_OK ? 0 : say(&x, code, url, why);
  int error = errno;
  if (result < 0 || answer->status / 100 != 2) /* it was sent in vain */
    progress_add(-x.sent);
  give_handle(connections, curl);
  curl_slist_free_all(headers);
  errno = error;
  return result;
}

