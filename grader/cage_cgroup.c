/* cage_cgroup.c - no disk: a cgroup in which devices cannot be opened.
 *
 * A file system in a file, a database, a whole other system: all of the host
 * lies on its disk, and root may open that disk, from any namespace, by a
 * device file he makes himself. Namespaces do not help; they hide names, and
 * this needs none. What helps is a filter on the open itself. cgroup v2 has
 * one: a small program in the kernel's own machine code (bpf(2)) that is asked
 * each time a process of the cgroup opens or makes a device.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"

/* The cage's processes are in a cgroup below the one with the filter. It is the
 * root of what they see (cgroup_namespaces(7)); so they have no way to name the
 * one above, and to take the filter off. */
#define INNER "in"

/* And there, in a group of their own: so the one above has no processes, and may
 * hand controllers on to groups that they make beside it (lab03). */
#define SESSION INNER "/session"

/* One instruction of BPF each. */
#define LOAD(to, field)                                                        \
  {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = BPF_REG_1,   \
   .off = offsetof(struct bpf_cgroup_dev_ctx, field)}
#define AND(reg, value)                                                        \
  {.code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = (reg), .imm = (value)}
#define SET(reg, value)                                                        \
  {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (value)}
#define SKIP_IF_EQUAL(reg, value, skip)                                        \
  {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = (reg), .imm = (value),        \
   .off = (skip)}
#define SKIP_IF_NOT(reg, value, skip)                                          \
  {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = (reg), .imm = (value),        \
   .off = (skip)}
#define RETURN                                                                 \
  {.code = BPF_JMP | BPF_EXIT}

enum { TYPE = BPF_REG_2, MAJOR = BPF_REG_3, MINOR = BPF_REG_4 };

/* Returns 1 for what is allowed, 0 for EPERM. A jump of n skips n instructions;
 * every "yes" goes to the line ALLOW. */
static const struct bpf_insn filter[] = {
    LOAD(TYPE, access_type),
    AND(TYPE, 0xffff),
    LOAD(MAJOR, major),
    LOAD(MINOR, minor),
    SKIP_IF_NOT(TYPE, BPF_DEVCG_DEV_CHAR, 12), /* no block device at all */
    SKIP_IF_EQUAL(MAJOR, 136, 13),             /* terminals: /dev/pts/N */
    SKIP_IF_NOT(MAJOR, 1, 5),
    SKIP_IF_EQUAL(MINOR, 3, 11),               /* 1,3 null */
    SKIP_IF_EQUAL(MINOR, 5, 10),               /* 1,5 zero */
    SKIP_IF_EQUAL(MINOR, 7, 9),                /* 1,7 full */
    SKIP_IF_EQUAL(MINOR, 8, 8),                /* 1,8 random */
    SKIP_IF_EQUAL(MINOR, 9, 7),                /* 1,9 urandom */
    SKIP_IF_NOT(MAJOR, 5, 2),
    SKIP_IF_EQUAL(MINOR, 0, 5),                /* 5,0 tty */
    SKIP_IF_EQUAL(MINOR, 2, 4),                /* 5,2 ptmx */
    SKIP_IF_NOT(MAJOR, 0, 1),
    SKIP_IF_EQUAL(MINOR, 0, 2),                /* 0,0 a whiteout */
    SET(BPF_REG_0, 0),
    RETURN,
    SET(BPF_REG_0, 1),                         /* ALLOW */
    RETURN,
};

/* Load the filter and attach it to the cgroup `fd`. */
static int
attach_filter(int fd)
{
  char log[4096] = "";
  union bpf_attr load = {
      .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
      .insns = (unsigned long)filter,
      .insn_cnt = sizeof filter / sizeof *filter,
      .license = (unsigned long)"MIT",
      .log_buf = (unsigned long)log,
      .log_size = sizeof log,
      .log_level = 1,
  };
  autoclose int program = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (program < 0)
    return fail("load the device filter (%.200s)", log);
  union bpf_attr attach = {
      .target_fd = fd,
      .attach_bpf_fd = program,
      .attach_type = BPF_CGROUP_DEVICE,
  };
  if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0)
    return fail("attach the device filter");
  return 0;
}

