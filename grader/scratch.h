/* scratch.h - files for Check tests, in a directory of the test's own, and looks at
 * files and processes from outside. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

/* A directory of the test's own, below /tmp, with a name that differs from run to
 * run. scratch_remove removes it with what is in it, if there is one. */
const char *scratch(void);
void scratch_remove(void);

/* A path below scratch(). Valid until 32 more have been asked for. */
const char *at(const char *name);

/* Make a directory or a file below scratch(), with exactly this mode. They return
 * its path, as at() does, and fail the test if it cannot be made. */
const char *make_dir(const char *name, mode_t mode);
const char *make_file(const char *name, const char *bytes, size_t size,
                      mode_t mode);
const char *make_text(const char *name, const char *text, mode_t mode);

/* What a file holds, or "(why not)". Valid until the next call. */
const char *contents(const char *path);

/* Where a symbolic link leads, or "(why not)". Valid until the next call. */
const char *target(const char *path);

/* The same for /proc/PID/NAME: "root", "cwd", "ns/uts". */
const char *proc_link(pid_t pid, const char *name);

/* How many entries a directory has; how many lines a text. */
int count_entries(const char *path);
int count_lines(const char *text);

#endif
