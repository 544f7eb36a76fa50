/* faults.c - fail every system call of a tool, one at a time.
 *
 * Where a call fails, a program goes a way that nobody tries by hand. It must
 * say so and clean up, or do without the call. So run it once to see which
 * calls it makes, and then once for each of them, with that one call failing:
 *
 *     undisturbed    clone3  openat  mount  read ... exit_group
 *     case 1         EPERM   ?
 *     case 2         clone3  EPERM   ?
 *     case 3         clone3  openat  EPERM  ?
 *
 * Each case must end with a message and a status that is not 0, or exactly as
 * the undisturbed run; and must leave nothing behind.
 *
 * A tool that is to leave something behind needs a beginning that is always the
 * same, and a judge of what it left: --before and --after.
 *
 * How: a seccomp filter that decides nothing, but asks us about every call of
 * COMMAND and of all that it starts (seccomp_unotify(2)). strace(1) can make
 * the n-th call of a name fail, too. But it counts in each process anew, so it
 * does that in every process that makes so many.
 *
 * To find the call behind "process 2 (child of 1), mount #3", run COMMAND under
 * strace -f and look for the third mount of that process.
 *
 * This belongs into the cage, where what a failure leaves behind goes away, and
 * where a census of all files is quick.
 *
 * The parts: faults_run.c is one run, faults_calls.c decides on its calls,
 * faults_cases.c judges how it went.
 */
#include <errno.h>
#include <getopt.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "fail.h"
#include "faults.h"
#include "start.h"

struct faults faults = {.limit = 10};

/* A round disturbs each call once, in the same way. */
static struct {
  const char *name;  /* of the errno, or SIGKILL */
  int error;         /* or 0 */
} rounds[64];
static int round_count;

/* ---- the command line ---- */

static const char usage[] =
    "usage: faults [--errno NAME]... [--kill] [--time SECONDS]\n"
    "              [--except CALL,CALL... | --only CALL,CALL...]\n"
    "              [--before SHELL] [--after SHELL] [--quiet | --verbose] [--]\n"
    "              COMMAND [ARG...]\n"
    "\n"
    "Runs COMMAND again and again, each time with another of its system calls\n"
    "failing (with EPERM, unless told), or with --kill, being killed at it.\n"
    "Names each case that COMMAND takes badly: says nothing, prints something\n"
    "else, hangs, or leaves something behind. Before and after each run the\n"
    "shell does what was said, undisturbed: after it with COMMAND's exit status\n"
    "and message in its environment, as STATUS and SAID; and if it fails, so does\n"
    "the case, with what it printed. Exit status: 0 none is bad, 1 some are, 125\n"
    "it could not be tried.\n";

static const struct { const char *name; int error; } errors[] = {
    {"EPERM", EPERM},   {"ENOENT", ENOENT}, {"EINTR", EINTR},
    {"EIO", EIO},       {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM},
    {"EACCES", EACCES}, {"EBUSY", EBUSY},   {"EEXIST", EEXIST},
    {"EXDEV", EXDEV},   {"EINVAL", EINVAL}, {"EMFILE", EMFILE},
    {"ENFILE", ENFILE}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS},
    {"ENOSYS", ENOSYS}, {"ESRCH", ESRCH},   {"EOPNOTSUPP", EOPNOTSUPP},
};

static void
misused(const char *what, const char *about)
{
  fprintf(stderr, "faults: %s%s\n%s", what, about, usage);
  exit(CANNOT);
}

static void
add_round(const char *name)
{
  int error = 0;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (strcmp(errors[i].name, name) == 0)
      error = errors[i].error;
  if (error == 0 && strcmp(name, "SIGKILL") != 0)
    misused("--errno takes a name like EPERM or EIO, not ", name);
  if (round_count == sizeof rounds / sizeof *rounds)
    misused("too many rounds", "");
  rounds[round_count].name = name;
  rounds[round_count++].error = error;
}

