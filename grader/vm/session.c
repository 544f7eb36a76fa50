/* session.c - say what to run, and pass on what it reads and writes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "start.h"
#include "vm.h"
#include "wire.h"

/* Our side of a command that runs. */
struct session {
  int wire;          /* to the guest */
  int signals;       /* a signalfd(2): SIGWINCH, or else SIGINT */
  bool interactive;  /* a person sits at our terminal */
  bool typing;       /* the keys are the guest's now */
  bool full;         /* the wire: the guest does not take what was typed */
  bool interrupted;  /* the command has had its ^C */
  int status;        /* its exit status, or -1 while it runs */
};

/* ---- what to run ---- */

static int
send_text(int wire, enum wire_type type, const char *text)
{
  return wire_send(wire, type, text, strlen(text));
}

/* Of the caller's environment, what is about his eyes and his programs. The rest
 * is about the host, and some of it is secret. */
static bool
goes_along(const char *variable)
{
  static const char *const names[] = {"TERM=", "COLORTERM=", "NO_COLOR=", "LANG=",
                                      "LC_", "TZ=", "SHELL="};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strncmp(variable, names[i], strlen(names[i])) == 0)
      return true;
  return false;
}

static int
send_environment(int wire)
{
  static const char *const fixed[] = {"HOME=/root", "USER=root", "LOGNAME=root"};
  const char *path = getenv("PATH");
  char text[WIRE_MAX];
  snprintf(text, sizeof text, "PATH=%s%s" INSIDE_PATH, path ?: "", path ? ":" : "");
  if (send_text(wire, WIRE_VARIABLE, text) < 0)
    return -1;
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    if (send_text(wire, WIRE_VARIABLE, fixed[i]) < 0)
      return -1;
  for (char **variable = environ; *variable; variable++)
    if (goes_along(*variable) && send_text(wire, WIRE_VARIABLE, *variable) < 0)
      return -1;
  return 0;
}

static int
send_arguments(int wire, char **argv)
{
  char *shell[] = {getenv("SHELL") ?: "/bin/sh", NULL};
  for (char **arg = *argv ? argv : shell; *arg; arg++)
    if (send_text(wire, WIRE_ARGUMENT, *arg) < 0)
      return -1;
  return 0;
}

static int
send_size(int wire)
{
  struct winsize size = {0};
  ioctl(1, TIOCGWINSZ, &size);
  return wire_send(wire, WIRE_SIZE, &size, sizeof size);
}

/* In the order of wire.h. */
static int
send_job(const struct session *s, const char *tree, char **argv)
{
  char directory[PATH_MAX];
  struct timespec now;
  if (!getcwd(directory, sizeof directory))
    return fail("find the current directory");
  clock_gettime(CLOCK_REALTIME, &now);
  if (wire_send(s->wire, WIRE_CLOCK, &now, sizeof now) < 0 ||
      send_text(s->wire, WIRE_TREE, tree) < 0 ||
      send_text(s->wire, WIRE_DIRECTORY, directory) < 0 ||
      send_environment(s->wire) < 0 || send_arguments(s->wire, argv) < 0 ||
      send_size(s->wire) < 0)
    return -1;
  return wire_send(s->wire, s->interactive ? WIRE_TERMINAL : WIRE_PIPES, "", 0);
}

/* ---- while it runs ---- */

/* What the command printed. If nobody reads that any more, die of it, as the
 * command would. */
static int
print(int fd, const struct wire_message *message)
{
  if (write_all(fd, message->data, message->size) == 0)
    return 0;
  if (errno == EPIPE)
    terminal_die(SIGPIPE);
  return fail("write to descriptor %d what the command printed", fd);
}

/* The next message of the guest. Returns 0, or -1 with errno and a message. */
static int
listen_to_guest(struct session *s)
{
  static struct wire_message message;
  int n = wire_receive(s->wire, &message);
  if (n <= 0)
    return n < 0 ? n : refuse(EPIPE, "the guest died");
  switch (message.type) {
  case WIRE_STARTED:
    s->typing = s->interactive;
    if (s->typing)
      terminal_raw(); /* the guest's terminal knows what ^C means */
    return 0;
  case WIRE_OUTPUT: return print(1, &message);
  case WIRE_ERROR: return print(2, &message);
  case WIRE_ENDED: memcpy(&s->status, message.data, sizeof s->status); return 0;
  case WIRE_FAILED: return refuse(ECANCELED, "in the guest: %s", message.data);
  default: return refuse(EBADMSG, "the guest sent a message '%c'", (char)message.type);
  }
}

/* What was typed. Not if we had to wait for room on the wire: the guest may wait,
 * too, for us to take what it prints. If the terminal is gone, SIGHUP ends us. */
static void
send_keys(struct session *s)
{
  char data[1024];
  struct pollfd wire = {.fd = s->wire, .events = POLLOUT};
  s->full = poll(&wire, 1, 0) == 0;
  if (s->full)
    return;
  ssize_t n = read(0, data, sizeof data);
  if (n > 0)
    wire_send(s->wire, WIRE_INPUT, data, n);
  else if (n == 0 || (errno != EINTR && errno != EAGAIN))
    s->typing = false;
}

/* A new size of the terminal; or ^C where the keys are not the guest's: the first
 * one is for the command, the second for us. */
static void
send_signal(struct session *s)
{
  struct signalfd_siginfo info;
  if (read(s->signals, &info, sizeof info) != sizeof info)
    return;
  int number = info.ssi_signo;
  if (number == SIGWINCH) {
    send_size(s->wire);
    return;
  }
  if (s->interrupted)
    terminal_die(number);
  s->interrupted = true;
  wire_send(s->wire, WIRE_SIGNAL, &number, sizeof number);
}

static int
watch_signals(bool interactive)
{
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, interactive ? SIGWINCH : SIGINT);
  sigprocmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* One round: wait until somebody has something, and pass it on. */
static int
relay(struct session *s)
{
  enum { GUEST, SIGNALS, KEYS };
  struct pollfd polled[] = {
      [GUEST] = {.fd = s->wire, .events = POLLIN | (s->full ? POLLOUT : 0)},
      [SIGNALS] = {.fd = s->signals, .events = POLLIN},
      [KEYS] = {.fd = s->typing && !s->full ? 0 : -1, .events = POLLIN},
  };
  if (poll(polled, sizeof polled / sizeof *polled, -1) < 0)
    return errno == EINTR ? 0 : fail("wait for the guest");
  if (polled[SIGNALS].revents)
    send_signal(s);
  if (polled[KEYS].revents)
    send_keys(s);
  if (polled[GUEST].revents & POLLOUT)
    s->full = false;
  return polled[GUEST].revents & ~POLLOUT ? listen_to_guest(s) : 0;
}

int
vm_session(struct vm *vm, char **argv)
{
  struct session s = {.wire = vm->wire, .status = -1};
  s.interactive = isatty(0) && isatty(1);
  signal(SIGPIPE, SIG_IGN); /* of the wire: QEMU may die at any time */
  if (send_job(&s, vm->tree, argv) < 0)
    return -1;
  autoclose int signals = s.signals = watch_signals(s.interactive);
  if (signals < 0)
    return fail("signalfd");
  while (s.status < 0)
    if (relay(&s) < 0)
      return -1;
  return s.status;
}
