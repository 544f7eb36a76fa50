/* init_job.c - run the command, and pass on what it reads and writes.
 *
 * If a person sits at the launcher's terminal, the command gets a terminal, too:
 * we hold the master of a pseudoterminal (pty(7)), as sshd(8) does. Else it gets
 * two pipes, so that its output stays what it is, byte for byte, and its errors
 * stay apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "init.h"
#include "wire.h"

/* The running command, as we see it. */
struct running {
  int port;         /* to the launcher */
  int children;     /* a signalfd(2) of SIGCHLD */
  int out;          /* the master of its terminal, or its output's pipe */
  int err;          /* its standard error's pipe, or -1 */
  bool terminal;    /* `out` is a terminal */
  pid_t pid;        /* it leads a session and a process group */
  int status;       /* its exit status, or -1 while it runs */
  struct wire_message in;  /* the latest from the launcher */
  size_t typed;     /* bytes of it that the terminal has not taken yet, at
                       `in.data` + `in.size` - `typed` */
};

/* ---- start it ---- */

/* Its side of where it reads and writes. */
struct ends {
  int in, out, err;  /* what will be its 0, 1 and 2 */
};

static int
open_terminal(struct running *r, struct ends *ends, const struct winsize *size)
{
  r->err = -1;
  r->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (r->out < 0 || unlockpt(r->out) < 0)
    return fail("open a terminal, /dev/ptmx");
  ends->in = ioctl(r->out, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (ends->in < 0)
    return fail("open the other side of a terminal");
  ends->out = ends->err = ends->in;
  ioctl(r->out, TIOCSWINSZ, size);
  return 0;
}

static int
open_pipes(struct running *r, struct ends *ends)
{
  int out[2], err[2];
  ends->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (ends->in < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
    return fail("open /dev/null and two pipes");
  r->out = out[0];
  r->err = err[0];
  ends->out = out[1];
  ends->err = err[1];
  /* Only our ends: a program is not prepared for EAGAIN. */
  fcntl(r->out, F_SETFL, O_NONBLOCK);
  fcntl(r->err, F_SETFL, O_NONBLOCK);
  return 0;
}

/* In the child: become the command. */
static void
command(const struct job *job, const struct ends *ends)
{
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
  if (job->terminal)
    ioctl(ends->in, TIOCSCTTY, 0);
  dup2(ends->in, 0);
  dup2(ends->out, 1);
  dup2(ends->err, 2);
  clearenv();
  for (size_t i = 0; i < job->env.count; i++)
    putenv(job->env.items[i]);
  if (chdir(job->directory) < 0) {
    fail("enter %s (the VM has a /tmp, /run and /root of its own)", job->directory);
    fprintf(stderr, "vm: %s\n", failure());
    _exit(125);
  }
  execvp(job->argv.items[0], job->argv.items);
  int status = errno == ENOENT ? 127 : 126;
  fail("%s", job->argv.items[0]);
  fprintf(stderr, "vm: %s\n", failure());
  _exit(status);
}

static int
start(struct running *r, const struct job *job)
{
  struct ends ends = {-1, -1, -1};
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  r->children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (r->children < 0)
    return fail("signalfd");
  if ((r->terminal ? open_terminal(r, &ends, &job->size) : open_pipes(r, &ends)) < 0)
    return -1;
  r->pid = fork();
  if (r->pid < 0)
    return fail("fork");
  if (r->pid == 0)
    command(job, &ends);
  /* The other side of a terminal stays open here: else it would hang up on a
   * command that closes it and opens /dev/tty later. */
  if (!r->terminal) {
    close(ends.in);
    close(ends.out);
    close(ends.err);
  }
  return wire_send(r->port, WIRE_STARTED, "", 0);
}

/* ---- pass on ---- */

/* What came from the command, to the launcher. Returns false if there was
 * nothing; at the end of it, also closes the descriptor. */
static bool
pass_output(int port, int *fd, enum wire_type type)
{
  char data[16384];
  ssize_t n = *fd < 0 ? 0 : read(*fd, data, sizeof data);
  if (n > 0) {
    wire_send(port, type, data, n);
    return true;
  }
  if (*fd >= 0 && !(n < 0 && (errno == EAGAIN || errno == EINTR))) {
    close(*fd);
    *fd = -1;
  }
  return false;
}

/* What was typed, to the terminal. It takes none while its buffer is full and the
 * command does not read. */
static void
pass_input(struct running *r)
{
  if (r->out < 0)
    r->typed = 0;
  if (r->typed == 0)
    return;
  ssize_t n = write(r->out, r->in.data + r->in.size - r->typed, r->typed);
  if (n > 0)
    r->typed -= n;
}

static void
obey(struct running *r)
{
  int signal;
  if (wire_receive(r->port, &r->in) <= 0) {
    r->status = 128 + SIGHUP; /* the launcher is gone */
    return;
  }
  switch (r->in.type) {
  case WIRE_INPUT:
    r->typed = r->in.size;
    pass_input(r);
    break;
  case WIRE_SIZE: ioctl(r->out, TIOCSWINSZ, r->in.data); break;
  case WIRE_SIGNAL:
    memcpy(&signal, r->in.data, sizeof signal);
    kill(-r->pid, signal);
    break;
  }
}

/* Wait for whoever has ended: the command, and orphans, whom PID 1 inherits. */
static void
reap(struct running *r)
{
  struct signalfd_siginfo info;
  int status;
  if (read(r->children, &info, sizeof info) < 0)
    return;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == r->pid)
      r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                      : WEXITSTATUS(status);
}

/* One round: wait until somebody has something, and pass it on. */
static void
relay(struct running *r)
{
  enum { PORT, CHILDREN, OUT, ERR };
  struct pollfd polled[] = {
      [PORT] = {.fd = r->typed ? -1 : r->port, .events = POLLIN},
      [CHILDREN] = {.fd = r->children, .events = POLLIN},
      [OUT] = {.fd = r->out, .events = POLLIN | (r->typed ? POLLOUT : 0)},
      [ERR] = {.fd = r->err, .events = POLLIN},
  };
  if (poll(polled, sizeof polled / sizeof *polled, -1) < 0)
    return;
  if (polled[PORT].revents)
    obey(r);
  if (polled[OUT].revents & POLLOUT)
    pass_input(r);
  if (polled[OUT].revents & (POLLIN | POLLHUP))
    pass_output(r->port, &r->out, WIRE_OUTPUT);
  if (polled[ERR].revents)
    pass_output(r->port, &r->err, WIRE_ERROR);
  if (polled[CHILDREN].revents)
    reap(r);
}

int
init_job(int port, const struct job *job)
{
  static struct running r = {.out = -1, .err = -1, .status = -1};
  r.port = port;
  r.terminal = job->terminal;
  if (start(&r, job) < 0)
    return -1;
  while (r.status < 0)
    relay(&r);
  /* What it wrote last. Somebody it left behind may write for ever; no buffer
   * holds more than this many pieces. */
  for (int i = 0; i < 64 && pass_output(port, &r.out, WIRE_OUTPUT); i++)
    ;
  for (int i = 0; i < 64 && pass_output(port, &r.err, WIRE_ERROR); i++)
    ;
  return r.status;
}
