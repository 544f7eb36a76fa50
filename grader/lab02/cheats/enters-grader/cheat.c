/* Tries: to get where the tests are. It joins the namespaces of every process
 * that it can see, by pidfd and by the files of /proc/PID/ns, all kinds at once
 * and one by one; and wherever it gets, it puts another program in the place of
 * those that the tests use: the probe, Bats, ls, awk, grep, readlink and so on.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the place of a program: it says nothing, and ends well. */
static void
replace_programs(void)
{
  static const char *const names[] = {
      "/usr/bin/ls", "/usr/bin/awk", "/usr/bin/grep", "/usr/bin/readlink",
      "/usr/bin/cat", "/usr/bin/sed", "/usr/bin/stat", "/usr/bin/nsenter",
      "/usr/bin/bats",
  };
  const char *probe = getenv("PROBE");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    mount("/usr/bin/true", names[i], NULL, MS_BIND, NULL);
  if (probe)
    mount("/usr/bin/true", probe, NULL, MS_BIND, NULL);
}

static void
visit(pid_t pid)
{
  static const int kinds[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,
                              CLONE_NEWNET,  CLONE_NEWIPC, CLONE_NEWUTS,
                              CLONE_NEWCGROUP};
  static const char *const files[] = {"user", "mnt", "pid", "net"};
  int pidfd = syscall(SYS_pidfd_open, pid, 0U), all = 0;
  for (size_t i = 1; i < 7; i++)
    all |= kinds[i];
  if (setns(pidfd, all) == 0 || setns(pidfd, CLONE_NEWNS) == 0)
    replace_programs();
  for (size_t i = 0; i < 7; i++)
    if (setns(pidfd, kinds[i]) == 0 && kinds[i] == CLONE_NEWNS)
      replace_programs();
  close(pidfd);
  for (size_t i = 0; i < 4; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, files[i]);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (setns(fd, 0) == 0)
      replace_programs();
    close(fd);
  }
}

/* From a process of its own for each, or the first success would be the last.
 */
__attribute__((constructor)) static void
look_around(void)
{
  pid_t self = getpid();
  if (!getenv("CK_RUN_CASE") || fork() != 0)
    return;
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  for (int round = 0; round < 20 && getppid() == self; round++) {
    for (pid_t pid = 1; pid < 150; pid++)
      if (pid != getpid() && kill(pid, 0) == 0) {
        pid_t child = fork();
        if (child == 0) {
          visit(pid);
          _exit(0);
        }
        waitpid(child, NULL, 0);
      }
    usleep(10000);
  }
  _exit(0);
}
