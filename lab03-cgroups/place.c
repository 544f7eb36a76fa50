/* place.c - 3.1: a place for groups, and a group in it.
 *
 * All groups of the machine are one tree, and the tree is a file system:
 *
 *     /sys/fs/cgroup               the root: every process was once in here
 *     |-- cgroup.controllers       what it has:  cpu io memory pids
 *     |-- cgroup.subtree_control   what it hands on to those below
 *     |-- cgroup.procs             who is in it
 *     `-- cgrun-web                (mkdir makes it, and its files are there)
 *         |-- cgroup.procs
 *         |-- memory.max           because the one above hands on "memory"
 *         `-- memory.current
 *
 * Each process is in exactly one group, and its children begin where it is.
 *
 * One rule decides where ours can be. A group either has processes, or hands
 * controllers on; not both ("No Internal Process Constraint"). Were both
 * possible, the processes in it would compete with the groups below it for the
 * same memory, and nobody could say how. Only the root is exempt: the kernel's
 * own work is done there in any case. We run in some group, so that one is out;
 * we look further up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"
#include "file.h"

int
cgroup_find(const char *proc, struct cgroup_here *here)
{
  /* TODO 3.1: our own group is in PROC/cgroup, the mount in PROC/mountinfo. */
  return todo("3.1", proc, here);
}

int
cgroup_place(const struct cgroup_here *here)
{
  /* TODO 3.1: from here->own upwards, not further than here->top. */
  return todo("3.1", here);
}

int
cgroup_enable(int group, const char *const *controllers)
{
  /* TODO 3.1: "+NAME" for each into cgroup.subtree_control, all in one write. What
   * does the kernel say of one that the group does not have, and what should we? */
  return todo("3.1", group, controllers);
}

int
cgroup_create(int place, const char *path, const char *const *controllers)
{
  /* TODO 3.1: down the path: enable the controllers in the group above, then make
   * the one below. What if it fails halfway down? */
  return todo("3.1", place, path, controllers);
}

int
cgroup_remove(int place, const char *path)
{
  /* TODO 3.1: its files cannot be removed, and need not be. */
  return todo("3.1", place, path);
}
