#include "report.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

void
grade_exercises(struct grade *grade)
{
  struct lab *lab = grade->lab;
  for (size_t i = 0; i < lab->count; i++)
    lab->exercises[i].outcome = NOT_RUN;
  for (size_t i = 0; i < grade->count; i++) {
    struct test *test = &grade->tests[i];
    if (test->outcome > test->exercise->outcome)
      test->exercise->outcome = test->outcome;
  }
  /* An exercise with a test still to come has not passed yet. */
  for (size_t i = 0; i < grade->count; i++) {
    struct test *test = &grade->tests[i];
    if (test->outcome == NOT_RUN && test->exercise->outcome == PASS)
      test->exercise->outcome = NOT_RUN;
  }
  for (size_t i = 0; i < lab->count; i++) {
    struct exercise *exercise = &lab->exercises[i];
    size_t j;
    json_t *number;
    exercise->waits_for = NULL;
    json_array_foreach(exercise->needs, j, number)
    {
      struct exercise *needed = lab_exercise(lab, json_string_value(number));
      if (exercise->outcome >= CANNOT && needed && needed->outcome == FAIL &&
          !exercise->waits_for)
        exercise->waits_for = needed->number;
    }
  }
}

void
grade_points(const struct grade *grade, int *earned, int *possible)
{
  *earned = *possible = 0;
  for (size_t i = 0; i < grade->lab->count; i++) {
    const struct exercise *exercise = &grade->lab->exercises[i];
    if (exercise->outcome == NOT_RUN)
      continue;
    *possible += exercise->points;
    if (exercise->outcome == PASS)
      *earned += exercise->points;
  }
}

/* The first test of the exercise that ended like the exercise did. */
static const struct test *
telling_test(const struct grade *grade, const struct exercise *exercise)
{
  for (size_t i = 0; i < grade->count; i++)
    if (grade->tests[i].exercise == exercise &&
        grade->tests[i].outcome == exercise->outcome)
      return &grade->tests[i];
  return NULL;
}

/* The text of a failed exercise, as memory that the caller frees. */
static char *
explanation(const struct grade *grade, const struct exercise *exercise)
{
  char *text = NULL;
  size_t size;
  const struct test *test = telling_test(grade, exercise);
  FILE *out = open_memstream(&text, &size);
  if (exercise->waits_for)
    fprintf(out, "%s comes first: this exercise builds on it.\n",
            exercise->waits_for);
  else if (exercise->outcome == CANNOT && test)
    fprintf(out, "CANNOT RUN HERE: %s", test->output);
  else if (exercise->outcome == FAIL && test)
    fprintf(out, "%s\n%s", test->name, test->output);
  fclose(out);
  return text;
}

/* ---- files ---- */

static double
now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int
write_json(const struct grade *grade, FILE *out)
{
  int earned, possible;
  json_t *tests = json_array();
  for (size_t i = 0; i < grade->lab->count; i++) {
    const struct exercise *exercise = &grade->lab->exercises[i];
    char *text = explanation(grade, exercise);
    bool passed = exercise->outcome == PASS;
    if (exercise->outcome != NOT_RUN)
      json_array_append_new(
          tests,
          json_pack("{s:s, s:s, s:i, s:i, s:s, s:o, s:s}", "number",
                    exercise->number, "name", exercise->title, "score",
                    passed ? exercise->points : 0, "max_score",
                    exercise->points, "status", passed ? "passed" : "failed",
                    "output", json_string(text),
                    "visibility", "visible"));
    free(text);
  }
  grade_points(grade, &earned, &possible);
  json_t *root = json_pack("{s:i, s:f, s:s, s:o}", "score", earned,
                           "execution_time", now() - grade->start, "visibility",
                           "visible", "tests", tests);
  int bad = !root || json_dumpf(root, out, JSON_INDENT(2)) < 0;
  fputc('\n', out);
  json_decref(root);
  return bad;
}

