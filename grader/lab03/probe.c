/* probe.c - a program for the inside of a group. It is linked statically, so that
 * it is as small as can be. The tests ask it to report, to use up things, and to
 * make trouble. Each "ready" is a line of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* All ends after so many seconds, whatever happens. */
enum { LIFE = 60 };

static int
ready(void)
{
  puts("ready");
  return fflush(stdout);
}

/* Say that we are there, and wait to be looked at. */
static int
wait_for_eyes(char **arg)
{
  (void)arg;
  ready();
  pause();
  return 0;
}

static int
exit_with(char **arg)
{
  return atoi(arg[0]);
}

static int
end_by_signal(char **arg)
{
  signal(atoi(arg[0]), SIG_DFL);
  return raise(atoi(arg[0]));
}

/* Make the empty file arg[0]: a trace of having been run. */
static int
make_file(char **arg)
{
  return open(arg[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644) < 0;
}

/* Print the group that we are in, as the kernel says it. */
static int
print_group(char **arg)
{
  char text[4096], *line;
  int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  ssize_t n = read(fd, text, sizeof text - 1);
  (void)arg;
  text[n > 0 ? n : 0] = '\0';
  line = strstr(text, "0::");
  fputs(line ? line : "none\n", stdout);
  return 0;
}

static double
seconds_of(clockid_t clock)
{
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* Compute for arg[0] seconds by the wall clock, or for ever. */
static int
spin(char **arg)
{
  double end = arg[0] ? seconds_of(CLOCK_MONOTONIC) + atof(arg[0]) : 1e300;
  ready();
  while (seconds_of(CLOCK_MONOTONIC) < end)
    ;
  return 0;
}

/* Use arg[0] seconds of CPU time, then wait. "ready" comes behind that. */
static int
burn(char **arg)
{
  double end = atof(arg[0]);
  while (seconds_of(CLOCK_PROCESS_CPUTIME_ID) < end)
    ;
  return wait_for_eyes(arg);
}

/* Take arg[0] MiB of memory and touch each page of it; say how far it came, and
 * wait. */
static int
take_memory(char **arg)
{
  size_t bytes = (size_t)atoi(arg[0]) << 20;
  char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return 1;
  for (size_t i = 0; i < bytes; i += 4096)
    memory[i] = 1;
  return wait_for_eyes(arg);
}

/* Start a child that takes arg[0] MiB each time we are sent SIGUSR1; say "killed N"
 * when signal N has ended it, "lives" when it could have all. */
static int
take_on_signal(char **arg)
{
  sigset_t set;
  int signal, status;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  ready();
  while (sigwait(&set, &signal) == 0) {
    pid_t pid = fork();
    if (pid == 0) {
      size_t bytes = (size_t)atoi(arg[0]) << 20;
      char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED)
        _exit(1);
      for (size_t i = 0; i < bytes; i += 4096)
        memory[i] = 1;
      _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
      return 1;
    if (WIFSIGNALED(status))
      printf("killed %d\n", WTERMSIG(status));
    else
      puts("lives");
    fflush(stdout);
  }
  return 0;
}

/* Start children that wait, until there are arg[0] of them or fork(2) fails. Say how
 * many there are and why no more: "forks 9 EAGAIN"; then wait. */
static int
start_children(char **arg)
{
  int most = atoi(arg[0]), count = 0;
  pid_t pid = 0;
  while (count < most && (pid = fork()) > 0)
    count++;
  if (pid == 0 && count < most) {
    pause();
    _exit(0);
  }
  printf("forks %d %s\n", count, pid < 0 ? strerrorname_np(errno) : "enough");
  return wait_for_eyes(arg);
}

/* One process after the other: each forks and ends, so that the number is never the
 * same for long, and there are two at most. Who reads numbers and kills them comes
 * too late, nearly always. The mark arg[0] is among the arguments of all of them. */
static int
run_away(char **arg)
{
  double end = seconds_of(CLOCK_MONOTONIC) + LIFE / 2;
  (void)arg;
  /* Orphans are the first one's, and leave no zombies: so there are never many. */
  prctl(PR_SET_CHILD_SUBREAPER, 1L);
  signal(SIGCHLD, SIG_IGN);
  ready();
  /* The first one stays: it is the program. */
  if (fork() > 0) {
    pause();
    return 0;
  }
  while (seconds_of(CLOCK_MONOTONIC) < end)
    if (fork() > 0)
      _exit(0);
  return 0;
}

/* Leave a child behind that waits, and end with status arg[0]. */
static int
leave_child(char **arg)
{
  int status = atoi(arg[0]);
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    wait_for_eyes(arg);
    _exit(0);
  }
  return pid < 0 ? 99 : status;
}

/* Say each signal of arg[0]... that comes, a number on a line each. */
static int
report_signals(char **arg)
{
  sigset_t set;
  int signal;
  sigemptyset(&set);
  for (; *arg; arg++)
    sigaddset(&set, atoi(*arg));
  sigprocmask(SIG_BLOCK, &set, NULL);
  ready();
  while (sigwait(&set, &signal) == 0) {
    printf("%d\n", signal);
    fflush(stdout);
  }
  return 0;
}

/* Count on, a line "tick N" every 10 ms. */
static int
tick(char **arg)
{
  (void)arg;
  ready();
  for (int i = 0; i < LIFE * 100; i++) {
    printf("tick %d\n", i);
    fflush(stdout);
    usleep(10000);
  }
  return 0;
}

/* Write arg[1] MiB to the file arg[0], to the disk, and read them back from there. */
static int
use_disk(char **arg)
{
  static char block[1 << 20];
  int count = atoi(arg[1]), fd = open(arg[0], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  for (int i = 0; i < count; i++)
    if (write(fd, block, sizeof block) != sizeof block)
      return 1;
  if (fsync(fd) < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0 || lseek(fd, 0, SEEK_SET) < 0)
    return 1;
  while (read(fd, block, sizeof block) > 0)
    ;
  return wait_for_eyes(arg);
}

/* Become the program arg[1]..., in a place where clone3(2) fails with errno arg[0]
 * (seccomp(2)): a container's, or an old kernel's. */
static int
run_without_clone3(char **arg)
{
  unsigned error = atoi(arg[0]);
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = sizeof steps / sizeof *steps, .filter = steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
      prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &filter) < 0)
    return 98;
  execvp(arg[1], arg + 1);
  return 127;
}