/* The first line of a cgroup's file; "" if there is none. */
static void
read_line(const char *path, const char *name, char *line, size_t size)
{
  char file[PATH_MAX + 32];
  snprintf(file, sizeof file, "%s/%s", path, name);
  FILE *stream = fopen(file, "re");
  if (!stream || !fgets(line, size, stream))
    *line = '\0';
  if (stream)
    fclose(stream);
}

static bool
may_write(const char *path)
{
  char file[PATH_MAX + 32];
  snprintf(file, sizeof file, "%s/cgroup.procs", path);
  return access(path, W_OK) == 0 && access(file, W_OK) == 0;
}

/* A cgroup has a limit on processes only if the one above it hands the
 * controller on. */
static bool
hands_on_pids(const char *path)
{
  char controllers[256];
  read_line(path, "cgroup.subtree_control", controllers, sizeof controllers);
  return may_write(path) && strstr(controllers, "pids");
}

/* A cgroup with processes hands nothing on ("No Internal Process Constraint" of
 * cgroup-v2.rst). */
static bool
has_no_processes(const char *path)
{
  char process[32];
  read_line(path, "cgroup.procs", process, sizeof process);
  return may_write(path) && !*process;
}

/* Climb from `path` to the nearest cgroup that fits; `top` bytes of it are where
 * cgroup v2 is mounted. If there is none, stay, and return false. */
static bool
climb(char *path, size_t top, bool (*fits)(const char *path))
{
  char above[PATH_MAX];
  snprintf(above, sizeof above, "%s", path);
  while (!fits(above)) {
    char *slash = strrchr(above + top, '/');
    if (!slash)
      return false;
    *slash = '\0';
  }
  path[strlen(above)] = '\0'; /* `above` is how it starts */
  return true;
}

/* Where is cgroup v2 mounted, and where in it is a place for us? Writes both,
 * joined. The best is where processes can be limited; the next best where
 * controllers could be handed on. */
static int
place_for_cgroup(char *path, size_t size)
{
  char *line = NULL, point[PATH_MAX] = "", own[PATH_MAX] = "";
  size_t room = 0;
  FILE *file = fopen("/proc/self/mounts", "re");
  while (file && !point[0] && getline(&line, &room, file) > 0)
    if (strstr(line, " cgroup2 "))
      sscanf(line, "%*s %4095s", point);
  if (file)
    fclose(file);
  file = fopen("/proc/self/cgroup", "re");
  while (file && !own[0] && getline(&line, &room, file) > 0)
    sscanf(line, "0::%4095[^\n]", own);
  if (file)
    fclose(file);
  free(line);
  if (!point[0] || !own[0])
    return refuse(ENOENT, "no cgroup v2 is mounted here");
  snprintf(path, size, "%s%s", point, strcmp(own, "/") == 0 ? "" : own);
  if (!climb(path, strlen(point), hands_on_pids))
    climb(path, strlen(point), has_no_processes);
  return 0;
}

/* Hand on to the cgroups below whatever this one has, as far as that goes. */
static void
hand_on(const char *path)
{
  char file[PATH_MAX + 32], controllers[256], *save = NULL;
  read_line(path, "cgroup.controllers", controllers, sizeof controllers);
  snprintf(file, sizeof file, "%s/cgroup.subtree_control", path);
  autoclose int fd = open(file, O_WRONLY | O_CLOEXEC);
  for (char *name = strtok_r(controllers, " \n", &save); fd >= 0 && name;
       name = strtok_r(NULL, " \n", &save))
    dprintf(fd, "+%s", name); /* one write(2) each: one that fails stops no other */
}

/* Remove a cgroup and those below it, deepest first. rmdir(2) is how a cgroup
 * is removed, with its files in it; it refuses one that is still in use. */
static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)ftw;
  /* Its last process is gone from our view a moment before it is gone from the
   * cgroup's. */
  for (int tries = 0; type == FTW_DP && rmdir(path) < 0 && errno == EBUSY &&
                      tries < 100; tries++)
    usleep(2000);
  return 0;
}

