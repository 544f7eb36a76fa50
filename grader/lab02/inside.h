/* inside.h - what the Check tests of root, hide and net share: a process in new
 * namespaces, and looks at mounts from outside. */
#ifndef INSIDE_H
#define INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "student.h"

/* Start a child that loads the student's library, and let a child of that one
 * do what(answer, arg) in new namespaces `flags` (CLONE_NEW..., on top of a
 * mount namespace, which it has in any case); then it stands still, to be
 * looked at. In a new user namespace it is user 0, as outside. No function of
 * the student's is needed for that. Returns its number. */
pid_t inside(unsigned long flags, void (*what)(struct answer *, const void *),
             const void *arg);

/* End it, and wait until it is gone. */
void inside_end(void);

/* Mount something as mount(2) does, for a test or a body. A failure ends it. */
void mount_or_end(const char *source, const char *path, const char *type,
                  unsigned long flags);

/* For bodies: from now on the kernel refuses the system call `call` with EIO;
 * only if of its argument `arg` (0: the first) the bits `mask` are `value`. With
 * a mask and a value of 0 that is always. See seccomp(2). */
void refuse_call(long call, int arg, uint32_t mask, uint32_t value);

/* A line of /proc/PID/mountinfo, see proc(5). */
struct mount_line {
  int id, parent;
  char root[512], point[512];     /* what of the file system is mounted, and where */
  char flags[256], more[512];     /* of the mount, and of the file system */
  char tags[128], type[32];       /* "shared:1", "master:2" ... ; "tmpfs" */
};

struct mount_table {
  size_t count;
  struct mount_line lines[256];
};

/* The mounts of the process `pid`, those that it can reach from its root
 * directory; and all that its mount namespace has, whatever its root directory
 * is. Valid until the next call of the same function. */
const struct mount_table *mounts_of(pid_t pid);
const struct mount_table *mounts_of_namespace(pid_t pid);

/* The topmost mount on `point`, or NULL. */
const struct mount_line *mount_on(const struct mount_table *table,
                                  const char *point);

/* Is `word` among words that have commas between them? Are all of them? */
bool has_word(const char *words, const char *word);
bool has_words(const char *words, const char *all);

/* Fail the test unless the mount on `point` of process `pid` is there, is of
 * this type (NULL: any), and has these flags. Returns it. */
const struct mount_line *expect_mount(pid_t pid, const char *point,
                                      const char *type, const char *flags);

/* Fail the test if `pid`, whose mounts were once like our own, has other ones
 * than we have outside of the directory `dir` (NULL: anywhere). */
void expect_mounts_only_in(pid_t pid, const char *dir);

/* The path by which we reach what is `path` for the process `pid`. Valid until
 * 8 more have been asked for. */
const char *through(pid_t pid, const char *path);

#endif
