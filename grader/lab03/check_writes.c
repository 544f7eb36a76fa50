/* check_writes.c - what a function writes, seen by following its process from
 * system call to system call (ptrace(2)). */
#include "writes.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "follow.h"
#include "scratch.h"

typedef struct __ptrace_syscall_info syscall_info;

struct written writes[WRITES];
size_t write_count;

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
keep(pid_t pid, const syscall_info *call, void *arg)
{
  const char *below = arg;
  size_t skip = strlen(below);
  char name[32];
  if (call->op != PTRACE_SYSCALL_INFO_ENTRY || write_count == WRITES ||
      (call->entry.nr != SYS_write && call->entry.nr != SYS_pwrite64 &&
       call->entry.nr != SYS_writev))
    return;
  snprintf(name, sizeof name, "fd/%d", (int)call->entry.args[0]);
  const char *path = proc_link(pid, name);
  if (strncmp(path, below, skip) != 0 || path[skip] != '/')
    return;
  struct written *w = &writes[write_count++];
  snprintf(w->file, sizeof w->file, "%.*s", (int)sizeof w->file - 1,
           path + skip + 1);
  copy_text(pid, call, w->text, sizeof w->text);
}

const struct answer *
record_call(const char *below, void (*body)(struct answer *, const void *),
            const void *arg)
{
  write_count = 0;
  return follow_call(body, arg, keep, (void *)below);
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
