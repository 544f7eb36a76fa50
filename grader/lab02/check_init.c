/* check_init.c - 2.2, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "check_lab02.h"
#include "process.h"

/* How a process ended that somebody else has not waited for yet: field 52 of
 * /proc/PID/stat. */
static const char *
end_text(pid_t pid)
{
  static char text[64];
  int status = stat_number(pid, 52);
  if (WIFSIGNALED(status))
    snprintf(text, sizeof text, "%s", strsignal(WTERMSIG(status)));
  else
    snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(status));
  return text;
}

static void
nothing(int signal)
{
  (void)signal;
}

/* Have a signal with a handler every 20 ms, that makes system calls fail with
 * EINTR. */
static void
be_disturbed(void)
{
  struct sigaction action = {.sa_handler = nothing};
  struct itimerval often = {{0, 20000}, {0, 20000}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
}

/* ---- init_await ---- */

/* The student's process is the parent, and its child waits for its word. */
struct await {
  bool parent_closes;      /* at once, without a word */
  bool traced;             /* the child waits until somebody follows it, */
  volatile bool followed;  /* and does */
  volatile bool start;     /* before that the child does nothing */
  volatile pid_t child;
  volatile int read_end, write_end;
};

static void
parent_and_child(struct answer *a, const void *arg)
{
  struct await *await = (struct await *)arg;
  int go[2];
  if (pipe2(go, O_CLOEXEC) < 0)
    _exit(99);
  await->read_end = go[0];
  await->write_end = go[1];
  pid_t pid = fork();
  if (pid == 0) {
    close(go[1]);
    while (!await->start)
      usleep(1000);
    if (await->traced)
      wait_for_trace(&await->followed);
    else
      be_disturbed();
    student_answer(a, STUDENT(init_await)(go[0]));
    for (;;)
      pause();
  }
  await->child = pid;
  if (await->parent_closes)
    close(go[1]);
}

/* Has the child come back from init_await, or is it gone? */
static bool
has_returned(const struct await *await)
{
  return student_said()->value != SAID_NOTHING || is_gone(await->child);
}

/* Say go, in the parent's place. */
static void
say_go(pid_t parent, const struct await *await)
{
  int fd = open_fd_of(parent, await->write_end, O_WRONLY);
  ck_assert_int_eq(write(fd, "g", 1), 1);
  close(fd);
}

START_TEST(test_await_waits)
{
  struct await *await = shared(sizeof *await);
  await->start = true;
  pid_t pid = student_start(parent_and_child, await);
  AWAIT(is_asleep(await->child) || has_returned(await));
  usleep(100000);
  const struct answer *a = student_said();
  EXPECT(a->value == SAID_NOTHING && !is_gone(await->child), "init_await does not "
         "return before the parent has said go, though signals arrive meanwhile",
         "it returned %d, \"%s\"", a->value, a->text);
  say_go(pid, await);
  AWAIT(has_returned(await));
  EXPECT(a->value == 0, "init_await returns 0 when the parent has said go", "%d "
         "(%d: it did not), \"%s\"", a->value, SAID_NOTHING, a->text);
  EXPECT(fd_is_open(await->child, await->read_end), "`go` stays open", "it is "
         "closed");
  student_end(pid);
  end_process(await->child);
}
END_TEST

START_TEST(test_await_dies)
{
  struct await *await = shared(sizeof *await);
  await->start = true;
  adopt_orphans();
  pid_t pid = student_start(parent_and_child, await);
  say_go(pid, await);
  AWAIT(has_returned(await));
  expect_success(student_said(), "init_await");
  student_end(pid);
  int status = end_of(await->child);
  EXPECT(status >= 0, "after init_await the child dies with its parent", "it lives "
         "on");
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "what ends it is "
         "SIGKILL, from which nobody can hide", "status %d", status);
}
END_TEST

