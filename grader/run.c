/* run.c - run tests, each in a cage of its own, and judge them. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "clean.h"
#include "fail.h"
#include "tap.h"

enum {
  KEPT = 64 << 10,   /* bytes of a test's output that are kept */
  FLOOD = 64 << 20,  /* bytes after which a test is stopped */
};

/* ---- running ---- */

/* What one stream of a running test has said so far. */
struct stream {
  int fd;               /* read end; -1 when it has ended */
  char *text;           /* KEPT bytes at most, NUL-terminated */
  size_t kept, total;   /* bytes in `text`, bytes that came */
};

enum { OUT, ERR, REPORT, STREAMS };

/* One running test. */
struct job {
  pid_t pid;            /* of its cage; 0 for a free slot */
  struct test *test;
  double start;
  struct stream streams[STREAMS];
};

static double
now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* A clean environment: the caller's might hold an LD_PRELOAD, or a BASH_ENV. */
static void
set_environment(const struct lab *lab, const struct plan *plan,
                const struct test *test)
{
  static const char *const kept[] = {"LSAN_OPTIONS", "ASAN_OPTIONS"};
  char path[PATH_MAX], values[2][256];
  for (size_t i = 0; i < 2; i++)
    snprintf(values[i], sizeof values[i], "%s", getenv(kept[i]) ?: "");
  clearenv();
  for (size_t i = 0; i < 2; i++)
    if (values[i][0])
      setenv(kept[i], values[i], 1);
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
         1);
  setenv("HOME", "/tmp", 1);
  setenv("TMPDIR", "/tmp", 1);
  setenv("LANG", "C.UTF-8", 1);
  snprintf(path, sizeof path, "%s/%s", plan->build, lab->tool);
  setenv("TOOL", path, 1);
  snprintf(path, sizeof path, "%s/%s.so", plan->build, lab->name);
  setenv("LIBRARY", path, 1);
  snprintf(path, sizeof path, "%s/%s/probe", plan->tools, lab->name);
  setenv("PROBE", path, 1);
  setenv("CK_RUN_CASE", test->name, 1);
  snprintf(path, sizeof path, "%d", plan->seconds / 2);
  setenv("PATIENCE", path, 1); /* seconds for what a test waits for */
}

/* A regular expression that matches the whole name and nothing else. */
static void
quote(char *to, size_t size, const char *name)
{
  size_t n = 0;
  to[n++] = '^';
  for (; *name && n + 4 < size; name++) {
    if (strchr(".*+?()[]{}|^$\\", *name))
      to[n++] = '\\';
    to[n++] = *name;
  }
  to[n++] = '$';
  to[n] = '\0';
}

/* Is what is graded in there? `make test` grades what it has built in build/answers. */
static bool
is_graded(const char *directory, const struct plan *plan)
{
  char path[PATH_MAX];
  size_t n = realpath(directory, path) ? strlen(path) : 0;
  return n > 0 && strncmp(plan->build, path, n) == 0 && plan->build[n] == '/';
}

/* In the child: become the cage with the test in it. */
static void
become_cage(const struct lab *lab, const struct plan *plan,
            const struct test *test)
{
  static const char *const hidden[] = {".git", "build/solution", "build/test"};
  char cage[PATH_MAX], seconds[16], filter[512];
  autolist struct list argv = {0};
  snprintf(cage, sizeof cage, "%s/cage", plan->tools);
  snprintf(seconds, sizeof seconds, "%d", plan->seconds);
  const char *first[] = {cage, "--report", "3", "--time", seconds,
                         "--show", plan->build, "--show", plan->tools};
  for (size_t i = 0; i < sizeof first / sizeof *first; i++)
    list_add(&argv, first[i]);
  /* What holds answers is not there. */
  for (size_t i = 0; !plan->solution && i < sizeof hidden / sizeof *hidden;
       i++) {
    list_add(&argv, "--hide");
    list_add(&argv, hidden[i]);
  }
  static const char *const answers[] = {"*/solution", "build/*/solution", "build/fuzz",
                                        "build/answers/*", "grader/*/variants",
                                        "grader/*/mutants"};
  for (size_t i = 0; !plan->solution && i < sizeof answers / sizeof *answers;
       i++) {
    glob_t found = {0};
    glob(answers[i], 0, NULL, &found);
    for (size_t j = 0; j < found.gl_pathc; j++) {
      if (is_graded(found.gl_pathv[j], plan))
        continue;
      list_add(&argv, "--hide");
      list_add(&argv, found.gl_pathv[j]);
    }
    globfree(&found);
  }
  list_add(&argv, "--");
  if (test->suite == CHECK) {
    list_add(&argv, test->file);
  } else {
    quote(filter, sizeof filter, test->name);
    const char *rest[] = {"bats", "--tap", "--filter", filter, test->file};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
      list_add(&argv, rest[i]);
  }
  set_environment(lab, plan, test);
  execv(argv.items[0], argv.items);
  _exit(125);
}

