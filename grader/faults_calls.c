/* faults_calls.c - who makes a call, and what becomes of it.
 *
 * The kernel tells us of a call which process makes it, by its id, and that is
 * another one in each run. So we find out whose child it is, and count the
 * children of each process and its calls of each name: "process 2 (child of 1),
 * mount #3" is the same call in every run.
 *
 * And only calls of the tool may fail; not those with which the process becomes
 * COMMAND, nor what COMMAND executes in turn.
 */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clean.h"
#include "faults.h"

enum {
  PROCESSES = 512,      /* of one run, at most; those behind are let alone */
  NEVER_BORN = 100,     /* ms: by then a child has made its first call */
};

/* What /proc/PID/stat says of a process to everybody; the rest of /proc/PID is
 * only for those who may trace it (proc(5)), and in the cage we may not trace a
 * process that has changed its user. */
struct image {
  char name[32];       /* "comm" */
  pid_t parent;        /* "ppid" */
  unsigned flags;      /* the kernel's PF_... */
  unsigned long size;  /* "vsize" */
};

enum { FORKED = 0x40 /* PF_FORKNOEXEC: no execve since fork */ };

/* A process, or a thread: both make calls. */
struct process {
  pid_t id;             /* as we see it, from outside its PID namespace */
  int name;             /* its number in what we print; the same in every run */
  int parent;           /* its parent's */
  int nth;              /* child of that, from 1 */
  int children;         /* that it has so far */
  bool expecting;       /* its latest call was clone, no child seen yet */
  bool executing;       /* its latest call was execve */
  struct image image;   /* from before that call */
  enum {
    STARTING,           /* not COMMAND yet, but ours */
    LOADING,            /* its dynamic loader is at work */
    TOOL,               /* calls may fail */
    OTHER,              /* it has executed something else */
  } is;
  bool held;            /* its latest call waits for its child's first */
  struct seccomp_notif call;  /* that call */
  double since;         /* and when it came */
  unsigned short made[NUMBERS];  /* how many calls of each number */
};

/* The run that is going on. */
static struct process processes[PROCESSES];
static int process_count;
static int listener;             /* where notifications come from */
static unsigned long loader, loader_end;  /* the code of COMMAND's ld.so */
static const struct call *wanted;  /* the call to disturb, or NULL */
static int disturbance;          /* errno for it, or 0: SIGKILL */

/* The processes of the undisturbed run; the one called I is [I - 1]. */
static struct {
  int parent;  /* its parent's number */
  int nth;     /* child of that, from 1 */
} known[PROCESSES];
static int known_count;

/* ---- who makes the call ---- */

/* Read /proc/ID/stat: "12 (name) S 1 ...". All zero if it has ended. */
static struct image
look(pid_t id)
{
  struct image image = {0};
  char path[32], text[1024] = "";
  snprintf(path, sizeof path, "%d/stat", id);
  autoclose int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  char *end = NULL; /* the name may hold ")" itself */
  if (fd >= 0 && read(fd, text, sizeof text - 1) > 0)
    end = strrchr(text, ')');
  if (end) {
    sscanf(text, "%*d (%31[^)]", image.name);
    sscanf(end, ") %*c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d "
           "%*d %*d %*d %*d %*u %lu", &image.parent, &image.flags, &image.size);
  }
  return image;
}

pid_t
parent_pid(pid_t id)
{
  return look(id).parent;
}

/* The kernel does not tell us whether an execve(2) worked. But it gives the
 * process another address space, and if it was forked, takes a flag away. */
static bool
executed(const struct process *p)
{
  struct image image = look(p->id);
  return (p->image.flags & FORKED) != (image.flags & FORKED) ||
         p->image.size != image.size ||
         strcmp(p->image.name, image.name) != 0;
}

/* Find out where the dynamic loader lies: the first call after execve(2) is its
 * own. Until it has done its work no function of a library can be called, so it
 * can but crash when it gets no memory (glibc's does). The tool cannot help it.
 * musl's loader is the C library itself, from where all calls come. */
static void
find_loader(pid_t id, unsigned long address)
{
  char path[32], line[4352], file[4096];
  loader = loader_end = 0;
  snprintf(path, sizeof path, "%d/maps", id);
  autoclose int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  FILE *maps = fd < 0 ? NULL : fdopen(take_fd(&fd), "r");
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %4095s", &from, &to, file) != 3 ||
        address < from || address >= to)
      continue;
    char *slash = strrchr(file, '/');
    if (slash && strncmp(slash, "/ld", 3) == 0 && !strstr(slash, "musl")) {
      loader = from;
      loader_end = to;
    }
  }
  if (maps)
    fclose(maps);
}

/* The parent of a new process is the one that expects a child. Only if several
 * do, or none any more, go by what /proc says: that is somebody else for a
 * thread, for CLONE_PARENT, and for a child whose parent has ended. */
static struct process *
parent_of(pid_t id)
{
  struct process *expecting = NULL, *named = NULL;
  int count = 0;
  pid_t parent = parent_pid(id);
  for (int i = 0; i < process_count; i++) {
    struct process *p = &processes[i];
    if (p->expecting) {
      expecting = p;
      count++;
    }
    if (p->id == parent && (p->expecting || !named))
      named = p;
  }
  return count == 1 || !named ? expecting : named;
}

