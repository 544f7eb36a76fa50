/* registry_answer.c - what the registry of tests has, and takes. Its files:
 *
 *     REPOSITORY/blobs/DIGEST
 *     REPOSITORY/manifests/TAG-OR-DIGEST, and beside it NAME.type and NAME.digest
 *     uploads/ID
 */
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What we are about to say. */
struct said {
  int status;
  char *body;           /* free(3) */
  int64_t size;         /* of it */
  int64_t first;        /* the first byte of it that is sent */
  char location[4200];
  char digest[512];
  char type[512];
};

enum { FLOOD = 64 << 20 /* bytes that we send to one who does not stop us */ };

/* Read a whole file. NULL if there is none. */
static char *
slurp(const char *path, int64_t *size)
{
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  char *bytes = NULL;
  if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
    return fd < 0 ? NULL : (close(fd), NULL);
  bytes = calloc(1, st.st_size + 1);
  *size = read(fd, bytes, st.st_size);
  close(fd);
  return bytes;
}

static void
slurp_line(char *to, size_t size, const char *path, const char *suffix)
{
  char whole[4200];
  int64_t length;
  snprintf(whole, sizeof whole, "%s%s", path, suffix);
  char *bytes = slurp(whole, &length);
  if (bytes)
    snprintf(to, size, "%s", bytes);
  free(bytes);
}

/* Write a file, with the directories above it. */
static bool
store(const char *path, const void *bytes, int64_t size, int flags)
{
  char above[4200];
  for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
    snprintf(above, sizeof above, "%.*s", (int)(slash - path), path);
    mkdir(above, 0755);
  }
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
  bool good = fd >= 0 && write(fd, bytes, size) == size;
  if (fd >= 0)
    close(fd);
  return good;
}

/* The value of a query's parameter, with %3A and the like as what they mean. */
static bool
parameter(const char *query, const char *name, char *to, size_t size)
{
  size_t length = strlen(name), n = 0;
  while (strncmp(query, name, length) != 0 || query[length] != '=') {
    if (!(query = strchr(query, '&')))
      return false;
    query++;
  }
  for (query += length + 1; *query && *query != '&' && n + 1 < size; query++) {
    unsigned c = *query;
    if (*query == '%' && sscanf(query + 1, "%2x", &c) == 1)
      query += 2;
    to[n++] = c;
  }
  to[n] = '\0';
  return !strstr(to, "..");
}

/* ---- uploads ---- */

static void
begin_upload(const struct asked *asked, const struct lies *lies, const char *repository,
             struct said *said)
{
  static int number;
  char digest[256], from[256], path[2048], there[2048];
  if (parameter(asked->query, "mount", digest, sizeof digest) &&
      parameter(asked->query, "from", from, sizeof from) && !lies->no_mount) {
    int64_t size;
    snprintf(there, sizeof there, "%s/blobs/%s", from, digest);
    snprintf(path, sizeof path, "%s/blobs/%s", repository, digest);
    char *bytes = slurp(there, &size);
    if (bytes && store(path, bytes, size, O_TRUNC)) {
      said->status = 201;
      snprintf(said->location, sizeof said->location, "/v2/%s/blobs/%s", repository, digest);
      free(bytes);
      return;
    }
    free(bytes);
  }
  said->status = 202;
  snprintf(path, sizeof path, "uploads/%d-%d", getpid(), ++number);
  store(path, "", 0, O_TRUNC);
  snprintf(said->location, sizeof said->location, "/v2/%s/blobs/%s?state=0", repository, path);
}

