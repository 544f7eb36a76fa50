/* check_writes.c - what a function writes, seen by following its process from
 * system call to system call (ptrace(2)). */
#include "writes.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"

typedef struct __ptrace_syscall_info syscall_info;

struct written writes[WRITES];
size_t write_count;

/* The student's process has a child, in which the body runs: so it is followed
 * from the start, while student_start waits for the student's process. */
struct followed {
  void (*body)(struct answer *, const void *);
  const void *arg;
  volatile pid_t pid;     /* the child */
  volatile bool followed; /* before that it does nothing */
};

static void
body_in_child(struct answer *a, const void *arg)
{
  struct followed *f = (struct followed *)arg;
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    while (!f->followed)
      usleep(1000);
    f->body(a, f->arg);
    _exit(0);
  }
  f->pid = pid;
}

/* Copy memory of the process. Returns how much there was. */
static size_t
copy_from(pid_t pid, unsigned long long address, void *to, size_t size)
{
  struct iovec here = {to, size}, there = {(void *)(uintptr_t)address, size};
  ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);
  return n < 0 ? 0 : n;
}

/* What it is about to write: the text of write(2) and pwrite(2), or the pieces of
 * writev(2) together. */
static void
copy_text(pid_t pid, const syscall_info *call, char *text, size_t size)
{
  unsigned long long address = call->entry.args[1], count = call->entry.args[2];
  struct iovec pieces[16];
  size_t n = 0;
  if (call->entry.nr == SYS_writev) {
    count = count < 16 ? count : 16;
    size_t got = copy_from(pid, address, pieces, count * sizeof *pieces);
    for (size_t i = 0; i < got / sizeof *pieces; i++) {
      size_t room = size - 1 - n;
      n += copy_from(pid, (uintptr_t)pieces[i].iov_base, text + n,
                     pieces[i].iov_len < room ? pieces[i].iov_len : room);
    }
  } else
    n = copy_from(pid, address, text, count < size - 1 ? count : size - 1);
  text[n > 0 && text[n - 1] == '\n' ? n - 1 : n] = '\0';
}

/* If the process is about to write to a file below that directory, keep it. */
static void
keep(pid_t pid, const char *below)
{
  syscall_info call;
  size_t skip = strlen(below);
  char name[32];
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof call, &call) <= 0 ||
      call.op != PTRACE_SYSCALL_INFO_ENTRY || write_count == WRITES ||
      (call.entry.nr != SYS_write && call.entry.nr != SYS_pwrite64 &&
       call.entry.nr != SYS_writev))
    return;
  snprintf(name, sizeof name, "fd/%d", (int)call.entry.args[0]);
  const char *path = proc_link(pid, name);
  if (strncmp(path, below, skip) != 0 || path[skip] != '/')
    return;
  struct written *w = &writes[write_count++];
  snprintf(w->file, sizeof w->file, "%.*s", (int)sizeof w->file - 1,
           path + skip + 1);
  copy_text(pid, &call, w->text, sizeof w->text);
}

/* Follow it to its end. */
static void
follow(struct followed *f, const char *below)
{
  int status;
  if (ptrace(PTRACE_SEIZE, f->pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0 ||
      ptrace(PTRACE_INTERRUPT, f->pid, NULL, NULL) < 0 ||
      waitpid(f->pid, &status, __WALL) != f->pid)
    student_cannot(
        "no process may be followed here (mend it: sudo sysctl "
        "kernel.yama.ptrace_scope=1; or start the container with --cap-add "
        "SYS_PTRACE)");
  f->followed = true;
  for (long signal = 0;;) {
    if (ptrace(PTRACE_SYSCALL, f->pid, NULL, (void *)signal) < 0 ||
        waitpid(f->pid, &status, __WALL) != f->pid || !WIFSTOPPED(status))
      return;
    bool call =
        WSTOPSIG(status) == (SIGTRAP | 0x80); /* PTRACE_O_TRACESYSGOOD */
    signal =
        call || status >> 16 ? 0 : WSTOPSIG(status); /* hand a real one on */
    if (call)
      keep(f->pid, below);
  }
}

const struct answer *
record_call(const char *below, void (*body)(struct answer *, const void *),
            const void *arg)
{
  struct followed *f = mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ck_assert_ptr_ne(f, MAP_FAILED);
  f->body = body;
  f->arg = arg;
  write_count = 0;
  pid_t pid = student_start(body_in_child, f);
  follow(f, below);
  student_end(pid);
  munmap(f, sizeof *f);
  EXPECT(student_said()->value != SAID_NOTHING, "the function returns",
         "it ended the "
         "process");
  return student_said();
}

static int
by_text(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "FILE: TEXT", in one line: a newline in it is shown as \n. */
static void
one_line(char *to, size_t size, const struct written *w)
{
  size_t n = snprintf(to, size, "%.255s: ", w->file);
  for (const char *c = w->text; *c && n + 3 < size; c++)
    n += *c == '\n' ? snprintf(to + n, size - n, "\\n")
                    : snprintf(to + n, size - n, "%c", *c);
}

const char *
writes_text(void)
{
  static char text[8192];
  char lines[WRITES][800], *sorted[WRITES];
  size_t n = 0;
  for (size_t i = 0; i < write_count; i++) {
    one_line(lines[i], sizeof lines[i], &writes[i]);
    sorted[i] = lines[i];
  }
  qsort(sorted, write_count, sizeof *sorted, by_text);
  snprintf(text, sizeof text, "nothing");
  for (size_t i = 0; i < write_count && n < sizeof text; i++)
    n += snprintf(text + n, sizeof text - n, "%s%s", i ? ", " : "", sorted[i]);
  return text;
}