static int
start(struct job *job, const struct lab *lab, const struct plan *plan,
      struct test *test)
{
  int ends[STREAMS][2];
  for (int i = 0; i < STREAMS; i++)
    if (pipe2(ends[i], O_CLOEXEC) < 0)
      return fail("pipe");
  pid_t pid = fork();
  if (pid < 0)
    return fail("fork");
  if (pid == 0) {
    int null = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, (long)SIGTERM);
    dup2(null, 0);
    dup2(ends[OUT][1], 1);
    dup2(ends[ERR][1], 2);
    /* dup2 onto the same number would leave O_CLOEXEC on. */
    if (ends[REPORT][1] == 3)
      fcntl(3, F_SETFD, 0);
    else
      dup2(ends[REPORT][1], 3);
    become_cage(lab, plan, test);
  }
  *job = (struct job){.pid = pid, .test = test, .start = now()};
  for (int i = 0; i < STREAMS; i++) {
    close(ends[i][1]);
    job->streams[i].fd = ends[i][0];
    job->streams[i].text = calloc(1, KEPT + 1);
    if (!job->streams[i].text)
      return fail("memory for a test's output");
  }
  return 0;
}

/* Read what is there. Keep the beginning, and throw the rest away: the test
 * shall not wait for us, and we shall not run out of memory. */
static void
drain(struct job *job, struct stream *stream)
{
  char buffer[65536];
  ssize_t n = read(stream->fd, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR)
    return;
  if (n <= 0) {
    close(stream->fd);
    stream->fd = -1;
    return;
  }
  size_t keep = KEPT - stream->kept < (size_t)n ? KEPT - stream->kept : (size_t)n;
  for (size_t i = 0; i < keep; i++) /* text, so that a NUL ends nothing */
    stream->text[stream->kept + i] = buffer[i] ? buffer[i] : '?';
  stream->kept += keep;
  stream->total += n;
  if (stream->total > FLOOD)
    kill(job->pid, SIGTERM);
}

/* ---- judging ---- */

/* What a test's TAP says. */
struct said {
  int results;          /* result lines; more or less than one is no result */
  bool ok;              /* of the last one */
  char *skip;           /* of the last one */
  char details[KEPT];   /* the lines of explanation */
};

/* Append a line to the details. Check writes all it has to say into the result
 * line; there " | " parts what the test meant as lines. */
static void
add_detail(struct said *said, const char *line)
{
  size_t n = strlen(said->details);
  while (*line && n + 2 < sizeof said->details) {
    if (strncmp(line, " | ", 3) == 0) {
      said->details[n++] = '\n';
      line += 3;
    } else
      said->details[n++] = *line++;
  }
  said->details[n++] = '\n';
  said->details[n] = '\0';
}

/* Check: "file.c:CASE:function: what happened". CASE is the test's name, which
 * may hold a colon itself; what happened comes after the function. */
static const char *
check_message(const char *line, const char *name)
{
  const char *found = strstr(line, name);
  const char *colon = found ? strstr(found + strlen(name), ": ") : NULL;
  return colon ? colon + 2 : line;
}

static void
read_tap(char *text, const struct test *test, struct said *said)
{
  *said = (struct said){0};
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    struct tap_line result;
    if (tap_read(line, &result)) {
      said->results++;
      said->ok = result.ok;
      said->skip = result.skip;
      if (!result.ok && test->suite == CHECK)
        add_detail(said, check_message(result.name, test->name));
    } else if (strncmp(line, "# ", 2) == 0)
      add_detail(said, line + 2);
  }
  /* Bats begins with the lines of the test that failed. Where the test itself
   * says what it expected, that is clearer. */
  char *start = strstr(said->details, "expected: ");
  if (test->suite == BATS && start)
    memmove(said->details, start, strlen(start) + 1);
}

/* The first line of the report that starts with `word`, copied without it. */
static bool
report_says(const char *report, const char *word, char *rest, size_t size)
{
  for (const char *line = report; *line; line += strcspn(line, "\n")) {
    line += *line == '\n';
    if (strncmp(line, word, strlen(word)) == 0) {
      line += strlen(word);
      snprintf(rest, size, "%.*s", (int)strcspn(line, "\n"), line);
      return true;
    }
  }
  return false;
}

/* The lines of the report on what was left behind, or is gone. */
static void
add_census(struct said *said, const char *report)
{
  int count = 0;
  char *copy = strdup(report), *save = NULL;
  for (char *line = strtok_r(copy, "\n", &save); line;
       line = strtok_r(NULL, "\n", &save))
    if ((strncmp(line, "left ", 5) == 0 || strncmp(line, "gone ", 5) == 0) &&
        count++ < 5) {
      char text[512];
      snprintf(text, sizeof text, "got: after the test, %.4s: %s",
               line, line + 5);
      add_detail(said, text);
    }
  if (count > 5)
    add_detail(said, "     and more");
  free(copy);
}

/* What a program printed, as text that is fit to print: valid UTF-8, and nothing
 * in it that moves a terminal's cursor, or that XML does not have. Returns a copy
 * that the caller frees. */
