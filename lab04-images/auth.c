/* auth.c - the language in which a registry says that it wants to know who asks. Given.
 *
 *     WWW-Authenticate: Bearer realm="https://auth.docker.io/token",
 *       service="registry.docker.io",scope="repository:library/debian:pull"
 *
 * Sources: RFC 9110, section 11.2 to 11.6; the distribution project's "Token
 * Authentication Specification". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

/* Where a parameter's value goes; NULL if we do not know it. */
static char *
place_of(struct challenge *challenge, const char *name, size_t length, size_t *size)
{
  struct { const char *name; char *to; size_t size; } known[] = {
      {"realm", challenge->realm, sizeof challenge->realm},
      {"service", challenge->service, sizeof challenge->service},
      {"scope", challenge->scope, sizeof challenge->scope},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strlen(known[i].name) == length && strncasecmp(known[i].name, name, length) == 0) {
      *size = known[i].size;
      return known[i].to;
    }
  return NULL;
}

/* Read a value, in quotes or not, and go behind it. `to` may be NULL. */
static int
read_value(const char **at, char *to, size_t size)
{
  const char *c = *at;
  bool quoted = *c == '"';
  size_t n = 0;
  for (c += quoted; quoted ? *c != '"' : *c && !strchr(" \t,", *c); c++) {
    if (quoted && *c == '\\')
      c++;
    if (!*c)
      return refuse(EBADMSG, "the registry's challenge ends inside a quote");
    if (to && n + 1 >= size)
      return refuse(EBADMSG, "the registry's challenge has a value of more than %zu bytes",
                    size - 1);
    if (to)
      to[n++] = *c;
  }
  if (to)
    to[n] = '\0';
  *at = c + quoted;
  return 0;
}

int
challenge_parse(const char *header, struct challenge *challenge)
{
  size_t length = strcspn(header, " \t");
  memset(challenge, 0, sizeof *challenge);
  challenge->basic = length == 5 && strncasecmp(header, "Basic", 5) == 0;
  if (!challenge->basic && !(length == 6 && strncasecmp(header, "Bearer", 6) == 0))
    return refuse(ENOTSUP, "the registry wants us to log in by \"%.*s\"; what we know is "
                  "Bearer and Basic", length < 100 ? (int)length : 100, header);
  for (const char *at = header + length; *(at += strspn(at, " \t,"));) {
    size_t size = 0;
    length = strcspn(at, " \t,=");
    char *to = place_of(challenge, at, length, &size);
    at += length;
    at += strspn(at, " \t");
    if (*at != '=')
      break; /* no parameter: the next challenge. The first is enough */
    at++;
    at += strspn(at, " \t");
    if (read_value(&at, to, size) < 0)
      return -1;
  }
  if (!challenge->basic && !*challenge->realm)
    return refuse(EBADMSG, "the registry's challenge does not say where to get a token "
                  "(realm): %.300s", header);
  return 0;
}

/* The URL to ask for a token. Memory for free(3). */
char *
challenge_url(const struct challenge *challenge)
{
  char scope[sizeof challenge->scope], *rest = NULL;
  char *url = *challenge->service
                  ? url_with(challenge->realm, "service", challenge->service)
                  : strdup(challenge->realm);
  /* Several words are several scopes: "repository:a:pull,push repository:b:pull". */
  snprintf(scope, sizeof scope, "%s", challenge->scope);
  for (char *word = strtok_r(scope, " ", &rest); url && word;
       word = strtok_r(NULL, " ", &rest)) {
    char *longer = url_with(url, "scope", word);
    free(url);
    url = longer;
  }
  return url;
}

