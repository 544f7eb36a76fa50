/* cgroup.h - the contract of every function of lab03.
 *
 * What you write:   place.c limit.c start.c usage.c watch.c kill.c clean.c
 * What is given:    main*.c (the tool), knob.c (how to read and write one file)
 *
 * Every function that can fail returns -1 with errno set, and leaves a message
 * with fail() or refuse() of common/fail.h. None of them prints.
 *
 * A control group ("cgroup", here: a group) is a directory of a file system that
 * the kernel makes up. mkdir(2) makes a group, rmdir(2) removes it, and its files
 * are its knobs and its meters. So almost every function here takes `group`: a
 * descriptor of that directory, opened to read. This is what `cgrun run` does
 * with them:
 *
 *     cgroup_find       where is cgroup v2 mounted, and where in it are we?
 *     cgroup_place      where may groups of ours be?
 *     cgroup_sweep      remove what dead runs have left there
 *     cgroup_create     place/cgrun-NAME, with its controllers
 *     cgroup_claim      it is ours as long as we live
 *     cgroup_limit      its limits
 *     cgroup_spawn ---> a child in it, which becomes the program
 *     cgroup_watch_*    until the program ends
 *     cgroup_kill       whatever else is in there
 *     cgroup_remove_tree
 *
 * Source of all of it: the kernel's Documentation/admin-guide/cgroup-v2.rst
 * ("the manual" below), and cgroups(7).
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* "max": no limit. */
#define CGROUP_MAX UINT64_MAX

/* Not asked for, where a limit could be; not known, where a number could be. */
#define CGROUP_NONE (UINT64_MAX - 1)

/* ---- one file of a group: knob.c, given ---- */

enum { KNOB_SIZE = 4096 /* bytes; no file of a group that we read is longer */ };

/* Read the file `name` of the group into `text`, NUL-terminated, with the last
 * newline cut off. Returns 0, or -1 with errno: ENOENT if there is no such file
 * (the controller is not enabled, or the kernel is too old), ENODEV if the group
 * has been removed. */
int knob_read(int group, const char *name, char text[KNOB_SIZE]);

/* Write `text` to the file `name` of the group, by one write(2): each is one
 * order to the kernel. Returns 0, or -1 with errno: ENOENT if there is no such
 * file, ENODEV if the group has been removed, EINVAL or ERANGE for a value that the kernel does not take, EACCES,
 * EBUSY. */
int knob_write(int group, const char *name, const char *text);

/* Milliseconds on a clock that nobody sets, for times to wait. */
int64_t clock_ms(void);

/* ---- 3.1 a place, and a group in it: place.c ---- */

/* Where we are. Absolute paths, without a slash at the end. */
struct cgroup_here {
  char top[PATH_MAX];  /* where cgroup v2 is mounted */
  char own[PATH_MAX];  /* the directory of our own group: `top`, or below it */
};

/* Find both in the files "mountinfo" and "cgroup" of the directory `proc`, which
 * is "/proc/self" but for tests. If cgroup v2 is mounted more than once, the
 * first mount counts that shows our own group. A mount may show only a part of
 * the tree of groups (a bind mount, a container): its root is then the fourth
 * field of mountinfo. Mountinfo writes a space in a path as \040, and so on; the
 * file "cgroup" does not. There a path that begins with "/.." lies above the root
 * of our cgroup namespace, and a mount whose root is "/" does not show it.
 * Returns 0, or -1 with errno: ENOENT if cgroup v2 is not mounted, EXDEV if it
 * is, but no mount shows our own group; else of open(2). Source: cgroups(7),
 * "/proc/[pid]/cgroup"; proc(5), "/proc/[pid]/mountinfo". */
int cgroup_find(const char *proc, struct cgroup_here *here);

/* Open the place for groups of ours: the nearest group, from our own upwards to
 * `top`, in which we may make groups that have controllers. That is one
 *   - that we may write to: the directory, its cgroup.procs and its
 *     cgroup.subtree_control; and
 *   - that has no process in it, or is the root of all groups, which has no
 *     cgroup.events: only of the root may processes be beside controllers.
 * Returns a descriptor that the caller closes, or -1 with errno: EBUSY if
 * there are some that we may write to, but all with processes in them; EACCES
 * if we may write to none. Source: the manual, "No Internal Process
 * Constraint", "Delegation Containment". */
