/* follow.h - follow the student's process from system call to system call (ptrace(2)),
 * for Check tests. At each of them it could be killed; and at each, what it is about to
 * do can be seen. */
#ifndef FOLLOW_H
#define FOLLOW_H

#include <sys/ptrace.h>

#include "student.h"

/* Called where the process is about to enter a call, and where it has come out of it. */
typedef void follow_fn(pid_t pid, const struct __ptrace_syscall_info *call, void *arg);

/* As student_call, with each call reported. Ends the test as one that cannot run
 * where no process may be followed. */
const struct answer *follow_call(void (*body)(struct answer *, const void *), const void *arg,
                                 follow_fn *each, void *each_arg);

#endif
