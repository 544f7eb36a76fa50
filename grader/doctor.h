/* doctor.h - how the doctor tries things; doctor.c tells what for. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>

/* One thing that is tried, in a child process of its own. */
struct trial {
  const char *label;      /* as the report has it; NULL ends a list */
  int (*run)(void);       /* 0, or -1 with a failure that says why */
  const char *needed_by;  /* labs, or some of their exercises: "lab01; lab02: 2.4";
                             NULL: no points depend on it */
  const char *mend;       /* what to do when the trial itself has no idea */
};

/* Lists of them, each ended by one without a label. */
extern const struct trial lab01_trials[], lab02_trials[], lab03_trials[], lab04_trials[];

#define REAL_KERNEL                                                            \
  "in a container, start it with --privileged; else use a virtual machine"
#define NEWER_KERNEL                                                           \
  "boot a newer kernel; in a container, start it with --security-opt "         \
  "seccomp=unconfined"

/* ---- for trials ---- */

enum verdict { FAILS, WORKS, NEEDLESS };

/* How a trial ended. The child that makes it shares this with its parent. */
extern struct outcome {
  enum verdict verdict;
  char note[2048];  /* how, or why not: "REASON (mend it: COMMAND)" */
} *outcome;

#define NOTE(...) snprintf(outcome->note, sizeof outcome->note, __VA_ARGS__)

extern bool in_user_namespace; /* this child had to make one */

/* Make namespaces, as the cage would: root's belong to the host's user
 * namespace if they may, anybody else's to a new one. Returns 0, or -1 with errno. */
int enter(int flags);

/* Get a mount namespace with an empty /tmp in memory. Returns 0, or -1 with errno. */
int enter_private_tmp(void);

/* Run a command of the shell in a cage; the program lies beside this one. Returns 0
 * if its exit status is 0, else -1 with a message. */
int run_caged(const char *command);

#endif
