/* grade.c - grade a lab: run its tests, and say how it stands. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exercises.h"
#include "fail.h"
#include "report.h"
#include "run.h"
#include "start.h"

/* Exit statuses, as `make grade` promises them. */
enum { ALL_POINTS = 0, POINTS_MISSING = 1, COULD_NOT_GRADE = 2 };

static const char usage[] =
    "usage: grade [--solution] [--build DIR] [--tools DIR] [--results DIR]\n"
    "             [--jobs N] [--time SECONDS] [--first] [--no-vm]\n"
    "             [--exercise N.M | --test NAME] LAB\n"
    "       grade --hint N.M LAB\n";

/* What the command line asks for. */
static struct {
  const char *build;     /* --build: the folder that LAB was built into */
  const char *tools;     /* --tools: the folder of the grader's programs */
  const char *results;   /* --results: where the result files go */
  const char *exercise;  /* --exercise: only this one */
  const char *test;      /* --test: only this one */
  const char *hint;      /* --hint: only give a hint for this exercise */
  bool solution;         /* --solution */
  bool first;            /* --first: stop at the first failure */
  bool no_vm;            /* --no-vm: what cannot run here, cannot run */
  const char *worker;    /* --worker: we are in the virtual machine, and run the tests
                            whose names are in this file */
  int jobs;              /* --jobs */
  int seconds;           /* --time: limit of one test */
} wish = {.results = "build", .tools = "build/grader", .seconds = 20};

static int
complain(void)
{
  fprintf(stderr, "grade: %s\n", failure());
  return COULD_NOT_GRADE;
}

/* Give the next hint for an exercise. How many were given stands in a small file
 * beside the results. */
static int
hint(const struct lab *lab)
{
  char path[PATH_MAX];
  int given = 0;
  const struct exercise *exercise = lab_exercise(lab, wish.hint);
  if (!exercise) {
    refuse(EINVAL, "%s has no exercise %s (it has %s to %s)", lab->name,
           wish.hint, lab->exercises[0].number,
           lab->exercises[lab->count - 1].number);
    return complain();
  }
  snprintf(path, sizeof path, "%s/hints-%s", wish.results, exercise->number);
  FILE *file = fopen(path, "re");
  if (file && fscanf(file, "%d", &given) != 1)
    given = 0;
  if (file)
    fclose(file);
  if (given < 0 || given >= HINTS)
    given = HINTS - 1;
  printf("%s %s, hint %d of %d:\n\n%s\n", exercise->number, exercise->title,
         given + 1, HINTS, exercise->hints[given]);
  if (given == HINTS - 1)
    printf("\nThat was the last one. The handout says more: %s/README.md\n",
           lab->folder);
  file = fopen(path, "we");
  if (!file || fprintf(file, "%d\n", given + 1) < 0 || fclose(file) != 0) {
    fail("write %s", path);
    return complain();
  }
  return 0;
}

/* Mark the tests that nobody asked for as not to be run: they lose their
 * exercise. Returns how many are left. */
static size_t
select_tests(struct grade *grade)
{
  size_t left = 0;
  for (size_t i = 0; i < grade->count; i++) {
    struct test *test = &grade->tests[i];
    bool wanted =
        (!wish.exercise || strcmp(test->exercise->number, wish.exercise) == 0) &&
        (!wish.test || strcmp(test->name, wish.test) == 0);
    if (!wanted)
      continue;
    struct test kept = *test;
    *test = grade->tests[left];
    grade->tests[left++] = kept;
  }
  return left;
}

/* After each test: what is known goes to the files, so that a grader that is
 * killed leaves that much. */
static void
one_done(void *arg)
{
  struct grade *grade = arg;
  grade_exercises(grade);
  report_files(grade);
}

/* In the virtual machine: say what has not been said yet. */
static void
one_done_there(void *arg)
{
  struct grade *grade = arg;
  for (size_t i = 0; i < grade->count; i++) {
    struct test *test = &grade->tests[i];
    if (test->outcome != NOT_RUN && !test->reported) {
      test_print(test);
      test->reported = true;
    }
  }
}

static int
work(struct lab *lab, struct grade *grade, size_t found)
{
  grade->plan.no_vm = true;
  grade->count = tests_select(wish.worker, grade->tests, found);
  int bad = tests_run(lab, &grade->plan, grade->tests, grade->count, one_done_there, grade);
  tests_free(grade->tests, found);
  return bad ? complain() : 0;
}

/* Run the tests here; and those that cannot run here, in the virtual machine. */
static int
run_tests(struct lab *lab, struct grade *grade)
{
  if (report_files(grade) < 0 ||
      tests_run(lab, &grade->plan, grade->tests, grade->count, one_done, grade) < 0)
    return -1;
  grade_exercises(grade);
  tests_run_in_vm(lab, &grade->plan, grade->tests, grade->count, one_done, grade);
  grade_exercises(grade);
  return report_files(grade);
}

