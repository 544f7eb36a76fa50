/* faults_cases.c - the undisturbed run and all cases, and what is wrong with
 * them.
 *
 * What is wrong with a case is a line that begins with its name and goes on
 * with one reason or more:
 *
 *     process 1, mount #2 with EPERM: it ended with status 0 and other output,
 *     it left file /tmp/x (it said: cannot mount)
 */
#include <ctype.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "faults.h"

struct undisturbed undisturbed;
static struct list before;  /* the census that the next must equal */

/* ---- what is wrong with it ---- */

static char subject[256];  /* what the line that we may print is about */
static int reasons;        /* in that line so far */

/* Add to the line about a bad case. */
static void __attribute__((format(printf, 1, 2)))
complain(const char *format, ...)
{
  va_list args;
  printf("%s", reasons++ == 0 ? subject : ", ");
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
}

/* Name what is in `after` and not in `old`, the first few at least. */
static void
complain_of(const char *verb, const struct list *after, const struct list *old)
{
  enum { ENOUGH = 3 };
  int count = 0;
  for (size_t i = 0; i < after->count; i++)
    if (!list_has(old, after->items[i]) && ++count <= ENOUGH)
      complain("%s %s", verb, after->items[i]);
  if (count > ENOUGH)
    complain("and %d more", count - ENOUGH);
}

static bool
same_list(const struct list *a, const struct list *b)
{
  if (a->count != b->count)
    return false;
  for (size_t i = 0; i < a->count; i++)
    if (strcmp(a->items[i], b->items[i]) != 0)
      return false;
  return true;
}

/* Compare what is there now with what was there before the run; the processes
 * in `left` were still running at its end. Some things go a moment after the
 * process that had them, as the links of a network namespace. What is there
 * counts as before from now on. Returns 0, or -1 with errno and a message. */
static int
compare_census(const struct list *left, bool silently)
{
  struct list after = {0};
  for (double end = now() + AFTERWARDS / 1e3;;) {
    list_free(&after);
    if (census(-1, &after) < 0 || census_processes(&after) < 0)
      return -1;
    if (same_list(&before, &after) || now() > end)
      break;
    usleep(10000);
  }
  if (!silently) {
    complain_of("it left", left, &before);
    complain_of("it left", &after, &before);
    complain_of("it took away", &before, &after);
  }
  list_free(&before);
  before = after;
  return 0;
}

static bool
same_text(const struct text *a, const struct text *b)
{
  return a->size == b->size &&
         memcmp(a->start, b->start, sizeof a->start) == 0; /* zeros behind */
}

static bool
as_undisturbed(void)
{
  return result.status == undisturbed.result.status &&
         same_text(&result.out, &undisturbed.result.out);
}

/* What is wrong with the way in which the run ended, if anything. The C library
 * aborts with a message where it cannot go on; the tool has no say in that. */
static void
judge_end(void)
{
  bool other = !same_text(&result.out, &undisturbed.result.out);
  int status = WEXITSTATUS(result.status);
  bool aborted = WIFSIGNALED(result.status) &&
                 WTERMSIG(result.status) == SIGABRT && result.err.size > 0;
  if (aborted)
    return;
  if (WIFSIGNALED(result.status))
    complain("it crashed with signal %d (%s)", WTERMSIG(result.status),
             strsignal(WTERMSIG(result.status)));
  else if (status == 0 && other)
    complain("it ended with status 0 and other output");
  else if (status == 0)
    complain("it ended with status 0, not %d",
             WEXITSTATUS(undisturbed.result.status));
  else if (result.err.size == 0)
    complain("it ended with status %d and no message", status);
}

/* The first line of what was printed, or its start. */
static const char *
first_line(const struct text *text)
{
  static char line[200];
  snprintf(line, sizeof line, "%.*s", (int)sizeof line - 1, text->start);
  line[strcspn(line, "\n")] = '\0';
  for (char *c = line; *c; c++)
    if (iscntrl((unsigned char)*c))
      *c = '?';
  return line;
}

/* Finish the line about a bad case, with what COMMAND had to say about it.
 * Returns whether there is such a line. */
static bool
end_line(void)
{
  if (reasons == 0)
    return false;
  if (result.err.size > 0)
    printf(" (it said: %s)", first_line(&result.err));
  printf("\n");
  fflush(stdout);
  reasons = 0;
  return true;
}

