/* life.h - what the Check tests of kill.c and clean.c share: processes in groups,
 * easy ones and awkward ones, and a function of the student's that runs meanwhile. */
#ifndef LIFE_H
#define LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#include "check_lab03.h"

/* Wait until the condition holds, $PATIENCE seconds at most; false if it did not. */
#define LIFE_AWAIT(condition) LIFE_WAIT(condition, life_patience())
#define LIFE_WAIT(condition, most)                                             \
  ({                                                                           \
    long tries_ = 0, most_ = most;                                             \
    while (!(condition) && tries_++ < most_)                                   \
      usleep(2000);                                                            \
    tries_ <= most_;                                                           \
  })
long life_patience(void); /* in tries */

/* The same with a quarter of that, for what does not come to an end in a wrong answer. */
#define LIFE_SOON(condition) LIFE_WAIT(condition, life_patience() / 4)

/* Zeroed memory that whoever is forked afterwards shares with us. */
void *life_shared(size_t size);

/* ---- looking ---- */

/* The state of a process as /proc/PID/stat has it: 'S', 'R', 'T'; 0 if it is gone.
 * A zombie is gone, too. */
char life_state(pid_t pid);
bool life_is_gone(pid_t pid);

/* CPU time of a process so far, in milliseconds, as exact as clock ticks. */
long life_cpu_ms(pid_t pid);

/* Does the line stand in cgroup.events of that group? */
bool life_event(const char *group, const char *line);

/* How many lines the group's cgroup.procs has. */
int life_count(const char *group);

/* The groups of a path: is there such a directory? */
bool life_is_there(const char *path);

/* How many descriptors the calling process has open. */
int life_descriptors(void);

/* ---- processes in groups. All of them are killed by groups_remove. ---- */

/* Make the group NAME below another; its path is valid until 128 more. */
const char *make_below(const char *group, const char *name);

/* A process that counts on, every millisecond or so. */
pid_t put_ticker(const char *group, volatile unsigned *ticks);

/* A process that forks and ends, and its child does the same, for ever: its number is
 * new all the time. Each adds to *born. It ends when *enough is set. There are two at
 * most at a time, and no zombies. */
void put_run_away(const char *group, volatile unsigned *born, volatile bool *enough);

/* A process that does not freeze, until it is released: one thread executes a
 * program, and for that waits for the end of another, which a tracer, us, keeps from
 * ending (PTRACE_EVENT_EXIT of ptrace(2)). And one that does not end when it is killed,
 * until it is released. Where nobody may be traced, the test cannot run here. */
struct awkward {
  pid_t pid;   /* the process */
  pid_t held;  /* the thread of it that we trace */
};
struct awkward put_unfreezable(const char *group);
struct awkward put_undying(const char *group);

/* Has the undying one been killed? */
bool is_dying(const struct awkward *awkward);

/* Let it go. It must be on its way out, or waiting for that. */
void release(const struct awkward *awkward);

/* ---- a function that runs while the test goes on ---- */

/* The student's process has a child, which calls body(answer, arg). */
struct apart {
  void (*body)(struct answer *answer, const void *arg);
  const void *arg;
  bool disturbed;          /* by signals, every 20 ms, that make calls fail with EINTR */
  bool traced;             /* it waits to be traced, */
  volatile bool followed;  /* and is */
  volatile pid_t pid;      /* the child */
};

/* Start it; `apart` is in shared memory. Returns the number for student_end. */
pid_t start_apart(struct apart *apart);

/* Has it returned, or is it gone? */
bool is_back(const struct apart *apart);

/* Follow the child until it is back: but whenever it is about to send somebody a
 * signal, it must wait until each of the run-aways born[0] to born[count - 1] has forked
 * twice, unless the group is frozen. To the student's code, that is a slow machine.
 * Returns false if it is not back after $PATIENCE seconds. */
bool follow_slowly(struct apart *apart, const char *group, volatile unsigned *born, int count);

/* ---- shared by the tests of 3.6 ---- */

/* How kill.c's functions are called, by name of the directory. In shared memory. */
struct kill_order {
  char path[4096];  /* of the group, or of what looks like one */
  int timeout;      /* milliseconds */
  bool frozen;      /* for cgroup_freeze */
};
struct kill_order *kill_order(const char *path, int timeout);

/* For bodies: all descriptors of the test are closed in the student's process, so open
 * the group once more; and call cgroup_kill. */
int open_group(const struct kill_order *order);
void call_kill(struct answer *answer, const void *order);

/* Call cgroup_freeze, and expect success of what the test calls `call`. */
void freeze_group(const char *group, bool frozen, const char *call);

/* A process in each: the group, and two below it, one of them further down. */
struct family {
  const char *top, *near, *far;  /* paths */
  pid_t pids[3];
  volatile unsigned *ticks;      /* of the three */
};

struct family make_family(void);
extern const char *const family_places[]; /* where these are, in words */

void freeze_tests(void);
void fallback_tests(void);

/* ---- shared by the tests of 3.7 ---- */

/* What clean.c's functions are called with: a place, and a path below it or a prefix.
 * In shared memory. */
struct clean_order {
  char place[4096];
  char name[4096];
};
struct clean_order *clean_order(const char *place, const char *name);

/* For bodies: open a directory to read, or end. */
int open_or_end(const char *path);

/* Can we have a lock on it that allows others (LOCK_SH), or not (LOCK_EX)? */
bool is_free(const char *group, int how);

void sweep_tests(void);

#endif
