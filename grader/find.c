/* find.c - which tests a lab has. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "run.h"

static int
add_test(const struct lab *lab, struct test **tests, size_t *count,
         enum suite suite, const char *file, const char *name)
{
  struct test *grown = reallocarray(*tests, *count + 1, sizeof **tests);
  if (!grown)
    return fail("memory for a test");
  *tests = grown;
  grown[*count] = (struct test){
      .suite = suite,
      .file = strdup(file),
      .name = strdup(name),
      .exercise = lab_exercise_of(lab, name),
  };
  (*count)++;
  return grown[*count - 1].exercise
             ? 0
             : refuse(EINVAL, "%s: the test \"%s\" starts with the number of no "
                      "exercise", file, name);
}

/* Ask the Check program for the names of its tests. */
static int
find_check(const struct lab *lab, const char *program, struct test **tests,
           size_t *count)
{
  int out[2];
  if (pipe2(out, O_CLOEXEC) < 0)
    return fail("pipe");
  pid_t pid = fork();
  if (pid == 0) {
    dup2(out[1], 1);
    execl(program, program, "--list", NULL);
    _exit(127);
  }
  close(out[1]);
  FILE *file = fdopen(out[0], "r");
  char *line = NULL;
  size_t room = 0;
  int bad = 0, status;
  while (!bad && getline(&line, &room, file) > 0) {
    line[strcspn(line, "\n")] = '\0';
    bad = add_test(lab, tests, count, CHECK, program, line);
  }
  free(line);
  fclose(file);
  if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
    return refuse(ENOENT, "%s --list failed", program);
  return bad;
}

/* Read the names from the lines `@test "NAME" {` of a Bats file. */
static int
find_bats(const struct lab *lab, const char *path, struct test **tests,
          size_t *count)
{
  static const char start[] = "@test \"";
  FILE *file = fopen(path, "re");
  if (!file)
    return fail("open %s", path);
  char *line = NULL;
  size_t room = 0;
  int bad = 0;
  while (!bad && getline(&line, &room, file) > 0) {
    char *end = strrchr(line, '"');
    if (strncmp(line, start, strlen(start)) != 0 || !end)
      continue;
    *end = '\0';
    bad = add_test(lab, tests, count, BATS, path, line + strlen(start));
  }
  free(line);
  fclose(file);
  return bad;
}

int
tests_find(const struct lab *lab, const struct plan *plan, struct test **tests,
           size_t *count)
{
  char program[PATH_MAX], pattern[64];
  *tests = NULL;
  *count = 0;
  snprintf(program, sizeof program, "%s/%s/check", plan->tools, lab->name);
  if (find_check(lab, program, tests, count) < 0)
    return -1;
  snprintf(pattern, sizeof pattern, "grader/%s/*.bats", lab->name);
  glob_t files = {0};
  glob(pattern, 0, NULL, &files);
  int bad = 0;
  for (size_t i = 0; !bad && i < files.gl_pathc; i++)
    bad = find_bats(lab, files.gl_pathv[i], tests, count);
  globfree(&files);
  return bad;
}

void
tests_free(struct test *tests, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    free(tests[i].file);
    free(tests[i].name);
    free(tests[i].output);
    free(tests[i].noise);
  }
  free(tests);
}
