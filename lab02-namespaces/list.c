/* list.c - given: the namespaces of this machine, as nsrun list shows them.
 *
 * A namespace has no name. It is known by the inode of the files that stand for
 * it: /proc/PID/ns/uts of two processes is the same file if they are in the
 * same one. So the list is made from the processes; one in which no process is,
 * and that only a descriptor or a mount holds, is not seen here.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

const struct ns_kind ns_kinds[NS_KINDS] = {
    {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},   {"pid", CLONE_NEWPID},
    {"net", CLONE_NEWNET},   {"ipc", CLONE_NEWIPC},  {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

/* One namespace. */
struct seen {
  int kind;        /* index into ns_kinds */
  ino_t inode;
  int processes;   /* that are in it, as far as we may see */
  pid_t lowest;    /* the lowest of their numbers */
};

static struct seen *all;
static size_t count, room;

/* Note that `pid` is in this namespace. */
static int
note(int kind, ino_t inode, pid_t pid)
{
  for (size_t i = 0; i < count; i++)
    if (all[i].kind == kind && all[i].inode == inode) {
      all[i].processes++;
      if (pid < all[i].lowest)
        all[i].lowest = pid;
      return 0;
    }
  if (count == room) {
    struct seen *more = reallocarray(all, room ? 2 * room : 64, sizeof *all);
    if (!more)
      return fail("memory for the list");
    all = more;
    room = room ? 2 * room : 64;
  }
  all[count++] = (struct seen){kind, inode, 1, pid};
  return 0;
}

static int
compare(const void *a, const void *b)
{
  const struct seen *x = a, *y = b;
  return x->kind != y->kind ? x->kind - y->kind : x->lowest - y->lowest;
}

static void
print(const struct seen *seen)
{
  char path[64], name[64] = "";
  snprintf(path, sizeof path, "/proc/%d/comm", seen->lowest);
  autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && read(fd, name, sizeof name - 1) > 0)
    name[strcspn(name, "\n")] = '\0';
  for (char *c = name; *c; c++) /* a process may call itself anything */
    if (!isprint((unsigned char)*c))
      *c = '?';
  printf("%-7s %10lu %9d %7d %s\n", ns_kinds[seen->kind].name,
         (unsigned long)seen->inode, seen->processes, seen->lowest, name);
}

int
ns_list(void)
{
  DIR *proc = opendir("/proc");
  if (!proc)
    return fail("open /proc");
  int bad = 0, hidden = 0;
  for (struct dirent *e; !bad && (e = readdir(proc));) {
    if (!isdigit((unsigned char)e->d_name[0]))
      continue;
    for (int i = 0; i < NS_KINDS && !bad; i++) {
      char path[300];
      struct stat st;
      snprintf(path, sizeof path, "/proc/%s/ns/%s", e->d_name, ns_kinds[i].name);
      if (stat(path, &st) == 0)
        bad = note(i, st.st_ino, atoi(e->d_name));
      else if (errno == EACCES) {
        hidden++;
        break;
      }
    }
  }
  closedir(proc);
  if (!bad) {
    qsort(all, count, sizeof *all, compare);
    printf("%-7s %10s %9s %7s %s\n", "KIND", "INODE", "PROCESSES", "PID",
           "COMMAND");
    for (size_t i = 0; i < count; i++)
      print(&all[i]);
    if (hidden && geteuid() != 0)
      fprintf(stderr, "nsrun: not counted, as they are somebody else's: %d (run it "
              "as root)\n", hidden);
  }
  free(all);
  return bad;
}
