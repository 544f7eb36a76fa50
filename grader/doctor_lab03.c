/* doctor_lab03.c - what lab03 needs of the machine. */
#include <errno.h>
#include <stdio.h>

#include "doctor.h"
#include "fail.h"
#include "obstacle.h"

/* What this host lacks, and the grader's virtual machine has, costs nothing. */
static int
or_in_vm(int result)
{
  if (result == 0 || vm_obstacle())
    return result;
  outcome->verdict = NEEDLESS;
  NOTE("not here, but in `make vm`, where the grader goes by itself");
  return 0;
}

static int
try_group(void)
{
  return or_in_vm(run_caged("d=/sys/fs/cgroup/onggi-doctor; [ -w /sys/fs/cgroup/session ] && "
                            "mkdir $d && sh -c \"echo 0 >$d/cgroup.procs\" && rmdir $d") == 0
                      ? 0
                      : refuse(ENOENT, "no group of cgroup v2 can be made here"));
}

static int
try_controllers(void)
{
  static const char *const names[] = {"cpu", "cpuset", "io", "memory", "pids"};
  char missing[64] = "", command[128];
  size_t n = 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(command, sizeof command, "grep -qw %s /sys/fs/cgroup/cgroup.controllers",
             names[i]);
    if (run_caged(command) < 0)
      n += snprintf(missing + n, sizeof missing - n, " %s", names[i]);
  }
  return or_in_vm(n == 0 ? 0 : refuse(ENOTSUP, "cgroup v2 does not hand on here:%s",
                                      missing));
}

static int
try_kill(void)
{
  return or_in_vm(run_caged("[ -w /sys/fs/cgroup/session/cgroup.kill ]") == 0
                      ? 0
                      : refuse(ENOENT, "a group has no file cgroup.kill here"));
}

static int
try_vm(void)
{
  const char *why = vm_obstacle();
  if (!why)
    return 0;
  outcome->verdict = NEEDLESS;
  NOTE("%s; only what this machine itself cannot do would need it", why);
  return 0;
}

#define IN_A_VM "sh common/setup.sh vm, and the grader boots a machine that has it"

const struct trial lab03_trials[] = {
    {"virtual machine", try_vm, NULL, IN_A_VM},
    {"a group of one's own", try_group, "lab03", IN_A_VM},
    {"controllers", try_controllers, "lab03: 3.2 3.4 3.5", IN_A_VM},
    {"cgroup.kill", try_kill, "lab03: 3.6", IN_A_VM},
    {0},
};