/* Run the program arg[0]... on a terminal of its own (pty(7)), and print what it
 * writes there. Its exit status is ours. */
static int
run_on_terminal(char **arg)
{
  struct winsize size = {.ws_row = 24, .ws_col = 100};
  char text[4096];
  ssize_t n;
  int status, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || unlockpt(master) < 0 || ioctl(master, TIOCSWINSZ, &size) < 0)
    return 98;
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    for (int fd = 0; fd < 3; fd++)
      dup2(slave, fd);
    execvp(arg[0], arg);
    _exit(127);
  }
  close(slave);
  while ((n = read(master, text, sizeof text)) > 0 && write(1, text, n) == n)
    ;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *name;
    int (*run)(char **arg);
    int args; /* at least */
  } acts[] = {
      {"wait", wait_for_eyes, 0},      {"exit", exit_with, 1},
      {"signal", end_by_signal, 1},    {"make", make_file, 1},
      {"group", print_group, 0},       {"spin", spin, 0},
      {"burn", burn, 1},               {"take", take_memory, 1},
      {"take-on-signal", take_on_signal, 1}, {"forks", start_children, 1},
      {"run-away", run_away, 0},       {"leave", leave_child, 1},
      {"signals", report_signals, 1},  {"tick", tick, 0},
      {"disk", use_disk, 2},           {"without-clone3", run_without_clone3, 2},
      {"terminal", run_on_terminal, 1},
  };
  alarm(LIFE);
  for (size_t i = 0; argc > 1 && i < sizeof acts / sizeof *acts; i++)
    if (strcmp(argv[1], acts[i].name) == 0 && argc - 2 >= acts[i].args)
      return acts[i].run(argv + 2);
  fprintf(stderr, "probe: no such act\n");
  return 99;
}
