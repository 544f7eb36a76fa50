/* process.h - what the Check tests of spawn, init, user and enter share:
 * processes, looked at from outside, and stopped at a place that suits the
 * test. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#include "proc.h"
#include "student.h"

/* Wait until the condition holds; false if it did not within 4 seconds or more:
 * on a busy machine our turns come late, too. */
#define AWAIT(condition)                                                       \
  ({                                                                           \
    int tries_ = 0;                                                            \
    while (!(condition) && tries_++ < 2000)                                    \
      usleep(2000);                                                            \
    tries_ <= 2000;                                                            \
  })

/* ---- looking ---- */

/* A field of /proc/PID/status (status_text) as a number in base `base`. */
unsigned long long status_number(pid_t pid, const char *field, int base);

/* How many children of a process are zombies. */
int zombies_of(pid_t pid);

/* The kinds of namespaces in which `a` and `b` are not together, as
 * CLONE_NEW...; and the names of such kinds, as words. Valid until 4 more have
 * been asked for. */
unsigned long long kinds_apart(pid_t a, pid_t b);
const char *kinds_text(unsigned long long flags);

/* `flags` without the kinds in `without`. */
unsigned long long kinds_but(int without, unsigned long long flags);

/* The inode of the file NAME of /proc/PID/ns; 0 if there is none. */
unsigned long long ns_inode(pid_t pid, const char *name);

/* The kinds that this kernel has. */
unsigned long long kinds_here(void);

/* How many descriptors of a process are pidfds; whether one of them is open at all. */
int count_pidfds(pid_t pid);
bool fd_is_open(pid_t pid, int fd);

/* Open the file behind a descriptor of another process. */
int open_fd_of(pid_t pid, int fd, int flags);

/* ---- making ---- */

/* A child in new namespaces, and in a mount namespace in any case, without any
 * function of the student's. It has no capability, and waits to be killed.
 * `number` is the number that it shall have, or 0 for any. Returns -1 if there
 * is none to be had. */
pid_t make_process(unsigned long long flags, pid_t number);

/* Kill a process, whoever's child it is, and wait until nothing is left of it,
 * once its parent, or whoever inherits it, has waited for it. */
void end_process(pid_t pid);

/* For bodies: give up every capability but `kept` (-1: all of them); wait to be
 * killed, with our parent at the latest. */
void give_up_capabilities(int kept);
void wait_to_be_killed(void) __attribute__((noreturn));

/* Numbers of users and groups other than our own are to be had, 65536 of them;
 * or else this test cannot run here, and ends. */
void need_other_users(void);

/* Wait for a child, as long as AWAIT does. Returns its end as waitpid(2) gives
 * it, or -1 if it has not ended. */
int end_of(pid_t pid);

/* ---- stopping ---- */

/* For a function that runs in its own process: let that wait until somebody
 * follows it with trace_begin. Both need the same flag, in memory that they
 * share. */
void wait_for_trace(volatile bool *followed);

/* Follow a process that is, or will be, in wait_for_trace. trace_step lets it
 * go on to the next beginning or end of a system call, and returns false once
 * it is gone. trace_end leaves it to itself. See ptrace(2). */
void trace_begin(pid_t pid, volatile bool *followed);
void trace_end(pid_t pid);

#endif
