/* faults.c - fail every system call of a tool, one at a time.
 *
 * Where a call fails, a program goes a way that nobody tries by hand. It must
 * say so and clean up, or do without the call. So run it once to see which
 * calls it makes, and then once for each of them, with that one call failing:
 *
 *     undisturbed    clone3  openat  mount  read ... exit_group
 *     case 1         EPERM   ?
 *     case 2         clone3  EPERM   ?
 *     case 3         clone3  openat  EPERM  ?
 *
 * Each case must end with a message and a status that is not 0, or exactly as
 * the undisturbed run; and must leave nothing behind.
 *
 * How: a seccomp filter that decides nothing, but asks us about every call of
 * COMMAND and of all that it starts (seccomp_unotify(2)). strace(1) can make
 * the n-th call of a name fail, too. But it counts in each process anew, so it
 * does that in every process that makes so many.
 *
 * To find the call behind "process 2 (child of 1), mount #3", run COMMAND under
 * strace -f and look for the third mount of that process.
 *
 * This belongs into the cage, where what a failure leaves behind goes away, and
 * where a census of all files is quick.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <ctype.h>
#include <dirent.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
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

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "start.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum {
  PROCESSES = 512,      /* of one run, at most; those behind are let alone */
  NUMBERS = 1024,       /* of system calls; no architecture has so many */
  TICK = 10,            /* ms: how often we look without being asked */
  NEVER_BORN = 100,     /* ms: by then a child has made its first call */
  AFTERWARDS = 1000,    /* ms: for what is about to end, or to go away */
  CANNOT = 125,         /* exit status, as in all our tools */
};

/* A call, so that it can be found again in another run. Counting those of one
 * name, rather than all, has the advantage that one read(2) more, after a
 * signal say, moves no other call. */
struct call {
  int process;  /* which makes it, from 1 */
  int number;   /* the system call's */
  int nth;      /* of those of that number in that process, from 1 */
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

/* What a program printed. */
struct text {
  size_t size;        /* all of it */
  char start[65536];  /* as much as fits, and a NUL */
};

/* How a run ended. */
struct result {
  int status;        /* as wait(2) has it */
  bool hangs;        /* it did not end by itself */
  bool reached;      /* the call that was wanted was made */
  struct text out, err;
};

/* What the child tells us without a system call: it has to ask us for those. */
static struct {
  atomic_int listener;  /* its descriptor, or -errno; 0: not there yet */
  atomic_int error;     /* errno, if COMMAND could not be executed */
} *shared;

static char **command;           /* COMMAND and its arguments */
static double limit = 10;        /* --time */
static bool quiet;               /* --quiet */
static bool verbose;             /* --verbose */
static bool excepted[NUMBERS];   /* --except, and what cannot fail */
static int proc;                 /* /proc, whatever COMMAND mounts over it */
static int out[2], err[2];       /* pipes for COMMAND's output */
static struct list before;       /* the census that the next must equal */

/* The run that is going on. */
static struct process processes[PROCESSES];
static int process_count;
static int listener;             /* where notifications come from */
static unsigned long loader, loader_end;  /* the code of COMMAND's ld.so */
static const struct call *wanted;  /* the call to disturb, or NULL */
static int disturbance;          /* errno for it, or 0: SIGKILL */
static struct result result;

/* What the undisturbed run did. */
static struct result undisturbed;
static bool recording;           /* it is going on now */
static struct { int parent, nth; } known[PROCESSES];  /* process I is [I - 1] */
static int known_count;
static struct call *calls;
static size_t call_count;

static double
now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

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
  pid_t parent = look(id).parent;
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
  if (!recording)
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
  calls = reallocarray(calls, call_count + 1, sizeof *calls);
  if (!calls) {
    fprintf(stderr, "faults: no memory for %zu calls\n", call_count + 1);
    exit(CANNOT);
  }
  calls[call_count++] = *call;
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
  struct call call = {p->name, number, ++p->made[number]};
  if (recording && p->is == TOOL && !excepted[number])
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

/* Take one notification. A process that has made a child waits with its next
 * call until we have seen the child: so children are counted in the order in
 * which they were made. */
static void
take_call(void)
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
static void
release_held(void)
{
  for (int i = 0; i < process_count; i++) {
    struct process *p = &processes[i];
    if (!p->held || now() < p->since + NEVER_BORN / 1e3)
      continue;
    p->held = false;
    decide(p, &p->call);
  }
}

/* ---- one run ---- */

/* In the child: become COMMAND. From the filter on, every call waits for an
 * answer. We share our descriptors (CLONE_FILES), so the parent has the
 * listener at once and needs only its number, and that goes through memory. */
static void
become(void)
{
  struct sock_filter filter[] = {
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)};
  struct sock_fprog program = {1, filter};
  unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  /* Else a signal interrupts a call that waits for our answer, and it comes
   * again. Linux 5.19. */
  int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                   flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
  if (fd < 0 && errno == EINVAL)
    fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  shared->listener = fd < 0 ? -errno : fd;
  if (fd < 0)
    _exit(CANNOT);
  if (unshare(CLONE_FILES) == 0) {
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    execvp(command[0], command);
  }
  shared->error = errno;
  _exit(CANNOT);
}

