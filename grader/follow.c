#include "follow.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc.h"

/* The student's process has a child, in which the body runs: so it is followed from the
 * start, while student_start waits for the student's process. */
struct followed {
  void (*body)(struct answer *, const void *);
  const void *arg;
  volatile pid_t pid;     /* the child */
  volatile bool followed; /* before that it does nothing */
};

static void
body_in_child(struct answer *a, const void *arg)
{
  struct followed *f = (struct followed *)arg;
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    while (!f->followed)
      usleep(200);
    f->body(a, f->arg);
    _exit(0);
  }
  f->pid = pid;
}

static void
follow_begin(struct followed *f)
{
  int status;
  if (ptrace(PTRACE_SEIZE, f->pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0 ||
      ptrace(PTRACE_INTERRUPT, f->pid, NULL, NULL) < 0 ||
      waitpid(f->pid, &status, __WALL) != f->pid)
    student_cannot("no process may be followed here (mend it: sudo sysctl "
                   "kernel.yama.ptrace_scope=1; or start the container with --cap-add "
                   "SYS_PTRACE)");
  f->followed = true;
}

const struct answer *
follow_call(void (*body)(struct answer *, const void *), const void *arg, follow_fn *each,
            void *each_arg)
{
  struct followed *f = shared(sizeof *f);
  f->body = body;
  f->arg = arg;
  pid_t pid = student_start(body_in_child, f);
  follow_begin(f);
  while (trace_step(f->pid)) {
    struct __ptrace_syscall_info call = {0};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, f->pid, (void *)sizeof call, &call) > 0)
      each(f->pid, &call, each_arg);
  }
  student_end(pid);
  EXPECT(student_said()->value != SAID_NOTHING, "the function returns",
         "it ended the process");
  return student_said();
}
