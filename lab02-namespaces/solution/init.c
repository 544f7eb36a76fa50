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
  //> /* TODO 2.2: die with the parent, and wait for its word. What if it has died
  //>  * before we asked? */
  //> return todo("2.2", go);
  char byte;
  ssize_t n;

  /* First the wish, then the reading. If the parent ended before we could say
   * the wish, nobody is left to write, and read(2) says so: the end of the
   * pipe. Asking for getppid(2) would not do: in a PID namespace the parent is
   * outside, and has the number 0 whether it lives or not. */
  if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL) < 0)
    return fail("ask to die with the parent");
  do
    n = read(go, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return fail("wait for the parent");
  return n == 0 ? refuse(EPIPE, "the parent ended without a word") : 0;
  //<
}

//>
/* Reap every child that has ended, without waiting for any that has not.
 * Returns 1 if `program` was among them, with its end in *status; 0 if not; or
 * -1 with errno. */
static int
reap(pid_t program, int *status)
{
  pid_t pid;
  int how, found = 0;

  /* SIGCHLD is one bit: however many children end while it is pending, it comes
   * once. So one signal may stand for hundreds of them. */
  while ((pid = waitpid(-1, &how, WNOHANG)) > 0)
    if (pid == program) {
      *status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
      found = 1;
    }
  if (pid < 0 && errno != ECHILD) /* which says that no children are left */
    return fail("reap children");
  return found;
}
//<
int
init_wait(pid_t program)
{
  //> /* TODO 2.2: take one signal after the other. For which of them is there how
  //>  * much to do? Whom did the keyboard's reach already? */
  //> return todo("2.2", program);
  sigset_t signals;
  siginfo_t info;
  int status = 0;

  /* Is it ours? Else we would wait for ever. (WNOWAIT leaves it to be
   * reaped.) */
  if (waitid(P_PID, program, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
    return fail("wait for process %d", program);

  /* No handlers: they run at any moment, between any two lines, and may do next
   * to nothing (signal-safety(7)). The signals are blocked, and wait in the
   * kernel until we take them here, one by one. One that came before we got
   * here is not lost. */
  init_signals(&signals);
  for (;;) {
    int number = sigwaitinfo(&signals, &info);
    if (number < 0 && errno != EINTR)
      return fail("wait for a signal");
    if (number == SIGCHLD) {
      int found = reap(program, &status);
      if (found)
        return found < 0 ? -1 : status;
    } else if (number > 0 && info.si_code != SI_KERNEL)
      kill(program, number); /* EPERM: it has become somebody else; ended, it is a zombie */
  }
  //<
}

int
init_run(const sigset_t *mask, int (*program)(void *arg), void *arg)
{
  //> /* TODO 2.2: a child that becomes the program; and wait for it. */
  //> return todo("2.2", mask, program, arg);
  pid_t pid = fork();
  if (pid < 0)
    return fail("start the program");
  if (pid == 0) {
    /* Blocked signals stay blocked across execve(2), and a program that never
     * gets SIGTERM cannot be asked to end. */
    if (sigprocmask(SIG_SETMASK, mask, NULL) < 0)
      _exit(125);
    _exit(program(arg));
  }
  return init_wait(pid);
  //<
}
