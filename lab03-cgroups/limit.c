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

int
parse_bytes(const char *text, uint64_t *bytes)
{
  /* TODO 3.2: a number, K M G T, and "max". How much is too much? */
  return todo("3.2", text, bytes);
}

int
parse_cpus(const char *text, uint64_t *quota)
{
  /* TODO 3.2: "1.5" is 150000, and no double on the way. */
  return todo("3.2", text, quota);
}

int
parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *count)
{
  /* TODO 3.2: digits only. */
  return todo("3.2", text, least, most, count);
}

int
cgroup_limit(int group, const struct cgroup_limits *limits)
{
  /* TODO 3.2: a file each. Which of them does not know the word "max"? */
  return todo("3.2", group, limits);
}