START_TEST(test_await_no_word)
{
  struct await *await = shared(sizeof *await);
  await->start = true;
  await->parent_closes = true;
  pid_t pid = student_start(parent_and_child, await);
  EXPECT(AWAIT(has_returned(await)), "init_await returns when the pipe was closed",
         "it waits for ever");
  expect_errno(student_said(), "init_await, when the pipe was closed without a "
               "word,", EPIPE);
  student_end(pid);
  end_process(await->child);
}
END_TEST

START_TEST(test_await_too_late)
{
  struct await *await = shared(sizeof *await);
  adopt_orphans();
  pid_t pid = student_start(parent_and_child, await);
  student_end(pid); /* and only then does the child begin */
  await->start = true;
  EXPECT(AWAIT(has_returned(await)), "init_await returns when the parent has ended "
         "before it was called", "it waits for ever");
  if (!is_gone(await->child))
    expect_errno(student_said(), "init_await, when the parent has ended before it,",
                 EPIPE);
  end_process(await->child);
}
END_TEST

START_TEST(test_await_meanwhile)
{
  struct await *await = shared(sizeof *await);
  await->start = true;
  adopt_orphans();
  pid_t pid = student_start(parent_and_child, await);
  AWAIT(is_asleep(await->child) || has_returned(await));
  EXPECT(!has_returned(await), "init_await waits", "it returned %d, \"%s\"",
         student_said()->value, student_said()->text);
  student_end(pid);
  EXPECT(AWAIT(has_returned(await)), "the child does not wait for a parent that has "
         "ended", "it does");
  const struct answer *a = student_said();
  EXPECT(a->value != 0, "init_await does not return 0 when the parent has ended "
         "without a word", "0");
  end_process(await->child);
}
END_TEST

START_TEST(test_await_between)
{
  struct await *await = shared(sizeof *await);
  int left;
  await->start = true;
  await->traced = true;
  adopt_orphans();
  pid_t pid = student_start(parent_and_child, await);
  say_go(pid, await);
  int fd = open_fd_of(await->child, await->read_end, O_RDONLY);
  trace_begin(await->child, &await->followed);
  /* Go on until the word has been read, and not an instruction further. */
  while (ioctl(fd, FIONREAD, &left) == 0 && left > 0 && trace_step(await->child))
    ;
  close(fd);
  student_end(pid);
  trace_end(await->child);
  AWAIT(has_returned(await));
  const struct answer *a = student_said();
  EXPECT(a->value != 0 || is_gone(await->child), "the child never lives on without "
         "its parent, not even if that ends right after the word was read",
         "init_await returns 0, and the child lives");
  end_process(await->child);
}
END_TEST

/* ---- init_wait ---- */

/* All that init takes and passes on. */
static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
                                SIGWINCH};
enum { PASSED_ON = 7 };

