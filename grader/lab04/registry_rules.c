/* registry_rules.c - where the registry of tests lies. */
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct rule {
  char method[16];   /* for which, */
  char part[512];    /* and whose target has this */
  int times;         /* how often; 0: for ever */
  char action[32];   /* a lie's name */
  char arg[4096];    /* and what it takes */
};

enum { MOST = 64 };
static struct rule rules[MOST];
static int count;
static int *used;    /* how often each was; all processes see it */

/* Copy, with our port for %P. */
static void
fill_in(char *to, size_t size, const char *from, int port)
{
  size_t n = 0;
  for (; *from && n + 16 < size; from++)
    if (from[0] == '%' && from[1] == 'P') {
      n += sprintf(to + n, "%d", port);
      from++;
    } else
      to[n++] = *from;
  to[n] = '\0';
}

void
read_rules(const char *path, int port)
{
  char line[8192], arg[4096];
  FILE *file = fopen(path, "re");
  used = mmap(NULL, MOST * sizeof *used, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
              -1, 0);
  while (file && count < MOST && fgets(line, sizeof line, file)) {
    struct rule *r = &rules[count];
    arg[0] = '\0';
    int n = sscanf(line, "%15s %511s %d %31s %4095[^\n]", r->method, r->part, &r->times,
                   r->action, arg);
    fill_in(r->arg, sizeof r->arg, arg, port);
    count += n >= 4;
  }
  if (file)
    fclose(file);
}

static void
set(const struct rule *r, const struct asked *asked, struct lies *lies)
{
  const struct { const char *name; bool *flag; } flags[] = {
      {"whole", &lies->whole}, {"wrong", &lies->wrong}, {"drop", &lies->drop},
      {"huge", &lies->huge},   {"flood", &lies->flood}, {"no-mount", &lies->no_mount}};
  const struct { const char *name; char *text; size_t size; } texts[] = {
      {"text", lies->text, sizeof lies->text},
      {"location", lies->location, sizeof lies->location},
      {"digest", lies->digest, sizeof lies->digest},
      {"type", lies->type, sizeof lies->type},
      {"header", lies->header, sizeof lies->header}};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (strcmp(r->action, flags[i].name) == 0)
      *flags[i].flag = true;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (strcmp(r->action, texts[i].name) == 0)
      snprintf(texts[i].text, texts[i].size, "%.*s", (int)texts[i].size - 1, r->arg);
  if (strcmp(r->action, "status") == 0)
    lies->status = atoi(r->arg);
  else if (strcmp(r->action, "cut") == 0)
    lies->cut = atoll(r->arg);
  else if (strcmp(r->action, "add") == 0)
    lies->add = atoll(r->arg);
  else if (strcmp(r->action, "delay") == 0)
    lies->delay = atoi(r->arg);
  else if (strcmp(r->action, "redirect") == 0) {
    lies->status = 307;
    snprintf(lies->location, sizeof lies->location, "%.4095s", r->arg);
  } else if (strcmp(r->action, "auth") == 0) {
    size_t length = strcspn(r->arg, "|");
    if (strncmp(asked->authorization, r->arg, length) == 0 && !asked->authorization[length])
      return;
    lies->status = 401;
    snprintf(lies->header, sizeof lies->header, "WWW-Authenticate: %.4000s",
             r->arg + length + (r->arg[length] == '|'));
  }
}

void
choose_lies(const struct asked *asked, struct lies *lies)
{
  memset(lies, 0, sizeof *lies);
  lies->cut = -1;
  for (int i = 0; i < count; i++) {
    const struct rule *r = &rules[i];
    if ((strcmp(r->method, "*") != 0 && strcmp(r->method, asked->method) != 0) ||
        (strcmp(r->part, "*") != 0 && !strstr(asked->target, r->part)))
      continue;
    if (__atomic_fetch_add(&used[i], 1, __ATOMIC_SEQ_CST) < r->times || !r->times)
      set(r, asked, lies);
  }
}
