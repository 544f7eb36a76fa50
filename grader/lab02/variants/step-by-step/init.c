/* step-by-step: handlers that take notes, and sigsuspend(2), which lets them
 * run. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "fail.h"

static const int all[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT,
                          SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
enum { COUNT = sizeof all / sizeof *all };

void
init_signals(sigset_t *signals)
{
  sigemptyset(signals);
  for (size_t i = 0; i < COUNT; i++)
    sigaddset(signals, all[i]);
}

int
init_await(int go)
{
  struct pollfd word = {.fd = go, .events = POLLIN};
  char byte;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    return fail("prctl");
  while (poll(&word, 1, -1) < 0)
    if (errno != EINTR)
      return fail("poll");
  ssize_t n = TEMP_FAILURE_RETRY(read(go, &byte, 1));
  if (n == 1)
    return 0;
  return n < 0 ? fail("read") : refuse(EPIPE, "nobody said go");
}

static volatile sig_atomic_t came[65]; /* which signals are to be dealt with */

static void
note(int number, siginfo_t *info, void *context)
{
  (void)context;
  if (number == SIGCHLD || info->si_code != SI_KERNEL)
    came[number] = 1;
}

/* Returns whether the program has ended, and how in *status. */
static bool
reap_all(pid_t program, int *status)
{
  int how;
  bool ended = false;
  for (;;) {
    pid_t pid = waitpid(-1, &how, WNOHANG);
    if (pid <= 0)
      return ended;
    if (pid != program)
      continue;
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    ended = true;
  }
}

int
init_wait(pid_t program)
{
  struct sigaction before[COUNT], action = {.sa_sigaction = note};
  sigset_t open;
  int status = -1;
  pid_t pid = waitpid(program, &status, WNOHANG);
  if (pid < 0)
    return fail("process %d", program);
  if (pid > 0)
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  sigprocmask(SIG_SETMASK, NULL, &open);
  action.sa_flags = SA_SIGINFO | SA_NOCLDSTOP;
  sigfillset(&action.sa_mask);
  for (size_t i = 0; i < COUNT; i++) {
    came[all[i]] = 0;
    sigdelset(&open, all[i]);
    sigaction(all[i], &action, &before[i]);
  }
  /* Between two sigsuspend all of them are blocked, so none comes in
   * between. */
  for (bool ended = false; !ended;) {
    sigsuspend(&open);
    for (size_t i = 0; i < COUNT; i++) {
      if (!came[all[i]])
        continue;
      came[all[i]] = 0;
      if (all[i] == SIGCHLD)
        ended = reap_all(program, &status);
      else
        kill(program, all[i]);
    }
  }
  for (size_t i = 0; i < COUNT; i++)
    sigaction(all[i], &before[i], NULL);
  return status;
}

int
init_run(const sigset_t *mask, int (*program)(void *arg), void *arg)
{
  pid_t pid = fork();
  switch (pid) {
  case -1:
    return fail("fork");
  case 0:
    pthread_sigmask(SIG_SETMASK, mask, NULL);
    _exit(program(arg));
  default:
    return init_wait(pid);
  }
}