static int
run_grade(struct lab *lab)
{
  char build[PATH_MAX], tools[PATH_MAX], tool[PATH_MAX + 64];
  struct timespec t;
  struct stat st;
  snprintf(tool, sizeof tool, "%s/%s", wish.build, lab->tool);
  if (stat(tool, &st) < 0) {
    refuse(ENOENT, "%s is not there (run: make %s%s)", tool, lab->name,
           wish.solution ? " SOLUTION=1" : "");
    return complain();
  }
  if (!realpath(wish.build, build) || !realpath(wish.tools, tools)) {
    fail("find build/");
    return complain();
  }
  clock_gettime(CLOCK_MONOTONIC, &t);
  struct grade grade = {
      .lab = lab,
      .plan = {.build = build, .tools = tools, .solution = wish.solution,
               .jobs = wish.jobs, .seconds = wish.seconds, .first = wish.first,
               .no_vm = wish.no_vm},
      .start = t.tv_sec + t.tv_nsec / 1e9,
      .results = wish.results,
  };
  if (tests_find(lab, &grade.plan, &grade.tests, &grade.count) < 0)
    return complain();
  size_t found = grade.count;
  if (wish.worker)
    return work(lab, &grade, found);
  grade.count = select_tests(&grade);
  if (grade.count == 0) {
    tests_free(grade.tests, found);
    refuse(EINVAL, "%s has no %s \"%s\"", lab->name,
           wish.test ? "test" : "exercise", wish.test ?: wish.exercise);
    return complain();
  }
  int earned, possible, cannot = 0;
  if (run_tests(lab, &grade) < 0)
    return complain();
  report_text(&grade, stdout);
  if (fflush(stdout) != 0) {
    fail("print the result");
    return complain();
  }
  grade_points(&grade, &earned, &possible);
  for (size_t i = 0; i < grade.count; i++)
    cannot += grade.tests[i].outcome == CANNOT;
  bool none_ran = (size_t)cannot == grade.count;
  tests_free(grade.tests, found);
  return none_ran             ? COULD_NOT_GRADE
         : earned == possible ? ALL_POINTS
                              : POINTS_MISSING;
}

static int
within(long value, int least, int most)
{
  return value < least ? least : value > most ? most : (int)value;
}

int
main(int argc, char **argv)
{
  static const struct option names[] = {
      {"solution", no_argument, NULL, 's'},
      {"build", required_argument, NULL, 'b'},
      {"tools", required_argument, NULL, 'g'},
      {"results", required_argument, NULL, 'r'},
      {"time", required_argument, NULL, 'T'},
      {"jobs", required_argument, NULL, 'j'},
      {"exercise", required_argument, NULL, 'e'},
      {"test", required_argument, NULL, 't'},
      {"hint", required_argument, NULL, 'h'},
      {"first", no_argument, NULL, 'f'},
      {"no-vm", no_argument, NULL, 'n'},
      {"worker", required_argument, NULL, 'w'},
      {0},
  };
  char build[64];
  if (start_clean() < 0)
    return COULD_NOT_GRADE; /* and nowhere to say it */
  setlocale(LC_CTYPE, "C.UTF-8"); /* what tests print is taken for UTF-8 */
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  wish.jobs = within(processors, 1, 8);
  for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
    switch (c) {
    case 's': wish.solution = true; break;
    case 'b': wish.build = optarg; break;
    case 'r': wish.results = optarg; break;
    case 'j': wish.jobs = within(atoi(optarg), 1, 64); break;
    case 'g': wish.tools = optarg; break;
    case 'T': wish.seconds = within(atoi(optarg), 1, 3600); break;
    case 'e': wish.exercise = optarg; break;
    case 't': wish.test = optarg; break;
    case 'h': wish.hint = optarg; break;
    case 'f': wish.first = true; break;
    case 'n': wish.no_vm = true; break;
    case 'w': wish.worker = optarg; break;
    default: fputs(usage, stderr); return COULD_NOT_GRADE;
    }
  if (optind != argc - 1) {
    fputs(usage, stderr);
    return COULD_NOT_GRADE;
  }
  struct lab lab;
  if (lab_read(&lab, argv[optind]) < 0)
    return complain();
  if (!wish.build) {
    snprintf(build, sizeof build, "build/%s%.15s",
             wish.solution ? "solution/" : "", lab.name);
    wish.build = build;
  }
  int status = wish.hint ? hint(&lab) : run_grade(&lab);
  lab_free(&lab);
  return status;
}
