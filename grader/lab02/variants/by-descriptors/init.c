/* by-descriptors: everything that one can wait for is a descriptor. Here:
 * signalfd(2) and poll(2), and the program's end by a pidfd. user.c looks at
 * its capabilities before it writes anything. enter.c goes by a descriptor of a
 * directory in /proc. spawn.c gives the clocks by their numbers, and fills in
 * no structure. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

void
init_signals(sigset_t *signals)
{
  sigemptyset(signals);
  sigaddset(signals, SIGHUP);
  sigaddset(signals, SIGINT);
  sigaddset(signals, SIGQUIT);
  sigaddset(signals, SIGTERM);
  sigaddset(signals, SIGUSR1);
  sigaddset(signals, SIGUSR2);
  sigaddset(signals, SIGWINCH);
  sigaddset(signals, SIGCHLD);
}

int
init_await(int go)
{
  if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL) < 0)
    return fail("PR_SET_PDEATHSIG");
  for (;;) {
    char byte;
    switch (read(go, &byte, 1)) {
    case 1:
      return 0;
    case 0:
      return refuse(EPIPE, "the pipe ended");
    default:
      if (errno != EINTR)
        return fail("read the pipe");
    }
  }
}

/* Take one signal; pass it on unless it is SIGCHLD or the keyboard's. */
static int
take_signal(int fd, pid_t program)
{
  struct signalfd_siginfo info;
  if (read(fd, &info, sizeof info) != sizeof info)
    return errno == EINTR || errno == EAGAIN ? 0 : fail("read a signal");
  if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
    kill(program, info.ssi_signo);
  return 0;
}

/* Reap the orphans, and leave the program, whose end its pidfd tells: the first
 * one that waitid(2) shows is looked at before it is taken. */
static void
reap_orphans(pid_t program)
{
  for (;;) {
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0 || info.si_pid == program)
      return;
    waitid(P_PID, info.si_pid, &info, WEXITED);
  }
}

int
init_wait(pid_t program)
{
  sigset_t signals;
  siginfo_t info = {.si_pid = 0};
  if (waitid(P_PID, program, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
    return fail("wait for %d", program);
  init_signals(&signals);
  autoclose int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  autoclose int end = syscall(SYS_pidfd_open, program, 0U);
  if (fd < 0 || end < 0)
    return fail("signalfd and pidfd_open");
  for (;;) {
    struct pollfd events[] = {{.fd = fd, .events = POLLIN},
                              {.fd = end, .events = POLLIN}};
    if (poll(events, 2, -1) < 0 && errno != EINTR)
      return fail("poll");
    if (events[0].revents && take_signal(fd, program) < 0)
      return -1;
    if (events[1].revents)
      break;
    reap_orphans(program);
  }
  if (waitid(P_PID, program, &info, WEXITED) < 0)
    return fail("wait for %d", program);
  while (waitpid(-1, NULL, WNOHANG) > 0)
    ;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int
init_run(const sigset_t *mask, int (*program)(void *arg), void *arg)
{
  pid_t pid = fork();
  if (pid == 0) {
    if (sigprocmask(SIG_SETMASK, mask, NULL) < 0)
      _exit(125);
    _exit(program(arg));
  }
  return pid < 0 ? fail("fork") : init_wait(pid);
}
