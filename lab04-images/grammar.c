/* grammar.c - what names in a registry may look like. Given.
 *
 * The grammars are those of the specification, as they stand there ("Pulling
 * manifests"). A host's is that of RFC 1123, section 2.1, and RFC 3986, section 3.2.2. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

#define COMPONENT "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
#define REPOSITORY "^" COMPONENT "(/" COMPONENT ")*$"
#define TAG "^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$"
#define LABEL "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
#define HOST "^(" LABEL "(\\." LABEL ")*|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?$"

/* regcomp(3) needs memory in proportion to what it reads, so that is short. */
static bool
fits(const char *text, size_t size, const char *grammar)
{
  regex_t regex;
  if (strlen(text) >= size || regcomp(&regex, grammar, REG_EXTENDED | REG_NOSUB) != 0)
    return false;
  bool good = regexec(&regex, text, 0, NULL, 0) == 0;
  regfree(&regex);
  return good;
}

bool
repository_valid(const char *text)
{
  return fits(text, sizeof ((struct reference *)0)->repository, REPOSITORY);
}

bool
tag_valid(const char *text)
{
  return fits(text, sizeof ((struct reference *)0)->tag, TAG);
}

bool
host_valid(const char *text)
{
  if (!fits(text, sizeof ((struct reference *)0)->host, HOST))
    return false;
  const char *port = strrchr(text, ':');
  if (!port || strchr(port, ']'))
    return true;
  int number = atoi(port + 1);
  return number >= 1 && number <= 65535;
}
