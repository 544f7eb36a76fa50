/* kill.c - 3.6: freeze, thaw, kill.
 *
 * Who wants to end all processes of a group by their numbers runs a race. He reads
 * the list; one of those in it forks; he kills all that were in the list; and
 * there is one more. A program that does nothing but fork wins that race for
 * hours. And between the reading and the killing a number can have become that
 * of somebody else.
 *
 * The kernel wins it by one order to the group: cgroup.kill. Whoever is made
 * while it is carried out is killed as well. cgroup.freeze is the same for
 * "stop": no signal, nothing that the program could notice or ignore.
 *
 * And with freezing the race is won on kernels that have no cgroup.kill: what
 * stands still does not fork.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

//>
enum { GLANCE = 50 /* ms */ };

/* Wait until cgroup.events has this line, "populated 0" say. Returns 0, or -1 with
 * errno: ENODEV if the group has been removed. The kernel wakes nobody for that, so
 * look now and then; to sleep meanwhile costs nothing. */
static int
wait_until(int group, const char *line, int timeout)
{
  char text[KNOB_SIZE];
  int64_t end = clock_ms() + timeout;
  autoclose int fd = openat(group, "cgroup.events", O_RDONLY | O_CLOEXEC);
  struct pollfd events = {.fd = fd, .events = POLLPRI};
  if (fd < 0)
    return fail("open cgroup.events");
  for (;;) {
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n < 0)
      return fail("read cgroup.events");
    text[n] = '\0';
    if (strstr(text, line))
      return 0;
    int64_t left = end - clock_ms();
    if (left <= 0)
      return refuse(ETIMEDOUT, "wait for \"%s\" in cgroup.events: not within %d ms",
                    line, timeout);
    if (poll(&events, 1, left < GLANCE ? (int)left : GLANCE) < 0 && errno != EINTR)
      return fail("wait for cgroup.events");
  }
}
//<

int
cgroup_freeze(int group, bool frozen, int timeout)
{
  //> /* TODO 3.6: ask for it, and wait until it is so. */
  //> return todo("3.6", group, frozen, timeout);
  if (knob_write(group, "cgroup.freeze", frozen ? "1" : "0") < 0)
    return -1;
  return wait_until(group, frozen ? "frozen 1" : "frozen 0", timeout);
  //<
}

//>
/* SIGKILL to each process of one group. */
static int
kill_in(int group)
{
  autofree char *line = NULL;
  size_t room = 0;
  autoclose int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  if (!file)
    return errno == ENOENT || errno == ENODEV ? 0 : fail("read cgroup.procs");
  take_fd(&fd);
  while (getline(&line, &room, file) > 0) {
    pid_t pid = atoi(line);
    /* 0 is a process that has no number in our PID namespace; and to kill(2) it would
     * mean us and ours. */
    if (pid > 0 && kill(pid, SIGKILL) < 0 && errno != ESRCH) {
      fclose(file);
      return fail("kill process %d", pid);
    }
  }
  fclose(file);
  return 0;
}

/* The same for the groups below it, too. */
static int
kill_below(int group)
{
  autoclose int copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  if (!dir)
    return errno == ENOENT || errno == ENODEV ? 0 : fail("read the group");
  take_fd(&copy);
  int bad = kill_in(group);
  for (struct dirent *e; !bad && (e = readdir(dir));) {
    if (e->d_type != DT_DIR || e->d_name[0] == '.')
      continue;
    autoclose int below = openat(group, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (below >= 0)
      bad = kill_below(below);
  }
  closedir(dir);
  return bad;
}

/* Without cgroup.kill: freeze, kill all, thaw. A frozen process dies of SIGKILL as
 * well. Who was about to fork when it froze is caught in the next round, and if it
 * does not freeze, the rounds alone have to do. */
static int
kill_in_rounds(int group, int timeout)
{
  int64_t end = clock_ms() + timeout;
  for (;;) {
    enum { ROUND = 200 /* ms */ };
    int64_t left = end - clock_ms();
    int round = left < ROUND ? (int)left : ROUND;
    cgroup_freeze(group, true, round);
    if (kill_below(group) < 0) {
      int error = errno;
      knob_write(group, "cgroup.freeze", "0");
      errno = error;
      return fail("kill the group");
    }
    knob_write(group, "cgroup.freeze", "0");
    if (wait_until(group, "populated 0", round) == 0)
      return 0;
    if (errno != ETIMEDOUT || clock_ms() >= end)
      return -1;
  }
}
//<

int
cgroup_kill(int group, int timeout)
{
  //> /* TODO 3.6: cgroup.kill; and where that is not there, what makes the race winnable? */
  //> return todo("3.6", group, timeout);
  int bad = knob_write(group, "cgroup.kill", "1");
  if (bad && errno == ENOENT)
    bad = kill_in_rounds(group, timeout);
  else if (!bad)
    bad = wait_until(group, "populated 0", timeout);
  /* Whoever has made the group may be waiting for it to be empty, to remove it. */
  return bad && errno != ENOENT && errno != ENODEV ? -1 : 0;
  //<
}
