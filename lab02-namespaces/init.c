/* init.c - 2.2: PID 1.
 *
 * The first process of a PID namespace has the number 1 in it, and with the
 * number come three duties and two privileges (pid_namespaces(7)):
 *
 *   - It inherits orphans. When a process ends, its children become PID 1's; and when
 *     those end they stay as zombies until PID 1 waits for them.
 *   - Whoever wants to stop the container sends it the signal.
 *   - Its end is the container's end: the kernel kills all others with it. So it must
 *     not end before the program does, and its exit status is all that is seen
 *     outside.
 *   + A signal for which it has no handler does nothing to it, not even SIGTERM.
 *   + SIGKILL from inside does nothing, either. From outside it does.
 *
 * Most programs were never written for that. So a small init stands in front of
 * them.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "fail.h"

void
init_signals(sigset_t *signals)
{
  static const int all[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT,
                            SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
  sigemptyset(signals);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    sigaddset(signals, all[i]);
}

int
init_await(int go)
{
  /* TODO 2.2: die with the parent, and wait for its word. What if it has died
   * before we asked? */
  return todo("2.2", go);
}

int
init_wait(pid_t program)
{
  /* TODO 2.2: take one signal after the other. For which of them is there how
   * much to do? Whom did the keyboard's reach already? */
  return todo("2.2", program);
}

int
init_run(const sigset_t *mask, int (*program)(void *arg), void *arg)
{
  /* TODO 2.2: a child that becomes the program; and wait for it. */
  return todo("2.2", mask, program, arg);
}