/* Start COMMAND. Returns its pid, or -1 with errno and a message. */
static pid_t
start(int *pidfd)
{
  struct clone_args args = {
      .flags = CLONE_FILES | CLONE_PIDFD,
      .pidfd = (unsigned long)pidfd,
      .exit_signal = SIGCHLD,
  };
  shared->listener = 0;
  shared->error = 0;
  fflush(stdout);
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0)
    return fail("clone3");
  if (pid == 0)
    become();
  while (shared->listener == 0) /* it takes no longer than a few calls do */
    sched_yield();
  listener = shared->listener;
  if (listener > 0)
    return pid;
  close(*pidfd);
  waitpid(pid, NULL, 0);
  errno = -listener;
  if (errno == EBUSY)
    return refuse(EBUSY, "somebody listens to my system calls already");
  return fail("set a seccomp filter (as root, or in the cage?)");
}

/* Keep what a pipe holds. Returns whether there was something. */
static bool
collect(int fd, struct text *text)
{
  char data[65536];
  ssize_t n = read(fd, data, sizeof data);
  if (n <= 0)
    return false;
  if (text->size < sizeof text->start - 1) {
    size_t room = sizeof text->start - 1 - text->size;
    memcpy(text->start + text->size, data, (size_t)n < room ? (size_t)n : room);
  }
  text->size += n;
  return true;
}

/* Wait for everyone who has ended; orphans are ours. Returns whether `pid` was
 * among them. */
static bool
reap(pid_t pid)
{
  int status;
  bool found = false;
  for (pid_t p; (p = waitpid(-1, &status, WNOHANG)) > 0;)
    if (p == pid) {
      result.status = status;
      found = true;
    }
  return found;
}

/* Answer until COMMAND has ended, and all that it started: then nobody is left
 * who has the filter, and the listener hangs up. Or until the time is over.
 * Returns whether all have ended. */
