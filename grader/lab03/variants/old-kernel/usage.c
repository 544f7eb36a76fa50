/* A right answer, written another way: by stdio, and one function for each kind of
 * file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "fail.h"

/* Open a file of the group. NULL with errno 0 if it is not there. */
static FILE *
open_file(int group, const char *name)
{
  int fd = openat(group, name, O_RDONLY | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  if (!file && errno == ENOENT)
    errno = 0;
  if (!file && errno)
    fail("open %s", name);
  return file;
}

/* Close it. Returns 0, or -1 if there was an error while it was read. */
static int
close_file(FILE *file, const char *name)
{
  int bad = ferror(file) ? errno : 0;
  fclose(file);
  errno = bad;
  return bad ? fail("read %s", name) : 0;
}

int
cgroup_key(int group, const char *name, const char *key, uint64_t *value)
{
  char word[128];
  uint64_t number;
  FILE *file = open_file(group, name);
  *value = CGROUP_NONE;
  if (!file)
    return errno ? -1 : 0;
  while (fscanf(file, "%127s %" SCNu64, word, &number) == 2)
    if (strcmp(word, key) == 0)
      *value = number;
  return close_file(file, name);
}

static int
single(int group, const char *name, uint64_t *value)
{
  FILE *file = open_file(group, name);
  *value = CGROUP_NONE;
  if (!file)
    return errno ? -1 : 0;
  if (fscanf(file, "%" SCNu64, value) != 1)
    *value = CGROUP_NONE;
  return close_file(file, name);
}

static int
disks(int group, uint64_t *in, uint64_t *out)
{
  char word[128];
  FILE *file = open_file(group, "io.stat");
  *in = *out = CGROUP_NONE;
  if (!file)
    return errno ? -1 : 0;
  *in = *out = 0;
  while (fscanf(file, "%127s", word) == 1) {
    if (strncmp(word, "rbytes=", 7) == 0)
      *in += strtoull(word + 7, NULL, 10);
    if (strncmp(word, "wbytes=", 7) == 0)
      *out += strtoull(word + 7, NULL, 10);
  }
  return close_file(file, "io.stat");
}

static int
pressure(int group, const char *name, struct cgroup_pressure *p)
{
  char word[128], kind[128] = "";
  FILE *file = open_file(group, name);
  p->some10 = -1;
  p->some_total = p->full_total = CGROUP_NONE;
  if (!file)
    return errno ? -1 : 0;
  while (fscanf(file, "%127s", word) == 1) {
    if (!strchr(word, '='))
      snprintf(kind, sizeof kind, "%s", word);
    else if (strcmp(kind, "some") == 0 && strncmp(word, "avg10=", 6) == 0)
      p->some10 = strtod(word + 6, NULL);
    else if (strncmp(word, "total=", 6) == 0)
      *(strcmp(kind, "some") == 0 ? &p->some_total : &p->full_total) =
          strtoull(word + 6, NULL, 10);
  }
  if (close_file(file, name) < 0 && errno != EOPNOTSUPP)
    return -1;
  return 0;
}

int
cgroup_usage(int group, struct cgroup_usage *u)
{
  if (faccessat(group, "cgroup.procs", F_OK, 0) < 0)
    return refuse(ENODEV, "there is no such group any more");
  if (single(group, "memory.current", &u->memory_current) < 0 ||
      single(group, "memory.peak", &u->memory_peak) < 0 ||
      single(group, "memory.swap.current", &u->swap_current) < 0 ||
      single(group, "pids.current", &u->pids_current) < 0 ||
      disks(group, &u->io_read, &u->io_written) < 0 ||
      pressure(group, "cpu.pressure", &u->cpu) < 0 ||
      pressure(group, "memory.pressure", &u->memory) < 0 ||
      pressure(group, "io.pressure", &u->io) < 0 ||
      cgroup_key(group, "memory.events", "oom_kill", &u->oom_kills) < 0 ||
      cgroup_key(group, "pids.events", "max", &u->pids_refused) < 0 ||
      cgroup_key(group, "cpu.stat", "usage_usec", &u->cpu_usage) < 0 ||
      cgroup_key(group, "cpu.stat", "user_usec", &u->cpu_user) < 0 ||
      cgroup_key(group, "cpu.stat", "system_usec", &u->cpu_system) < 0 ||
      cgroup_key(group, "cpu.stat", "throttled_usec", &u->cpu_throttled) < 0 ||
      cgroup_key(group, "cpu.stat", "nr_throttled", &u->cpu_throttles) < 0)
    return -1;
  return 0;
}
