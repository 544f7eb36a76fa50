/* proc.c - processes, looked at from outside. */
#include "proc.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

void *
shared(size_t size)
{
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
  ck_assert_ptr_ne(memory, MAP_FAILED);
  return memory;
}

size_t
read_proc(pid_t pid, const char *name, char *text, size_t size)
{
  char path[128];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  /* prlimit(2) can take that from us; then all would look as if it were
   * gone. */
  ck_assert_msg(fd >= 0 || errno != EMFILE, "the test gets no descriptor");
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
  for (char *line = strtok_r(text, "\n", &save); line;
       line = strtok_r(NULL, "\n", &save))
    if (strncmp(line, field, n) == 0 && line[n] == ':') {
      line += n + 1;
      snprintf(value, sizeof *values, "%s", line + strspn(line, " \t"));
      for (char *end = strchr(value, '\0'); end > value && end[-1] == ' ';)
        *--end = '\0';
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

long long
fd_info(pid_t pid, int fd, const char *field, int base)
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
  long long number = fd_info(pid, fd, "\nPid:", 10);
  return number > 0 ? number : 0;
}

bool
fd_is_cloexec(pid_t pid, int fd)
{
  long long flags = fd_info(pid, fd, "flags:", 8);
  return flags != -1 && (flags & O_CLOEXEC);
}

void
adopt_orphans(void)
{
  prctl(PR_SET_CHILD_SUBREAPER, 1L);
}

long
runs_of(pid_t pid)
{
  return atol(status_text(pid, "voluntary_ctxt_switches")) +
         atol(status_text(pid, "nonvoluntary_ctxt_switches"));
}

bool
trace_step(pid_t pid)
{
  int status;
  long signal = 0;
  for (;;) {
    if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)signal) < 0 ||
        waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
      return false;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) /* PTRACE_O_TRACESYSGOOD */
      return true;
    signal = status >> 16 ? 0 : WSTOPSIG(status); /* hand a real one on */
  }
}
