/* check_json.c - where two JSON values differ. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "config.h"

/* On the way down to the first difference. */
struct way {
  char path[1024];         /* "config.Env[2]"; "" at the top */
  const json_t *want, *is; /* what stands there; NULL: nothing. Borrowed */
};

/* The first key, in the order of their bytes, of which there is not the same in both. They
 * differ. Belongs to one of the two. */
static const char *
differing_key(const json_t *want, const json_t *is)
{
  const json_t *sides[] = {want, is};
  const char *first = NULL, *key;
  json_t *value;
  for (int i = 0; i < 2; i++)
    json_object_foreach((json_t *)sides[i], key, value)
      if (!json_equal(json_object_get(want, key), json_object_get(is, key)) &&
          (!first || strcmp(key, first) < 0))
        first = key;
  return first;
}

static void
into_object(struct way *way)
{
  size_t n = strlen(way->path);
  const char *key = differing_key(way->want, way->is);
  snprintf(way->path + n, sizeof way->path - n, "%s%s", n ? "." : "", key);
  way->want = json_object_get(way->want, key);
  way->is = json_object_get(way->is, key);
}

/* Into one of as many elements. */
static void
into_array(struct way *way)
{
  size_t n = strlen(way->path), i = 0;
  while (json_equal(json_array_get(way->want, i), json_array_get(way->is, i)))
    i++;
  snprintf(way->path + n, sizeof way->path - n, "[%zu]", i);
  way->want = json_array_get(way->want, i);
  way->is = json_array_get(way->is, i);
}

/* One step down; false if there is none. */
static bool
step(struct way *way)
{
  bool objects = json_is_object(way->want) && json_is_object(way->is);
  bool arrays = json_is_array(way->want) && json_is_array(way->is) &&
                json_array_size(way->want) == json_array_size(way->is);
  if (objects)
    into_object(way);
  else if (arrays)
    into_array(way);
  return objects || arrays;
}

/* In one form, whoever wrote it: keys sorted. For free(3). */
static char *
in_one_form(const json_t *json)
{
  return json ? json_dumps(json, JSON_SORT_KEYS | JSON_ENCODE_ANY) : strdup("nothing");
}

void
json_difference(const json_t *want, const json_t *is, char *text, size_t size)
{
  struct way way = {.want = want, .is = is};
  while (step(&way))
    ;
  autofree char *expected = in_one_form(way.want), *got = in_one_form(way.is);
  snprintf(text, size, "%s%s%.600s, where %.600s should be", way.path, *way.path ? ": " : "", got,
           expected);
}
