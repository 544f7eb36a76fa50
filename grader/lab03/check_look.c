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