void
cage_cgroup_remove(const char *path)
{
  nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
cage_cgroup_remove_as_root(const char *path, int user_ns)
{
  pid_t pid = fork();
  if (pid == 0) {
    if (setns(user_ns, CLONE_NEWUSER) == 0)
      cage_cgroup_remove(path);
    _exit(0);
  }
  while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    ;
}

/* Remove the cgroups of cages that were killed: the number in the name is that
 * of a process that is gone. In another PID namespace it may be there all the
 * same, so leave alone what is new and may be about to be used. */
static void
sweep(const char *parent)
{
  DIR *dir = opendir(parent);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    enum { OLD = 60 /* seconds */ };
    int pid;
    struct stat st;
    char path[PATH_MAX + 300];
    snprintf(path, sizeof path, "%s/%s", parent, e->d_name);
    if (sscanf(e->d_name, "onggi-cage-%d", &pid) == 1 &&
        kill(pid, 0) < 0 && errno == ESRCH && stat(path, &st) == 0 &&
        time(NULL) - st.st_ctime > OLD)
      cage_cgroup_remove(path);
  }
  if (dir)
    closedir(dir);
}

int
cage_cgroup_make(bool filtered, char *path, size_t size)
{
  char parent[PATH_MAX], inner[PATH_MAX + 16], session[PATH_MAX + 16];
  if (place_for_cgroup(parent, sizeof parent) < 0)
    return -1;
  sweep(parent);
  unsigned random = 0;
  getentropy(&random, sizeof random);
  snprintf(path, size, "%s/onggi-cage-%d-%08x", parent, getpid(), random);
  hand_on(parent);
  if (mkdir(path, 0755) < 0) {
    fail("mkdir %s", path);
    *path = '\0';
    return -1;
  }
  hand_on(path);
  snprintf(inner, sizeof inner, "%s/" INNER, path);
  snprintf(session, sizeof session, "%s/" SESSION, path);
  autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && (!filtered || attach_filter(fd) == 0) && mkdir(inner, 0755) == 0 &&
      mkdir(session, 0755) == 0)
    return 0;
  fail("make a cgroup%s", filtered ? " with a device filter" : "");
  cage_cgroup_remove(path);
  *path = '\0';
  return -1;
}

/* Write a number into one of the cgroup's files. */
static int
write_number(const char *path, const char *name, size_t number)
{
  char file[PATH_MAX + 32];
  snprintf(file, sizeof file, "%s/%s", path, name);
  autoclose int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || dprintf(fd, "%zu\n", number) < 0)
    return fail("write %s", file);
  return 0;
}

int
cage_cgroup_limit(const char *path, int processes, size_t memory)
{
  /* No more of them than cage_cgroup_remove can name: a path has an end. */
  if (write_number(path, "cgroup.max.depth", 12) < 0 ||
      write_number(path, "cgroup.max.descendants", 1000) < 0)
    return -1;
  /* Memory in file systems counts here, too, which nobody sees by watching. */
  if (write_number(path, "memory.max", memory) < 0 && errno != ENOENT)
    return -1;
  return write_number(path, "pids.max", processes);
}

int
cage_cgroup_enter(const char *path, pid_t pid)
{
  char file[PATH_MAX + 32];
  snprintf(file, sizeof file, "%s/" INNER "/cgroup.procs", path);
  /* It stays open as long as we live. There is one file system of cgroups for the
   * whole host, and a remount without MS_BIND changes that one; but not to read-only
   * while a file in it is open to write (EBUSY of mount(2)). */
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  return fd < 0 || dprintf(fd, "%d\n", pid) < 0 ? fail("write %s", file) : 0;
}

int
cage_cgroup_settle(const char *path)
{
  char procs[PATH_MAX + 32], control[PATH_MAX + 32];
  snprintf(procs, sizeof procs, "%s/" SESSION "/cgroup.procs", path);
  snprintf(control, sizeof control, "%s/" INNER "/cgroup.subtree_control", path);
  autoclose int fd = open(procs, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || dprintf(fd, "0\n") < 0)
    return fail("write %s", procs);
  /* cpuset is handed on already, while nobody but us is below. Later it takes the
   * privilege to move every process there to other CPUs (CAP_SYS_NICE), which nobody
   * in the cage has. The other controllers are for the cage to hand on. */
  autoclose int further = open(control, O_WRONLY | O_CLOEXEC);
  if (further >= 0)
    dprintf(further, "+cpuset"); /* where there is none, nobody misses it */
  return 0;
}
