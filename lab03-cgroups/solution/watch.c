/* watch.c - 3.5: watch.
 *
 * To read a file ten times a second is to be late by up to a tenth of a second,
 * and to cost time on a machine where nothing happens. The kernel can call
 * instead: poll(2) on cgroup.events and memory.events says POLLPRI when what is
 * in them has changed since it was last read. So the order is: read, then wait,
 * then read again. Whoever waits before he has read misses what has happened
 * already.
 *
 * The kernel only says that something has changed. What it was is the
 * difference between two readings.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

//>
/* The number behind KEY in a text of "KEY VALUE" lines. */
static uint64_t
value_of(const char *text, const char *key)
{
  uint64_t value;
  size_t n = strlen(key);
  for (const char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, key, n) == 0 && sscanf(line + n, " %" SCNu64, &value) == 1)
      return value;
  }
  return CGROUP_NONE;
}

/* Read both files as they are now. By the descriptors that are waited on: that
 * is how the kernel knows which change was seen. */
static int
look(struct cgroup_watch *watch)
{
  char text[KNOB_SIZE];
  ssize_t n = pread(watch->events, text, sizeof text - 1, 0);
  if (n < 0)
    return fail("read cgroup.events");
  text[n] = '\0';
  watch->populated = value_of(text, "populated");
  watch->frozen = value_of(text, "frozen");
  watch->oom_kills = CGROUP_NONE;
  if (watch->memory < 0)
    return 0;
  n = pread(watch->memory, text, sizeof text - 1, 0);
  if (n < 0)
    return fail("read memory.events");
  text[n] = '\0';
  watch->oom_kills = value_of(text, "oom_kill");
  return 0;
}
//<

int
cgroup_watch_start(int group, struct cgroup_watch *watch)
{
  //> /* TODO 3.5: open both files, and read them once. */
  //> return todo("3.5", group, watch);
  autoclose int events = openat(group, "cgroup.events", O_RDONLY | O_CLOEXEC);
  if (events < 0)
    return fail("open cgroup.events");
  autoclose int memory = openat(group, "memory.events", O_RDONLY | O_CLOEXEC);
  if (memory < 0 && errno != ENOENT)
    return fail("open memory.events");
  *watch = (struct cgroup_watch){.events = events, .memory = memory};
  if (look(watch) < 0)
    return -1;
  take_fd(&events);
  take_fd(&memory);
  return 0;
  //<
}

//>
/* What lies between two readings, as WATCH_ bits. */
static unsigned
difference(const struct cgroup_watch *before, const struct cgroup_watch *now)
{
  unsigned happened = 0;
  if (now->oom_kills != before->oom_kills)
    happened |= WATCH_OOM;
  if (now->populated != before->populated)
    happened |= now->populated ? WATCH_POPULATED : WATCH_EMPTY;
  if (now->frozen != before->frozen)
    happened |= now->frozen ? WATCH_FROZEN : WATCH_THAWED;
  return happened;
}
//<

int
cgroup_watch_next(struct cgroup_watch *watch, int stop, int timeout,
                  unsigned *happened)
{
  //> /* TODO 3.5: read, compare, wait, and so on. What does read(2) say of a group that
  //>  * is gone, and poll(2) after a signal? */
  //> return todo("3.5", watch, stop, timeout, happened);
  int64_t end = clock_ms() + timeout;
  struct pollfd fds[] = {{.fd = watch->events, .events = POLLPRI},
                         {.fd = watch->memory, .events = POLLPRI}, /* -1: left out */
                         {.fd = stop, .events = POLLIN}};
  for (;;) {
    struct cgroup_watch before = *watch;
    *happened = 0;
    if (look(watch) == 0)
      *happened = difference(&before, watch);
    else if (errno == ENODEV) /* of a file whose group was removed */
      *happened = WATCH_GONE;
    else
      return -1;
    /* Before every wait, and once after the time is up: it may have happened just
     * then. */
    int64_t left = timeout < 0 ? -1 : end - clock_ms();
    int n = poll(fds, 3, *happened || (timeout >= 0 && left < 0) ? 0 : (int)left);
    if (n < 0 && errno != EINTR)
      return fail("wait for events of the group");
    if (n > 0 && fds[2].revents)
      *happened |= WATCH_STOP;
    if (*happened || (n == 0 && timeout >= 0 && left <= 0))
      return 0;
  }
  //<
}

void
cgroup_watch_end(struct cgroup_watch *watch)
{
  //> /* TODO 3.5: whatever happens, errno is the caller's. */
  //> (void)watch;
  int error = errno;
  close(watch->events);
  if (watch->memory >= 0)
    close(watch->memory);
  errno = error;
  //<
}
