/* run.h - run a lab's tests, each in a cage of its own. */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>

#include "exercises.h"
#include "list.h"

/* Which of the lab's two suites a test is in. */
enum suite { CHECK, BATS };

/* One test. */
struct test {
  enum suite suite;
  char *file;            /* the program (Check) or the .bats file that holds it */
  char *name;            /* "1.3 copies the interpreter" */
  struct exercise *exercise;
  enum outcome outcome;
  char *output;          /* what it said: expected and got, or why it cannot run;
                            NULL until it has run */
  char *noise;           /* what else was written meanwhile, for the search of a
                            cause; NULL until it has run */
  double seconds;        /* how long it took */
  bool reported;         /* by the grader in the virtual machine */
};

/* How to run them. */
struct plan {
  const char *build;     /* folder of the student's programs: "build/lab01" */
  const char *tools;     /* folder of the grader's: "build/grader" */
  bool solution;         /* the reference is graded, so do not hide it */
  int jobs;              /* tests at the same time */
  bool first;            /* start no more once a test has failed */
  int seconds;           /* time limit of one test */
  bool no_vm;            /* never in the virtual machine */
};

/* Find the tests of `lab`. Returns 0 and memory that the caller frees with
 * tests_free, or -1 with errno. */
int tests_find(const struct lab *lab, const struct plan *plan,
               struct test **tests, size_t *count);
void tests_free(struct test *tests, size_t count);

/* Run the tests that are still NOT_RUN and have an exercise, and call `done`
 * after each. Returns 0, or -1 with errno if they could not be run at all. */
int tests_run(const struct lab *lab, const struct plan *plan,
              struct test *tests, size_t count, void (*done)(void *), void *arg);

/* ---- remote.c: in the virtual machine ---- */

/* Run the tests that cannot run here (CANNOT) in the virtual machine of grader/vm,
 * booted once for all of them, if it can be had and points depend on them; `done` is
 * called after each. What cannot run there, either, stays as it is. It says on
 * standard error that it does so, or why it cannot. */
void tests_run_in_vm(const struct lab *lab, const struct plan *plan,
                     struct test *tests, size_t count, void (*done)(void *), void *arg);

/* In there: keep only the tests whose names stand in `file`, a line each. Returns how
 * many of them there are; they come first. */
size_t tests_select(const char *file, struct test *tests, size_t count);

/* In there: say how a test went, one line of JSON on standard output. */
void test_print(const struct test *test);

#endif