/* ---- all runs ---- */

/* Make the beginning of a run. Returns 0, or -1 with errno and a message. */
static int
begin(void)
{
  static struct text printed;
  int status = faults.before ? run_shell(faults.before, &printed) : 0;
  if (status > 0)
    return refuse(EINVAL, "--before fails: %s", first_line(&printed));
  return status;
}

/* Have what the run left looked at, and taken away. Returns 0, or -1 with errno and
 * a message. */
static int
look_after(void)
{
  static struct text printed;
  int status = faults.after ? run_shell(faults.after, &printed) : 0;
  if (status > 0)
    complain("after it with status %d: %s",
             WIFSIGNALED(result.status) ? 128 + WTERMSIG(result.status)
                                        : WEXITSTATUS(result.status),
             first_line(&printed));
  return status < 0 ? -1 : 0;
}

int
run_undisturbed(const char *what_if)
{
  autolist struct list left = {0};
  if (!what_if && (census(-1, &before) < 0 || census_processes(&before) < 0))
    return -1;
  if (begin() < 0)
    return -1;
  undisturbed.recording = !what_if;
  int bad = run(NULL, 0, &left);
  undisturbed.recording = false;
  if (bad)
    return -1;
  if (!what_if)
    undisturbed.result = result;
  /* These are the tool's own, and not the status of what it runs. */
  int status = WIFEXITED(result.status) ? WEXITSTATUS(result.status) : 0;
  if (!what_if && status >= CANNOT && status <= 127)
    return refuse(EINVAL, "it fails even undisturbed, with status %d: %s",
                  status, first_line(&result.err));
  snprintf(subject, sizeof subject, "undisturbed: ");
  if (result.hangs)
    complain("it hangs: not at its end after %g seconds", faults.limit);
  else if (WIFSIGNALED(result.status))
    judge_end();
  else if (!as_undisturbed())
    complain("%s", what_if);
  if (look_after() < 0)
    return -1;
  if (compare_census(&left, result.hangs) < 0)
    return -1;
  return end_line();
}

/* "process 2 (child of 1), mount #3 with EPERM: " */
static void
name_case(const struct call *call, const char *how)
{
  char child[64] = "", nameless[64];
  autofree char *name =
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call->number);
  if (call->parent)
    snprintf(child, sizeof child, " (child of %d)", call->parent);
  snprintf(nameless, sizeof nameless, "system call %d", call->number);
  snprintf(subject, sizeof subject, "process %d%s, %s #%d with %s: ",
           call->process, child, name ? name : nameless, call->nth, how);
}

/* One case. Returns 0; 1 if COMMAND is not what it was any more; or -1 with
 * errno and a message. */
static int
run_case(const struct call *call, const char *how, int error, struct sum *sum)
{
  autolist struct list left = {0};
  int tries = 0;
  do { /* a program may do a little more or less from run to run */
    list_free(&left);
    if (begin() < 0 || run(call, error, &left) < 0)
      return -1;
  } while (!result.reached && ++tries < 3);
  name_case(call, how);
  if (result.hangs)
    complain("it hangs: not at its end after %g seconds", faults.limit);
  else if (!result.reached)
    ;
  else if (error == 0 && result.status == 0)
    complain("it ended with status 0");
  else if (error != 0 && !as_undisturbed())
    judge_end();
  if (look_after() < 0)
    return -1;
  int ended_badly = reasons;
  if (compare_census(&left, result.hangs) < 0)
    return -1;
  bool left_something = reasons > ended_badly || result.hangs;
  if (reasons > 0)
    sum->bad++;
  else if (!result.reached)
    sum->missing++;
  else if (error != 0 && as_undisturbed())
    sum->same++;
  else
    sum->said++;
  if (faults.verbose && reasons == 0 && result.reached)
    complain("%s", error != 0 && as_undisturbed() ? "no difference" : "well");
  end_line();
  return left_something
             ? run_undisturbed("since then it does something else; the rest "
                               "of the cases is left out")
             : 0;
}

int
run_round(const char *how, int error, struct sum *sum)
{
  for (size_t i = 0; i < undisturbed.call_count; i++) {
    int bad = run_case(&undisturbed.calls[i], how, error, sum);
    if (bad)
      return bad;
  }
  return 0;
}
