/* look.h - processes, looked at from outside; and waiting for what they do. For the
 * Check tests of lab03. */
#ifndef LOOK_H
#define LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#include "proc.h"

/* Wait until the condition holds; false if it did not within PATIENCE seconds, or 10 if
 * the environment gives more or none: what is waited for here takes milliseconds. */
#define AWAIT(condition)                                                       \
  ({                                                                           \
    bool holds_;                                                               \
    double end_ = now() + patience();                                          \
    while (!(holds_ = (condition)) && now() < end_)                            \
      usleep(1000);                                                            \
    holds_;                                                                    \
  })
double patience(void);

/* Seconds on a clock that nobody sets, and that all processes share. */
double now(void);

/* How many descriptors a process has open. */
int count_fds(pid_t pid);

/* Where descriptor `fd` of the process leads. Valid until the next call. */
const char *fd_path(pid_t pid, int fd);

/* Is the process in the group (a line of its cgroup.procs)? */
bool is_in(const char *group, pid_t pid);

/* Write `text` to a file of the group; the test fails if that cannot be. */
void set_knob(const char *group, const char *name, const char *text);

/* Kill a child of ours, and wait for it. Nothing happens for 0 and less. */
void end_process(pid_t pid);

/* For bodies: give up every capability; be killed with our parent. */
void give_up_capabilities(void);
void die_with_parent(void);

/* For bodies: from here on these system calls fail with `error`; -1 ends the list. */
void forbid_calls(int error, const int *calls);

#endif
