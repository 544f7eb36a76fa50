/* cage.h - the parts of the cage; cage.c tells what it is for. */
#ifndef CAGE_H
#define CAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "list.h"

/* ---- cage_root.c: a root directory of its own ---- */

/* What the cage's root shall be like. */
struct cage_root {
  struct list hide;  /* absolute paths that will not be there */
  struct list show;  /* absolute paths below /tmp or /run that will be there,
                        though the rest of those is not; a path elsewhere is
                        there anyway */
  size_t bytes;      /* the most that may be written: to files of the host, and
                        the same again to /tmp */
  bool privileged;   /* no user namespace stands between us and the host */
  bool host_root;    /* the caller is the host's root; so to the kernel are we,
                        whatever namespace we are in, where only the owner of a
                        file counts */
};

/* Build a root directory out of the host's and make it the root of this mount
 * namespace, so that none of the host's mounts is left in it. The current
 * directory keeps its path. Returns a descriptor of the directory that will
 * hold what is written over the host's files, for the census, or -1 with errno.
 * Sources: mount_namespaces(7), pivot_root(2), and the kernel's
 * Documentation/filesystems/overlayfs.rst. */
int cage_root(const struct cage_root *wanted);

/* ---- cage.c: what was asked for, and who is told ---- */

/* Exit statuses of our own, as timeout(1), env(1) and Docker have them. */
enum { TIMED_OUT = 124, CAGE_FAILED = 125, CANNOT_EXECUTE = 126,
       NOT_FOUND = 127 };

extern struct cage {
  double seconds;     /* --time: the most it may take */
  size_t memory;      /* --memory: bytes, of all processes together */
  int processes;      /* --processes: the most at any one time */
  int report;         /* --report: a descriptor for what the cage notices */
  struct cage_root root;  /* --disk, --hide, --show */
  char cgroup[PATH_MAX];  /* the cage's; "" if it has none of its own */
  bool pids_limited;      /* and it has a limit on processes */
  int user_ns;            /* its user namespace, a descriptor; -1 if it has none */
} cage;

/* Say what the cage noticed, one line, to whoever asked for it by --report. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Say that there is no cage on this host, and why. */
void cannot(const char *why);

/* ---- cage_init.c: PID 1 ---- */

/* The life of PID 1 in its new namespaces: make the place, run the command argv
 * in it, look around. It waits for a byte from `go` before it begins, writes
 * one to `ready` when /proc is there, and waits for another before it runs the
 * command. Returns the command's exit status, or CAGE_FAILED. When it returns
 * and the process ends, the kernel kills whatever is left in the PID namespace
 * (pid_namespaces(7)), and with the mount namespace goes its last mount. */
int inside(int go, int ready, char **argv);

/* ---- cage_user.c: who is who ---- */

/* Map user and group numbers into the new user namespace of the process `pid`:
 * the caller becomes root there, and has others if the system set some aside
 * for him. Returns 0, or -1 with errno. Source: user_namespaces(7),
 * subuid(5). */
int map_user(pid_t pid);

/* ---- cage_cgroup.c: no disk, and not too many processes ---- */

/* Make a cgroup of our own, below the one we are in or one above it. If
 * `filtered`, no device can be opened in it or made but null, zero, full, random,
 * urandom, tty and terminals. It has, and hands on, whatever controllers are to be
 * had there. Writes the cgroup's path to `path`, or "". Returns 0, or -1 with errno
 * where cgroup v2, or a place for us in it, or its device filter is not to be had.
 * Source: bpf(2), BPF_PROG_ATTACH, and linux/bpf.h, BPF_CGROUP_DEVICE. */
int cage_cgroup_make(bool filtered, char *path, size_t size);

/* Limit that cgroup to so many processes, and so many bytes of memory if that
 * can be had. Returns 0, or -1 with errno: ENOENT where the pids controller is
 * not enabled above us. Source: the kernel's
 * Documentation/admin-guide/cgroup-v2.rst, "pids.max", "memory.max". */
int cage_cgroup_limit(const char *path, int processes, size_t memory);

/* Move the process `pid` into that cgroup. Returns 0, or -1 with errno. */
int cage_cgroup_enter(const char *path, pid_t pid);

/* Move the calling process further down in it, when it is the root of its cgroup
 * namespace: into a cgroup for processes. Returns 0, or -1 with errno. */
int cage_cgroup_settle(const char *path);

/* Remove that cgroup, with all that were made below it. It is empty by now, or
 * will be in a moment. */
void cage_cgroup_remove(const char *path);

/* The same as root of the user namespace `user_ns`, a descriptor, which is ours: who
 * was in the cage may have given cgroups to the other users that we have there, and
 * only root there is above those (user_namespaces(7)). */
void cage_cgroup_remove_as_root(const char *path, int user_ns);

/* ---- census.c: what is there ---- */

/* Write down, a line each: mounts, cgroups, network links, and the files that
 * the cage holds in memory: those of its own root and /tmp, and those below
 * `written` (a descriptor), which cover files of the host; -1 leaves these out,
 * as whoever is in the cage must. Returns 0, or -1 with errno. */
int census(int written, struct list *lines);

/* The same for processes, all but this one: "process PID NAME". */
int census_processes(struct list *lines);

#endif
