/* main_run.c - `cgrun run`: one group, from its making to its end. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"

static sigset_t mask_before; /* the signal mask that PROGRAM gets */

/* Which signals end our waiting: what is sent to us is for PROGRAM. */
static int
open_signals(void)
{
  static const int all[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
  sigset_t signals;
  sigemptyset(&signals);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    sigaddset(&signals, all[i]);
  if (sigprocmask(SIG_BLOCK, &signals, &mask_before) < 0)
    return fail("block signals");
  int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? fail("make a signalfd") : fd;
}

/* Claim our new group. A sweeper, or `cgrun list`, may hold it for a moment: then wait
 * for that one, if it does not take too long. Returns 0, or -1 with errno. */
static int
claim(int group)
{
  int64_t end = clock_ms() + PATIENCE;
  int claimed;
  while ((claimed = cgroup_claim(group)) < 0 && errno == EBUSY && clock_ms() < end)
    poll(NULL, 0, 1);
  return claimed;
}

/* Make the group and claim it. A sweeper may be quicker than the claim (ESTALE):
 * then once more. Returns a descriptor, or -1 when it has said why. */
static int
make_group(int place, const char *directory)
{
  for (int tries = 0;; tries++) {
    autoclose int group = cgroup_create(place, directory, wish.controllers);
    if (group < 0 && errno == ENOENT && tries < 100)
      continue; /* swept before it was opened */
    if (group < 0 && errno == EEXIST) {
      refuse(EEXIST, "the name %s is in use (run: cgrun stat %s; or choose another)",
             wish.name, wish.name);
      complain();
      return -1;
    }
    if (group < 0) {
      bool missing = errno == ENOTSUP || errno == EACCES;
      complain_with(missing && !unfinished() ? how_to_get_controllers() : "");
      return -1;
    }
    int claimed = claim(group);
    if (claimed < 0 && errno == ESTALE && tries < 100)
      continue;
    if (step(claimed) != FAILED)
      return take_fd(&group);
    cgroup_remove(place, directory);
    return -1;
  }
}

/* In the child: become PROGRAM. Returns the exit status if that fails. */
static int
become(char **argv)
{
  enum { MARK_CLOEXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC: lab01, exercise 1.7 */
  if (sigprocmask(SIG_SETMASK, &mask_before, NULL) < 0 ||
      syscall(SYS_close_range, 3U, ~0U, MARK_CLOEXEC) < 0) {
    fail("unblock signals and close descriptors");
    return complain();
  }
  execvp(argv[0], argv);
  int status = errno == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
  fail("%s", argv[0]);
  complain();
  return status;
}

/* Take the signals that have come: pass them on, but not those from the keyboard,
 * which PROGRAM has got itself. */
static void
pass_on(int signals, pid_t program)
{
  struct signalfd_siginfo info;
  while (read(signals, &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
      kill(program, info.ssi_signo);
}

/* Has PROGRAM ended? Then *status is its exit status. If that cannot be known, we need
 * not wait for it, either: it will be killed with its group. */
static bool
has_ended(pid_t program, int *status)
{
  int how;
  pid_t ended = waitpid(program, &how, WNOHANG);
  if (ended < 0) {
    fail("wait for the program");
    *status = complain();
  }
  if (ended != program)
    return ended < 0;
  *status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
  return true;
}

static void
say_killed(void)
{
  fprintf(stderr, "cgrun: %s: out of memory: the kernel has killed a process (see "
          "memory.events)\n", wish.name);
}

/* Wait for PROGRAM, and say when the kernel kills somebody in the group. */
static int
wait_for(int group, pid_t program, int signals)
{
  struct cgroup_watch watch = {.events = -1, .memory = -1};
  bool watching = step(cgroup_watch_start(group, &watch)) == DONE;
  int status = TOOL_FAILED;
  while (!has_ended(program, &status)) {
    unsigned happened = 0;
    if (watching && step(cgroup_watch_next(&watch, signals, -1, &happened)) != DONE)
      watching = false;
    if (!watching)
      poll(&(struct pollfd){.fd = signals, .events = POLLIN}, 1, -1);
    if (happened & WATCH_OOM)
      say_killed();
    pass_on(signals, program);
  }
  /* A program that was killed for its memory ends at the same moment. */
  unsigned happened = 0;
  if (watching && cgroup_watch_next(&watch, -1, 0, &happened) == 0 && happened & WATCH_OOM)
    say_killed();
  if (watching)
    cgroup_watch_end(&watch);
  return status;
}

/* Kill what PROGRAM has left running, and remove the group. Returns 0, or an exit
 * status. */
static int
clean_up(int place, int group, const char *directory)
{
  int status = step(cgroup_kill(group, PATIENCE)) == FAILED ? TOOL_FAILED : 0;
  enum step removed = step(cgroup_remove_tree(place, directory));
  /* Perhaps there is nothing below it; then this does, too. */
  enum step alone = removed == DONE ? DONE : step(cgroup_remove(place, directory));
  if (removed == LEFT_OUT)
    removed = alone;
  return removed == FAILED ? TOOL_FAILED : status;
}

int
run_in_group(int place)
{
  char directory[sizeof PREFIX + NAME_SIZE];
  int status = TOOL_FAILED;
  snprintf(directory, sizeof directory, PREFIX "%s", wish.name);
  if (step(cgroup_sweep(place, PREFIX)) == FAILED)
    fputs("cgrun: it goes on without removing that\n", stderr);
  autoclose int signals = open_signals();
  if (signals < 0)
    return complain();
  autoclose int group = make_group(place, directory);
  if (group < 0)
    return TOOL_FAILED;
  /* Not even if it is left out, where a limit was asked for. */
  enum step limited = wish.controllers[0] ? step(cgroup_limit(group, &wish.limits)) : DONE;
  pid_t program = limited == DONE ? cgroup_spawn(group, NULL) : -1;
  if (program == 0)
    _exit(become(wish.argv));
  if (program > 0)
    status = wait_for(group, program, signals);
  else if (limited == DONE)
    step(program);
  int cleaned = clean_up(place, group, directory);
  return cleaned ? cleaned : status;
}
