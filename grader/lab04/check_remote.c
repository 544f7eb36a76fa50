/* check_remote.c - a registry for the tests of 4.7. */
#include "check_remote.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "proc.h"

struct came *came;
static pid_t registry;       /* its number */
static char address[64];     /* "127.0.0.1:PORT" */

/* ---- its files ---- */

const char *
remote_path(const char *name)
{
  char path[PATH_MAX + 16];
  mkdir(at("registry"), 0755);
  snprintf(path, sizeof path, "registry/%s", name);
  return at(path);
}

const char *
remote_holds(const char *name)
{
  return contents(remote_path(name));
}

void
remote_rule(const char *format, ...)
{
  va_list args;
  FILE *file = fopen(remote_path("rules"), "ae");
  ck_assert_ptr_nonnull(file);
  va_start(args, format);
  vfprintf(file, format, args);
  va_end(args);
  fputc('\n', file);
  fclose(file);
}

/* Write a file of its, with the directories above it. */
static void
put_file(const char *name, const void *bytes, size_t size)
{
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", remote_path(name));
  for (char *slash = path + strlen(scratch()) + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    mkdir(path, 0755);
    *slash = '/';
  }
  autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ck_assert_msg(fd >= 0 && write_all(fd, bytes, size) == 0, "the test cannot write %s", path);
}

/* What a blob of the store holds. For free(3). */
static void *
read_blob(const char *store, const char *digest, size_t *size)
{
  struct stat st;
  autoclose int fd = open(blob_path(store, digest), O_RDONLY | O_CLOEXEC);
  ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "the test has no blob %s", digest);
  *size = st.st_size;
  void *bytes = read_at(fd, 0, st.st_size);
  ck_assert_ptr_nonnull(bytes);
  return bytes;
}

static void
copy_blob(const char *store, const char *digest, const char *name)
{
  size_t size;
  autofree void *bytes = read_blob(store, digest, &size);
  put_file(name, bytes, size);
}

void
remote_blob(const char *store, const char *repository, const char *digest)
{
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s/blobs/%s", repository, digest);
  copy_blob(store, digest, name);
}

void
remote_manifest(const char *store, const char *repository, const char *called,
                const struct descriptor *manifest)
{
  const char *names[] = {called, manifest->digest};
  for (int i = 0; i < 2; i++) {
    char name[PATH_MAX], beside[PATH_MAX + 16];
    if (!names[i])
      continue;
    snprintf(name, sizeof name, "%s/manifests/%s", repository, names[i]);
    copy_blob(store, manifest->digest, name);
    snprintf(beside, sizeof beside, "%s.type", name);
    put_file(beside, manifest->media_type, strlen(manifest->media_type));
    snprintf(beside, sizeof beside, "%s.digest", name);
    put_file(beside, manifest->digest, strlen(manifest->digest));
  }
}

static const char *
digest_in(const json_t *json)
{
  return json_string_value(json_object_get(json, "digest"));
}

void
remote_image(const char *store, const char *repository, const char *called,
             const struct descriptor *manifest)
{
  json_auto_t *json = json_file(blob_path(store, manifest->digest));
  json_t *layer;
  size_t i;
  remote_manifest(store, repository, called, manifest);
  remote_blob(store, repository, digest_in(json_object_get(json, "config")));
  json_array_foreach(json_object_get(json, "layers"), i, layer)
    remote_blob(store, repository, digest_in(layer));
}

bool
remote_has(const char *store, const char *repository, const char *digest)
{
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s/blobs/%s", repository, digest);
  autoclose int here = open(blob_path(store, digest), O_RDONLY | O_CLOEXEC);
  autoclose int there = open(remote_path(name), O_RDONLY | O_CLOEXEC);
  return here >= 0 && there >= 0 && same_data(here, there);
}

/* ---- starting and stopping ---- */

const char *
remote_start(void)
{
  char program[PATH_MAX], directory[PATH_MAX];
  const char *probe = getenv("PROBE"); /* they lie beside each other */
  snprintf(program, sizeof program, "%.*sregistry", (int)(strrchr(probe, '/') + 1 - probe),
           probe);
  snprintf(directory, sizeof directory, "%s", remote_path(""));
  registry = fork();
  if (registry == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(program, "registry", directory, NULL);
    perror(program);
    _exit(127);
  }
  for (int i = 0; i < 5000 && access(remote_path("port"), F_OK) < 0; i++)
    usleep(1000);
  int port = atoi(remote_holds("port"));
  ck_assert_msg(port > 0, "the test cannot start its registry");
  snprintf(address, sizeof address, "127.0.0.1:%d", port);
  return address;
}

void
remote_stop(void)
{
  kill(registry, SIGKILL);
  waitpid(registry, NULL, 0);
}

/* ---- its log ---- */

const char *
asked_line(const char *method, const char *part, int number)
{
  static char line[16384];
  FILE *file = fopen(remote_path("log"), "re");
  bool found = false;
  while (file && !found && fgets(line, sizeof line, file)) {
    size_t length = strcspn(line, "\t");
    line[strcspn(line, "\n")] = '\0';
    found = (strcmp(method, "*") == 0 ||
             (strlen(method) == length && strncmp(line, method, length) == 0)) &&
            (strcmp(part, "*") == 0 || strstr(line, part)) && number-- == 0;
  }
  if (file)
    fclose(file);
  return found ? line : NULL;
}