static void
block_signals(void)
{
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  for (int i = 0; i < PASSED_ON; i++)
    sigaddset(&signals, passed_on[i]);
  sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* The student's process has a child, the waiter, which calls init_wait or
 * init_run; and that one has a child, the program. */
struct scene {
  bool run;                  /* with init_run */
  pid_t stranger;            /* wait for this one instead, or 0 */
  const char *terminal;      /* that waiter and program share, or NULL */
  bool disturbed;            /* the waiter, by other signals */
  bool other_user;           /* the program is another user's */
  const char *buffered;      /* a file that the waiter has buffered text for */
  bool ended;                /* the program has, before the waiter waits */
  int early;                 /* a signal that the waiter has got before, or 0 */
  sigset_t mask;             /* for init_run */
  volatile pid_t waiter;
  volatile bool returned;    /* init_wait or init_run, in the waiter; with what: */
  volatile int value, error;
  char text[256];
  volatile bool strayed;     /* it returned in another process as well */
  void *volatile handed;     /* what the program got from init_run */
  volatile int got[65];      /* how often the program got which signal */
  volatile int orphans;      /* an order to the program: make so many */
  volatile pid_t lasting;    /* an order (-1): make one that does not end; it */
  volatile int end;          /* an order to it: end with this exit status - 1, or */
  volatile int raise;        /* by this signal */
};

/* Make an orphan that lives as long as the waiter does. */
static void
make_lasting(struct scene *scene)
{
  pid_t pid = fork();
  if (pid == 0) {
    if (fork() > 0)
      _exit(0);
    while (getppid() != scene->waiter)
      usleep(1000);
    scene->lasting = getpid();
    wait_to_be_killed();
  }
  waitpid(pid, NULL, 0);
}

/* The program: counts signals, and does what it is told. */
static int
be_program(void *arg)
{
  struct scene *scene = arg;
  struct timespec moment = {.tv_nsec = 2000000};
  sigset_t all;
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  scene->handed = arg;
  if (!scene->run) {
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
  } else
    sigemptyset(&all);
  for (;;) {
    int number = sigtimedwait(&all, NULL, &moment);
    if (number > 0)
      scene->got[number]++;
    for (; scene->orphans > 0; scene->orphans--) {
      pid_t pid = fork();
      if (pid == 0)
        _exit(fork() < 0);
      waitpid(pid, NULL, 0);
    }
    if (scene->lasting == -1) {
      scene->lasting = 0;
      make_lasting(scene);
    }
    if (scene->raise) {
      signal(scene->raise, SIG_DFL);
      sigemptyset(&all);
      sigprocmask(SIG_SETMASK, &all, NULL);
      raise(scene->raise);
    }
    if (scene->end)
      return scene->end - 1;
  }
}

static void
be_waiter(struct scene *scene)
{
  pid_t self = getpid();
  int value;
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  adopt_orphans();
  if (scene->terminal) {
    setsid();
    if (open(scene->terminal, O_RDWR | O_CLOEXEC) < 0) /* and so it is ours */
      _exit(99);
  }
  block_signals();
  if (scene->early)
    raise(scene->early);
  if (scene->disturbed)
    be_disturbed();
  if (scene->buffered) {
    FILE *file = fopen(scene->buffered, "we");
    if (!file || fputs("once", file) < 0)
      _exit(99);
  }
  if (scene->run)
    value = STUDENT(init_run)(&scene->mask, be_program, scene);
  else {
    pid_t pid = fork();
    if (pid == 0 && scene->other_user && setresuid(1000, 1000, 1000) < 0)
      _exit(99);
    if (pid == 0)
      _exit(be_program(scene));
    if (scene->other_user)
      give_up_capabilities(-1);
    if (scene->ended)
      waitid(P_PID, pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
    value = STUDENT(init_wait)(scene->stranger ?: pid);
  }
  scene->error = errno;
  if (getpid() != self) {
    scene->strayed = true;
    _exit(99);
  }
  const char *(*message)(void) = student_symbol("failure");
  scene->value = value;
  snprintf(scene->text, sizeof scene->text, "%s", value < 0 ? message() : "");
  scene->returned = true;
  for (;;)
    pause();
}

static void
play(struct answer *a, const void *arg)
{
  struct scene *scene = (struct scene *)arg;
  pid_t pid = fork();
  if (pid == 0)
    be_waiter(scene);
  scene->waiter = pid;
  student_answer(a, 0);
}

/* Begin, and wait until the program is there and the waiter waits. Returns the
 * number of the student's process; *program is the program's. */
static pid_t
begin(struct scene *scene, pid_t *program)
{
  pid_t pid = student_start(play, scene);
  AWAIT(scene->handed || scene->returned || is_gone(scene->waiter));
  AWAIT(is_asleep(scene->waiter) || is_gone(scene->waiter));
  EXPECT(!is_gone(scene->waiter), "the function waits for the program", "it ended "
         "the process: %s", end_text(scene->waiter));
  EXPECT(!scene->returned, "the function does not return before the program has "
         "ended", "it returned %d, \"%s\"", scene->value, scene->text);
  *program = child_of(scene->waiter);
  return pid;
}

static void
end_scene(pid_t pid, const struct scene *scene)
{
  pid_t program = child_of(scene->waiter);
  student_end(pid);
  end_process(scene->waiter);
  end_process(program);
  end_process(scene->lasting);
}

/* Wait for the function's return, and end. */
static void
expect_return(pid_t pid, struct scene *scene, int value, const char *expected)
{
  AWAIT(scene->returned || is_gone(scene->waiter));
  EXPECT(!is_gone(scene->waiter), expected, "it ended the process: %s",
         end_text(scene->waiter));
  EXPECT(scene->returned, expected, "it does not return");
  EXPECT(scene->value == value, expected, "%d, not %d, \"%s\"", scene->value, value,
         scene->text);
  end_scene(pid, scene);
}

START_TEST(test_wait_status)
{
  static const int statuses[] = {0, 42, 255};
  static const int signals[] = {SIGTERM, SIGKILL, SIGSEGV};
  for (size_t i = 0; i < 3; i++) {
    struct scene *scene = shared(sizeof *scene);
    scene->disturbed = true;
    pid_t program, pid = begin(scene, &program);
    usleep(60000);
    EXPECT(!scene->returned, "init_wait goes on while the program lives, though "
           "other signals arrive meanwhile", "it returned %d, \"%s\"", scene->value,
           scene->text);
    scene->end = 1 + statuses[i];
    expect_return(pid, scene, statuses[i], "init_wait returns the program's exit "
                  "status");
  }
  for (size_t i = 0; i < 3; i++) {
    struct scene *scene = shared(sizeof *scene);
    pid_t program, pid = begin(scene, &program);
    scene->raise = signals[i];
    expect_return(pid, scene, 128 + signals[i], "init_wait returns 128+N for a "
                  "program that signal N ended");
  }
}
END_TEST

START_TEST(test_wait_ended)
{
  struct scene *scene = shared(sizeof *scene);
  scene->ended = true;
  scene->end = 44;
  pid_t pid = student_start(play, scene);
  expect_return(pid, scene, 43, "init_wait returns the exit status of a program "
                "that had ended before init_wait was called");
}
END_TEST

/* Stop a process; it stands still when this returns. */
static void
stop(pid_t pid)
{
  kill(pid, SIGSTOP);
  ck_assert(AWAIT(status_text(pid, "State")[0] == 'T'));
}

START_TEST(test_wait_orphans)
{
  struct scene *scene = shared(sizeof *scene);
  pid_t program, pid = begin(scene, &program);
  for (int round = 0; round < 3; round++) {
    /* All of them end while the waiter stands still. Its SIGCHLD is pending
     * then, and that is one signal, however many have ended. */
    stop(scene->waiter);
    scene->orphans = 60;
    ck_assert(AWAIT(scene->orphans == 0 && zombies_of(scene->waiter) == 60));
    kill(scene->waiter, SIGCONT);
    AWAIT(zombies_of(scene->waiter) == 0 || scene->returned);
    EXPECT(!scene->returned, "init_wait goes on while the program lives, whoever "
           "else ends", "it returned %d", scene->value);
    int left = zombies_of(scene->waiter);
    EXPECT(left == 0, "60 orphans that end at the same time are all reaped while "
           "the program runs on", "%d zombies are left", left);
  }
  scene->end = 8;
  expect_return(pid, scene, 7, "init_wait returns the exit status of the program, "
                "not that of an orphan");
}
END_TEST

START_TEST(test_wait_among_orphans)
{
  struct scene *scene = shared(sizeof *scene);
  pid_t program, pid = begin(scene, &program);
  stop(scene->waiter);
  scene->orphans = 20;
  scene->end = 34;
  ck_assert(AWAIT(zombies_of(scene->waiter) == 21));
  kill(scene->waiter, SIGCONT);
  expect_return(pid, scene, 33, "init_wait returns the program's exit status when "
                "it ends at the same time as 20 orphans");
}
END_TEST

START_TEST(test_wait_lasting)
{
  struct scene *scene = shared(sizeof *scene);
  pid_t program, pid = begin(scene, &program);
  scene->lasting = -1;
  ck_assert(AWAIT(scene->lasting > 0));
  scene->end = 10;
  expect_return(pid, scene, 9, "init_wait returns when the program has ended, "
                "though an orphan lives on");
}
END_TEST

/* Has nobody a signal that is still to be taken? */
static bool
all_taken(pid_t pid)
{
  return (status_number(pid, "ShdPnd", 16) | status_number(pid, "SigPnd", 16)) == 0;
}

/* Wait until the waiter has done what there was to do, and the program has
 * counted what it got. */
static void
settle(struct scene *scene, pid_t program)
{
  int before = scene->got[SIGPROF];
  AWAIT(all_taken(scene->waiter) && is_asleep(scene->waiter));
  kill(program, SIGPROF); /* from us: with this one, all before it are counted */
  AWAIT(scene->got[SIGPROF] > before && all_taken(program));
}

START_TEST(test_wait_signals)
{
  struct scene *scene = shared(sizeof *scene);
  pid_t program, pid = begin(scene, &program);
  for (int i = 0; i < PASSED_ON; i++) {
    int number = passed_on[i];
    kill(scene->waiter, number);
    AWAIT(scene->got[number] > 0);
    EXPECT(scene->got[number] > 0, "each of the signals of init_signals that "
           "somebody sends to the caller of init_wait is passed on to the program",
           "not signal %d, %s", number, strsignal(number));
  }
  kill(scene->waiter, SIGCHLD);
  settle(scene, program);
  /* Whoever sends with sigqueue(3) is a process, too: si_code is SI_QUEUE. */
  ck_assert_int_eq(sigqueue(scene->waiter, SIGUSR1,
                            (union sigval){.sival_int = 1}), 0);
  EXPECT(AWAIT(scene->got[SIGUSR1] == 2), "a signal that a process sends with "
         "sigqueue(3) is passed on as well", "it is lost");
  scene->got[SIGUSR1] = 1;
  for (int i = 0; i < PASSED_ON; i++)
    EXPECT(scene->got[passed_on[i]] == 1, "each signal is passed on once", "signal "
           "%d: %d times", passed_on[i], scene->got[passed_on[i]]);
  EXPECT(scene->got[SIGCHLD] == 0, "SIGCHLD is for the caller of init_wait itself, "
         "and is not passed on", "it was");
  scene->raise = SIGTERM;
  expect_return(pid, scene, 128 + SIGTERM, "init_wait returns 128+N");
}
END_TEST

START_TEST(test_wait_early)
{
  struct scene *scene = shared(sizeof *scene);
  scene->early = SIGUSR2;
  pid_t program, pid = begin(scene, &program);
  EXPECT(AWAIT(scene->got[SIGUSR2] == 1), "a signal that was there before "
         "init_wait was called is passed on as well", "it is lost");
  scene->end = 1;
  expect_return(pid, scene, 0, "init_wait returns the program's exit status");
}
END_TEST

START_TEST(test_wait_other_user)
{
  struct scene *scene = shared(sizeof *scene);
  need_other_users();
  scene->other_user = true;
  pid_t program, pid = begin(scene, &program);
  kill(scene->waiter, SIGUSR1); /* which the waiter may not send to the program */
  AWAIT(all_taken(scene->waiter) && is_asleep(scene->waiter));
  EXPECT(!scene->returned, "init_wait goes on while the program lives, though the "
         "program has become another user, whom we may send no signals", "it "
         "returned %d, \"%s\"", scene->value, scene->text);
  scene->end = 12;
  expect_return(pid, scene, 11, "init_wait returns the program's exit status");
}
END_TEST

START_TEST(test_wait_keyboard)
{
  static const int from_terminal[] = {SIGINT, SIGQUIT, SIGWINCH};
  struct winsize size = {.ws_row = 10, .ws_col = 20};
  struct scene *scene = shared(sizeof *scene);
  char *name = shared(64);
  int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ck_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
  ck_assert_int_eq(ptsname_r(terminal, name, 64), 0);
  scene->terminal = name;
  pid_t program, pid = begin(scene, &program);
  /* The kernel sends what the keys mean to all that sit at the terminal. Let
   * the program have its own first, so that a second one is not taken for the
   * same. */
  stop(scene->waiter);
  ck_assert_int_eq(write(terminal, "\003\034", 2), 2); /* ^C and ^\ */
  ck_assert_int_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
  for (int i = 0; i < 3; i++)
    ck_assert(AWAIT(scene->got[from_terminal[i]] == 1));
  kill(scene->waiter, SIGCONT);
  settle(scene, program);
  for (int i = 0; i < 3; i++)
    EXPECT(scene->got[from_terminal[i]] == 1, "the program gets a signal of the "
           "terminal (^C, ^\\, a new size) once: from the kernel", "signal %d, %s: "
           "%d times", from_terminal[i], strsignal(from_terminal[i]),
           scene->got[from_terminal[i]]);
  close(terminal);
  scene->end = 1;
  expect_return(pid, scene, 0, "init_wait returns the program's exit status");
}
END_TEST

START_TEST(test_wait_stopped)
{
  struct scene *scene = shared(sizeof *scene);
  pid_t program, pid = begin(scene, &program);
  stop(program); /* SIGCHLD comes for that, too */
  AWAIT(all_taken(scene->waiter) && is_asleep(scene->waiter));
  EXPECT(!scene->returned, "a program that was stopped has not ended", "init_wait "
         "returned %d", scene->value);
  kill(program, SIGCONT);
  scene->end = 6;
  expect_return(pid, scene, 5, "init_wait returns the program's exit status");
}
END_TEST

START_TEST(test_wait_stranger)
{
  struct scene *scene = shared(sizeof *scene);
  scene->stranger = getpid();
  pid_t pid = student_start(play, scene);
  AWAIT(scene->returned || is_gone(scene->waiter));
  EXPECT(scene->returned, "init_wait of a process that is no child of the "
         "caller's, while another one is, returns -1 with ECHILD", "it does not "
         "return");
  struct answer a = {.value = scene->value, .error = scene->error};
  memcpy(a.text, scene->text, sizeof scene->text);
  end_scene(pid, scene);
  expect_errno(&a, "init_wait of a process that is no child of the caller's",
               ECHILD);
}
END_TEST

/* How often a process has got the processor, and for how long in 1/100 s. */
static long long
times_running(pid_t pid)
{
  return status_number(pid, "voluntary_ctxt_switches", 10) +
         status_number(pid, "nonvoluntary_ctxt_switches", 10) +
         stat_number(pid, 14) + stat_number(pid, 15);
}

START_TEST(test_wait_idle)
{
  struct scene *scene = shared(sizeof *scene);
  pid_t program, pid = begin(scene, &program);
  usleep(50000);
  long long before = times_running(scene->waiter);
  usleep(600000);
  long long more = times_running(scene->waiter) - before;
  EXPECT(more <= 1, "init_wait sleeps while nothing happens", "in 0.6 seconds it "
         "ran %lld times", more);
  scene->end = 1;
  expect_return(pid, scene, 0, "init_wait returns the program's exit status");
}
END_TEST

/* ---- init_run ---- */

START_TEST(test_run)
{
  struct scene *scene = shared(sizeof *scene);
  scene->run = true;
  sigemptyset(&scene->mask);
  sigaddset(&scene->mask, SIGALRM);
  sigaddset(&scene->mask, SIGUSR2);
  pid_t program, pid = begin(scene, &program);
  EXPECT(program > 0, "the program is a child of whoever calls init_run", "there "
         "is no child");
  EXPECT(scene->handed == scene, "the program gets the argument of init_run", "%p, "
         "not %p", scene->handed, (void *)scene);
  unsigned long long expected = 1ULL << (SIGALRM - 1) | 1ULL << (SIGUSR2 - 1);
  unsigned long long got = status_number(program, "SigBlk", 16);
  EXPECT(got == expected, "the program has the signal mask that init_run was "
         "given, as SigBlk in /proc/PID/status shows it", "%016llx, not %016llx",
         got, expected);
  scene->end = 78;
  AWAIT(scene->returned || scene->strayed);
  EXPECT(!scene->strayed, "init_run returns in the parent only", "it returns in "
         "the child as well");
  expect_return(pid, scene, 77, "init_run returns what the program returned");
}
END_TEST

START_TEST(test_run_buffered)
{
  struct scene *scene = shared(sizeof *scene);
  char *path = shared(256);
  struct stat st;
  snprintf(path, 256, "%s", at("buffered"));
  scene->run = true;
  scene->buffered = path;
  pid_t program, pid = begin(scene, &program);
  scene->end = 4;
  AWAIT(scene->returned);
  ck_assert_int_eq(stat(path, &st), 0);
  EXPECT(st.st_size == 0, "what the caller of init_run has buffered (stdio(3)) is "
         "not written by the program's end, too", "it is, and the caller will "
         "write it a second time");
  expect_return(pid, scene, 3, "init_run returns what the program returned");
}
END_TEST

START_TEST(test_run_killed)
{
  struct scene *scene = shared(sizeof *scene);
  scene->run = true;
  pid_t program, pid = begin(scene, &program);
  scene->orphans = 10;
  AWAIT(scene->orphans == 0 && zombies_of(scene->waiter) == 0);
  int left = zombies_of(scene->waiter);
  EXPECT(left == 0, "init_run reaps orphans", "%d zombies are left", left);
  kill(scene->waiter, SIGUSR1); /* which the program does not block */
  expect_return(pid, scene, 128 + SIGUSR1, "init_run passes signals on, and returns "
                "128+N for a program that signal N ended");
}
END_TEST

void
init_tests(void)
{
  student_test("2.2 init_await waits for the word of the parent", test_await_waits);
  student_test("2.2 init_await refuses to go on without a word", test_await_no_word);
  student_test("2.2 init_await refuses if the parent is gone already",
               test_await_too_late);
  student_test("2.2 init_await does not outlive a parent that ends meanwhile",
               test_await_meanwhile);
  student_test("2.2 init_await makes the child die with its parent",
               test_await_dies);
  student_test("2.2 init_await leaves no moment in which a parent can end unnoticed",
               test_await_between);
  student_test("2.2 init_wait tells a status from a signal", test_wait_status);
  student_test("2.2 init_wait takes a program that had ended before",
               test_wait_ended);
  student_test("2.2 init_wait reaps every orphan", test_wait_orphans);
  student_test("2.2 init_wait finds the program among orphans",
               test_wait_among_orphans);
  student_test("2.2 init_wait does not wait for an orphan that lives on",
               test_wait_lasting);
  student_test("2.2 init_wait passes signals on", test_wait_signals);
  student_test("2.2 init_wait passes on a signal from before", test_wait_early);
  student_test("2.2 init_wait outlives a signal that it may not send",
               test_wait_other_user);
  student_test("2.2 init_wait keeps the signals of the keyboard to itself",
               test_wait_keyboard);
  student_test("2.2 init_wait knows a program that was stopped from one that ended",
               test_wait_stopped);
  student_test("2.2 init_wait sleeps while nothing happens", test_wait_idle);
  student_test("2.2 init_wait refuses to wait for the child of somebody else",
               test_wait_stranger);
  student_test("2.2 init_run starts the program, and waits for it", test_run);
  student_test("2.2 init_run leaves what is buffered to its caller",
               test_run_buffered);
  student_test("2.2 init_run reaps, passes on, and says 128+N", test_run_killed);
}
