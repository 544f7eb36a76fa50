/* check_look.c - processes, looked at from outside. */
#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "groups.h"
#include "scratch.h"
#include "student.h"

void *
shared(size_t size)
{
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
  ck_assert_ptr_ne(memory, MAP_FAILED);
  return memory;
}

double
patience(void)
{
  double seconds = atof(getenv("PATIENCE") ?: "10");
  return seconds < 10 ? seconds : 10;
}

double
now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- /proc/PID ---- */

/* Read all of /proc/PID/NAME. Returns how much, 0 if there is none. */
static size_t
read_proc(pid_t pid, const char *name, char *text, size_t size)
{
  char path[128];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
  if (fd >= 0)
    close(fd);
  text[n < 0 ? 0 : n] = '\0';
  return n < 0 ? 0 : n;
}

const char *
status_text(pid_t pid, const char *field)
{
  static char values[8][256];
  static int next;
  char text[8192], *save = NULL;
  char *value = values[next++ % 8];
  size_t n = strlen(field);
  *value = '\0';
  read_proc(pid, "status", text, sizeof text);
  for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
    if (strncmp(line, field, n) == 0 && line[n] == ':') {
      line += n + 1;
      snprintf(value, sizeof *values, "%s", line + strspn(line, " \t"));
    }
  return value;
}

long long
stat_number(pid_t pid, int n)
{
  char text[2048], *save = NULL;
  read_proc(pid, "stat", text, sizeof text);
  /* Field 2 is the name in parentheses, and there may be anything in it. */
  char *rest = strrchr(text, ')');
  char *word = rest ? strtok_r(rest + 1, " \n", &save) : NULL;
  for (int i = 3; word && i < n; i++)
    word = strtok_r(NULL, " \n", &save);
  return word ? atoll(word) : -1;
}

bool
is_asleep(pid_t pid)
{
  return status_text(pid, "State")[0] == 'S';
}

bool
is_gone(pid_t pid)
{
  char state = status_text(pid, "State")[0];
  return state == '\0' || state == 'Z' || state == 'X';
}

const char *
children_of(pid_t pid)
{
  static char text[4096];
  char name[64];
  snprintf(name, sizeof name, "task/%d/children", pid);
  read_proc(pid, name, text, sizeof text);
  return text;
}

pid_t
child_of(pid_t pid)
{
  return atoi(children_of(pid));
}

int
count_fds(pid_t pid)
{
  char path[64];
  int count = 0;
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));)
    count += e->d_name[0] != '.';
  if (dir)
    closedir(dir);
  /* Our own look is a descriptor, too. */
  return pid == getpid() ? count - 1 : count;
}

/* A line "FIELD N" of /proc/PID/fdinfo/FD, in base `base`; -1 if there is none. */
static long long
fdinfo(pid_t pid, int fd, const char *field, int base)
{
  char name[64], text[1024], *found;
  snprintf(name, sizeof name, "fdinfo/%d", fd);
  read_proc(pid, name, text, sizeof text);
  found = strstr(text, field);
  return found ? strtoll(found + strlen(field), NULL, base) : -1;
}

pid_t
pidfd_target(pid_t pid, int fd)
{
  long long number = fdinfo(pid, fd, "\nPid:", 10);
  return number > 0 ? number : 0;
}

bool
fd_is_cloexec(pid_t pid, int fd)
{
  long long flags = fdinfo(pid, fd, "flags:", 8);
  return flags != -1 && (flags & O_CLOEXEC);
}

const char *
fd_path(pid_t pid, int fd)
{
  char name[32];
  snprintf(name, sizeof name, "fd/%d", fd);
  return proc_link(pid, name);
}

/* ---- groups ---- */

bool
is_in(const char *group, pid_t pid)
{
  char line[16];
  const char *procs = in_dir(group, "cgroup.procs");
  snprintf(line, sizeof line, "%d\n", pid);
  for (const char *found = procs; (found = strstr(found, line)); found++)
    if (found == procs || found[-1] == '\n')
      return true;
  return false;
}

void
set_knob(const char *group, const char *name, const char *text)
{
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", group, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
  ck_assert_msg(n == (ssize_t)strlen(text), "the test cannot write \"%s\" to %s: %s", text,
                path, strerror(errno));
  close(fd);
}

/* ---- processes ---- */

void
end_process(pid_t pid)
{
  if (pid <= 0)
    return;
  kill(pid, SIGKILL);
  AWAIT(waitpid(pid, NULL, WNOHANG) == pid || (kill(pid, 0) < 0 && errno == ESRCH));
}

void
adopt_orphans(void)
{
  prctl(PR_SET_CHILD_SUBREAPER, 1L);
}

void
give_up_capabilities(void)
{
  cap_t caps = cap_init();
  if (cap_set_proc(caps) < 0)
    _exit(99);
  cap_free(caps);
}

void
die_with_parent(void)
{
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
}

/* seccomp(2): a small program that is asked before each system call. These numbers
 * are for this machine's own calls, and there are no others here. */
void
forbid_calls(int error, const int *calls)
{
  struct sock_filter steps[64] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short n = 1;
  for (; *calls >= 0 && n < 60; calls++) {
    steps[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, *calls, 0, 1);
    steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
  }
  steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = n, .filter = steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
      prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program) < 0)
    _exit(98);
}
