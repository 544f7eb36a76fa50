/* See spawn.c. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "fail.h"

void
init_signals(sigset_t *signals)
{
  sigemptyset(signals);
}

int
init_await(int go)
{
  char byte;
  return read(go, &byte, 1) == 1 ? 0 : refuse(EPIPE, "no word");
}

int
init_wait(pid_t program)
{
  int status;
  if (waitpid(program, &status, 0) < 0)
    return fail("wait");
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int
init_run(const sigset_t *mask, int (*program)(void *arg), void *arg)
{
  (void)mask;
  return program(arg);
}