int cgroup_place(const struct cgroup_here *here);

/* Let the groups below `group` have these controllers ("memory", "pids"; NULL
 * ends the list): all of them, or, if that fails, no more than before. Returns
 * 0, or -1 with errno: ENOTSUP if `group` does not have one of them itself, and
 * the message names that one; EBUSY if there are processes in `group` (some
 * controllers, pids is one, the kernel hands on all the same). Source: the
 * manual, "Enabling and Disabling", "Threads". */
int cgroup_enable(int group, const char *const *controllers);

/* Make the group `path` ("a", or "a/b/c") below `place`, and let it have the
 * controllers: they are enabled in every group above it, from `place` down.
 * Groups on the way that are there already are used; the last one must be new.
 * Returns a descriptor of it that the caller closes, or -1 with errno: EEXIST
 * if it is there, EINVAL if `path` is empty, absolute, or has a part that is
 * empty, "." or ".."; else of cgroup_enable and mkdir(2). When it fails, no
 * group is left that was not there before. */
int cgroup_create(int place, const char *path, const char *const *controllers);

/* Remove the one group `path` below `place`, which has neither processes nor
 * groups in it. That it is gone already is no failure. Returns 0, or -1 with
 * errno: EBUSY if there is something in it. */
int cgroup_remove(int place, const char *path);

/* ---- 3.2 limits: limit.c ---- */

/* Read an amount of memory: a number, and behind it nothing, or one of K M G T
 * (small letters, too) for 2^10, 2^20, 2^30, 2^40 bytes; or "max". Returns 0;
 * or -1 with EINVAL for what is not of that form (a sign, a space, a fraction,
 * another letter, nothing at all), ERANGE for what is more than INT64_MAX bytes.
 * 0 is an amount. */
int parse_bytes(const char *text, uint64_t *bytes);

enum { CPU_PERIOD = 100000 /* microseconds */ };

/* Read a number of processors, "2", "1.5", "0.05", or "max", and give the
 * microseconds of processor time per CPU_PERIOD that it means: 200000, 150000,
 * 5000. Up to five digits may follow the point, which has digits on both sides.
 * Returns 0; or -1 with EINVAL for what is not of that form, ERANGE for less
 * than 0.01 (the kernel takes no less than 1000 microseconds) and for more than
 * 100000. Not by way of a double: 1.1 has none. */
int parse_cpus(const char *text, uint64_t *quota);

/* Read a count from `least` to `most`, digits only, or "max". Returns 0; or -1
 * with EINVAL for what is not of that form, ERANGE for what is out of range. */
int parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *count);

enum { IO_LIMITS = 8 };

/* What a group may use. CGROUP_NONE, or NULL: leave that as it is. CGROUP_MAX
 * takes a limit away. */
struct cgroup_limits {
  uint64_t memory_max;        /* bytes; who needs more is killed */
  uint64_t memory_high;       /* bytes; who needs more is slowed down */
  uint64_t swap_max;          /* bytes of swap, besides the memory */
  uint64_t cpu_quota;         /* microseconds of CPU time per CPU_PERIOD */
  uint64_t cpu_weight;        /* 1 to 10000; its share where CPUs are short */
  uint64_t pids_max;          /* processes and threads */
  const char *cpuset;         /* "0-1,3": the CPUs it may run on */
  const char *io[IO_LIMITS];  /* "8:0 rbps=1048576 wiops=100", a device each */
  size_t ios;                 /* of those */
};
#define CGROUP_NO_LIMITS                                                       \
  {.memory_max = CGROUP_NONE, .memory_high = CGROUP_NONE,                      \
   .swap_max = CGROUP_NONE, .cpu_quota = CGROUP_NONE,                          \
   .cpu_weight = CGROUP_NONE, .pids_max = CGROUP_NONE}

