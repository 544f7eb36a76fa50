/* check_process.c - processes, looked at from outside. */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "scratch.h"

/* ---- looking ---- */

unsigned long long
status_number(pid_t pid, const char *field, int base)
{
  return strtoull(status_text(pid, field), NULL, base);
}

int
zombies_of(pid_t pid)
{
  char name[64], text[16384], *save = NULL;
  int count = 0;
  snprintf(name, sizeof name, "task/%d/children", pid);
  read_proc(pid, name, text, sizeof text);
  for (char *word = strtok_r(text, " ", &save); word;
       word = strtok_r(NULL, " ", &save))
    count += status_text(atoi(word), "State")[0] == 'Z';
  return count;
}

unsigned long long
ns_inode(pid_t pid, const char *name)
{
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
  return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* These are not the student's ns_kinds, which are in his library. */
static const struct {
  const char *name;
  unsigned long long flag;
} kinds[] = {
    {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},   {"pid", CLONE_NEWPID},
    {"net", CLONE_NEWNET},   {"ipc", CLONE_NEWIPC},  {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

unsigned long long
kinds_apart(pid_t a, pid_t b)
{
  unsigned long long flags = 0;
  for (size_t i = 0; i < NS_KINDS; i++)
    if (ns_inode(a, kinds[i].name) != ns_inode(b, kinds[i].name))
      flags |= kinds[i].flag;
  return flags;
}

const char *
kinds_text(unsigned long long flags)
{
  static char texts[4][128];
  static int next;
  char *text = texts[next++ % 4];
  size_t n = 0;
  *text = '\0';
  for (size_t i = 0; i < NS_KINDS; i++)
    if (flags & kinds[i].flag)
      n += snprintf(text + n, sizeof *texts - n, "%s%s", n ? " " : "",
                    kinds[i].name);
  return n ? text : "none";
}

unsigned long long
kinds_but(int without, unsigned long long flags)
{
  return flags & ~(unsigned long long)without;
}

unsigned long long
kinds_here(void)
{
  unsigned long long flags = 0;
  for (size_t i = 0; i < NS_KINDS; i++)
    if (ns_inode(getpid(), kinds[i].name))
      flags |= kinds[i].flag;
  return flags;
}

int
count_pidfds(pid_t pid)
{
  char path[64];
  int count = 0;
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.')
      count += fd_info(pid, atoi(e->d_name), "\nPid:", 10) != -1 ||
               fd_info(pid, atoi(e->d_name), "\nNSpid:", 10) != -1;
  if (dir)
    closedir(dir);
  return count;
}

bool
fd_is_open(pid_t pid, int fd)
{
  return fd_info(pid, fd, "flags:", 8) != -1;
}

int
open_fd_of(pid_t pid, int fd, int flags)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
  int copy = open(path, flags | O_CLOEXEC);
  ck_assert_msg(copy >= 0, "the test cannot open %s: %s", path, strerror(errno));
  return copy;
}

/* ---- making ---- */

/* The life of a process that is made. It has no capability, so everyone in here
 * may trace it, open its descriptors and join its namespaces. Nothing of the
 * test's may be among them but standard error: what Check writes down goes
 * through a descriptor, and in the test's mount namespace are the programs that
 * it runs. */
static void __attribute__((noreturn))
be_made(int ready)
{
  int null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(null, 1);
  dup2(ready, 3);
  syscall(SYS_close_range, 4U, ~0U, 0U);
  if (unshare(CLONE_NEWNS) < 0)
    _exit(99);
  give_up_capabilities(-1);
  if (write(3, "r", 1) != 1)
    _exit(99);
  close(3);
  wait_to_be_killed();
}

pid_t
make_process(unsigned long long flags, pid_t number)
{
  struct clone_args args = {
      .flags = flags,
      .exit_signal = SIGCHLD,
      .set_tid = number ? (uintptr_t)&number : 0,
      .set_tid_size = number != 0,
  };
  int ready[2];
  char byte;
  if (pipe2(ready, O_CLOEXEC) < 0)
    return -1;
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0)
    be_made(ready[1]);
  close(ready[1]);
  if (pid < 0 || read(ready[0], &byte, 1) != 1) {
    perror("the test cannot make a process in new namespaces");
    pid = -1;
  }
  close(ready[0]);
  return pid;
}

void
end_process(pid_t pid)
{
  if (pid <= 0)
    return;
  kill(pid, SIGKILL);
  AWAIT(waitpid(pid, NULL, WNOHANG) == pid || (kill(pid, 0) < 0 && errno == ESRCH));
}

void
give_up_capabilities(int kept)
{
  cap_t caps = cap_init();
  cap_value_t cap = kept;
  if (kept >= 0) {
    cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_SET);
    cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_SET);
  }
  if (cap_set_proc(caps) < 0)
    _exit(99);
  cap_free(caps);
}

void
wait_to_be_killed(void)
{
  sigset_t all;
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (;;)
    pause();
}

/* This host lacks something: not a pass, and nobody's fault. Check has no word
 * for that, but TAP has. */
static void
cannot(const char *why)
{
  printf("ok 1 - # skip %s\n", why);
  fflush(stdout);
  scratch_remove();
  _exit(0);
}

void
need_other_users(void)
{
  unsigned long long users = 0, outside, count;
  FILE *file = fopen("/proc/self/uid_map", "re");
  while (file && fscanf(file, "%*u %llu %llu", &outside, &count) == 2)
    users += count;
  if (file)
    fclose(file);
  if (users >= 65536)
    return;
  cannot("no other user's number is to be had here (mend it: install newuidmap, and "
         "run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
         "YOUR-NAME)");
}

int
end_of(pid_t pid)
{
  int status;
  return AWAIT(waitpid(pid, &status, WNOHANG) == pid) ? status : -1;
}

/* ---- stopping ---- */

void
wait_for_trace(volatile bool *followed)
{
  while (!*followed)
    usleep(1000);
}

void
trace_begin(pid_t pid, volatile bool *followed)
{
  int status;
  if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0 ||
      ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 ||
      waitpid(pid, &status, __WALL) != pid)
    cannot("no process may be followed here (mend it: sudo sysctl "
           "kernel.yama.ptrace_scope=1; or start the container with --cap-add "
           "SYS_PTRACE)");
  *followed = true;
}

void
trace_end(pid_t pid)
{
  ptrace(PTRACE_DETACH, pid, NULL, NULL);
}