/* The number by which a process is known: the undisturbed run gives them in the
 * order in which it sees the processes, which may differ the next time. That a
 * process is the second child of the first one does not differ. */
static int
name_of(int parent, int nth)
{
  for (int i = 0; i < known_count; i++)
    if (known[i].parent == parent && known[i].nth == nth)
      return i + 1;
  if (!undisturbed.recording)
    return 0;
  known[known_count].parent = parent;
  known[known_count].nth = nth;
  return ++known_count;
}

/* The process with this id, a new one if need be, or NULL if there are too
 * many. Sets *parent to the parent of a new one, if it has any. */
static struct process *
process_of(pid_t id, struct process **parent)
{
  *parent = NULL;
  for (int i = 0; i < process_count; i++)
    if (processes[i].id == id)
      return &processes[i];
  if (process_count == PROCESSES)
    return NULL;
  if (process_count > 0)
    *parent = parent_of(id);
  struct process *p = &processes[process_count];
  *p = (struct process){.id = id, .is = process_count == 0 ? STARTING : OTHER};
  process_count++;
  if (*parent) {
    (*parent)->expecting = false;
    p->is = (*parent)->is;
    p->parent = (*parent)->name;
    p->nth = ++(*parent)->children;
  }
  /* What is no longer the tool needs no name. */
  p->name = p->is == OTHER ? 0 : name_of(p->parent, p->nth);
  return p;
}

/* ---- what becomes of it ---- */

static bool
is_clone(int number)
{
  return number == SYS_clone || number == SYS_clone3
#ifdef SYS_fork /* newer architectures have neither */
         || number == SYS_fork || number == SYS_vfork
#endif
      ;
}

/* Let the kernel go on with a call, or make it fail. Nothing to be done if that
 * is refused: then the process has been killed meanwhile. */
static void
answer(uint64_t id, int error)
{
  struct seccomp_notif_resp response = {
      .id = id,
      .error = -error,
      .flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE,
  };
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* Let a process make its call. If that makes or executes something, we shall
 * want to know later what came of it. */
static void
go_on(struct process *p, const struct seccomp_notif *call)
{
  p->executing =
      call->data.nr == SYS_execve || call->data.nr == SYS_execveat;
  if (p->executing)
    p->image = look(p->id);
  p->expecting = is_clone(call->data.nr);
  answer(call->id, 0);
}

static void
record(const struct call *call)
{
  size_t count = undisturbed.call_count + 1;
  undisturbed.calls = reallocarray(undisturbed.calls, count, sizeof *call);
  if (!undisturbed.calls) {
    fprintf(stderr, "faults: no memory for %zu calls\n", count);
    exit(CANNOT);
  }
  undisturbed.calls[count - 1] = *call;
  undisturbed.call_count = count;
}

/* Is this call, of the tool itself, the one to disturb? */
static bool
is_wanted(const struct call *call)
{
  return wanted && !result.reached && call->process == wanted->process &&
         call->number == wanted->number && call->nth == wanted->nth;
}

/* Does the process become something else with this call? */
static void
change(struct process *p, unsigned long address)
{
  if (p->executing && executed(p)) {
    if (p->is == STARTING)
      find_loader(p->id, address);
    p->is = p->is == STARTING ? LOADING : OTHER;
  }
  if (p->is == LOADING && (address < loader || address >= loader_end))
    p->is = TOOL;
}

static void
decide(struct process *p, const struct seccomp_notif *notice)
{
  int number = notice->data.nr;
  change(p, notice->data.instruction_pointer);
  if (number < 0 || number >= NUMBERS || p->is == STARTING) {
    go_on(p, notice);
    return;
  }
  struct call call = {p->name, p->parent, number, ++p->made[number]};
  if (undisturbed.recording && p->is == TOOL && !faults.excepted[number])
    record(&call);
  if (p->is != TOOL || !is_wanted(&call)) {
    go_on(p, notice);
    return;
  }
  result.reached = true;
  p->executing = false;
  if (disturbance)
    answer(notice->id, disturbance);
  else
    kill(p->id, SIGKILL);
}

void
calls_begin(int from, const struct call *call, int error)
{
  process_count = 0;
  listener = from;
  wanted = call;
  disturbance = error;
}

/* Take one notification. A process that has made a child waits with its next
 * call until we have seen the child: so children are counted in the order in
 * which they were made. */
void
calls_take(void)
{
  /* The kernel wants it all zero, and may know a longer one than we. */
  union { struct seccomp_notif notice; char room[512]; } u = {0};
  struct process *parent;
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &u) < 0)
    return; /* it was killed meanwhile */
  struct process *p = process_of(u.notice.pid, &parent);
  if (!p) {
    answer(u.notice.id, 0);
    return;
  }
  if (p->expecting) {
    p->held = true;
    p->call = u.notice;
    p->since = now();
    return;
  }
  decide(p, &u.notice);
  if (parent && parent->held) {
    parent->held = false;
    decide(parent, &parent->call);
  }
}

/* A clone(2) that failed has no child to wait for. */
void
calls_release(void)
{
  for (int i = 0; i < process_count; i++) {
    struct process *p = &processes[i];
    if (!p->held || now() < p->since + NEVER_BORN / 1e3)
      continue;
    p->held = false;
    decide(p, &p->call);
  }
}
