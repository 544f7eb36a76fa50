/* look.h - processes, looked at from outside; and waiting for what they do. For the
 * Check tests of lab03. */
#ifndef LOOK_H
#define LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

/* Zeroed memory that whoever is forked afterwards shares with us. */
void *shared(size_t size);

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

/* A field of /proc/PID/status, "" if the process is gone. Valid until 8 more have
 * been asked for. */
const char *status_text(pid_t pid, const char *field);

/* Field N of /proc/PID/stat, counted as in proc(5); -1 if the process is gone. */
long long stat_number(pid_t pid, int n);

/* Does it wait for something ("S")? Is it no more, or a zombie? */
bool is_asleep(pid_t pid);
bool is_gone(pid_t pid);

/* The numbers of a process's children, zombies too, as text: "12 13 ", "" if there
 * are none. Valid until the next call. child_of: the first one, or 0. */
const char *children_of(pid_t pid);
pid_t child_of(pid_t pid);

/* How many descriptors a process has open; what /proc/PID/fdinfo says of one: the
 * process that a pidfd stands for, or 0 if it is none; whether it is close-on-exec. */
int count_fds(pid_t pid);
pid_t pidfd_target(pid_t pid, int fd);
bool fd_is_cloexec(pid_t pid, int fd);

/* Where descriptor `fd` of the process leads. Valid until the next call. */
const char *fd_path(pid_t pid, int fd);

/* Is the process in the group (a line of its cgroup.procs)? */
bool is_in(const char *group, pid_t pid);

/* Write `text` to a file of the group; the test fails if that cannot be. */
void set_knob(const char *group, const char *name, const char *text);

/* Kill a child of ours, and wait for it. Nothing happens for 0 and less. */
void end_process(pid_t pid);

/* Orphans among our descendants become our children. */
void adopt_orphans(void);

/* For bodies: give up every capability; be killed with our parent. */
void give_up_capabilities(void);
void die_with_parent(void);

/* For bodies: from here on these system calls fail with `error`; -1 ends the list. */
void forbid_calls(int error, const int *calls);

#endif