/* Whether these calls are left alone. */
static void
except(char *names, bool excepted)
{
  for (char *name; (name = strsep(&names, ","));) {
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
      misused("no such system call: ", name);
    if (number >= 0 && number < NUMBERS) /* it is one on this machine */
      faults.excepted[number] = excepted;
  }
}

static void
only(char *names)
{
  memset(faults.excepted, true, sizeof faults.excepted);
  except(names, false);
}

static void
read_options(int argc, char **argv)
{
  static const struct option names[] = {
      {"errno", required_argument, NULL, 'e'},
      {"kill", no_argument, NULL, 'k'},
      {"time", required_argument, NULL, 't'},
      {"except", required_argument, NULL, 'x'},
      {"only", required_argument, NULL, 'o'},
      {"before", required_argument, NULL, 'b'},
      {"after", required_argument, NULL, 'a'},
      {"quiet", no_argument, NULL, 'q'},
      {"verbose", no_argument, NULL, 'v'},
      {0},
  };
  char *end;
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;)
    switch (c) {
    case 'e': add_round(optarg); break;
    case 'k': add_round("SIGKILL"); break;
    case 'x': except(optarg, true); break;
    case 'o': only(optarg); break;
    case 'b': faults.before = optarg; break;
    case 'a': faults.after = optarg; break;
    case 'q': faults.quiet = true; break;
    case 'v': faults.verbose = true; break;
    case 't':
      faults.limit = strtod(optarg, &end);
      if (end == optarg || *end || !(faults.limit > 0))
        misused("--time takes a number of seconds, not ", optarg);
      break;
    default: fputs(usage, stderr); exit(CANNOT);
    }
  if (optind >= argc)
    misused("COMMAND is missing", "");
  faults.command = argv + optind;
  /* It is what calls really say where something is forbidden, in a container or
   * to an ordinary user; and unlike EINTR it gives no reason to try again. */
  if (round_count == 0)
    add_round("EPERM");
}

/* What we need not try. */
static void
except_hopeless(void)
{
  /* These never return; or always succeed, their manual pages say; or, brk(2),
   * have another way to fail than an errno; or, close(2), do their work
   * although they say they failed, and we could only keep them from it. */
  static char cannot_fail[] =
      "exit,exit_group,rt_sigreturn,restart_syscall,"
      "getpid,getppid,gettid,getpgrp,getuid,geteuid,getgid,getegid,umask,"
      "alarm,sync,set_tid_address,sched_yield,brk,close";
  except(cannot_fail, true);
}

/* ---- all rounds ---- */

static void
print_sum(const char *how, int error, const struct sum *sum)
{
  int count = sum->said + sum->same + sum->bad;
  if (error == 0)
    printf("%d calls at which the process was killed: %d ended well, %d bad",
           count, sum->said, sum->bad);
  else
    printf("%d calls failed once each with %s: %d said so, %d made no "
           "difference, %d bad", count, how, sum->said, sum->same, sum->bad);
  if (sum->missing > 0)
    printf("; %d were not made again", sum->missing);
  printf("\n");
}

int
main(int argc, char **argv)
{
  bool any = false;
  if (start_clean() < 0)
    return CANNOT;
  read_options(argc, argv);
  except_hopeless();
  int bad = run_prepare();
  if (!bad)
    bad = run_undisturbed(NULL);
  if (!bad)
    bad = run_undisturbed("it does not do the same twice, so nothing can be "
                          "compared");
  if (!bad && undisturbed.result.status && !faults.quiet)
    printf("undisturbed: it ends with status %d\n",
           WEXITSTATUS(undisturbed.result.status));
  for (int i = 0; !bad && i < round_count; i++) {
    struct sum sum = {0};
    bad = run_round(rounds[i].name, rounds[i].error, &sum);
    any |= sum.bad > 0;
    if (bad >= 0 && !faults.quiet)
      print_sum(rounds[i].name, rounds[i].error, &sum);
  }
  if (bad < 0) {
    fprintf(stderr, "faults: %s\n", failure());
    return CANNOT;
  }
  return bad || any;
}
