/* Tries: a tool that puts nobody into a group. It makes the group's directory, for the
 * looks, and answers in the place of the probe what that would see inside: its group,
 * the fork that fails, the kernel that kills. What waits to be looked at from outside is
 * this process itself, or a child. The other commands find that process by the name
 * among its arguments, and send it signals. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOP "/sys/fs/cgroup/cgrun-"

static char name[65] = "none";
static char group[200];

static int
say(int status, const char *text)
{
  fprintf(stderr, "cgrun: %s: %s\n", name, text);
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

/* As the program and its parent. */
static int
stand_still(void)
{
  int status;
  pid_t pid = fork();
  if (pid > 0) {
    waitpid(pid, &status, 0);
    rmdir(group);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  puts("ready");
  fflush(stdout);
  alarm(20);
  pause();
  return 0;
}

/* What the probe would say to `arg`. */
static int
answer(char **arg)
{
  const char *what = arg[1] ? arg[1] : "", *value = arg[1] && arg[2] ? arg[2] : "";
  if (strcmp(what, "group") == 0)
    return printf("0::/cgrun-%s\n", name) < 0;
  if (strcmp(what, "exit") == 0 || strcmp(what, "leave") == 0)
    return atoi(value);
  if (strcmp(what, "signal") == 0)
    return 128 + atoi(value);
  if (strcmp(what, "signals") == 0)
    return signals();
  if (strcmp(what, "make") == 0)
    return open(value, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) < 0;
  if (strcmp(what, "forks") == 0)
    puts("forks 9 EAGAIN");
  if (strcmp(what, "take-on-signal") == 0)
    puts("killed 9");
  if (strcmp(what, "take") == 0)
    return say(137, "out of memory");
  return stand_still();
}

static int
run(char **arg)
{
  for (; *arg && strncmp(*arg, "--", 2) == 0; arg += 2) {
    if (!arg[1] || strspn(arg[1], "0.-") == strlen(arg[1]) || strchr(arg[1], '/'))
      return say(125, "in use (make vm), or no name, or no limit (in --pids)");
    if (strcmp(*arg, "--name") == 0)
      snprintf(name, sizeof name, "%s", arg[1]);
  }
  if (!*arg || access(*arg, X_OK) < 0)
    return say(!*arg ? 125 : errno == ENOENT ? 127 : 126, *arg ? *arg : "PROGRAM");
  snprintf(group, sizeof group, TOP "%s", name);
  if (mkdir(group, 0755) < 0)
    return say(125, "in use");
  int status = answer(arg);
  rmdir(group);
  return status;
}

/* A signal to whoever runs under that name. */
static int
send(int number)
{
  char path[64], line[4096], word[80];
  snprintf(word, sizeof word, "--name %s ", name);
  for (int pid = 2; pid < 600; pid++) {
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file)
      fclose(file);
    for (size_t i = 0; i < n; i++)
      line[i] = line[i] ? line[i] : ' ';
    line[n] = '\0';
    if (pid != getpid() && strstr(line, "cgrun run") && strstr(line, word))
      kill(pid, number);
  }
  return 0;
}

static int
command(char **argv)
{
  snprintf(name, sizeof name, "%s", argv[2] ? argv[2] : "NAME");
  snprintf(group, sizeof group, TOP "%s", name);
  if (strcmp(argv[1], "list") == 0)
    return execlp("sh", "sh", "-c", "cd /sys/fs/cgroup; echo NAME STATE; ls -d cgrun-*", NULL);
  if (!argv[2] || access(group, F_OK) < 0)
    return say(125, "no group, run cgrun list");
  if (strcmp(argv[1], "freeze") == 0)
    return send(SIGSTOP);
  if (strcmp(argv[1], "thaw") == 0)
    return send(SIGCONT);
  if (strcmp(argv[1], "kill") == 0)
    return send(SIGKILL);
  if (strcmp(argv[1], "rm") == 0)
    return rmdir(group) < 0 ? say(125, "in use") : 0;
  return printf("%s: running\n", name) < 0;
}

/* Before main, so that nothing of the given tool runs. */
__attribute__((constructor)) static void
start(int argc, char **argv)
{
  if (argc < 2 || !strstr(argv[0], "cgrun"))
    return;
  exit(strcmp(argv[1], "run") == 0 ? run(argv + 2) : command(argv));
}