/* Write the limits to the group's files memory.max, memory.high,
 * memory.swap.max, cpu.max (quota and period), cpu.weight, pids.max,
 * cpuset.cpus and io.max. Nothing is written for what was not asked for.
 * CGROUP_MAX of the weight means 100, the kernel's own. Returns 0, or -1 with
 * errno of knob_write. Source: the manual, "Memory Interface Files" and its
 * like. */
int cgroup_limit(int group, const struct cgroup_limits *limits);

/* ---- 3.3 start inside: start.c ---- */

/* Make a child process that is in the group from its first instruction. Like
 * fork(2) it returns twice: the child's number in the parent, 0 in the child,
 * which has a copy of the parent's memory. The child's end sends the parent
 * SIGCHLD. If `pidfd` is not NULL, the parent gets a descriptor of the child in
 * it, close-on-exec, which the caller closes. Where the kernel (before 5.7) or a
 * filter does not have clone3(2) with CLONE_INTO_CGROUP (ENOSYS, EINVAL, E2BIG),
 * it is done in another way, with the same result: it does not return in the
 * child before that is in the group, and no child is left outside of it, also
 * if it cannot be moved, or if its parent is killed meanwhile. Neither has more
 * descriptors than before, but for the pidfd. Returns -1 with errno otherwise:
 * EBUSY if the group may have no processes (it has handed controllers on),
 * EACCES, EAGAIN if pids.max is reached, EBADF, ENOENT or ENODEV if it has been
 * removed. Then there is no child left. Source: clone(2), CLONE_INTO_CGROUP;
 * pidfd_open(2). */
pid_t cgroup_spawn(int group, int *pidfd);

/* ---- 3.4 account: usage.c ---- */

/* Find a number in a file whose lines are "KEY VALUE", as memory.events, cpu.stat
 * and cgroup.events are. If there is no such file or no such key, *value becomes
 * CGROUP_NONE, and that is no failure. Returns 0, or -1 with errno. */
int cgroup_key(int group, const char *name, const char *key, uint64_t *value);

/* How long somebody had to wait for a resource (PSI). */
struct cgroup_pressure {
  double some10;       /* percent of the last 10 s in which some waited; -1 if not known */
  uint64_t some_total; /* microseconds since the group is there */
  uint64_t full_total; /* the same, when none could run; CGROUP_NONE if not known */
};

/* What a group uses. CGROUP_NONE: not known here. */
struct cgroup_usage {
  uint64_t memory_current;  /* bytes, now: memory.current */
  uint64_t memory_peak;     /* bytes, the most so far: memory.peak, Linux 5.19 */
  uint64_t swap_current;    /* bytes: memory.swap.current */
  uint64_t oom_kills;       /* processes killed: oom_kill of memory.events */
  uint64_t cpu_usage;       /* microseconds: usage_usec of cpu.stat */
  uint64_t cpu_user;        /* microseconds: user_usec */
  uint64_t cpu_system;      /* microseconds: system_usec */
  uint64_t cpu_throttled;   /* microseconds it had to wait for its quota:
                               throttled_usec */
  uint64_t cpu_throttles;   /* periods in which it had to: nr_throttled */
  uint64_t pids_current;    /* pids.current */
  uint64_t pids_refused;    /* forks that failed: max of pids.events */
  uint64_t io_read;         /* bytes, of all devices: rbytes of io.stat */
  uint64_t io_written;      /* bytes: wbytes */
  struct cgroup_pressure cpu, memory, io;  /* cpu.pressure and its like */
};

/* Read all of that. What is missing is CGROUP_NONE (-1 for some10), and no
 * failure. An io.stat that is there but empty means 0 bytes. Returns 0, or -1
 * with errno: ENODEV if the group has been removed. Source: the manual; PSI:
 * Documentation/accounting/psi.rst. */
int cgroup_usage(int group, struct cgroup_usage *usage);

/* ---- 3.5 watch: watch.c ---- */

/* What can happen to a group. */
enum {
  WATCH_OOM = 1,        /* one or more processes were killed for memory */
  WATCH_EMPTY = 2,      /* its last process has ended, and of those below it */
  WATCH_POPULATED = 4,  /* it has processes again */
  WATCH_FROZEN = 8,
  WATCH_THAWED = 16,
  WATCH_GONE = 32,      /* it was removed */
  WATCH_STOP = 64,      /* `stop` became readable */
};

