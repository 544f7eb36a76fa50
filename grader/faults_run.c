/* faults_run.c - one run of COMMAND: start it, have its calls answered, keep
 * what it prints, and kill what is left of it.
 *
 * We answer while it lives, as every call of it waits for us; and we are the
 * parent of all that it leaves, so that nothing outlives its run.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "faults.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum { TICK = 10 };  /* ms: how often we look without being asked */

/* What the child tells us without a system call: it has to ask us for those. */
static struct {
  atomic_int listener;  /* its descriptor, or -errno; 0: not there yet */
  atomic_int error;     /* errno, if COMMAND could not be executed */
} *shared;
static int out[2], err[2];  /* pipes for COMMAND's output */

struct result result;
int proc;

double
now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int
run_prepare(void)
{
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
  return 0;
}

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
    execvp(faults.command[0], faults.command);
  }
  shared->error = errno;
  _exit(CANNOT);
}

/* Start COMMAND. Returns its pid, or -1 with errno and a message. */
static pid_t
start(int *pidfd, int *listener)
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
  *listener = shared->listener;
  if (*listener > 0)
    return pid;
  close(*pidfd);
  waitpid(pid, NULL, 0);
  errno = -*listener;
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
serve(pid_t pid, int pidfd, int listener)
{
  struct pollfd fds[] = {{pidfd, POLLIN, 0}, {listener, POLLIN, 0},
                         {out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  double end = now() + faults.limit;
  bool ended = false, empty = false;
  while (!ended || !empty) {
    poll(fds, 4, TICK);
    if (fds[1].revents & POLLIN)
      calls_take();
    else if (fds[1].revents & POLLHUP) {
      empty = true;
      fds[1].fd = -1;
    }
    collect(out[0], &result.out);
    collect(err[0], &result.err);
    calls_release();
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
      if (pid && parent_pid(pid) == getpid())
        kill(pid, SIGKILL);
    }
    if (dir)
      closedir(dir);
    usleep(1000);
  }
}

int
run(const struct call *call, int error, struct list *left)
{
  int pidfd = -1, listener = -1;
  memset(&result, 0, sizeof result);
  pid_t pid = start(&pidfd, &listener);
  if (pid < 0)
    return -1;
  calls_begin(listener, call, error);
  bool all_ended = serve(pid, pidfd, listener);
  int bad = all_ended || result.hangs ? 0 : census_processes(left);
  kill_all();
  close(listener);
  close(pidfd);
  while (collect(out[0], &result.out) || collect(err[0], &result.err))
    ;
  if (shared->error) {
    errno = shared->error;
    return fail("%s", faults.command[0]);
  }
  return bad;
}

int
run_shell(const char *command, struct text *printed)
{
  char number[16];
  int status;
  int ended = WIFSIGNALED(result.status) ? 128 + WTERMSIG(result.status)
                                         : WEXITSTATUS(result.status);
  memset(printed, 0, sizeof *printed);
  snprintf(number, sizeof number, "%d", ended);
  fflush(stdout);
  pid_t pid = fork();
  if (pid < 0)
    return fail("fork");
  if (pid == 0) {
    setenv("STATUS", number, 1);
    setenv("SAID", result.err.start, 1);
    dup2(out[1], 1);
    dup2(out[1], 2);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
  }
  while (waitpid(pid, &status, WNOHANG) == 0)
    if (!collect(out[0], printed))
      usleep(200);
  while (collect(out[0], printed))
    ;
  return status;
}