/* PATCH: more of it. PUT: the last of it, and its digest. */
static void
go_on(const struct asked *asked, const char *repository, const char *upload,
      struct said *said)
{
  char path[2048], digest[256], state[32];
  struct stat st;
  said->status = 404;
  snprintf(path, sizeof path, "uploads/%.200s", upload);
  if (stat(path, &st) < 0)
    return;
  said->status = 400; /* a Location's query is part of it, and each has a new one */
  if (!parameter(asked->query, "state", state, sizeof state) || atoll(state) != st.st_size)
    return;
  store(path, asked->body, asked->length, O_APPEND);
  said->status = 202;
  snprintf(said->location, sizeof said->location, "/v2/%s/blobs/%s?state=%lld", repository,
           path, (long long)(st.st_size + asked->length));
  if (strcmp(asked->method, "PUT") != 0)
    return;
  said->status = 400;
  if (!parameter(asked->query, "digest", digest, sizeof digest))
    return;
  snprintf(said->location, sizeof said->location, "/v2/%s/blobs/%s", repository, digest);
  char blob[2048];
  snprintf(blob, sizeof blob, "%s/blobs/%s", repository, digest);
  int64_t size;
  char *bytes = slurp(path, &size);
  said->status = bytes && store(blob, bytes, size, O_TRUNC) ? 201 : 500;
  free(bytes);
  unlink(path);
}

/* ---- blobs and manifests ---- */

static void
give(const char *path, struct said *said)
{
  said->body = slurp(path, &said->size);
  said->status = said->body ? 200 : 404;
  slurp_line(said->type, sizeof said->type, path, ".type");
  slurp_line(said->digest, sizeof said->digest, path, ".digest");
}

/* A manifest comes last: what it names must be there. */
static void
take_manifest(const struct asked *asked, const char *repository, const char *path,
              struct said *said)
{
  char blob[2048], type[2100];
  struct stat st;
  said->status = 400;
  for (const char *at = asked->body; (at = strstr(at, "\"sha256:")); at += 8) {
    snprintf(blob, sizeof blob, "%s/blobs/%.71s", repository, at + 1);
    if (stat(blob, &st) == 0)
      continue;
    said->body = strdup("{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}");
    said->size = strlen(said->body);
    return;
  }
  snprintf(type, sizeof type, "%s.type", path);
  store(path, asked->body, asked->length, O_TRUNC);
  store(type, asked->type, strlen(asked->type), O_TRUNC);
  said->status = 201;
  snprintf(said->location, sizeof said->location, "%s", asked->path);
}

static void
find_answer(const struct asked *asked, const struct lies *lies, struct said *said)
{
  char repository[1024], path[2048];
  bool reads = strcmp(asked->method, "GET") == 0 || strcmp(asked->method, "HEAD") == 0;
  const char *what = strstr(asked->path, "/blobs/") ?: strstr(asked->path, "/manifests/");
  said->status = 404;
  if (strncmp(asked->path, "/v2/", 4) != 0 || !what || what < asked->path + 4 ||
      strstr(asked->path, ".."))
    return;
  snprintf(repository, sizeof repository, "%.*s", (int)(what - asked->path - 4),
           asked->path + 4);
  snprintf(path, sizeof path, "%.1000s%.1000s", repository, what);
  const char *upload = "/blobs/uploads/";
  if (strncmp(what, upload, strlen(upload)) == 0 && !reads) {
    if (strcmp(asked->method, "POST") == 0 && !what[strlen(upload)])
      begin_upload(asked, lies, repository, said);
    else
      go_on(asked, repository, what + strlen(upload), said);
  } else if (reads)
    give(path, said);
  else if (strcmp(asked->method, "PUT") == 0 && strncmp(what, "/manifests/", 11) == 0)
    take_manifest(asked, repository, path, said);
  else
    said->status = 405;
}

/* ---- saying it ---- */

