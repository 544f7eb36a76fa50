#include "exercises.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

static json_t *
load(const char *path)
{
  json_error_t error;
  json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (!json)
    refuse(EINVAL, "%s:%d:%d: %s", path, error.line, error.column, error.text);
  return json;
}

static int
read_exercise(struct exercise *exercise, json_t *json, const char *path)
{
  json_error_t error;
  json_t *hints;
  if (json_unpack_ex(json, &error, 0, "{s:s, s:s, s:i, s:o, s:o}", "number",
                     &exercise->number, "title", &exercise->title, "points",
                     &exercise->points, "needs", &exercise->needs, "hints",
                     &hints) < 0)
    return refuse(EINVAL, "%s: an exercise: %s", path, error.text);
  if (json_array_size(hints) != HINTS)
    return refuse(EINVAL, "%s: exercise %s: not %d hints", path,
                  exercise->number, HINTS);
  for (int i = 0; i < HINTS; i++) {
    exercise->hints[i] = json_string_value(json_array_get(hints, i));
    if (!exercise->hints[i])
      return refuse(EINVAL, "%s: exercise %s: hint %d is no text", path,
                    exercise->number, i + 1);
  }
  return 0;
}

int
lab_read(struct lab *lab, const char *name)
{
  char path[64];
  json_t *exercises;
  json_error_t error;
  *lab = (struct lab){0};
  snprintf(lab->name, sizeof lab->name, "%s", name);
  snprintf(path, sizeof path, "grader/%.15s/exercises.json", name);
  lab->json = load(path);
  lab->general_causes = lab->json ? load("grader/causes.json") : NULL;
  if (!lab->general_causes)
    return -1;
  if (json_unpack_ex(lab->json, &error, 0, "{s:s, s:s, s:s, s:o, s:o}", "title",
                     &lab->title, "folder", &lab->folder, "tool", &lab->tool,
                     "causes", &lab->causes, "exercises", &exercises) < 0)
    return refuse(EINVAL, "%s: %s", path, error.text);
  lab->count = json_array_size(exercises);
  if (lab->count == 0)
    return refuse(EINVAL, "%s: has no exercises", path);
  lab->exercises = calloc(lab->count, sizeof *lab->exercises);
  if (!lab->exercises)
    return fail("memory for %zu exercises", lab->count);
  for (size_t i = 0; i < lab->count; i++)
    if (read_exercise(&lab->exercises[i], json_array_get(exercises, i), path) <
        0)
      return -1;
  return 0;
}

void
lab_free(struct lab *lab)
{
  free(lab->exercises);
  json_decref(lab->json);
  json_decref(lab->general_causes);
  *lab = (struct lab){0};
}

struct exercise *
lab_exercise(const struct lab *lab, const char *number)
{
  for (size_t i = 0; i < lab->count; i++)
    if (strcmp(lab->exercises[i].number, number) == 0)
      return &lab->exercises[i];
  return NULL;
}

struct exercise *
lab_exercise_of(const struct lab *lab, const char *test)
{
  char number[16];
  snprintf(number, sizeof number, "%.*s", (int)strcspn(test, " "), test);
  return lab_exercise(lab, number);
}

/* The first of `causes` whose regular expression (regex(7), extended) is found
 * in the output. */
static const char *
find_cause(json_t *causes, const char *output)
{
  size_t i;
  json_t *cause;
  json_array_foreach(causes, i, cause)
  {
    const char *match, *say;
    regex_t regex;
    if (json_unpack(cause, "{s:s, s:s}", "match", &match, "say", &say) < 0 ||
        regcomp(&regex, match, REG_EXTENDED | REG_NOSUB) != 0)
      continue;
    bool found = regexec(&regex, output, 0, NULL, 0) == 0;
    regfree(&regex);
    if (found)
      return say;
  }
  return NULL;
}

const char *
lab_cause(const struct lab *lab, const char *output)
{
  const char *say = find_cause(lab->causes, output);
  return say ? say : find_cause(lab->general_causes, output);
}
