/* by-stdio: the numbers are read by strtoull(3), after strspn(3) has said that there
 * are only digits; each file is written through a stream; the limits come in another
 * order, each with a newline at its end. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "fail.h"

#define DIGITS "0123456789"

/* The first `n` letters of the text, all of them digits, as a number. */
static int
number(const char *text, size_t n, uint64_t *value)
{
  char *copy = strndup(text, n);
  if (!copy)
    return fail("memory for a number");
  errno = 0;
  *value = strtoull(copy, NULL, 10);
  free(copy);
  return errno == ERANGE
             ? refuse(ERANGE, "%s: so large a number is out of range", text)
             : 0;
}

int
parse_bytes(const char *text, uint64_t *bytes)
{
  unsigned shift;
  if (!strcmp(text, "max")) {
    *bytes = CGROUP_MAX;
    return 0;
  }
  size_t n = strspn(text, DIGITS);
  if (n == 0 || strlen(text) > n + 1)
    return refuse(EINVAL, "%s: a number, and K, M, G or T", text);
  switch (text[n]) {
  case '\0':
    shift = 0;
    break;
  case 'k':
  case 'K':
    shift = 10;
    break;
  case 'm':
  case 'M':
    shift = 20;
    break;
  case 'g':
  case 'G':
    shift = 30;
    break;
  case 't':
  case 'T':
    shift = 40;
    break;
  default:
    return refuse(EINVAL, "%s: no such unit", text);
  }
  if (number(text, n, bytes) < 0)
    return -1;
  uint64_t all = *bytes << shift;
  if (all >> shift != *bytes || all > INT64_MAX)
    return refuse(ERANGE, "%s: more than there can be", text);
  *bytes = all;
  return 0;
}

int
parse_cpus(const char *text, uint64_t *quota)
{
  char digits[6] = "00000";
  uint64_t whole, part;
  if (!strcmp(text, "max")) {
    *quota = CGROUP_MAX;
    return 0;
  }
  size_t n = strspn(text, DIGITS), m = 0;
  if (text[n] == '.') {
    m = strspn(text + n + 1, DIGITS);
    if (m < 1 || m > 5)
      return refuse(EINVAL, "%s: one to five digits behind the point", text);
    memcpy(digits, text + n + 1, m);
    m++;
  }
  if (n == 0 || text[n + m])
    return refuse(EINVAL, "%s: no number of CPUs", text);
  if (number(text, n, &whole) < 0 || number(digits, 5, &part) < 0)
    return -1;
  if (whole > 100000)
    return refuse(ERANGE, "%s: so many CPUs there are not", text);
  *quota = whole * CPU_PERIOD + part;
  if (*quota < 1000 || *quota > UINT64_C(10000000000))
    return refuse(ERANGE, "%s: from 0.01 to 100000", text);
  return 0;
}

int
parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *count)
{
  size_t n = strspn(text, DIGITS);
  if (!strcmp(text, "max")) {
    *count = CGROUP_MAX;
    return 0;
  }
  if (n == 0 || text[n])
    return refuse(EINVAL, "%s: not a number", text);
  if (number(text, n, count) < 0)
    return -1;
  if (*count < least || *count > most)
    return refuse(ERANGE, "%s: not from %" PRIu64 " to %" PRIu64, text, least,
                  most);
  return 0;
}

/* Write a line to a file of the group. stdio keeps it until fclose(3), which writes all of
 * it at once. */
static int
put_line(int group, const char *name, const char *line)
{
  int fd = openat(group, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (fd < 0)
    return fail("open %s", name);
  FILE *file = fdopen(fd, "w");
  if (!file) {
    close(fd);
    return fail("open %s", name);
  }
  fprintf(file, "%s\n", line);
  return fclose(file) ? fail("write %s to %s", line, name) : 0;
}

static int
put(int group, const char *name, uint64_t value)
{
  char line[64];
  if (value == CGROUP_NONE)
    return 0;
  snprintf(line, sizeof line, "%" PRIu64, value);
  return put_line(group, name, value == CGROUP_MAX ? "max" : line);
}

int
cgroup_limit(int group, const struct cgroup_limits *l)
{
  char line[64] = "max 100000";
  for (size_t i = l->ios; i-- > 0;)
    if (put_line(group, "io.max", l->io[i]))
      return -1;
  if (l->cpuset && put_line(group, "cpuset.cpus", l->cpuset))
    return -1;
  if (put(group, "pids.max", l->pids_max) ||
      put(group, "cpu.weight",
          l->cpu_weight == CGROUP_MAX ? 100 : l->cpu_weight))
    return -1;
  if (l->cpu_quota != CGROUP_MAX)
    snprintf(line, sizeof line, "%" PRIu64 " %d", l->cpu_quota, CPU_PERIOD);
  if (l->cpu_quota != CGROUP_NONE && put_line(group, "cpu.max", line))
    return -1;
  return put(group, "memory.swap.max", l->swap_max) ||
                 put(group, "memory.high", l->memory_high) ||
                 put(group, "memory.max", l->memory_max)
             ? -1
             : 0;
}