/* Change what is right into what we were told to say. */
static void
lie(const struct asked *asked, const struct lies *lies, struct said *said)
{
  if (lies->status)
    said->status = lies->status;
  if (*lies->text || (lies->status && lies->status != 200)) {
    free(said->body);
    said->body = strdup(lies->text);
    said->size = strlen(lies->text);
  }
  if (*lies->location)
    snprintf(said->location, sizeof said->location, "%s",
             strcmp(lies->location, "-") == 0 ? "" : lies->location);
  if (*lies->digest)
    snprintf(said->digest, sizeof said->digest, "%s",
             strcmp(lies->digest, "-") == 0 ? "" : lies->digest);
  if (*lies->type)
    snprintf(said->type, sizeof said->type, "%s", lies->type);
  if (lies->wrong && said->size > 0)
    said->body[said->size / 2] ^= 1;
  if (lies->add) {
    said->body = realloc(said->body, said->size + (lies->add > 0 ? lies->add : 0) + 1);
    if (lies->add > 0)
      memset(said->body + said->size, 'x', lies->add);
    said->size = said->size + lies->add > 0 ? said->size + lies->add : 0;
  }
  if (asked->from > 0 && said->status == 200 && !lies->whole) {
    said->status = asked->from < said->size ? 206 : 416;
    said->first = asked->from < said->size ? asked->from : said->size;
  }
}

static bool
send_all(int connection, const char *bytes, int64_t size)
{
  while (size > 0) {
    ssize_t n = send(connection, bytes, size, MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    bytes += n;
    size -= n;
  }
  return true;
}

/* Send bytes until nobody wants them any more. */
static void
send_flood(int connection, const struct asked *asked)
{
  static char spaces[1 << 16];
  int64_t sent = 0;
  memset(spaces, ' ', sizeof spaces);
  while (sent < FLOOD && send_all(connection, spaces, sizeof spaces))
    sent += sizeof spaces;
  note("flood\t%s\tsent=%lld", asked->target, (long long)sent);
}

static int
make_head(char *head, size_t size, const struct lies *lies, const struct said *said)
{
  int n = snprintf(head, size, "HTTP/1.1 %d because\r\n", said->status);
  const struct { const char *name, *value; } lines[] = {
      {"Location", said->location}, {"Docker-Content-Digest", said->digest},
      {"Content-Type", said->type}};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (*lines[i].value)
      n += snprintf(head + n, size - n, "%s: %s\r\n", lines[i].name, lines[i].value);
  if (*lies->header)
    n += snprintf(head + n, size - n, "%s\r\n", lies->header);
  if (said->status == 206)
    n += snprintf(head + n, size - n, "Content-Range: bytes %lld-%lld/%lld\r\n",
                  (long long)said->first, (long long)said->size - 1, (long long)said->size);
  if (lies->flood)
    n += snprintf(head + n, size - n, "Connection: close\r\n\r\n");
  else
    n += snprintf(head + n, size - n, "Content-Length: %lld\r\n\r\n",
                  lies->huge ? 10000000000 : (long long)(said->size - said->first));
  return n;
}

bool
answer(int connection, const struct asked *asked, const struct lies *lies)
{
  static char head[32768];
  struct said said = {0};
  bool ends = lies->drop || lies->flood || lies->huge;
  if (!lies->status && !lies->drop)
    find_answer(asked, lies, &said);
  if (!said.body)
    said.body = strdup("");
  lie(asked, lies, &said);
  usleep(1000 * lies->delay);
  note("%s\t%s\thost=%s\tauth=%s\tfrom=%lld\ttype=%s\tlength=%lld\taccept=%s\tbusy=%d\t-> %d",
       asked->method, asked->target, asked->host, asked->authorization,
       (long long)asked->from, asked->type, (long long)asked->length, asked->accept, *busy,
       lies->drop ? 0 : said.status);
  if (!lies->drop) {
    int64_t size = said.size - said.first;
    if (lies->cut >= 0 && lies->cut < size) {
      size = lies->cut;
      ends = true;
    }
    int length = make_head(head, sizeof head, lies, &said);
    ends = !send_all(connection, head, length) || ends;
    if (strcmp(asked->method, "HEAD") != 0) {
      if (lies->flood || lies->huge)
        send_flood(connection, asked);
      else
        ends = !send_all(connection, said.body + said.first, size) || ends;
    }
  }
  free(said.body);
  return !ends;
}
