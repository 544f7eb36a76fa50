/* groups.h - groups for the Check tests of lab03: real ones, below the cage's own
 * group, and directories that only look like one. */
#ifndef GROUPS_H
#define GROUPS_H

#include <stddef.h>
#include <sys/types.h>

/* The cage's own root of groups. */
#define GROUPS_TOP "/sys/fs/cgroup"

/* Make a real group below GROUPS_TOP, with a name that differs from run to run
 * and starts with `prefix`. If there can be none here, the test ends as one that
 * cannot run. Returns its path, valid until 16 more have been made. groups_remove
 * kills and removes all of them, with those below them. */
const char *make_group(const char *prefix);
void groups_remove(void);

/* End the test as one that cannot run here, unless the cage's root of groups has
 * all these controllers ("memory pids"). */
void need_controllers(const char *controllers);

/* Make a directory below scratch() that looks like a group to who opens its
 * files: `files` are pairs of name and contents; a NULL ends them. Returns its
 * path, as at() does. */
const char *make_fake(const char *name, const char *const files[][2]);

/* The same with links to the files of the real group `real`, except the one that
 * is called `without`: a group as an older kernel would show it. */
const char *make_without(const char *name, const char *real, const char *without);

/* Open a directory to read. Fails the test if that cannot be. */
int open_dir(const char *path);

/* What a file of a directory holds, or "(why not)". Valid until the next call. */
const char *in_dir(const char *path, const char *name);

/* Start a process of the test's own in a real group, that waits. Ended by
 * groups_remove. Returns its number. */
pid_t put_process(const char *group);

#endif
