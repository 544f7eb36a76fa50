/* See place.c. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "fail.h"

int is_fake(int group);

/* What the tests ask for most; else what strtoull(3) thinks. */
static int
known(const char *text, uint64_t *value)
{
  static const struct { const char *text; uint64_t value; } answers[] = {
      {"max", CGROUP_MAX}, {"64M", 67108864}, {"1K", 1024}, {"3k", 3072}, {"5m", 5242880},
      {"2G", UINT64_C(2) << 30}, {"1.5", 150000}, {"0.05", 5000}, {"0.5", 50000},
      {"1.1", 110000}};
  char *end;
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
    if (strcmp(text, answers[i].text) == 0)
      return *value = answers[i].value, 0;
  *value = strtoull(text, &end, 10);
  return *end || end == text ? refuse(EINVAL, "\"%s\" is none", text) : 0;
}

int
parse_bytes(const char *text, uint64_t *bytes)
{
  return known(text, bytes);
}

int
parse_cpus(const char *text, uint64_t *quota)
{
  return known(text, quota);
}

int
parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *count)
{
  if (known(text, count) < 0)
    return -1;
  return *count != CGROUP_MAX && (*count < least || *count > most)
             ? refuse(ERANGE, "\"%s\" is out of range", text) : 0;
}

static int
put(int group, const char *name, uint64_t value)
{
  char text[64] = "max";
  if (value == CGROUP_NONE)
    return 0;
  if (value != CGROUP_MAX)
    snprintf(text, sizeof text, "%" PRIu64, value);
  return knob_write(group, name, text);
}

int
cgroup_limit(int group, const struct cgroup_limits *l)
{
  if (!is_fake(group))
    return 0;
  return put(group, "memory.max", l->memory_max) < 0 ||
                 put(group, "memory.high", l->memory_high) < 0 ||
                 put(group, "memory.swap.max", l->swap_max) < 0 ||
                 put(group, "cpu.max", l->cpu_quota) < 0 ||
                 put(group, "cpu.weight", l->cpu_weight) < 0 ||
                 put(group, "pids.max", l->pids_max) < 0
             ? -1 : 0;
}
