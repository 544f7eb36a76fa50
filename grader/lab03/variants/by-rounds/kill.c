/* kill.c - without cgroup.kill even where there is one, by paths and by pidfds, and with
 * short sleeps instead of poll(2). */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "fail.h"

static void
nap(void)
{
  nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
}

/* The number behind the word; or -1 with errno. */
static int
event(int group, const char *word)
{
  char text[KNOB_SIZE], key[32];
  int value;
  if (knob_read(group, "cgroup.events", text) < 0)
    return -1;
  for (char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (sscanf(line, "%31s %d", key, &value) == 2 && strcmp(key, word) == 0)
      return value;
  }
  return 0;
}

static int
await(int group, const char *word, int wanted, int timeout)
{
  int64_t end = clock_ms() + timeout;
  for (;;) {
    int value = event(group, word);
    if (value < 0)
      return -1;
    if (value == wanted)
      return 0;
    if (clock_ms() > end)
      return refuse(ETIMEDOUT, "the group is not %s %d in time", word, wanted);
    nap();
  }
}

int
cgroup_freeze(int group, bool frozen, int timeout)
{
  if (knob_write(group, "cgroup.freeze", frozen ? "1\n" : "0\n") < 0)
    return -1;
  return await(group, "frozen", frozen, timeout);
}

/* nftw: kill who is in this group. */
static int
kill_in(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  char file[PATH_MAX];
  int pid;
  (void)st, (void)ftw;
  if (type != FTW_D)
    return 0;
  snprintf(file, sizeof file, "%s/cgroup.procs", path);
  FILE *procs = fopen(file, "re");
  while (procs && fscanf(procs, "%d", &pid) == 1) {
    int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0U) : -1;
    if (fd < 0)
      continue;
    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0U);
    close(fd);
  }
  if (procs)
    fclose(procs);
  return 0;
}

int
cgroup_kill(int group, int timeout)
{
  char path[64];
  int64_t end = clock_ms() + timeout;
  int was = 0;
  char text[KNOB_SIZE];
  if (knob_read(group, "cgroup.freeze", text) == 0)
    was = *text == '1';
  snprintf(path, sizeof path, "/proc/self/fd/%d/.", group);
  for (;;) {
    cgroup_freeze(group, true, 100);
    nftw(path, kill_in, 16, FTW_PHYS);
    int left = event(group, "populated");
    int gone = left < 0 && (errno == ENOENT || errno == ENODEV);
    if (!was)
      knob_write(group, "cgroup.freeze", "0");
    if (left == 0 || gone)
      return 0;
    if (left < 0)
      return fail("kill a group");
    if (clock_ms() > end)
      return refuse(ETIMEDOUT, "there are still processes in the group");
    nap();
  }
}
