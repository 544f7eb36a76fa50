/* See spawn.c. */
#include <stdlib.h>

#include "container.h"

void
init_signals(sigset_t *signals)
{
  sigemptyset(signals);
}

int
init_await(int go)
{
  (void)go;
  exit(0);
}

int
init_wait(pid_t program)
{
  (void)program;
  exit(0);
}

int
init_run(const sigset_t *mask, int (*program)(void *arg), void *arg)
{
  (void)mask, (void)program, (void)arg;
  exit(0);
}
