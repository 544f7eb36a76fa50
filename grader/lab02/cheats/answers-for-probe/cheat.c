/* Tries: a tool that never makes a container. It reads from its arguments what
 * the probe would be asked, and answers in its place, with the exit status and
 * the message that the tests want. What waits to be looked at from outside is
 * this process itself, or a child for --init. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *hostname = "", *root = "";
static long long shift;
static int init;

static int
say(int status, const char *text)
{
  fprintf(stderr, "nsrun: %s\n", text);
  return status;
}

/* Print the signals that come, as the probe does. */
static int
signals(void)
{
  sigset_t all;
  int number;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(20);
  puts("ready");
  while (sigwait(&all, &number) == 0 && number != SIGALRM)
    printf("%d\n", number);
  return 0;
}

static int
stand_still(void)
{
  if (init) {
    pid_t pid = fork();
    if (pid > 0) {
      int status;
      waitpid(pid, &status, 0);
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
  puts("ready");
  fflush(stdout);
  alarm(20);
  pause();
  return 0;
}

static int
make(const char *path)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  return fd < 0;
}

/* What the probe would say to `arg`. */
static int
answer(char **arg)
{
  const char *what = arg[1] ? arg[1] : "";
  struct timespec t;
  if (strcmp(what, "exit") == 0 && arg[2])
    return atoi(arg[2]);
  if (strcmp(what, "signal") == 0 && arg[2])
    return 128 + atoi(arg[2]);
  if (strcmp(what, "hostname") == 0)
    return puts(hostname) < 0;
  if (strcmp(what, "user") == 0)
    return puts("0 0 0 0 0") < 0;
  if (strcmp(what, "queues") == 0)
    return puts(arg[2][0] == 'f' ? "" : "messages memory semaphores posix") < 0;
  if (strcmp(what, "clock") == 0) {
    clock_gettime(CLOCK_MONOTONIC, &t);
    return printf("%lld\n", (long long)t.tv_sec + shift) < 0;
  }
  if (strcmp(what, "escape") == 0)
    return puts("no way out"), 1;
  if (strcmp(what, "unmask") == 0 || strcmp(what, "unlock") == 0)
    return puts("it stays covered"), 1;
  if (strcmp(what, "open-to-write") == 0)
    return 0;
  if (strcmp(what, "ping") == 0)
    return puts("pong") < 0;
  if (strcmp(what, "make") == 0 && arg[2])
    return make(arg[2]);
  if (strcmp(what, "signals") == 0)
    return signals();
  if (strcmp(what, "wait") == 0)
    return stand_still();
  execv(arg[0], arg); /* fetch, serve, orphans: as they are */
  return 99;
}

static int
run(char **arg)
{
  char path[4200];
  struct stat st;
  for (; *arg && strncmp(*arg, "--", 2) == 0; arg++) {
    if (strcmp(*arg, "--") == 0) {
      arg++;
      break;
    }
    if (strcmp(*arg, "--init") == 0) {
      init = 1;
      continue;
    }
    if (!arg[1] || strcmp(*arg, "--no-such-option") == 0)
      return say(125, "no-such-option");
    const char *option = *arg, *value = *++arg;
    if (strcmp(option, "--root") == 0 &&
        (stat(value, &st) < 0 || !S_ISDIR(st.st_mode)))
      return say(125, value);
    if (strcmp(option, "--hostname") == 0 && (!*value || strlen(value) > 64))
      return say(125, "set the host name (1 to 64 bytes)");
    if (strcmp(option, "--user-map") == 0 && strcmp(value, "root") != 0 &&
        strcmp(value, "auto") != 0 && strspn(value, "0123456789:") != strlen(value))
      return say(125, "--user-map takes root, auto, or OUT:IN:N");
    if (strcmp(option, "--net") == 0 && value[0] == 'e')
      return say(125, "--net takes none, host, private or bridge");
    if (strcmp(option, "--time-offset") == 0) {
      char *end;
      shift = strtoll(value, &end, 10);
      if (end == value || *end)
        return say(125, "--time-offset takes a number of seconds");
    }
    if (strcmp(option, "--mount") == 0 && !strchr(value, ':'))
      return say(125, "--mount takes SRC:DST or SRC:DST:ro");
    if (strcmp(option, "--hostname") == 0)
      hostname = value;
    if (strcmp(option, "--root") == 0)
      root = value;
  }
  if (!*arg)
    return say(125, "PROGRAM is missing");
  snprintf(path, sizeof path, "%s%s", root, *arg);
  if (stat(path, &st) < 0)
    return say(127, *arg);
  if (access(path, X_OK) < 0)
    return say(126, *arg);
  *arg = path;
  return answer(arg);
}

/* Before main, so that nothing of the given tool runs. */
__attribute__((constructor)) static void
start(int argc, char **argv)
{
  if (argc < 1 || !strstr(argv[0], "nsrun"))
    return;
  if (argc > 2 && strcmp(argv[1], "enter") == 0) {
    if (atoi(argv[2]) < 1 || kill(atoi(argv[2]), 0) < 0)
      exit(say(125, "a PID is a number from 1 up: process: No such process"));
    argv++;
    argc--;
  }
  exit(argc > 1 ? run(argv + 2) : 125);
}