static bool
serve(pid_t pid, int pidfd)
{
  struct pollfd fds[] = {{pidfd, POLLIN, 0}, {listener, POLLIN, 0},
                         {out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  double end = now() + limit;
  bool ended = false, empty = false;
  while (!ended || !empty) {
    poll(fds, 4, TICK);
    if (fds[1].revents & POLLIN)
      take_call();
    else if (fds[1].revents & POLLHUP) {
      empty = true;
      fds[1].fd = -1;
    }
    collect(out[0], &result.out);
    collect(err[0], &result.err);
    release_held();
    if (reap(pid)) {
      ended = true;
      fds[0].fd = -1;
      end = now() + AFTERWARDS / 1e3;
    }
    if (now() > end) {
      result.hangs = !ended;
      return false;
    }
  }
  return true;
}

/* Kill whatever is left of the run. It is all below us: who loses his parent is
 * our child from then on (PR_SET_CHILD_SUBREAPER, prctl(2)), and with PID 1 of
 * a namespace all of that ends. So kill our children until there are none. */
static void
kill_all(void)
{
  for (;;) {
    reap(0);
    if (waitpid(-1, NULL, WNOHANG) < 0)
      return;
    autoclose int copy = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(take_fd(&copy));
    for (struct dirent *e; dir && (e = readdir(dir));) {
      pid_t pid = isdigit((unsigned char)e->d_name[0]) ? atoi(e->d_name) : 0;
      if (pid && look(pid).parent == getpid())
        kill(pid, SIGKILL);
    }
    if (dir)
      closedir(dir);
    usleep(1000);
  }
}

/* Run COMMAND with `call` disturbed, and leave what came of it in `result` and
 * what it left running in `left`. Returns 0, or -1 with errno and a message. */
static int
run(const struct call *call, int error, struct list *left)
{
  int pidfd;
  process_count = 0;
  wanted = call;
  disturbance = error;
  memset(&result, 0, sizeof result);
  pid_t pid = start(&pidfd);
  if (pid < 0)
    return -1;
  bool all_ended = serve(pid, pidfd);
  int bad = all_ended || result.hangs ? 0 : census_processes(left);
  kill_all();
  close(listener);
  close(pidfd);
  while (collect(out[0], &result.out) || collect(err[0], &result.err))
    ;
  if (shared->error) {
    errno = shared->error;
    return fail("%s", command[0]);
  }
  return bad;
}

/* ---- what is wrong with it ---- */

static char subject[256];  /* what the line that we may print is about */
static int reasons;        /* in that line so far */

/* Add to the line about a bad case. */
static void __attribute__((format(printf, 1, 2)))
complain(const char *format, ...)
{
  va_list args;
  printf("%s", reasons++ == 0 ? subject : ", ");
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
}

/* Name what is in `after` and not in `old`, the first few at least. */
static void
complain_of(const char *verb, const struct list *after, const struct list *old)
{
  enum { ENOUGH = 3 };
  int count = 0;
  for (size_t i = 0; i < after->count; i++)
    if (!list_has(old, after->items[i]) && ++count <= ENOUGH)
      complain("%s %s", verb, after->items[i]);
  if (count > ENOUGH)
    complain("and %d more", count - ENOUGH);
}

static bool
same_list(const struct list *a, const struct list *b)
{
  if (a->count != b->count)
    return false;
  for (size_t i = 0; i < a->count; i++)
    if (strcmp(a->items[i], b->items[i]) != 0)
      return false;
  return true;
}

/* Compare what is there now with what was there before the run; the processes
 * in `left` were still running at its end. Some things go a moment after the
 * process that had them, as the links of a network namespace. What is there
 * counts as before from now on. Returns 0, or -1 with errno and a message. */
static int
compare_census(const struct list *left, bool silently)
{
  struct list after = {0};
  for (double end = now() + AFTERWARDS / 1e3;;) {
    list_free(&after);
    if (census(-1, &after) < 0 || census_processes(&after) < 0)
      return -1;
    if (same_list(&before, &after) || now() > end)
      break;
    usleep(10000);
  }
  if (!silently) {
    complain_of("it left", left, &before);
    complain_of("it left", &after, &before);
    complain_of("it took away", &before, &after);
  }
  list_free(&before);
  before = after;
  return 0;
}

static bool
same_text(const struct text *a, const struct text *b)
{
  return a->size == b->size &&
         memcmp(a->start, b->start, sizeof a->start) == 0; /* zeros behind */
}

static bool
as_undisturbed(void)
{
  return result.status == undisturbed.status &&
         same_text(&result.out, &undisturbed.out);
}

/* What is wrong with the way in which the run ended, if anything. The C library
 * aborts with a message where it cannot go on; the tool has no say in that. */
static void
judge_end(void)
{
  bool other = !same_text(&result.out, &undisturbed.out);
  int status = WEXITSTATUS(result.status);
  bool aborted = WIFSIGNALED(result.status) &&
                 WTERMSIG(result.status) == SIGABRT && result.err.size > 0;
  if (aborted)
    return;
  if (WIFSIGNALED(result.status))
    complain("it crashed with signal %d (%s)", WTERMSIG(result.status),
             strsignal(WTERMSIG(result.status)));
  else if (status == 0 && other)
    complain("it ended with status 0 and other output");
  else if (status == 0)
    complain("it ended with status 0, not %d", WEXITSTATUS(undisturbed.status));
  else if (result.err.size == 0)
    complain("it ended with status %d and no message", status);
}

/* The first line that COMMAND printed on standard error, or its start. */
static const char *
message(void)
{
  static char line[200];
  snprintf(line, sizeof line, "%.*s", (int)sizeof line - 1, result.err.start);
  line[strcspn(line, "\n")] = '\0';
  for (char *c = line; *c; c++)
    if (iscntrl((unsigned char)*c))
      *c = '?';
  return line;
}

/* Finish the line about a bad case, with what COMMAND had to say about it.
 * Returns whether there is such a line. */
static bool
end_line(void)
{
  if (reasons == 0)
    return false;
  if (result.err.size > 0)
    printf(" (it said: %s)", message());
  printf("\n");
  fflush(stdout);
  reasons = 0;
  return true;
}

/* ---- all runs ---- */

/* A round disturbs each call once, in the same way. */
static struct {
  const char *name;  /* of the errno, or SIGKILL */
  int error;         /* or 0 */
} rounds[64];
static int round_count;

/* How the cases of a round ended. */
struct sum {
  int said, same, bad, missing;
};

/* The undisturbed run. The first one becomes the example for all that follow;
 * with `what_if` any other must equal it, or that is said. Returns 0, 1 if
 * COMMAND is bad even so, or -1 with errno and a message. */
static int
run_undisturbed(const char *what_if)
{
  autolist struct list left = {0};
  recording = !what_if;
  int bad = run(NULL, 0, &left);
  recording = false;
  if (bad)
    return -1;
  if (!what_if)
    undisturbed = result;
  /* These are the tool's own, and not the status of what it runs. */
  int status = WIFEXITED(result.status) ? WEXITSTATUS(result.status) : 0;
  if (!what_if && status >= CANNOT && status <= 127)
    return refuse(EINVAL, "it fails even undisturbed, with status %d: %s",
                  status, message());
  snprintf(subject, sizeof subject, "undisturbed: ");
  if (result.hangs)
    complain("it hangs: not at its end after %g seconds", limit);
  else if (WIFSIGNALED(result.status))
    judge_end();
  else if (!as_undisturbed())
    complain("%s", what_if);
  if (compare_census(&left, result.hangs) < 0)
    return -1;
  return end_line();
}

/* "process 2 (child of 1), mount #3 with EPERM: " */
static void
name_case(const struct call *call, const char *how)
{
  char child[64] = "", nameless[64];
  autofree char *name =
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call->number);
  int parent = known[call->process - 1].parent;
  if (parent)
    snprintf(child, sizeof child, " (child of %d)", parent);
  snprintf(nameless, sizeof nameless, "system call %d", call->number);
  snprintf(subject, sizeof subject, "process %d%s, %s #%d with %s: ",
           call->process, child, name ? name : nameless, call->nth, how);
}

/* One case. Returns 0; 1 if COMMAND is not what it was any more; or -1 with
 * errno and a message. */
static int
run_case(const struct call *call, const char *how, int error, struct sum *sum)
{
  autolist struct list left = {0};
  int tries = 0;
  do { /* a program may do a little more or less from run to run */
    list_free(&left);
    if (run(call, error, &left) < 0)
      return -1;
  } while (!result.reached && ++tries < 3);
  name_case(call, how);
  if (result.hangs)
    complain("it hangs: not at its end after %g seconds", limit);
  else if (!result.reached)
    ;
  else if (error == 0 && result.status == 0)
    complain("it ended with status 0");
  else if (error != 0 && !as_undisturbed())
    judge_end();
  int ended_badly = reasons;
  if (compare_census(&left, result.hangs) < 0)
    return -1;
  bool left_something = reasons > ended_badly || result.hangs;
  if (reasons > 0)
    sum->bad++;
  else if (!result.reached)
    sum->missing++;
  else if (error != 0 && as_undisturbed())
    sum->same++;
  else
    sum->said++;
  if (verbose && reasons == 0 && result.reached)
    complain("%s", error != 0 && as_undisturbed() ? "no difference" : "well");
  end_line();
  return left_something
             ? run_undisturbed("since then it does something else; the rest "
                               "of the cases is left out")
             : 0;
}

/* Disturb each call once. Returns as run_case. */
static int
run_round(const char *how, int error, struct sum *sum)
{
  for (size_t i = 0; i < call_count; i++) {
    int bad = run_case(&calls[i], how, error, sum);
    if (bad)
      return bad;
  }
  return 0;
}

static void
print_sum(const char *how, int error, const struct sum *sum)
{
  int count = sum->said + sum->same + sum->bad;
  if (error == 0)
    printf("%d calls at which the process was killed: %d ended well, %d bad",
           count, sum->said, sum->bad);
  else
    printf("%d calls failed once each with %s: %d said so, %d made no "
           "difference, %d bad", count, how, sum->said, sum->same, sum->bad);
  if (sum->missing > 0)
    printf("; %d were not made again", sum->missing);
  printf("\n");
}

/* ---- the command line ---- */

static const char usage[] =
    "usage: faults [--errno NAME]... [--kill] [--time SECONDS]\n"
    "              [--except CALL,CALL...] [--quiet | --verbose] [--]\n"
    "              COMMAND [ARG...]\n"
    "\n"
    "Runs COMMAND again and again, each time with another of its system calls\n"
    "failing (with EPERM, unless told), or with --kill, being killed at it.\n"
    "Names each case that COMMAND takes badly: says nothing, prints something\n"
    "else, hangs, or leaves something behind. Exit status: 0 none is bad,\n"
    "1 some are, 125 it could not be tried.\n";

static const struct { const char *name; int error; } errors[] = {
    {"EPERM", EPERM},   {"ENOENT", ENOENT}, {"EINTR", EINTR},
    {"EIO", EIO},       {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM},
    {"EACCES", EACCES}, {"EBUSY", EBUSY},   {"EEXIST", EEXIST},
    {"EXDEV", EXDEV},   {"EINVAL", EINVAL}, {"EMFILE", EMFILE},
    {"ENFILE", ENFILE}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS},
    {"ENOSYS", ENOSYS}, {"ESRCH", ESRCH},   {"EOPNOTSUPP", EOPNOTSUPP},
};