/* A watched group. */
struct cgroup_watch {
  int events;          /* descriptor of cgroup.events */
  int memory;          /* of memory.events; -1 if there is none */
  uint64_t populated;  /* what was last seen: 0 or 1 */
  uint64_t frozen;     /* 0 or 1; CGROUP_NONE before Linux 5.2 */
  uint64_t oom_kills;  /* CGROUP_NONE without memory.events */
};

/* Begin to watch: from here on nothing is missed. Ended by cgroup_watch_end.
 * Returns 0, or -1 with errno: ENOENT if the directory is no group. */
int cgroup_watch_start(int group, struct cgroup_watch *watch);

/* Wait until something has happened since the start, or since the call before:
 * `timeout` milliseconds at most, -1 for ever. Puts the WATCH_ bits of what has
 * happened into *happened. The descriptor `stop` ends the waiting, too, when it
 * is readable, or at its end; -1 if there is none. What has happened and become
 * undone between two calls may be left out, a kill never is. WATCH_GONE is what
 * a call finds that begins after the removal. One that waits already need not:
 * the kernel wakes nobody then, and an event of the last 10 ms before it may be
 * lost with the group; so who waits for that gives a timeout. Costs no processor
 * time while it waits. Returns 0, with *happened 0 if the time was up;
 * or -1 with errno. A signal does not end it. Source: cgroups(7),
 * "cgroup.events"; poll(2), POLLPRI; the manual, "memory.events". */
int cgroup_watch_next(struct cgroup_watch *watch, int stop, int timeout,
                      unsigned *happened);

/* Close its descriptors. errno stays. */
void cgroup_watch_end(struct cgroup_watch *watch);

/* ---- 3.6 freeze, kill: kill.c ---- */

/* Stop all processes of the group and of those below it where they stand, or let
 * them go on. When it returns 0, it is so: cgroup.events says it. For a kernel that
 * needs long, it waits `timeout` milliseconds at most, without using the processor
 * and whatever signals arrive. Returns 0, or -1 with errno: ETIMEDOUT, and then it
 * may become so later (a group below a frozen one goes on when that one does); else
 * of knob_write. Source: the manual, "cgroup.freeze". */
int cgroup_freeze(int group, bool frozen, int timeout);

/* Kill every process of the group and of those below it, with SIGKILL, also
 * ones that are made meanwhile, and wait until there is none, `timeout`
 * milliseconds at most, whatever signals arrive. cgroup.kill does that (Linux
 * 5.14). Where there is no such file, it is done in another way, which ends also
 * for a program that forks without end, and leaves no group frozen that was not.
 * A frozen group is killed, too. Nobody else is killed. That the group is removed
 * meanwhile, or was before, is no failure. Returns 0, or -1 with errno: ETIMEDOUT.
 * Source: the manual, "cgroup.kill", "cgroup.procs". */
int cgroup_kill(int group, int timeout);

/* ---- 3.7 clean up: clean.c ---- */

/* Remove the group `path` below `place` with all groups below it, which have no
 * processes any more. Nothing else is touched: what is a link is not followed.
 * That it is gone already, or goes meanwhile, is no failure. Returns 0, or -1
 * with errno: EBUSY if there is a process in one of them. */
int cgroup_remove_tree(int place, const char *path);

/* Say that the group is ours, as long as this descriptor is open: by an
 * exclusive flock(2) on it. The kernel lets go of that when we end, however we
 * end. Returns 0, or -1 with errno, without waiting: EBUSY if it is somebody
 * else's, ESTALE if it was removed before it was ours (in a group that is gone
 * there is no cgroup.procs any more). */
int cgroup_claim(int group);

/* Remove each group in `place` whose name begins with `prefix` and that is
 * nobody's (cgroup_claim can have it), with what runs in it and all groups below
 * it. It holds the claim until the group is gone, so that nobody takes it
 * meanwhile. Groups of others stay. Returns how many were removed; or, if one of
 * them could not be, -1 with its errno, after it has tried all others, too. */
int cgroup_sweep(int place, const char *prefix);

#endif
