#include "student.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "list.h"
#include "scratch.h"

static struct answer *answer; /* shared with the child */
static void *library;         /* in the child */
static pid_t child;           /* the latest */

static Suite *suite;          /* of all tests */
static struct list names;     /* theirs */

/* ---- in the child ---- */

void *
student_symbol(const char *name)
{
  void *symbol = dlsym(library, name);
  if (!symbol) {
    fprintf(stderr, "%s\n", dlerror());
    _exit(120);
  }
  return symbol;
}

void
student_answer(struct answer *a, int value)
{
  a->error = value < 0 ? errno : 0;
  const char *(*message)(void) = dlsym(library, "failure");
  snprintf(a->text, sizeof a->text, "%s", value < 0 && message ? message() : "");
  a->value = value; /* last: the parent may be waiting for it */
}

/* Whoever lacks a capability that another process has may not trace it, nor read
 * its memory or its descriptors (ptrace(2), "Ptrace access mode checking"). So we
 * give up one that nobody needs, and the parent is out of reach. */
static void
give_up_tracing(void)
{
  cap_value_t unneeded = CAP_LEASE;
  cap_t caps = cap_get_proc();
  cap_drop_bound(unneeded);
  cap_set_flag(caps, CAP_EFFECTIVE, 1, &unneeded, CAP_CLEAR);
  cap_set_flag(caps, CAP_PERMITTED, 1, &unneeded, CAP_CLEAR);
  cap_set_flag(caps, CAP_INHERITABLE, 1, &unneeded, CAP_CLEAR);
  cap_set_proc(caps);
  cap_free(caps);
}

/* Keep nothing of the parent's but standard error and the way to say "done". */
static void
isolate(int done)
{
  /* Check's handlers are not for us. (A sanitizer's, for a crash, are.) */
  signal(SIGALRM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  dup2(2, 1);
  dup2(done, 3);
  syscall(SYS_close_range, 4U, ~0U, 0U);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  /* What it mounts is not there for the programs that the parent runs. */
  unshare(CLONE_NEWNS);
  /* Out of the way of a student who opens files and expects the number 3. */
  fcntl(3, F_DUPFD_CLOEXEC, 900);
  close(3);
}

pid_t
student_start(void (*body)(struct answer *, const void *), const void *arg)
{
  int done[2];
  char byte;
  if (!answer)
    answer = mmap(NULL, sizeof *answer, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memset(answer, 0, sizeof *answer);
  answer->value = SAID_NOTHING;
  ck_assert_int_eq(pipe(done), 0);
  fflush(NULL); /* or the child would write our buffers once more */
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    isolate(done[1]);
    give_up_tracing();
    library = dlopen(getenv("LIBRARY"), RTLD_NOW);
    if (!library) {
      fprintf(stderr, "%s\n", dlerror());
      _exit(120);
    }
    body(answer, arg);
    if (write(900, "d", 1) == 1)
      for (;;)
        pause();
    _exit(121);
  }
  close(done[1]);
  while (read(done[0], &byte, 1) < 0 && errno == EINTR)
    ;
  close(done[0]);
  child = pid;
  return pid;
}

/* ---- in the parent ---- */

struct answer *
student_said(void)
{
  return answer;
}

int
student_end(pid_t pid)
{
  int status;
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  if (WIFEXITED(status))
    return WEXITSTATUS(status);
  return WTERMSIG(status) == SIGKILL ? 0 : 128 + WTERMSIG(status);
}

/* Fail the test if the child ended before it could answer. */
static void
expect_answer(int status)
{
  EXPECT(status == 0 && answer->value != SAID_NOTHING, "the function returns",
         "it ended the process: %s %d",
         status > 128 ? strsignal(status - 128) : "exit status", status);
}

const struct answer *
student_call(void (*body)(struct answer *, const void *), const void *arg)
{
  expect_answer(student_end(student_start(body, arg)));
  return answer;
}

int
run_program(char *const argv[], char *out, size_t size)
{
  int ends[2], status;
  size_t n = 0;
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  fflush(NULL);
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    dup2(out ? ends[1] : 2, 1);
    execvp(argv[0], argv);
    _exit(127);
  }
  close(ends[1]);
  for (ssize_t m = 1; out && n + 1 < size && m > 0; n += m > 0 ? m : 0)
    m = read(ends[0], out + n, size - n - 1);
  if (out)
    out[n] = '\0';
  close(ends[0]);
  waitpid(pid, &status, 0);
  /* Or whoever is to be judged could silence the witness. */
  ck_assert_msg(WIFEXITED(status), "%s, a program of the test, was killed", argv[0]);
  return WEXITSTATUS(status);
}

void
expected_but_got(const char *expected, const char *format, ...)
{
  char got[4096];
  va_list args;
  va_start(args, format);
  vsnprintf(got, sizeof got, format, args);
  va_end(args);
  /* One line, as TAP wants it. */
  for (char *c = got; *c; c++)
    if (*c == '\n')
      *c = ' ';
  ck_abort_msg("expected: %s | got: %s", expected, got);
}

void
expect_success(const struct answer *a, const char *call)
{
  if (a->value == SAID_NOTHING)
    expect_answer(student_end(child));
  if (a->value != 0)
    ck_abort_msg("expected: %s returns 0 | got: %d, \"%s\" (%s)", call,
                 a->value, a->text, strerror(a->error));
}

/* The name of an errno. Of the two that this one has, the papers use the other. */
static const char *
errno_name(int error)
{
  return error == ENOTSUP ? "ENOTSUP" : strerrorname_np(error) ?: "0";
}

void
expect_errno(const struct answer *a, const char *call, int error)
{
  if (a->value != -1)
    ck_abort_msg("expected: %s returns -1 with %s | got: %d", call,
                 errno_name(error), a->value);
  if (a->error != error)
    ck_abort_msg("expected: %s fails with %s | got: %s (\"%.4000s\")", call,
                 errno_name(error), errno_name(a->error), a->text);
  if (!a->text[0])
    ck_abort_msg("expected: %s leaves a message, with fail() or refuse() | got: "
                 "none", call);
}

/* In TAP as Bats writes it; Check itself knows no "skip". */
void
student_cannot(const char *reason)
{
  printf("1..1\nok 1 - %s # skip %s\n", getenv("CK_RUN_CASE") ?: "", reason);
  fflush(stdout);
  scratch_remove();
  _exit(0);
}

void
student_test(const char *name, const TTest *test)
{
  if (!suite)
    suite = suite_create("functions");
  TCase *tcase = tcase_create(name); /* one each, to be run by its name */
  tcase_add_test(tcase, test);
  suite_add_tcase(suite, tcase);
  list_add(&names, name);
}

int
student_main(int argc, char **argv)
{
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (size_t i = 0; i < names.count; i++)
      puts(names.items[i]);
    return 0;
  }
  /* The cage has this process to itself, so Check need not fork. */
  SRunner *runner = srunner_create(suite);
  srunner_set_fork_status(runner, CK_NOFORK);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  scratch_remove();
  return failed > 0;
}
