/* usage.c - 3.4: account.
 *
 * The same files that limit also count. The kernel counts for every group, all
 * the time, limited or not: what you read is what happened, not a sample of it.
 * There are three forms of files:
 *
 *     one number          memory.current    67108864
 *     KEY VALUE lines     cpu.stat          usage_usec 1234
 *     KEY=VALUE lines     io.stat           8:0 rbytes=4096 wbytes=0 rios=1 ...
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "fail.h"

//>
/* Read a file that may not be there: then `text` is empty, and `there` false. */
static int
read_if_there(int group, const char *name, char text[KNOB_SIZE], bool *there)
{
  *there = knob_read(group, name, text) == 0;
  if (*there)
    return 0;
  text[0] = '\0';
  return errno == ENOENT ? 0 : -1;
}
//<

int
cgroup_key(int group, const char *name, const char *key, uint64_t *value)
{
  //> /* TODO 3.4: "oom" is the start of "oom_kill", and no more. */
  //> return todo("3.4", group, name, key, value);
  char text[KNOB_SIZE], *save = NULL;
  bool there;
  size_t n = strlen(key);
  *value = CGROUP_NONE;
  if (read_if_there(group, name, text, &there) < 0)
    return -1;
  for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
    if (strncmp(line, key, n) == 0 && line[n] == ' ' &&
        sscanf(line + n, "%" SCNu64, value) == 1)
      return 0;
  return 0;
  //<
}

//>
/* A file with one number in it. */
static int
read_number(int group, const char *name, uint64_t *value)
{
  char text[KNOB_SIZE];
  bool there;
  if (read_if_there(group, name, text, &there) < 0)
    return -1;
  if (!there || sscanf(text, "%" SCNu64, value) != 1)
    *value = CGROUP_NONE;
  return 0;
}

/* io.stat: a line for each device. A group that has done nothing has no line. */
static int
read_io(int group, struct cgroup_usage *usage)
{
  char text[KNOB_SIZE], *save = NULL;
  bool there;
  usage->io_read = usage->io_written = CGROUP_NONE;
  if (read_if_there(group, "io.stat", text, &there) < 0)
    return -1;
  if (!there)
    return 0;
  usage->io_read = usage->io_written = 0;
  for (char *word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
    uint64_t bytes;
    if (sscanf(word, "rbytes=%" SCNu64, &bytes) == 1)
      usage->io_read += bytes;
    else if (sscanf(word, "wbytes=%" SCNu64, &bytes) == 1)
      usage->io_written += bytes;
  }
  return 0;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and a line "full ...". A kernel
 * that was started with psi=0 has the file, but reading it fails. */
static int
read_pressure(int group, const char *name, struct cgroup_pressure *pressure)
{
  char text[KNOB_SIZE];
  *pressure = (struct cgroup_pressure){-1, CGROUP_NONE, CGROUP_NONE};
  if (knob_read(group, name, text) < 0)
    return errno == ENOENT || errno == EOPNOTSUPP ? 0 : -1;
  sscanf(text, "some avg10=%lf avg60=%*f avg300=%*f total=%" SCNu64, &pressure->some10,
         &pressure->some_total);
  const char *full = strstr(text, "full ");
  if (full)
    sscanf(full, "full avg10=%*f avg60=%*f avg300=%*f total=%" SCNu64,
           &pressure->full_total);
  return 0;
}
//<

int
cgroup_usage(int group, struct cgroup_usage *usage)
{
  //> /* TODO 3.4: read them all. Not every group has every file. */
  //> return todo("3.4", group, usage);
  const struct { const char *file; uint64_t *value; } numbers[] = {
      {"memory.current", &usage->memory_current},
      {"memory.peak", &usage->memory_peak},
      {"memory.swap.current", &usage->swap_current},
      {"pids.current", &usage->pids_current},
  };
  const struct { const char *file, *key; uint64_t *value; } keys[] = {
      {"memory.events", "oom_kill", &usage->oom_kills},
      {"cpu.stat", "usage_usec", &usage->cpu_usage},
      {"cpu.stat", "user_usec", &usage->cpu_user},
      {"cpu.stat", "system_usec", &usage->cpu_system},
      {"cpu.stat", "throttled_usec", &usage->cpu_throttled},
      {"cpu.stat", "nr_throttled", &usage->cpu_throttles},
      {"pids.events", "max", &usage->pids_refused},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (read_number(group, numbers[i].file, numbers[i].value) < 0)
      return -1;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (cgroup_key(group, keys[i].file, keys[i].key, keys[i].value) < 0)
      return -1;
  if (read_io(group, usage) < 0 || read_pressure(group, "cpu.pressure", &usage->cpu) < 0 ||
      read_pressure(group, "memory.pressure", &usage->memory) < 0)
    return -1;
  return read_pressure(group, "io.pressure", &usage->io);
  //<
}
