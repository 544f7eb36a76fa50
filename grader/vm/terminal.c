/* terminal.c - the caller's terminal and signals: whatever ends us, QEMU goes with
 * us, and the terminal is as it was. */
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "vm.h"

static struct vm *running;           /* what a signal shall end */
static struct termios original;      /* the terminal, as it was */
static volatile sig_atomic_t is_raw; /* it is not now */

void
terminal_raw(void)
{
  struct termios raw;
  if (is_raw || tcgetattr(0, &original) < 0)
    return;
  raw = original;
  cfmakeraw(&raw);
  is_raw = 1;
  tcsetattr(0, TCSADRAIN, &raw);
}

void
terminal_restore(void)
{
  if (is_raw)
    tcsetattr(0, TCSADRAIN, &original);
  is_raw = 0;
}

/* All that is called here may be called from a handler (signal-safety(7)). */
void
terminal_die(int signal_number)
{
  sigset_t set;
  if (running->qemu > 0) {
    kill(running->qemu, SIGKILL);
    waitpid(running->qemu, NULL, 0);
  }
  terminal_restore();
  signal(signal_number, SIG_DFL);
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  raise(signal_number);
}

void
terminal_catch_signals(struct vm *vm)
{
  static const int deadly[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
  struct sigaction action = {.sa_handler = terminal_die};
  running = vm;
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
    sigaction(deadly[i], &action, NULL);
}
