/* check_lab01.h - what the Check tests of lab01 share. */
#ifndef CHECK_LAB01_H
#define CHECK_LAB01_H

#include <sys/types.h>

#include "jail.h"
#include "student.h"

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

/* The same for /proc/PID/NAME: "root" or "cwd". */
const char *proc_link(pid_t pid, const char *name);

/* How many entries a directory has; how many lines a text. */
int count_entries(const char *path);
int count_lines(const char *text);

/* Each file's tests. */
void enter_tests(void);
void needs_tests(void);
void copy_tests(void);
void escape_tests(void);
void drop_tests(void);

#endif
