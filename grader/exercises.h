/* exercises.h - what a lab asks for: grader/labNN/exercises.json, read. */
#ifndef EXERCISES_H
#define EXERCISES_H

#include <jansson.h>
#include <stddef.h>

enum { HINTS = 3 };

/* How a test ended, and with it how an exercise did. The order is the order of
 * how bad it is: an exercise is as its worst test. */
enum outcome {
  NOT_RUN,  /* not asked for, or not yet */
  PASS,
  CANNOT,   /* this host lacks something; nobody's fault, and not a pass */
  FAIL,
};

/* One exercise. The strings belong to the JSON of its lab. */
struct exercise {
  const char *number;        /* "1.3" */
  const char *title;         /* "Copy it in" */
  const char *hints[HINTS];  /* from a nudge to almost the answer */
  json_t *needs;             /* array of numbers that must work first */
  int points;
  enum outcome outcome;
  const char *waits_for;     /* failed, and this number of `needs` failed too */
};

/* One lab. */
struct lab {
  char name[16];             /* "lab01" */
  json_t *json;              /* owns every string */
  const char *title;         /* "a root directory of its own" */
  const char *folder;        /* "lab01-chroot" */
  const char *tool;          /* "jail" */
  struct exercise *exercises;
  size_t count;
  json_t *causes;            /* array of {match, say}: likely causes */
  json_t *general_causes;    /* the same for all labs: grader/causes.json */
};

/* Read the data of the lab `name`. Returns 0, or -1 with errno; a mistake in the
 * file is EINVAL and named by its line. Freed by lab_free. */
int lab_read(struct lab *lab, const char *name);
void lab_free(struct lab *lab);

/* The exercise with this number, or NULL. */
struct exercise *lab_exercise(const struct lab *lab, const char *number);

/* The exercise that a test belongs to: the one whose number starts the test's
 * name ("1.3 copies the interpreter"), or NULL. */
struct exercise *lab_exercise_of(const struct lab *lab, const char *test);

/* The likely cause of a failure with this output, or NULL if none is known. */
const char *lab_cause(const struct lab *lab, const char *output);

#endif
