/* student.h - call the student's functions from a Check test, at arm's length.
 *
 * The student's code is not linked into the test program. It is a shared library
 * ($LIBRARY) that only a child loads, so that it cannot print results, exit with
 * success or crash in the name of the tests: the parent looks at the child from
 * outside, and judges.
 */
#ifndef STUDENT_H
#define STUDENT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The student's function `f`, for use in a child: STUDENT(seal)(). */
#define STUDENT(f) ((__typeof__(&f))student_symbol(#f))
void *student_symbol(const char *name);

/* What an answer's value is until the body has given one. */
enum { SAID_NOTHING = -9999 };

/* What a body tells its test. It lies in memory that both see. */
struct answer {
  int value;          /* what the function returned */
  int error;          /* errno after it */
  char text[65536];   /* whatever else, NUL-terminated */
};

/* Put what a function returned, errno and its message (failure()) into the
 * answer. For bodies. */
void student_answer(struct answer *answer, int value);

/* Start a child that loads the library and calls body(answer, arg), and wait
 * until that has returned; the child then stands still, to be looked at. Returns
 * its number. If it ended instead, student_end tells. */
pid_t student_start(void (*body)(struct answer *answer, const void *arg),
                    const void *arg);

/* The answer of the latest child. */
struct answer *student_said(void);

/* Kill the child. Returns 0 if it stood still until then, its exit status if it
 * had exited, 128+N if signal N had ended it. */
int student_end(pid_t pid);

/* Start, end, and fail the test if the child did not get to the end of its body.
 * Returns the answer. */
const struct answer *student_call(void (*body)(struct answer *, const void *),
                                  const void *arg);

/* Run a program (not the student's) and wait. Its standard output is put into
 * `out`, NUL-terminated, unless that is NULL. Returns its exit status; that it was
 * killed fails the test. */
int run_program(char *const argv[], char *out, size_t size);

/* Fail the test, saying what was expected and what was there instead. */
#define EXPECT(condition, expected, ...)                                       \
  do {                                                                         \
    if (!(condition))                                                          \
      expected_but_got(expected, __VA_ARGS__);                                 \
  } while (0)
void expected_but_got(const char *expected, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The call returned 0; or -1 with this errno. */
void expect_success(const struct answer *answer, const char *call);
void expect_errno(const struct answer *answer, const char *call, int error);

/* End the test as one that this host cannot run. Not a pass, and nobody's fault. */
void student_cannot(const char *reason) __attribute__((noreturn));

/* Add a test: a function of Check's START_TEST, and its name, which starts with
 * its exercise's number. */
void student_test(const char *name, const TTest *test);

/* The main function of a Check program: lists its tests (--list), or runs the one
 * named by CK_RUN_CASE and reports in TAP on standard output. */
int student_main(int argc, char **argv);

#endif