static int
write_tap(const struct grade *grade, FILE *out)
{
  size_t done = 0;
  fprintf(out, "TAP version 13\n");
  for (size_t i = 0; i < grade->count; i++) {
    const struct test *test = &grade->tests[i];
    if (test->outcome == NOT_RUN)
      continue;
    fprintf(out, "%s %zu - %s%s\n", test->outcome == FAIL ? "not ok" : "ok",
            ++done, test->name,
            test->outcome == CANNOT ? " # SKIP cannot run here" : "");
    if (test->outcome == PASS)
      continue;
    for (const char *line = test->output; *line;) {
      size_t n = strcspn(line, "\n");
      fprintf(out, "# %.*s\n", (int)n, line);
      line += n + (line[n] == '\n');
    }
  }
  fprintf(out, "1..%zu\n", done);
  return 0;
}

/* Text inside XML. What XML 1.0 does not have is not in a test's output. */
static void
put_xml(const char *text, FILE *out)
{
  for (; *text; text++)
    switch (*text) {
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break;
    case '&': fputs("&amp;", out); break;
    case '"': fputs("&quot;", out); break;
    default: fputc(*text, out);
    }
}

static int
write_junit(const struct grade *grade, FILE *out)
{
  size_t ran = 0, failed = 0, skipped = 0;
  for (size_t i = 0; i < grade->count; i++) {
    ran += grade->tests[i].outcome != NOT_RUN;
    failed += grade->tests[i].outcome == FAIL;
    skipped += grade->tests[i].outcome == CANNOT;
  }
  fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"%s\""
          " tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n", grade->lab->name,
          ran, failed, skipped);
  for (size_t i = 0; i < grade->count; i++) {
    const struct test *test = &grade->tests[i];
    if (test->outcome == NOT_RUN)
      continue;
    fprintf(out, "  <testcase classname=\"%s.%s\" name=\"", grade->lab->name,
            test->exercise->number);
    put_xml(test->name, out);
    fprintf(out, "\" time=\"%.3f\"", test->seconds);
    if (test->outcome == PASS) {
      fprintf(out, "/>\n");
      continue;
    }
    const char *tag = test->outcome == FAIL ? "failure" : "skipped";
    fprintf(out, ">\n    <%s message=\"%s\">", tag,
            test->outcome == FAIL ? "failed" : "cannot run here");
    put_xml(test->output, out);
    fprintf(out, "</%s>\n  </testcase>\n", tag);
  }
  fprintf(out, "</testsuite>\n");
  return 0;
}

