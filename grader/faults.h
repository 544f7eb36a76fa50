/* faults.h - the parts of faults; faults.c tells what it is for. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "list.h"

enum {
  NUMBERS = 1024,       /* of system calls; no architecture has so many */
  AFTERWARDS = 1000,    /* ms: for what is about to end, or to go away */
  CANNOT = 125,         /* exit status, as in all our tools */
};

/* A call, so that it can be found again in another run. Counting those of one
 * name, rather than all, has the advantage that one read(2) more, after a
 * signal say, moves no other call. */
struct call {
  int process;  /* which makes it, from 1; the same in every run */
  int parent;   /* that process's, or 0 if it is the first */
  int number;   /* the system call's */
  int nth;      /* of those of that number in that process, from 1 */
};

/* What a program printed. */
struct text {
  size_t size;        /* all of it */
  char start[65536];  /* as much as fits, and a NUL */
};

/* How a run ended. */
struct result {
  int status;        /* as wait(2) has it */
  bool hangs;        /* it did not end by itself */
  bool reached;      /* the call that was wanted was made */
  struct text out;   /* what it printed on standard output */
  struct text err;   /* and on standard error */
};

/* ---- faults.c: what was asked for ---- */

extern struct faults {
  char **command;          /* COMMAND and its arguments */
  double limit;            /* --time: seconds that a run may take */
  const char *before;      /* --before: what the shell does before each run; NULL */
  const char *after;       /* --after: and after it; NULL */
  bool quiet;              /* --quiet */
  bool verbose;            /* --verbose */
  bool excepted[NUMBERS];  /* --except, and what cannot fail */
} faults;

/* ---- faults_cases.c: what is wrong with a run ---- */

/* What the undisturbed run did: the example for all that follow. */
extern struct undisturbed {
  bool recording;        /* it is going on now */
  struct call *calls;    /* that may fail, in the order in which they came */
  size_t call_count;     /* how many */
  struct result result;  /* how it ended */
} undisturbed;

/* How the cases of a round ended; a round disturbs each call once, in the same
 * way. */
struct sum {
  int said;     /* with a message or a status, as it should be */
  int same;     /* as the undisturbed run */
  int bad;      /* otherwise, and a line was printed about it */
  int missing;  /* the call was not made again */
};

/* The undisturbed run. The first one becomes the example for all that follow;
 * with `what_if` any other must equal it, or that is said. Returns 0, 1 if
 * COMMAND is bad even so, or -1 with errno and a message. */
int run_undisturbed(const char *what_if);

/* Disturb each call once: with `error`, or with SIGKILL if that is 0; `how` is
 * the name of that. Adds to *sum. Returns 0; 1 if COMMAND is not what it was
 * any more; or -1 with errno and a message. */
int run_round(const char *how, int error, struct sum *sum);

/* ---- faults_run.c: one run ---- */

/* How the latest run ended, or what is known so far of the one going on. */
extern struct result result;

/* /proc as it was at the start, whatever COMMAND mounts over it. */
extern int proc;

/* Get ready for all runs. Returns 0, or -1 with errno and a message. */
int run_prepare(void);

/* Run COMMAND with `call` disturbed, or none if that is NULL: it fails with
 * `error`, or if that is 0, the process is killed at it. Leave what came of it
 * in `result` and what it left running in `left`. Returns 0, or -1 with errno
 * and a message. */
int run(const struct call *call, int error, struct list *left);

/* Have the shell do `command`, undisturbed, with STATUS in its environment: how the
 * latest run ended, as the shell has it in $?; and SAID: what it printed on standard
 * error. Returns what wait(2) has, and leaves
 * what it printed in *printed; or -1 with errno and a message. */
int run_shell(const char *command, struct text *printed);

/* Seconds, since some time or other. */
double now(void);

/* ---- faults_calls.c: who makes a call, and what becomes of it ---- */

/* A run begins: its calls come from the descriptor `listener`, and `call` is
 * the one to disturb, as for run. */
void calls_begin(int listener, const struct call *call, int error);

/* Take the next call from the listener, and answer it, or later. */
void calls_take(void);

/* Answer those that have waited long enough. To be called now and then. */
void calls_release(void);

/* The parent of any process, by what /proc says; 0 if that has ended. */
pid_t parent_pid(pid_t id);

#endif
