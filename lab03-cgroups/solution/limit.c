/* limit.c - 3.2: limits.
 *
 * A limit is a number in a file. But each of these files is a question to the
 * kernel that has its own answer:
 *
 *     memory.max   whoever needs more and cannot get some back, is killed
 *     memory.high  whoever needs more is slowed down until he has less
 *     cpu.max      "50000 100000": 50 ms in every 100 ms; then it must wait
 *     cpu.weight   nothing, as long as there is enough for all
 *     pids.max     fork(2) fails with EAGAIN
 *
 * A limit counts for the group and all groups below it, together.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "fail.h"

//>
/* Read digits, at least one, and go behind them. Neither strtoul(3), which takes
 * "-1" and " 1" as well, nor a double, which has no 1.1. */
static int
read_digits(const char **text, uint64_t *value)
{
  const char *start = *text;
  bool over = false;
  *value = 0;
  for (; **text >= '0' && **text <= '9'; (*text)++)
    over = over || __builtin_mul_overflow(*value, 10, value) ||
           __builtin_add_overflow(*value, **text - '0', value);
  if (*text == start) {
    errno = EINVAL;
    return -1;
  }
  errno = over ? ERANGE : errno;
  return over ? -1 : 0;
}

static int
not_this(const char *text, const char *wanted, int error)
{
  return error == ERANGE
             ? refuse(ERANGE, "\"%s\" is out of range: %s", text, wanted)
             : refuse(EINVAL, "\"%s\" is not %s", text, wanted);
}
//<

int
parse_bytes(const char *text, uint64_t *bytes)
{
  //> /* TODO 3.2: a number, K M G T, and "max". How much is too much? */
  //> return todo("3.2", text, bytes);
  static const char wanted[] = "a number of bytes, or of K, M, G, T, below 8388608T; or "
                               "max", units[] = "KMGTkmgt";
  const char *rest = text;
  if (strcmp(text, "max") == 0) {
    *bytes = CGROUP_MAX;
    return 0;
  }
  int bad = read_digits(&rest, bytes), error = errno;
  const char *unit = *rest ? strchr(units, *rest) : NULL;
  if (*rest && (!unit || rest[1]))
    return not_this(text, wanted, EINVAL);
  if (bad)
    return not_this(text, wanted, error);
  unsigned shift = unit ? 10 * ((unit - units) % 4 + 1) : 0;
  if (*bytes > (uint64_t)INT64_MAX >> shift)
    return not_this(text, wanted, ERANGE);
  *bytes <<= shift;
  return 0;
  //<
}

int
parse_cpus(const char *text, uint64_t *quota)
{
  //> /* TODO 3.2: "1.5" is 150000, and no double on the way. */
  //> return todo("3.2", text, quota);
  static const char wanted[] = "a number of CPUs from 0.01 to 100000, with five digits "
                               "behind the point at most; or max";
  const char *rest = text;
  uint64_t whole, part = 0;
  if (strcmp(text, "max") == 0) {
    *quota = CGROUP_MAX;
    return 0;
  }
  int bad = read_digits(&rest, &whole), error = errno;
  if (bad && error == EINVAL)
    return not_this(text, wanted, EINVAL);
  if (*rest == '.') {
    const char *digits = ++rest;
    if (read_digits(&rest, &part) < 0 || rest - digits > 5)
      return not_this(text, wanted, EINVAL);
    for (int i = rest - digits; i < 5; i++)
      part *= 10; /* ".5" is 50000 parts of 100000, which is CPU_PERIOD */
  }
  if (*rest)
    return not_this(text, wanted, EINVAL);
  if (bad || whole > 100000 || (whole == 100000 && part > 0) ||
      whole * CPU_PERIOD + part < 1000)
    return not_this(text, wanted, ERANGE);
  *quota = whole * CPU_PERIOD + part;
  return 0;
  //<
}

int
parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *count)
{
  //> /* TODO 3.2: digits only. */
  //> return todo("3.2", text, least, most, count);
  char wanted[96];
  const char *rest = text;
  snprintf(wanted, sizeof wanted, "a number from %" PRIu64 " to %" PRIu64 ", or max",
           least, most);
  if (strcmp(text, "max") == 0) {
    *count = CGROUP_MAX;
    return 0;
  }
  int bad = read_digits(&rest, count), error = errno;
  if (*rest)
    return not_this(text, wanted, EINVAL);
  if (bad || *count < least || *count > most)
    return not_this(text, wanted, bad ? error : ERANGE);
  return 0;
  //<
}

//>
/* Write a number, or "max", unless nobody asked for it. `behind` follows it. */
static int
write_limit(int group, const char *name, uint64_t value, const char *behind)
{
  char text[64];
  if (value == CGROUP_NONE)
    return 0;
  if (value == CGROUP_MAX)
    snprintf(text, sizeof text, "max%s", behind);
  else
    snprintf(text, sizeof text, "%" PRIu64 "%s", value, behind);
  return knob_write(group, name, text);
}
//<

int
cgroup_limit(int group, const struct cgroup_limits *limits)
{
  //> /* TODO 3.2: a file each. Which of them does not know the word "max"? */
  //> return todo("3.2", group, limits);
  static const char period[] = " 100000"; /* CPU_PERIOD */
  uint64_t weight = limits->cpu_weight == CGROUP_MAX ? 100 : limits->cpu_weight;
  if (write_limit(group, "memory.max", limits->memory_max, "") < 0 ||
      write_limit(group, "memory.high", limits->memory_high, "") < 0 ||
      write_limit(group, "memory.swap.max", limits->swap_max, "") < 0 ||
      write_limit(group, "cpu.max", limits->cpu_quota, period) < 0 ||
      write_limit(group, "cpu.weight", weight, "") < 0 ||
      write_limit(group, "pids.max", limits->pids_max, "") < 0)
    return -1;
  if (limits->cpuset && knob_write(group, "cpuset.cpus", limits->cpuset) < 0)
    return -1;
  /* One device for one write: the file keeps a line for each. */
  for (size_t i = 0; i < limits->ios; i++)
    if (knob_write(group, "io.max", limits->io[i]) < 0)
      return -1;
  return 0;
  //<
}