int
report_files(const struct grade *grade)
{
  static const struct {
    const char *name;
    int (*write)(const struct grade *grade, FILE *out);
  } files[] = {
      {"results.json", write_json},
      {"results.tap", write_tap},
      {"results.xml", write_junit},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[PATH_MAX], draft[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", grade->results, files[i].name);
    snprintf(draft, sizeof draft, "%s/.%s.%d", grade->results, files[i].name,
             getpid());
    FILE *out = fopen(draft, "we");
    if (!out)
      return fail("write %s", draft);
    int bad = files[i].write(grade, out);
    if (fclose(out) != 0 || bad || rename(draft, path) < 0) {
      fail("write %s", path);
      unlink(draft);
      return -1;
    }
  }
  return 0;
}

/* ---- text ---- */

/* Colours, or empty strings where there is no terminal or nobody wants them
 * (no-color.org). */
static const char *green = "", *red = "", *yellow = "", *bold = "", *plain = "";

static void
choose_colours(FILE *out)
{
  const char *no = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  if (!isatty(fileno(out)) || (no && *no) || (term && strcmp(term, "dumb") == 0))
    return;
  green = "\033[32m";
  red = "\033[31m";
  yellow = "\033[33m";
  bold = "\033[1m";
  plain = "\033[0m";
}

static void
print_state(const struct exercise *exercise, FILE *out)
{
  switch (exercise->outcome) {
  case PASS: fprintf(out, "%spass%s", green, plain); break;
  case NOT_RUN: fprintf(out, "not run"); break;
  case CANNOT:
  case FAIL:
    if (exercise->waits_for)
      fprintf(out, "%sneeds %s first%s", yellow, exercise->waits_for, plain);
    else if (exercise->outcome == CANNOT)
      fprintf(out, "%sCANNOT RUN HERE%s", yellow, plain);
    else
      fprintf(out, "%sFAIL%s", red, plain);
  }
  fputc('\n', out);
}

/* The first exercise that failed by itself. */
static const struct exercise *
first_failure(const struct grade *grade)
{
  for (size_t i = 0; i < grade->lab->count; i++)
    if (grade->lab->exercises[i].outcome == FAIL &&
        !grade->lab->exercises[i].waits_for)
      return &grade->lab->exercises[i];
  return NULL;
}

/* Print text, indented, and not more lines of it than this. */
static void
print_output(const char *text, int lines, FILE *out)
{
  for (; *text && lines > 0; lines--) {
    size_t n = strcspn(text, "\n");
    fprintf(out, "    %.*s\n", n < 300 ? (int)n : 300, text);
    text += n + (text[n] == '\n');
  }
  if (*text)
    fprintf(out, "    ... (all of it is in results.tap)\n");
}

static void
print_failure(const struct grade *grade, const struct exercise *exercise,
              FILE *out)
{
  const struct lab *lab = grade->lab;
  const struct test *test = telling_test(grade, exercise);
  fprintf(out, "\n%sFirst failure: %s%s\n\n", bold, test->name, plain);
  print_output(test->output, 20, out);
  if (test->suite == CHECK && *test->noise) {
    fprintf(out, "  and on standard error:\n");
    print_output(test->noise, 12, out);
  }
  char *all;
  if (asprintf(&all, "%s\n%s", test->output, test->noise) < 0)
    return;
  const char *cause = lab_cause(lab, all);
  free(all);
  fputc('\n', out);
  if (cause)
    fprintf(out, "  likely cause  %s\n", cause);
  char quote = strchr(test->name, '\'') ? '"' : '\'';
  fprintf(out, "  again         make grade LAB=%s%s TEST=%c%s%c\n", lab->name,
          grade->plan.solution ? " SOLUTION=1" : "", quote, test->name, quote);
  fprintf(out, "  read          %s/README.md, section \"%s %s\"\n", lab->folder,
          exercise->number, exercise->title);
  fprintf(out, "  a hint        make hint EX=%s\n", exercise->number);
}

void
report_text(const struct grade *grade, FILE *out)
{
  const struct lab *lab = grade->lab;
  int earned, possible, cannot = 0;
  const struct exercise *first_cannot = NULL;
  choose_colours(out);
  fprintf(out, "%s%s: %s%s\n\n", bold, lab->folder, lab->title, plain);
  fprintf(out, "  ex    points  exercise%-24s state\n", "");
  for (size_t i = 0; i < lab->count; i++) {
    const struct exercise *exercise = &lab->exercises[i];
    if (exercise->outcome == NOT_RUN)
      continue;
    fprintf(out, "  %-4s  %3d/%-3d %-33s", exercise->number,
            exercise->outcome == PASS ? exercise->points : 0, exercise->points,
            exercise->title);
    print_state(exercise, out);
    if (exercise->outcome == CANNOT && !exercise->waits_for) {
      cannot += exercise->points;
      first_cannot = first_cannot ? first_cannot : exercise;
    }
  }
  grade_points(grade, &earned, &possible);
  fprintf(out, "\n  %stotal %3d/%d%s", bold, earned, possible, plain);
  if (cannot)
    fprintf(out, "   (%d points cannot be earned on this host)", cannot);
  fputc('\n', out);
  const struct exercise *failure = first_failure(grade);
  if (failure)
    print_failure(grade, failure, out);
  if (first_cannot) {
    fprintf(out, "\n%s%s cannot run here:%s\n\n", bold, first_cannot->number,
            plain);
    print_output(telling_test(grade, first_cannot)->output, 20, out);
  }
}
