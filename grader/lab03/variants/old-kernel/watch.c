/* A right answer, written another way: by epoll(7), and by lseek(2) and read(2). It
 * reports one thing after the other, if it must. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

/* Read the number behind `key` in an open file. */
static int
read_key(int fd, const char *key, uint64_t *value)
{
  char text[KNOB_SIZE], *save = NULL;
  *value = CGROUP_NONE;
  if (lseek(fd, 0, SEEK_SET) < 0)
    return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  if (n < 0)
    return -1;
  text[n] = '\0';
  for (char *word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
    char *number = strtok_r(NULL, " \n", &save);
    if (number && strcmp(word, key) == 0)
      *value = strtoull(number, NULL, 10);
  }
  return 0;
}

static int
read_all(const struct cgroup_watch *watch, struct cgroup_watch *now)
{
  *now = *watch;
  if (read_key(watch->events, "populated", &now->populated) < 0 ||
      read_key(watch->events, "frozen", &now->frozen) < 0)
    return -1;
  return watch->memory < 0 ? 0 : read_key(watch->memory, "oom_kill", &now->oom_kills);
}

int
cgroup_watch_start(int group, struct cgroup_watch *watch)
{
  struct cgroup_watch new = {.events = -1, .memory = -1, .oom_kills = CGROUP_NONE};
  new.events = openat(group, "cgroup.events", O_RDONLY | O_CLOEXEC);
  if (new.events < 0)
    return fail("open cgroup.events");
  new.memory = openat(group, "memory.events", O_RDONLY | O_CLOEXEC);
  int bad = new.memory < 0 && errno != ENOENT ? fail("open memory.events") : 0;
  if (!bad && read_all(&new, watch) < 0)
    bad = fail("read the events of the group");
  if (bad)
    cgroup_watch_end(&new);
  return bad;
}

/* Add a descriptor, if it is one, to those that are waited for. */
static int
add(int waiter, int fd, unsigned events)
{
  struct epoll_event event = {.events = events, .data.fd = fd};
  return fd < 0 ? 0 : epoll_ctl(waiter, EPOLL_CTL_ADD, fd, &event);
}

/* What is new, and has not been reported. */
static unsigned
news(struct cgroup_watch *watch, const struct cgroup_watch *now)
{
  if (now->oom_kills != watch->oom_kills) {
    watch->oom_kills = now->oom_kills;
    return WATCH_OOM;
  }
  if (now->populated != watch->populated) {
    watch->populated = now->populated;
    return now->populated ? WATCH_POPULATED : WATCH_EMPTY;
  }
  if (now->frozen != watch->frozen) {
    watch->frozen = now->frozen;
    return now->frozen ? WATCH_FROZEN : WATCH_THAWED;
  }
  return 0;
}

int
cgroup_watch_next(struct cgroup_watch *watch, int stop, int timeout, unsigned *happened)
{
  int64_t start = clock_ms();
  autoclose int waiter = epoll_create1(EPOLL_CLOEXEC);
  if (waiter < 0 || add(waiter, watch->events, EPOLLPRI) < 0 ||
      add(waiter, watch->memory, EPOLLPRI) < 0 || add(waiter, stop, EPOLLIN) < 0)
    return fail("wait for events of the group");
  for (bool last = false;;) {
    struct cgroup_watch now;
    struct epoll_event event;
    if (read_all(watch, &now) < 0) {
      *happened = WATCH_GONE;
      return errno == ENODEV ? 0 : fail("read the events of the group");
    }
    *happened = news(watch, &now);
    if (*happened || last)
      return 0;
    int64_t left = timeout < 0 ? -1 : start + timeout - clock_ms();
    int n = epoll_wait(waiter, &event, 1, timeout >= 0 && left < 0 ? 0 : (int)left);
    if (n < 0 && errno != EINTR)
      return fail("wait for events of the group");
    if (n == 1 && event.data.fd == stop) {
      *happened = WATCH_STOP;
      return 0;
    }
    last = n == 0;
  }
}

void
cgroup_watch_end(struct cgroup_watch *watch)
{
  int error = errno;
  if (watch->events >= 0)
    close(watch->events);
  if (watch->memory >= 0)
    close(watch->memory);
  errno = error;
}