static char *
printable(const char *text)
{
  size_t left = strlen(text), size = left + 1;
  char *copy = malloc(size), *to = copy;
  mbstate_t state = {0};
  while (copy && left > 0) {
    wchar_t c;
    size_t n = mbrtowc(&c, text, left, &state);
    bool bad = n == (size_t)-1 || n == (size_t)-2 || n == 0;
    if (bad) {
      state = (mbstate_t){0};
      n = 1;
    }
    if (!bad && (iswprint(c) || c == L'\n' || c == L'\t'))
      to = mempcpy(to, text, n);
    else
      *to++ = '?';
    text += n;
    left -= n;
  }
  if (copy)
    *to = '\0';
  return copy;
}

/* From all that is known, whether the test passed. It did if the runner said so
 * once, and said nothing else, and ended well, and nothing was left behind. A
 * program that prints "ok" prints it once too often. */
static void
judge(struct job *job, int status)
{
  static struct said said;
  struct test *test = job->test;
  char rest[512];
  const char *report = job->streams[REPORT].text;
  read_tap(job->streams[OUT].text, test, &said);
  test->seconds = now() - job->start;
  test->outcome = FAIL;

  if (report_says(report, "cannot ", rest, sizeof rest)) {
    test->outcome = CANNOT;
    snprintf(said.details, sizeof said.details, "%s\n", rest);
  } else if (job->streams[OUT].total > FLOOD || job->streams[ERR].total > FLOOD) {
    snprintf(said.details, sizeof said.details,
             "expected: an end\ngot: more than %d MiB of output\n", FLOOD >> 20);
  } else if (report_says(report, "limit ", rest, sizeof rest)) {
    snprintf(said.details, sizeof said.details,
             "expected: an end\ngot: it was stopped, because %s\n", rest);
  } else if (said.results == 1 && said.skip) {
    test->outcome = CANNOT;
    snprintf(said.details, sizeof said.details, "%s\n", said.skip);
  } else if (said.results == 0 && (status == 126 || status == 127)) {
    test->outcome = CANNOT;
    snprintf(said.details, sizeof said.details, "the test's runner cannot be "
             "executed: %.200s (mend it: make doctor)\n", job->streams[ERR].text);
  } else if (said.results != 1) {
    snprintf(rest, sizeof rest, "expected: one result of the test | got: %d; "
             "its runner ended with status %d", said.results, status);
    add_detail(&said, rest);
  } else if (said.ok && status != 0) {
    snprintf(rest, sizeof rest, "expected: the test's runner ends well | got: "
             "status %d", status);
    add_detail(&said, rest);
  } else if (said.ok && (report_says(report, "left ", rest, sizeof rest) ||
                         report_says(report, "gone ", rest, sizeof rest))) {
    add_detail(&said, "expected: after the test, all is as it was before");
    add_census(&said, report);
  } else if (said.ok)
    test->outcome = PASS;
  test->output = printable(said.details);
  test->noise = printable(job->streams[ERR].text);
}

/* Has every stream ended? Then wait for the cage, and judge. */
static bool
finish(struct job *job)
{
  int status;
  for (int i = 0; i < STREAMS; i++)
    if (job->streams[i].fd >= 0)
      return false;
  while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
    ;
  judge(job, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  for (int i = 0; i < STREAMS; i++)
    free(job->streams[i].text);
  job->pid = 0;
  return true;
}

int
tests_run(const struct lab *lab, const struct plan *plan, struct test *tests,
          size_t count, void (*done)(void *), void *arg)
{
  struct job *jobs = calloc(plan->jobs, sizeof *jobs);
  struct pollfd *fds = calloc(plan->jobs * STREAMS, sizeof *fds);
  size_t next = 0;
  int running = 0, bad = !jobs || !fds ? fail("memory for jobs") : 0;
  bool failed = false;
  while (!bad) {
    for (int j = 0; j < plan->jobs && !bad; j++) {
      while (next < count && tests[next].outcome != NOT_RUN)
        next++;
      if (jobs[j].pid || next >= count || (plan->first && failed))
        continue;
      bad = start(&jobs[j], lab, plan, &tests[next++]);
      running += !bad;
    }
    if (running == 0)
      break;
    for (int j = 0; j < plan->jobs; j++)
      for (int i = 0; i < STREAMS; i++)
        fds[j * STREAMS + i] = (struct pollfd){
            .fd = jobs[j].pid ? jobs[j].streams[i].fd : -1, .events = POLLIN};
    if (poll(fds, plan->jobs * STREAMS, -1) < 0 && errno != EINTR)
      bad = fail("poll");
    for (int j = 0; j < plan->jobs && !bad; j++) {
      for (int i = 0; i < STREAMS; i++)
        if (jobs[j].pid && fds[j * STREAMS + i].revents)
          drain(&jobs[j], &jobs[j].streams[i]);
      if (jobs[j].pid && finish(&jobs[j])) {
        failed |= jobs[j].test->outcome == FAIL;
        running--;
        done(arg);
      }
    }
  }
  free(jobs);
  free(fds);
  return bad;
}
