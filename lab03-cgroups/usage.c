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

int
cgroup_key(int group, const char *name, const char *key, uint64_t *value)
{
  /* TODO 3.4: "oom" is the start of "oom_kill", and no more. */
  return todo("3.4", group, name, key, value);
}

int
cgroup_usage(int group, struct cgroup_usage *usage)
{
  /* TODO 3.4: read them all. Not every group has every file. */
  return todo("3.4", group, usage);
}