int
asked(const char *method, const char *part)
{
  int count = 0;
  while (asked_line(method, part, count))
    count++;
  return count;
}

const char *
line_value(const char *line, const char *key)
{
  static char values[4][4096];
  static int next;
  char *value = values[next++ % 4], search[64];
  snprintf(search, sizeof search, "\t%s=", key);
  const char *at = line ? strstr(line, search) : NULL;
  at = at ? at + strlen(search) : "";
  snprintf(value, sizeof values[0], "%.*s", (int)strcspn(at, "\t"), at);
  return value;
}

bool
line_query(const char *line, const char *name, const char *value)
{
  const char *at = line ? strchr(line, '?') : NULL;
  size_t length = strlen(name);
  while (at && *at && *at != '\t') {
    const char *want = value;
    bool same = strncmp(++at, name, length) == 0 && at[length] == '=';
    at += same ? length + 1 : 0;
    for (; *at && *at != '&' && *at != '\t'; at++) {
      unsigned c = *at == '+' ? ' ' : *at & 0xff;
      if (*at == '%' && isxdigit(at[1] & 0xff) && sscanf(at + 1, "%2x", &c) == 1)
        at += 2;
      same = same && *want && (*want++ & 0xffu) == c;
    }
    if (same && !*want)
      return true;
  }
  return false;
}

/* ---- calls ---- */

/* Call one function, in the child. */
static int
call_one(const struct call *c, struct registry *r, int store, const struct reference *ref)
{
  static const struct platform want = {.os = "linux", .architecture = "amd64"};
  struct answer_http http = {0};
  struct image image;
  int result;
  switch (c->function) {
  case REGISTRY_LOGIN: return STUDENT(registry_login)(r, c->challenge);
  case REGISTRY_ASK:
    result = STUDENT(registry_ask)(r, &(struct request){.url = c->which}, &http);
    came->status = result == 0 ? http.status : -1;
    return result;
  case BLOB_PULL: return STUDENT(blob_pull)(r, store, c->descriptor);
  case BLOB_PUSH: return STUDENT(blob_push)(r, store, c->descriptor, c->from);
  case MANIFEST_PULL: return STUDENT(manifest_pull)(r, store, c->which, &came->got);
  case IMAGE_PULL: return STUDENT(image_pull)(r, store, ref, c->called, &want);
  case IMAGE_PUSH:
    return STUDENT(image_read)(store, c->descriptor, &want, &image) < 0
               ? -2 : STUDENT(image_push)(r, store, &image, ref);
  }
  return -1;
}

/* For student_call. */
static void
do_call(struct answer *a, const void *arg)
{
  const struct call *c = arg;
  struct reference ref = {0};
  struct registry r;
  struct answer_http http;
  snprintf(ref.host, sizeof ref.host, "%s", c->host ? c->host : address);
  snprintf(ref.repository, sizeof ref.repository, "%s", c->repository ?: "a/b");
  snprintf(ref.tag, sizeof ref.tag, "%s", c->which ?: "");
  snprintf(ref.digest, sizeof ref.digest, "%s", c->digest ?: "");
  int store = c->store ? open_directory(c->store) : -1;
  if (STUDENT(registry_open)(&r, &ref, c->user) < 0)
    _exit(121);
  if (c->base)
    snprintf(r.base, sizeof r.base, "%s", c->base);
  if (c->token)
    STUDENT(registry_authorize)(&r, c->token);
  int result = call_one(c, &r, store, &ref);
  int error = errno;
  if (c->then)
    STUDENT(http_ask)(&r, &(struct request){.url = c->then}, &http);
  errno = error;
  student_answer(a, result);
}

const struct answer *
call(const struct call *c)
{
  if (!came)
    came = shared(sizeof *came);
  memset(came, 0, sizeof *came);
  return student_call(do_call, c);
}

void
expect_store(const char *store, int blobs, const char *when)
{
  char path[PATH_MAX], expected[256];
  int there = expect_blobs_whole(store, when);
  snprintf(path, sizeof path, "%s/tmp", store);
  snprintf(expected, sizeof expected, "%s, nothing is left in the store's tmp", when);
  EXPECT(count_entries(path) == 0, expected, "%d files", count_entries(path));
  snprintf(expected, sizeof expected, "%s, there are %d blobs in the store", when, blobs);
  EXPECT(blobs < 0 || there == blobs, expected, "%d", there);
}

void
expect_no_flood(const char *what)
{
  /* It was 64 MiB that the registry would send; buffers of the kernel take some of it. */
  for (int i = 0; i < 2000 && !asked("flood", "*"); i++)
    usleep(1000);
  const char *line = asked_line("flood", "*", 0);
  EXPECT(line && atoll(line_value(line, "sent")) < 32 << 20, what, "%s bytes",
         line ? line_value(line, "sent") : "no end of");
}
