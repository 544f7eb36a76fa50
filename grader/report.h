/* report.h - the grade, for people and for programs. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "run.h"

/* What there is to report on. */
struct grade {
  struct lab *lab;
  struct plan plan;
  struct test *tests;
  size_t count;
  double start;         /* seconds, CLOCK_MONOTONIC */
  const char *results;  /* where results.json, .tap and .xml go: "build" */
};

/* From the outcomes of the tests, those of the exercises. */
void grade_exercises(struct grade *grade);

/* Points earned, and the most that could be, of the exercises that were run. */
void grade_points(const struct grade *grade, int *earned, int *possible);

/* Write results.json (Gradescope), results.tap and results.xml (JUnit) with all
 * that is known so far. Each file is whole at any moment: it is written beside
 * and renamed. Returns 0, or -1 with errno.
 * Source: Gradescope's autograder specification, "Output Format"; testanything.org,
 * TAP version 13; the JUnit format as CI servers read it. */
int report_files(const struct grade *grade);

/* Print the table of the exercises, and what there is to know about the first
 * that failed. */
void report_text(const struct grade *grade, FILE *out);

#endif
