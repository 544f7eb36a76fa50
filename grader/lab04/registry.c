/* registry.c - a registry for tests, which lies when it is told to: registry DIR
 *
 * It speaks as much HTTP as it takes, and has no library: nothing that it has in common
 * with who is tested. DIR has its images (registry_answer.c) and a file `rules`
 * (registry_rules.c). It listens on all addresses of this machine, so that it can be two
 * hosts at once (127.0.0.1 and 127.0.0.2); the port goes to DIR/port, and what was asked
 * to DIR/log, a line each. */
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int log_file;
int *busy;

void
note(const char *format, ...)
{
  char line[16384];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line - 1, format, args);
  va_end(args);
  n = n < (int)sizeof line - 2 ? n : (int)sizeof line - 2;
  line[n] = '\n';
  if (write(log_file, line, n + 1) < 0) /* one write: lines do not mix */
    exit(1);
}

/* ---- reading ---- */

static void
take_header(struct asked *asked, const char *line)
{
  const struct { const char *name; char *to; size_t size; } known[] = {
      {"Host:", asked->host, sizeof asked->host},
      {"Authorization:", asked->authorization, sizeof asked->authorization},
      {"Content-Type:", asked->type, sizeof asked->type},
      {"Accept:", asked->accept, sizeof asked->accept}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].name);
    if (strncasecmp(line, known[i].name, length) != 0)
      continue;
    size_t n = strlen(known[i].to); /* one that comes twice is a list */
    snprintf(known[i].to + n, known[i].size - n, "%s%s", n ? ", " : "",
             line + length + strspn(line + length, " "));
  }
  if (strncasecmp(line, "Content-Length:", 15) == 0)
    asked->length = atoll(line + 15);
  long long from;
  if (strncasecmp(line, "Range:", 6) == 0 && sscanf(line + 6, " bytes=%lld-", &from) == 1)
    asked->from = from;
}

/* Read one request. False at the end of the connection. */
static bool
read_asked(FILE *in, struct asked *asked)
{
  char line[8192];
  memset(asked, 0, sizeof *asked);
  asked->from = -1;
  if (!fgets(line, sizeof line, in) ||
      sscanf(line, "%15s %4095s", asked->method, asked->target) != 2)
    return false;
  while (fgets(line, sizeof line, in)) {
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line)
      break;
    take_header(asked, line);
  }
  size_t length = strcspn(asked->target, "?");
  snprintf(asked->path, sizeof asked->path, "%.*s", (int)length, asked->target);
  asked->query = asked->target[length] ? asked->target + length + 1 : "";
  asked->body = calloc(1, asked->length + 1);
  return asked->body &&
         fread(asked->body, 1, asked->length, in) == (size_t)asked->length;
}

static void __attribute__((noreturn))
serve(int connection)
{
  static struct asked asked;
  static struct lies lies;
  FILE *in = fdopen(connection, "r");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (bool more = true; more && in && read_asked(in, &asked);) {
    __atomic_fetch_add(busy, 1, __ATOMIC_SEQ_CST);
    choose_lies(&asked, &lies);
    more = answer(connection, &asked, &lies);
    __atomic_fetch_sub(busy, 1, __ATOMIC_SEQ_CST);
    free(asked.body);
  }
  exit(0);
}

/* ---- listening ---- */

/* Tell the port, by a file that is there when it is whole. */
static void
tell_port(int port)
{
  FILE *file = fopen("port.new", "we");
  if (!file || fprintf(file, "%d\n", port) < 0 || fclose(file) != 0 ||
      rename("port.new", "port") < 0) {
    perror("registry: port");
    exit(1);
  }
}

int
main(int argc, char **argv)
{
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  int small = 65536, yes = 1;
  if (argc != 2 || chdir(argv[1]) < 0) {
    fprintf(stderr, "usage: registry DIR\n");
    return 2;
  }
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  log_file = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  busy = mmap(NULL, sizeof *busy, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (listener < 0 || log_file < 0 || bind(listener, (void *)&address, size) < 0 ||
      listen(listener, 64) < 0 || getsockname(listener, (void *)&address, &size) < 0) {
    perror("registry");
    return 1;
  }
  signal(SIGCHLD, SIG_IGN);
  read_rules("rules", ntohs(address.sin_port));
  tell_port(ntohs(address.sin_port));
  for (;;) {
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection >= 0 && fork() == 0)
      serve(connection);
    if (connection >= 0)
      close(connection);
  }
}
