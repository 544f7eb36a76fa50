#include "tap.h"

#include <string.h>

bool
tap_read(char *line, struct tap_line *result)
{
  result->ok = strncmp(line, "ok", 2) == 0;
  char *rest = result->ok ? line + 2 : strncmp(line, "not ok", 6) == 0
                                           ? line + 6 : NULL;
  if (!rest || (*rest && *rest != ' '))
    return false;
  rest += strspn(rest, " ");
  rest += strspn(rest, "0123456789");
  rest += strspn(rest, " ");
  if (rest[0] == '-' && rest[1] == ' ')
    rest += 2;
  result->name = rest;
  result->skip = strstr(rest, "# skip");
  if (result->skip) {
    char *end = result->skip;
    while (end > rest && end[-1] == ' ')
      end--;
    *end = '\0';
    result->skip += strlen("# skip");
    result->skip += strspn(result->skip, " ");
  }
  return true;
}
