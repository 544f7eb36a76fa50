/* See place.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cgroup.h"
#include "fail.h"

int
cgroup_watch_start(int group, struct cgroup_watch *watch)
{
  *watch = (struct cgroup_watch){.memory = -1, .oom_kills = 0};
  watch->events = openat(group, "cgroup.events", O_RDONLY | O_CLOEXEC);
  return watch->events < 0 ? refuse(ENOENT, "no group") : 0;
}

/* Frozen, thawed, empty, gone, after a moment each. */
int
cgroup_watch_next(struct cgroup_watch *watch, int stop, int timeout, unsigned *happened)
{
  static const unsigned story[] = {WATCH_FROZEN, WATCH_THAWED, WATCH_EMPTY, WATCH_GONE};
  struct pollfd fd = {.fd = stop, .events = POLLIN};
  if (poll(&fd, 1, timeout >= 0 && timeout < 50 ? timeout : 50) > 0)
    *happened = WATCH_STOP;
  else
    *happened = timeout >= 0 && timeout < 50 ? 0 : story[watch->oom_kills++ % 4];
  return 0;
}

void
cgroup_watch_end(struct cgroup_watch *watch)
{
  int error = errno;
  close(watch->events);
  errno = error;
}
