/* remote.c - the tests that this host cannot run, in the virtual machine.
 *
 * A second grader runs in there, as root, on the same tree, and is told the names of
 * the tests. It prints a line of JSON for each:
 *
 *     grade --- vm --- QEMU          the host
 *       ^                :
 *       |    a line      :           the guest
 *       `-----------  grade --worker NAMES --- cage --- the test
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "list.h"
#include "obstacle.h"
#include "run.h"

enum {
  SLOWER = 6,            /* emulated: a test gets so many times as long */
  SILENCE = 300 * 1000,  /* ms without a line after which we give up */
};

static const char *const outcome_names[] = {
    [NOT_RUN] = "not run", [PASS] = "pass", [CANNOT] = "cannot", [FAIL] = "fail"};

/* ---- in the virtual machine ---- */

size_t
tests_select(const char *file, struct test *tests, size_t count)
{
  autofree char *line = NULL;
  size_t room = 0, left = 0;
  FILE *names = fopen(file, "re");
  while (names && getline(&line, &room, names) > 0) {
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = left; i < count; i++)
      if (strcmp(tests[i].name, line) == 0) {
        struct test found = tests[i];
        tests[i] = tests[left];
        tests[left++] = found;
        break;
      }
  }
  if (names)
    fclose(names);
  return left;
}

void
test_print(const struct test *test)
{
  json_t *json = json_pack("{s:s, s:s, s:f, s:s, s:s}", "name", test->name, "outcome",
                           outcome_names[test->outcome], "seconds", test->seconds,
                           "output", test->output, "noise", test->noise);
  json_dumpf(json, stdout, JSON_ENSURE_ASCII | JSON_COMPACT);
  putchar('\n');
  fflush(stdout);
  json_decref(json);
}

/* ---- on the host ---- */

/* Do points depend on this test? Not if its exercise has failed already, or one that
 * must work first. */
static bool
matters(const struct lab *lab, const struct test *test)
{
  size_t i;
  json_t *number;
  json_array_foreach(test->exercise->needs, i, number)
  {
    const struct exercise *needed = lab_exercise(lab, json_string_value(number));
    if (needed && needed->outcome == FAIL)
      return false;
  }
  return test->outcome == CANNOT && test->exercise->outcome != FAIL;
}

/* Write the names of the tests into a file of the tree, which the guest sees. Returns
 * how many they are, or -1 with errno. */
static int
write_names(const struct lab *lab, char *path, const struct test *tests, size_t count)
{
  int names = 0;
  autoclose int fd = mkostemp(path, O_CLOEXEC);
  if (fd < 0)
    return fail("make %s", path);
  for (size_t i = 0; i < count; i++)
    if (matters(lab, &tests[i])) {
      dprintf(fd, "%s\n", tests[i].name);
      names++;
    }
  return names;
}

/* Start the machine with the second grader in it. Returns a stream of what that
 * prints, or NULL. */
static FILE *
start_vm(const struct lab *lab, const struct plan *plan, const char *names, pid_t *pid)
{
  char vm[PATH_MAX], grade[PATH_MAX], seconds[16];
  int out[2];
  snprintf(vm, sizeof vm, "%s/vm", plan->tools);
  snprintf(grade, sizeof grade, "%s/grade", plan->tools);
  snprintf(seconds, sizeof seconds, "%d", plan->seconds * SLOWER);
  /* Tests run as root there, and root finds a way out of the cage, as by
   * /proc/sys/kernel/core_pattern of a proc of his own: not to our tree. */
  const char *words[] = {vm, "--read-only", "--", grade, "--worker", names, "--build",
                         plan->build, "--tools", plan->tools, "--time", seconds};
  autolist struct list argv = {0};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    list_add(&argv, words[i]);
  if (plan->solution)
    list_add(&argv, "--solution");
  if (plan->first)
    list_add(&argv, "--first");
  list_add(&argv, lab->name);
  if (pipe2(out, O_CLOEXEC) < 0)
    return NULL;
  *pid = fork();
  if (*pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGTERM);
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    dup2(out[1], 1);
    execv(vm, argv.items);
    fprintf(stderr, "grade: %s: %s (run: make %s/vm)\n", vm, strerror(errno), plan->tools);
    _exit(125);
  }
  close(out[1]);
  return fdopen(out[0], "r");
}

/* One line: how a test went that cannot run here. Anything else is not from the second
 * grader, or is known already. */
static bool
take_line(const char *line, struct test *tests, size_t count)
{
  const char *name, *outcome, *output, *noise;
  double seconds;
  json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
  bool taken = false;
  if (json && json_unpack(json, "{s:s, s:s, s:f, s:s, s:s}", "name", &name, "outcome",
                          &outcome, "seconds", &seconds, "output", &output, "noise",
                          &noise) == 0)
    for (size_t i = 0; i < count && !taken; i++)
      for (int o = PASS; o <= FAIL && tests[i].outcome == CANNOT &&
                         strcmp(tests[i].name, name) == 0; o++)
        if (strcmp(outcome_names[o], outcome) == 0) {
          free(tests[i].output);
          free(tests[i].noise);
          tests[i].outcome = o;
          tests[i].output = strdup(output);
          tests[i].noise = strdup(noise);
          tests[i].seconds = seconds;
          taken = true;
        }
  json_decref(json);
  return taken;
}

/* Take line after line, as long as some come. */
static void
follow(FILE *stream, pid_t pid, struct test *tests, size_t count, void (*done)(void *),
       void *arg)
{
  autofree char *line = NULL;
  size_t room = 0;
  int status;
  setvbuf(stream, NULL, _IONBF, 0); /* or poll(2) would not know what is left */
  for (;;) {
    struct pollfd next = {.fd = fileno(stream), .events = POLLIN};
    int n = poll(&next, 1, SILENCE);
    if (n == 0)
      fprintf(stderr, "grade: nothing from the virtual machine for %d seconds\n",
              SILENCE / 1000);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0 || getline(&line, &room, stream) <= 0)
      break;
    if (take_line(line, tests, count))
      done(arg);
  }
  kill(pid, SIGTERM);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
}

void
tests_run_in_vm(const struct lab *lab, const struct plan *plan, struct test *tests,
                size_t count, void (*done)(void *), void *arg)
{
  char names[PATH_MAX];
  pid_t pid;
  snprintf(names, sizeof names, "%s/vm-tests-XXXXXX", plan->tools);
  int wanted = write_names(lab, names, tests, count);
  if (wanted > 0 && plan->no_vm)
    fprintf(stderr, "grade: %d test%s cannot run on this host, and nobody wanted the virtual "
            "machine (--no-vm, VM=no)\n", wanted, wanted == 1 ? "" : "s");
  else if (wanted > 0 && vm_obstacle())
    fprintf(stderr, "grade: %d test%s cannot run on this host; a virtual machine could run "
            "them, but %s\n", wanted, wanted == 1 ? "" : "s", vm_obstacle());
  else if (wanted > 0) {
    fprintf(stderr, "grade: %d test%s cannot run on this host; now a virtual machine is "
            "booted for that\n", wanted, wanted == 1 ? "" : "s");
    FILE *stream = start_vm(lab, plan, names, &pid);
    if (stream) {
      follow(stream, pid, tests, count, done, arg);
      fclose(stream);
    }
  }
  unlink(names);
}
