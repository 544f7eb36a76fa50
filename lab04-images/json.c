/* json.c - JSON in and out, given. The work is jansson's. It refuses what is not
 * UTF-8, a zero byte in a string, and numbers that do not fit; we ask it to refuse
 * a key that comes twice, because two readers that take the one and the other see
 * two images in one file.
 *
 * Its memory is our concern: a value takes 40 bytes and more there, and two in the
 * text: "[],[],[],..." in a file of 4 MiB is a hundred times as much in memory. So
 * somebody counts before anything is built. */
#include <errno.h>
#include <string.h>

#include "fail.h"
#include "given.h"

/* The byte behind a string that begins here. */
static const char *
skip_string(const char *at, const char *end)
{
  for (at++; at < end && *at != '"'; at++)
    if (*at == '\\')
      at++;
  return at < end ? at + 1 : end;
}

/* How deep is it, and how many values has it? Does not look whether it is JSON. */
static int
measure(const char *text, size_t size, const char *what)
{
  const char *end = text + size;
  int depth = 0, values = 1;
  for (const char *at = text; at < end;) {
    if (*at == '"') {
      at = skip_string(at, end);
      continue;
    }
    values += *at == ',' || *at == '[' || *at == '{';
    depth += *at == '[' || *at == '{';
    depth -= *at == ']' || *at == '}';
    if (depth > JSON_DEPTH)
      return refuse(EBADMSG, "%s: has values more than %d deep in each other",
                    what, JSON_DEPTH);
    if (values > JSON_VALUES)
      return refuse(EFBIG, "%s: has more than %d values", what, JSON_VALUES);
    at++;
  }
  return 0;
}

json_t *
json_read(const char *text, size_t size, const char *what)
{
  json_error_t error;
  if (size > JSON_LIMIT) {
    refuse(EFBIG, "%s: has %zu bytes, but we read no more than %d", what, size,
           JSON_LIMIT);
    return NULL;
  }
  if (measure(text, size, what) < 0)
    return NULL;
  json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  if (!json)
    refuse(EBADMSG, "%s: is not JSON as it should be: line %d, column %d: %s",
           what, error.line, error.column, error.text);
  return json;
}

char *
json_write(const json_t *json)
{
  char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
  if (!text)
    refuse(ENOMEM, "write JSON: no memory, or a text that is not UTF-8");
  return text;
}