static void
misused(const char *what, const char *about)
{
  fprintf(stderr, "faults: %s%s\n%s", what, about, usage);
  exit(CANNOT);
}

static void
add_round(const char *name)
{
  int error = 0;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (strcmp(errors[i].name, name) == 0)
      error = errors[i].error;
  if (error == 0 && strcmp(name, "SIGKILL") != 0)
    misused("--errno takes a name like EPERM or EIO, not ", name);
  if (round_count == sizeof rounds / sizeof *rounds)
    misused("too many rounds", "");
  rounds[round_count].name = name;
  rounds[round_count++].error = error;
}

static void
except(char *names)
{
  for (char *name; (name = strsep(&names, ","));) {
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
      misused("--except: no such system call: ", name);
    if (number >= 0 && number < NUMBERS) /* it is one on this machine */
      excepted[number] = true;
  }
}

static void
read_options(int argc, char **argv)
{
  static const struct option names[] = {
      {"errno", required_argument, NULL, 'e'},
      {"kill", no_argument, NULL, 'k'},
      {"time", required_argument, NULL, 't'},
      {"except", required_argument, NULL, 'x'},
      {"quiet", no_argument, NULL, 'q'},
      {"verbose", no_argument, NULL, 'v'},
      {0},
  };
  char *end;
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;)
    switch (c) {
    case 'e': add_round(optarg); break;
    case 'k': add_round("SIGKILL"); break;
    case 'x': except(optarg); break;
    case 'q': quiet = true; break;
    case 'v': verbose = true; break;
    case 't':
      limit = strtod(optarg, &end);
      if (end == optarg || *end || !(limit > 0))
        misused("--time takes a number of seconds, not ", optarg);
      break;
    default: fputs(usage, stderr); exit(CANNOT);
    }
  if (optind >= argc)
    misused("COMMAND is missing", "");
  command = argv + optind;
  /* It is what calls really say where something is forbidden, in a container or
   * to an ordinary user; and unlike EINTR it gives no reason to try again. */
  if (round_count == 0)
    add_round("EPERM");
}

