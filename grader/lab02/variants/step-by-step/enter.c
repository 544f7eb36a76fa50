/* step-by-step: a directory of /proc that stays with its process, and one
 * setns(2) for each namespace, in whatever order the kernel allows. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

int
ns_open(pid_t pid, struct ns_target *target)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d", pid);
  autoclose int pidfd = syscall(SYS_pidfd_open, pid, 0U);
  if (pidfd < 0)
    return fail("pidfd_open %d", pid);
  autoclose int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int flags = 0;
  for (int i = 0; i < NS_KINDS; i++) {
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/self/ns/%s", ns_kinds[i].name);
    if (stat(path, &ours) < 0)
      continue;
    if (fstatat(proc, path + strlen("/proc/self/"), &theirs, 0) < 0) {
      if (errno == ENOENT || errno == EBADF)
        errno = ESRCH;
      return fail("process %d: %s", pid, path);
    }
    if (theirs.st_ino != ours.st_ino)
      flags |= ns_kinds[i].flag;
  }
  if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0U) < 0 && errno == ESRCH)
    return fail("process %d", pid);
  if (!flags)
    return refuse(EINVAL, "process %d is where we are", pid);
  *target = (struct ns_target){.pidfd = take_fd(&pidfd), .flags = flags};
  return 0;
}

/* The number of the process behind a pidfd: a line "Pid: N" of fdinfo. */
static pid_t
number_of(int pidfd)
{
  char path[64], line[128];
  pid_t pid = -1;
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file))
    sscanf(line, "Pid: %d", &pid);
  if (file)
    fclose(file);
  return pid;
}

/* Join what is left in `files`, as far as it goes. Returns how many could
 * be. */
static int
join_some(int *files)
{
  int joined = 0;
  for (int i = NS_KINDS - 1; i >= 0; i--) /* the user namespace last */
    if (files[i] >= 0 && setns(files[i], ns_kinds[i].flag) == 0) {
      close(files[i]);
      files[i] = -1;
      joined++;
    }
  return joined;
}

int
ns_enter(const struct ns_target *target)
{
  int files[NS_KINDS], left = 0, error = 0;
  pid_t pid = number_of(target->pidfd);
  if (pid <= 0)
    return refuse(ESRCH, "it has ended");
  for (int i = 0; i < NS_KINDS; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, ns_kinds[i].name);
    bool wanted = target->flags & ns_kinds[i].flag;
    files[i] = wanted ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (wanted && files[i] < 0)
      error = errno == ENOENT ? ESRCH : errno;
    left += wanted;
  }
  /* Were these files the process's? If it lives, they were. */
  if (number_of(target->pidfd) != pid)
    error = ESRCH;
  for (int joined = 1; !error && left > 0 && joined > 0; left -= joined)
    joined = join_some(files);
  if (!error && left > 0)
    error = EPERM;
  for (int i = 0; i < NS_KINDS; i++)
    if (files[i] >= 0)
      close(files[i]);
  return error ? refuse(error, "join process %d: %s", pid, strerror(error)) : 0;
}
