/* kill.c - waits by inotify(7), and where there is no cgroup.kill, freezes each group of
 * the tree by itself. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

static int
has(int group, const char *line)
{
  char text[KNOB_SIZE];
  return knob_read(group, "cgroup.events", text) < 0 ? -1 : strstr(text, line) != NULL;
}

static int
await(int group, const char *line, int timeout)
{
  char path[64], events[4096];
  int64_t end = clock_ms() + timeout;
  autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  snprintf(path, sizeof path, "/proc/self/fd/%d/cgroup.events", group);
  if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY | IN_DELETE_SELF) < 0)
    return fail("watch cgroup.events");
  for (;;) {
    int there = has(group, line);
    if (there)
      return there < 0 ? -1 : 0;
    int64_t left = end - clock_ms();
    if (left < 0)
      return refuse(ETIMEDOUT, "no \"%s\" within %d ms", line, timeout);
    poll(&(struct pollfd){fd, POLLIN, 0}, 1, left > 500 ? 500 : (int)left + 1);
    while (read(fd, events, sizeof events) > 0)
      ;
  }
}

int
cgroup_freeze(int group, bool frozen, int timeout)
{
  int fd = openat(group, "cgroup.freeze", O_WRONLY | O_TRUNC | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
  if (!file)
    return fail("open cgroup.freeze");
  fprintf(file, "%d\n", frozen);
  if (fclose(file) != 0)
    return fail("write cgroup.freeze");
  return await(group, frozen ? "frozen 1" : "frozen 0", timeout);
}

/* Call it for the group and all below, deepest first. */
static void
for_all(int group, void (*act)(int group))
{
  int copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    autoclose int below = e->d_type == DT_DIR && e->d_name[0] != '.'
                              ? openat(group, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (below >= 0)
      for_all(below, act);
  }
  if (dir)
    closedir(dir);
  act(group);
}

static void
stand(int group)
{
  cgroup_freeze(group, true, 300);
}

static void
go_on(int group)
{
  knob_write(group, "cgroup.freeze", "0");
}

static void
shoot(int group)
{
  int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  for (int pid; file && fscanf(file, "%d", &pid) == 1;)
    if (pid)
      kill(pid, SIGKILL);
  if (file)
    fclose(file);
}

int
cgroup_kill(int group, int timeout)
{
  int64_t end = clock_ms() + timeout;
  int bad = knob_write(group, "cgroup.kill", "1\n");
  bool old = bad && errno == ENOENT;
  do {
    if (old) {
      for_all(group, stand);
      for_all(group, shoot);
      for_all(group, go_on);
    }
    if (old || !bad)
      bad = await(group, "populated 0", old ? 100 : timeout);
  } while (old && bad && errno == ETIMEDOUT && clock_ms() < end);
  return bad && errno != ENODEV && errno != ENOENT ? -1 : 0;
}
