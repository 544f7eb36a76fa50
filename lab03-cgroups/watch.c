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

int
cgroup_watch_start(int group, struct cgroup_watch *watch)
{
  /* TODO 3.5: open both files, and read them once. */
  return todo("3.5", group, watch);
}

int
cgroup_watch_next(struct cgroup_watch *watch, int stop, int timeout,
                  unsigned *happened)
{
  /* TODO 3.5: read, compare, wait, and so on. What does read(2) say of a group that
   * is gone, and poll(2) after a signal? */
  return todo("3.5", watch, stop, timeout, happened);
}

void
cgroup_watch_end(struct cgroup_watch *watch)
{
  /* TODO 3.5: whatever happens, errno is the caller's. */
  (void)watch;
}
