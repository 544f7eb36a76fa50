/* proc.h - processes, looked at from outside, for the Check tests of all labs. */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Zeroed memory that whoever is forked afterwards shares with us. */
void *shared(size_t size);

/* Read all of /proc/PID/NAME. Returns how much, 0 if there is none. */
size_t read_proc(pid_t pid, const char *name, char *text, size_t size);

/* A field of /proc/PID/status without the blanks around it; "" if the process
 * is gone. Valid until 8 more have been asked for. */
const char *status_text(pid_t pid, const char *field);

/* Field N of /proc/PID/stat, counted as in proc(5); -1 if the process is
 * gone. */
long long stat_number(pid_t pid, int n);

/* Does it wait for something ("S" in /proc/PID/stat)? Is it no more, or a
 * zombie? */
bool is_asleep(pid_t pid);
bool is_gone(pid_t pid);

/* The numbers of a process's children, zombies too, as text: "12 13 ", "" if there
 * are none. Valid until the next call. child_of: the first one, or 0. */
const char *children_of(pid_t pid);
pid_t child_of(pid_t pid);

/* A number behind FIELD in /proc/PID/fdinfo/FD, in base `base`; -1 if there is
 * none. */
long long fd_info(pid_t pid, int fd, const char *field, int base);

/* What that says of one of its descriptors: the process that a pidfd stands for, or 0
 * if it is none; whether it is close-on-exec. */
pid_t pidfd_target(pid_t pid, int fd);
bool fd_is_cloexec(pid_t pid, int fd);

/* Orphans among our descendants become our children. */
void adopt_orphans(void);

/* How often a process has been put on a processor. */
long runs_of(pid_t pid);

/* Let a process that we trace go on to the next beginning or end of a system call, and
 * hand it the signals that come for it. Returns false once it is gone. See ptrace(2). */
bool trace_step(pid_t pid);

#endif