static int
prepare(void)
{
  /* These never return; or always succeed, their manual pages say; or, brk(2),
   * have another way to fail than an errno; or, close(2), do their work although they
   * say they failed, and we could only keep them from it. */
  static char cannot_fail[] =
      "exit,exit_group,rt_sigreturn,restart_syscall,"
      "getpid,getppid,gettid,getpgrp,getuid,geteuid,getgid,getegid,umask,"
      "alarm,sync,set_tid_address,sched_yield,brk,close";
  except(cannot_fail);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return fail("mmap");
  if (prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0)
    return fail("become a subreaper");
  proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0)
    return fail("open /proc");
  /* We keep the ends for writing, as we share them with the child for a while.
   * So no end of file comes; the listener tells the end. */
  if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
      fcntl(out[0], F_SETFL, O_NONBLOCK) < 0 ||
      fcntl(err[0], F_SETFL, O_NONBLOCK) < 0)
    return fail("make a pipe");
  return census(-1, &before) < 0 ? -1 : census_processes(&before);
}

int
main(int argc, char **argv)
{
  bool any = false;
  if (start_clean() < 0)
    return CANNOT;
  read_options(argc, argv);
  int bad = prepare();
  if (!bad)
    bad = run_undisturbed(NULL);
  if (!bad)
    bad = run_undisturbed("it does not do the same twice, so nothing can be "
                          "compared");
  if (!bad && undisturbed.status && !quiet)
    printf("undisturbed: it ends with status %d\n",
           WEXITSTATUS(undisturbed.status));
  for (int i = 0; !bad && i < round_count; i++) {
    struct sum sum = {0};
    bad = run_round(rounds[i].name, rounds[i].error, &sum);
    any |= sum.bad > 0;
    if (bad >= 0 && !quiet)
      print_sum(rounds[i].name, rounds[i].error, &sum);
  }
  if (bad < 0) {
    fprintf(stderr, "faults: %s\n", failure());
    return CANNOT;
  }
  return bad || any;
}
