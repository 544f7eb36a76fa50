/* doctor.c - what works on this machine, and how to mend the rest.
 *
 * A version number says little: distributions patch their kernels, containers
 * filter system calls, administrators set sysctls. So nothing is looked up, and
 * each mechanism is tried, in a child process of its own. What the child makes
 * lies in namespaces that end with it: it puts a file system in memory over
 * /tmp and works there. Nothing is left behind, and the host is not touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "file.h"

enum {
  PATIENCE = 30,   /* seconds for one trial */
  NOBODY = 65534,  /* the user and the group that have nothing */
};

enum verdict { FAILS, WORKS, NEEDLESS };

/* How a trial ended. It crosses a pipe in one write(2). */
struct outcome {
  enum verdict verdict;
  char why[1024];  /* why not; or how, where there is more than one way */
  char mend[512];  /* a command or an advice; "" if none is known */
};

/* One thing to try. */
struct trial {
  const char *heading;  /* a new group of lines starts here; or NULL */
  const char *what;     /* as the table has it */
  int (*run)(const struct trial *trial, struct outcome *o);
                        /* 0, or -1 with a failure that says why */
  const char *name;     /* for `run`: a group of setup.sh; a file of
                           /proc/PID/ns */
  int flag;             /* for `run`: what makes such a namespace */
  const char *loses;    /* the exercises that cannot be graded without it; "*"
                           for all, NULL if that is for a later line to say */
  const char *mend;     /* what to do when the trial itself has no idea */
};

static bool in_user_namespace;  /* this child had to make one */

static void __attribute__((format(printf, 2, 3)))
note(struct outcome *o, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(o->why, sizeof o->why, format, args);
  va_end(args);
}

static void __attribute__((format(printf, 2, 3)))
mend(struct outcome *o, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(o->mend, sizeof o->mend, format, args);
  va_end(args);
}

/* Take "REASON (mend it: COMMAND)", as the cage says it, apart: the reason
 * becomes the failure. Returns -1. */
static int
refuse_obstacle(struct outcome *o, const char *text)
{
  static const char between[] = " (mend it: ";
  const char *command = strstr(text, between);
  if (!command)
    return refuse(EPERM, "%s", text);
  int length = strcspn(command + strlen(between), ")");
  mend(o, "%.*s", length, command + strlen(between));
  return refuse(EPERM, "%.*s", (int)(command - text), text);
}

static int
refuse_without_user_namespace(void)
{
  return refuse(EPERM, "it takes a user namespace, see above");
}

/* ---- a child's tools ---- */

/* Run a program and keep the start of what it says, on either stream, without
 * the last newline. Returns its exit status, or 127 if it cannot be run. */
static int
run(const char *const argv[], char *said, size_t size)
{
  int out[2], status = 0;
  size_t n = 0;
  said[0] = '\0';
  if (pipe2(out, O_CLOEXEC) < 0)
    return 127;
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    dup2(out[1], 1);
    dup2(out[1], 2);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
  }
  close(out[1]);
  for (ssize_t got; n < size - 1; n += got)
    if ((got = read(out[0], said + n, size - 1 - n)) <= 0)
      break;
  close(out[0]);
  said[n] = '\0';
  if (n > 0 && said[n - 1] == '\n')
    said[n - 1] = '\0';
  if (pid < 0 || waitpid(pid, &status, 0) < 0)
    return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Call `body` in a new process: a PID namespace has its first process only
 * then. Returns 0, or -1 with the errno that `body` returned. */
static int
in_child(int (*body)(const void *), const void *argument)
{
  int status;
  pid_t pid = fork();
  if (pid == 0)
    _exit(body(argument));
  if (pid < 0 || waitpid(pid, &status, 0) < 0)
    return -1;
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  return status == 0 ? 0 : -1;
}

static int
write_text(const char *path, const char *text)
{
  autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
  return fd < 0 || write_all(fd, text, strlen(text)) < 0
             ? fail("write %s", path)
             : 0;
}

/* Make a user namespace and become root in it, as an ordinary user may: he maps
 * himself, alone, and gives up setgroups(2) for it (user_namespaces(7)). */
static int
enter_user_namespace(void)
{
  char uid[32], gid[32];
  snprintf(uid, sizeof uid, "0 %u 1", geteuid());
  snprintf(gid, sizeof gid, "0 %u 1", getegid());
  if (unshare(CLONE_NEWUSER) < 0)
    return fail("make a user namespace");
  in_user_namespace = true;
  if (write_text("/proc/self/uid_map", uid) < 0 ||
      write_text("/proc/self/setgroups", "deny") < 0)
    return -1;
  return write_text("/proc/self/gid_map", gid);
}

/* Make namespaces, as the cage would: root's belong to the host's user
 * namespace if they may, anybody else's to a new one. */
static int
enter(int flags, struct outcome *o)
{
  if (geteuid() == 0 && unshare(flags) == 0)
    return 0;
  if (enter_user_namespace() < 0)
    return refuse_without_user_namespace();
  note(o, "in a user namespace");
  return unshare(flags) < 0 ? fail("unshare") : 0;
}

/* Get a mount namespace (and `flags`) with an empty /tmp in memory. */
static int
enter_private_tmp(int flags, struct outcome *o)
{
  if (enter(CLONE_NEWNS | flags, o) < 0)
    return -1;
  /* Nothing that is mounted from here on may appear on the host. EINVAL says
   * that "/" is not where something is mounted: it is a chroot's. */
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
    if (errno == EINVAL)
      mend(o, "this is a chroot: enter the directory with systemd-nspawn -D");
    return fail("make all mounts private");
  }
  if (mount("doctor", "/tmp", "tmpfs", MS_NOSUID, "mode=755,size=1m") < 0)
    return fail("mount a tmpfs");
  return 0;
}

/* ---- the tools ---- */

/* setup.sh says "Missing: a b. To install:" and, below, the command. */
static int
try_setup(const struct trial *trial, struct outcome *o)
{
  const char *const argv[] = {"sh", "common/setup.sh", "--check", trial->name,
                              NULL};
  char said[1024];
  int status = run(argv, said, sizeof said);
  if (status == 0)
    return 0;
  char *command = strchr(said, '\n');
  if (command) {
    *command++ = '\0';
    mend(o, "%s", command + strspn(command, " "));
  }
  char *end = strstr(said, ". To install:");
  if (end)
    *end = '\0';
  return refuse(ENOENT, "%s", said[0] ? said : "common/setup.sh cannot be run");
}

/* ---- the cage ---- */

static int
try_user_namespace(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  bool root = geteuid() == 0;
  if (enter_user_namespace() == 0)
    return 0;
  refuse_obstacle(o, userns_obstacle(errno));
  if (!root || in_user_namespace || unshare(CLONE_NEWNS) < 0)
    return -1;
  /* Root needs it only if he has no device filter (cage.c, main). Then the line
   * about the whole cage says so. */
  o->verdict = NEEDLESS;
  note(o, "%s (root can do without)", failure());
  return 0;
}

/* Is this process in another namespace than before? Returns 0 or an errno. */
static int
namespace_differs(const void *argument)
{
  const char *const *names = argument; /* the path, and where it led */
  char now[64] = "";
  if (readlink(names[0], now, sizeof now - 1) < 0)
    return errno;
  return strcmp(now, names[1]) == 0 ? EEXIST : 0;
}

static int
try_namespace(const struct trial *trial, struct outcome *o)
{
  char path[64], before[64] = "";
  const char *const names[] = {path, before};
  snprintf(path, sizeof path, "/proc/self/ns/%s", trial->name);
  if (readlink(path, before, sizeof before - 1) < 0)
    return fail("this kernel has none");
  if (enter(trial->flag, o) < 0)
    return -1;
  return in_child(namespace_differs, names) < 0 ? fail("look at %s", path) : 0;
}

static int
mount_proc(const void *argument)
{
  (void)argument;
  if (mount("proc", "/tmp", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
    return errno;
  return getpid() == 1 && access("/tmp/1/status", F_OK) == 0 ? 0 : ESRCH;
}

/* The kernel refuses a user namespace a new /proc if parts of the one that is
 * there are covered, as container engines do it (mount_namespaces(7)). */
static int
try_proc(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  if (enter_private_tmp(CLONE_NEWPID, o) < 0)
    return -1;
  return in_child(mount_proc, NULL) < 0 ? fail("mount proc") : 0;
}

/* The host's programs below, memory above: what is written goes to memory. */
static int
try_overlay(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  char options[128];
  if (enter_private_tmp(0, o) < 0)
    return -1;
  if (mkdir("/tmp/upper", 0755) < 0 || mkdir("/tmp/work", 0755) < 0 ||
      mkdir("/tmp/all", 0755) < 0)
    return fail("make directories on a tmpfs");
  snprintf(options, sizeof options,
           "lowerdir=/usr/bin,upperdir=/tmp/upper,workdir=/tmp/work%s",
           in_user_namespace ? ",userxattr" : "");
  if (mount("doctor", "/tmp/all", "overlay", 0, options) < 0)
    return fail("mount an overlay over /usr/bin");
  autoclose int fd = open("/tmp/all/onggi-doctor",
                          O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || access("/tmp/upper/onggi-doctor", F_OK) < 0)
    return fail("write into an overlay");
  return 0;
}

/* A descriptor that becomes readable when the child ends: clone(2). */
static int
try_pidfd(const struct trial *trial, struct outcome *o)
{
  (void)trial, (void)o;
  int pidfd = -1;
  struct clone_args args = {.flags = CLONE_PIDFD,
                            .pidfd = (unsigned long)&pidfd,
                            .exit_signal = SIGCHLD};
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0)
    _exit(0);
  if (pid < 0)
    return fail("clone3 with CLONE_PIDFD");
  struct pollfd ended = {.fd = pidfd, .events = POLLIN};
  int ready = poll(&ended, 1, 5000);
  waitpid(pid, NULL, 0);
  return ready == 1 ? 0 : refuse(ETIMEDOUT, "it does not tell the end");
}

/* The cage lies beside this program. */
static int
find_cage(char *path, size_t size)
{
  ssize_t n = readlink("/proc/self/exe", path, size - 1);
  if (n < 0)
    return fail("read /proc/self/exe");
  path[n] = '\0';
  char *name = strrchr(path, '/') + 1;
  snprintf(name, size - (name - path), "cage");
  return 0;
}

/* The sum of all that; and for root, which kind of cage he gets. */
static int
try_cage(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  static const char start[] = "cage: cannot make a cage: ";
  char cage[PATH_MAX], said[2048], ours[64] = "";
  const char *const try[] = {cage, "--time", "20", "--", "true", NULL};
  const char *const look[] = {cage, "--time", "20", "--", "readlink",
                              "/proc/self/ns/user", NULL};
  if (find_cage(cage, sizeof cage) < 0)
    return -1;
  if (access(cage, X_OK) < 0) {
    mend(o, "make %s", strstr(cage, "build/") ?: cage);
    return refuse(ENOENT, "it is not built");
  }
  int status = run(try, said, sizeof said);
  if (status != 0 && !said[0])
    return refuse(EPERM, "it ended with status %d and said nothing", status);
  if (status != 0)
    return refuse_obstacle(o, strncmp(said, start, strlen(start)) == 0
                                  ? said + strlen(start)
                                  : said);
  if (geteuid() == 0 && run(look, said, sizeof said) == 0 &&
      readlink("/proc/self/ns/user", ours, sizeof ours - 1) > 0)
    note(o, strcmp(said, ours) == 0
                ? "root's, with a device filter"
                : "root's, in a user namespace for want of a device filter");
  return 0;
}

/* ---- lab01 ---- */

static int
try_chroot(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  struct stat outside, inside;
  if (stat("/usr", &outside) < 0 || chdir("/usr") < 0)
    return fail("chdir /usr");
  bool done = chroot(".") == 0;
  if (!done && enter(0, o) < 0)
    return -1;
  if (!done && chroot(".") < 0)
    return fail("chroot");
  if (stat("/..", &inside) < 0 || inside.st_ino != outside.st_ino)
    return refuse(EXDEV, "\"/..\" is not the new root");
  return 0;
}

/* A path's "/" and ".." must both end at the directory itself. */
static int
try_openat2(const struct trial *trial, struct outcome *o)
{
  (void)trial, (void)o;
  struct stat wanted, got;
  autoclose int root = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || stat("/usr/bin", &wanted) < 0)
    return fail("open /usr");
  autoclose int fd =
      open_in_root(root, "/../../bin", O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0 || fstat(fd, &got) < 0)
    return fail("openat2");
  return got.st_ino == wanted.st_ino && got.st_dev == wanted.st_dev
             ? 0
             : refuse(EXDEV, "openat2 left the directory");
}

/* Whichever way lab01's furnish would take, and then the device must work. */
static int
try_devices(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  static const char null[] = "/tmp/null";
  if (enter_private_tmp(0, o) < 0)
    return -1;
  if (mknod(null, S_IFCHR | 0666, makedev(1, 3)) == 0)
    note(o, "by mknod(2)");
  else if (mknod(null, S_IFREG | 0666, 0) < 0 ||
           mount("/dev/null", null, NULL, MS_BIND, NULL) < 0)
    return fail("bind /dev/null onto a file");
  else
    note(o, "by bind mounts");
  autoclose int fd = open(null, O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, "x", 1) != 1 ? fail("write to the device") : 0;
}

/* Raise one set, lower another, forbid the way back: capabilities(7). */
static int
try_capabilities(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  cap_value_t keep = CAP_NET_BIND_SERVICE;
  if (enter(0, o) < 0)
    return -1;
  cap_t caps = cap_get_proc();
  bool bad = !caps ||
             cap_set_flag(caps, CAP_INHERITABLE, 1, &keep, CAP_SET) < 0 ||
             cap_set_proc(caps) < 0 || cap_set_ambient(keep, CAP_SET) < 0;
  cap_free(caps);
  if (bad)
    return fail("make a capability ambient");
  if (cap_drop_bound(CAP_SYS_MODULE) < 0)
    return fail("take a capability out of the bounding set");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
    return fail("set no_new_privs");
  return 0;
}

static int
try_close_range(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  enum { MARK_CLOEXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
  int fd = fcntl(0, F_DUPFD, 3);
  if (syscall(SYS_close_range, 3U, ~0U, MARK_CLOEXEC) == 0 &&
      (fd < 0 || fcntl(fd, F_GETFD) == FD_CLOEXEC))
    return 0;
  o->verdict = NEEDLESS;
  note(o, "%s (lab01 can do without)", strerror(errno));
  return 0;
}

/* ---- lab01: the numbers of other users ---- */

/* Become somebody else. Returns 0 or an errno. */
static int
become_nobody(const void *argument)
{
  (void)argument;
  if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
      setresuid(NOBODY, NOBODY, NOBODY) < 0)
    return errno;
  return 0;
}

/* What one of /etc/subuid and /etc/subgid says. */
struct subordinate {
  bool found;       /* there is a line for this user */
  unsigned first;   /* the first number of his ... */
  unsigned count;   /* ... and how many */
  unsigned next;    /* the first number behind everybody's */
};

/* Read the lines "NAME:FIRST:COUNT", where NAME may be a number (subuid(5)). */
static struct subordinate
read_subordinate(const char *file, const char *user)
{
  struct subordinate s = {.next = 100000};
  char line[512], name[256], number[16];
  unsigned first, count;
  FILE *stream = fopen(file, "re");
  snprintf(number, sizeof number, "%u", getuid());
  while (stream && fgets(line, sizeof line, stream)) {
    if (sscanf(line, "%255[^:]:%u:%u", name, &first, &count) != 3)
      continue;
    if (first + count > s.next)
      s.next = first + count;
    if (s.found || (strcmp(name, user) != 0 && strcmp(name, number) != 0))
      continue;
    s.found = true;
    s.first = first;
    s.count = count;
  }
  if (stream)
    fclose(stream);
  return s;
}

/* Say that `file` has nothing for this user, and which numbers are free. */
static int
refuse_subordinate(struct outcome *o, const char *file, const char *user)
{
  unsigned uids = read_subordinate("/etc/subuid", user).next;
  unsigned gids = read_subordinate("/etc/subgid", user).next;
  unsigned first = uids > gids ? uids : gids, last = first + 65535;
  mend(o, "sudo usermod --add-subuids %u-%u --add-subgids %u-%u %s", first,
       last, first, last, user);
  return refuse(ENOENT, "%s has no line for this user", file);
}

/* Have a set-user-ID helper map 0 to `id`, and 1, 2, ... to the numbers that
 * `file` sets aside for this user. */
static int
map_subordinate(const char *helper, const char *file, pid_t pid, unsigned id,
                struct outcome *o)
{
  struct passwd *entry = getpwuid(getuid());
  const char *user = entry ? entry->pw_name : "USER";
  struct subordinate s = read_subordinate(file, user);
  char numbers[4][16], said[256];
  if (!s.found)
    return refuse_subordinate(o, file, user);
  snprintf(numbers[0], sizeof numbers[0], "%d", pid);
  snprintf(numbers[1], sizeof numbers[1], "%u", id);
  snprintf(numbers[2], sizeof numbers[2], "%u", s.first);
  snprintf(numbers[3], sizeof numbers[3], "%u", s.count);
  const char *const argv[] = {helper, numbers[0], "0", numbers[1], "1",
                              "1", numbers[2], numbers[3], NULL};
  int status = run(argv, said, sizeof said);
  if (status == 127) {
    mend(o, "sh common/setup.sh grade");
    return refuse(ENOENT, "%s is not installed", helper);
  }
  return status == 0 ? 0 : refuse(EPERM, "%s", said);
}

/* Make a user namespace, wait until it is mapped, then use the numbers. */
static int
wait_and_become(int ready, int go)
{
  char byte;
  if (unshare(CLONE_NEWUSER) < 0 || write(ready, "r", 1) != 1 ||
      read(go, &byte, 1) != 1)
    return EPERM;
  if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
    return errno;
  return become_nobody(NULL);
}

/* newuidmap(1) writes the map of another process, which must wait for it. */
static int
try_subordinate(struct outcome *o)
{
  int ready[2], go[2], status, bad = 0;
  char byte;
  if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
    return fail("pipe");
  pid_t pid = fork();
  if (pid < 0)
    return fail("fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    close(go[1]);
    _exit(wait_and_become(ready[1], go[0]));
  }
  close(ready[1]);
  if (read(ready[0], &byte, 1) != 1)
    bad = refuse_without_user_namespace();
  else if (map_subordinate("newuidmap", "/etc/subuid", pid, getuid(), o) < 0 ||
           map_subordinate("newgidmap", "/etc/subgid", pid, getgid(), o) < 0)
    bad = -1;
  else if (write(go[1], "g", 1) != 1)
    bad = fail("write to a pipe");
  close(go[1]); /* without the byte, the child leaves */
  waitpid(pid, &status, 0);
  if (bad || status == 0)
    return bad;
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  return fail("become user %d", NOBODY);
}

/* Root has the numbers already, if no user namespace keeps them from him. */
static int
try_numbers(const struct trial *trial, struct outcome *o)
{
  (void)trial;
  if (geteuid() != 0)
    return try_subordinate(o);
  return in_child(become_nobody, NULL) < 0 ? fail("become user %d", NOBODY) : 0;
}

/* ---- what is tried ---- */

static const char real_kernel[] =
    "in a container, start it with --privileged; else use a virtual machine";
static const char newer_kernel[] =
    "boot a newer kernel; in a container, start it with --security-opt "
    "seccomp=unconfined";
static const char what_fails_above[] =
    "mend what fails above; if nothing does, use a virtual machine";
static const char real_user[] =
    "leave this user namespace, and try again as an ordinary user";

/* The parts of a cage cost no exercise by themselves, for a cage can do without
 * some of them. They are there to tell why there is no whole one. */
static const struct trial trials[] = {
    {"The tools", "what lab01 is built with", try_setup, "lab01", 0, "*", NULL},
    {NULL, "what the grader is built with", try_setup, "grade", 0, "*", NULL},

    {"The cage (make grade)", "user namespace", try_user_namespace, NULL, 0,
     NULL, real_kernel},
    {NULL, "mount namespace", try_namespace, "mnt", CLONE_NEWNS, NULL,
     real_kernel},
    {NULL, "PID namespace", try_namespace, "pid", CLONE_NEWPID, NULL,
     real_kernel},
    {NULL, "network namespace", try_namespace, "net", CLONE_NEWNET, NULL,
     real_kernel},
    {NULL, "IPC namespace", try_namespace, "ipc", CLONE_NEWIPC, NULL,
     real_kernel},
    {NULL, "UTS namespace", try_namespace, "uts", CLONE_NEWUTS, NULL,
     real_kernel},
    {NULL, "cgroup namespace", try_namespace, "cgroup", CLONE_NEWCGROUP, NULL,
     real_kernel},
    {NULL, "a /proc of its own", try_proc, NULL, 0, NULL, real_kernel},
    {NULL, "overlay that writes to a tmpfs", try_overlay, NULL, 0, NULL,
     newer_kernel},
    {NULL, "pidfd", try_pidfd, NULL, 0, NULL, newer_kernel},
    {NULL, "a whole cage", try_cage, NULL, 0, "*", what_fails_above},

    {"lab01-chroot", "chroot(2)", try_chroot, NULL, 0, "1.1 1.5 1.6 1.7",
     real_kernel},
    {NULL, "openat2(2) with RESOLVE_IN_ROOT", try_openat2, NULL, 0, "1.3 1.4",
     newer_kernel},
    {NULL, "device files", try_devices, NULL, 0, "1.4", real_kernel},
    {NULL, "ambient and bounding capabilities", try_capabilities, NULL, 0,
     "1.6", real_kernel},
    {NULL, "numbers of other users", try_numbers, NULL, 0, "1.6", real_user},
    {NULL, "close_range(2) with CLOSE_RANGE_CLOEXEC", try_close_range, NULL, 0,
     NULL, NULL},
};

enum { TRIALS = sizeof trials / sizeof *trials };

/* In the child: try, and tell. */
static void
try_and_tell(const struct trial *trial, int answer)
{
  struct outcome o = {.verdict = WORKS};
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  alarm(PATIENCE);
  if (trial->run(trial, &o) < 0) {
    o.verdict = FAILS;
    note(&o, "%s", failure());
    /* Whose cause stands above has its mend there too. */
    if (!o.mend[0] && trial->mend && !strstr(failure(), "see above"))
      mend(&o, "%s", trial->mend);
  }
  _exit(write(answer, &o, sizeof o) != sizeof o);
}

/* Try one thing in a child. */
static struct outcome
try(const struct trial *trial)
{
  struct outcome o = {.verdict = FAILS};
  int answer[2], status = 0;
  if (pipe2(answer, O_CLOEXEC) < 0) {
    note(&o, "pipe: %s", strerror(errno));
    return o;
  }
  pid_t pid = fork();
  if (pid == 0)
    try_and_tell(trial, answer[1]);
  close(answer[1]);
  bool told = pid > 0 && read(answer[0], &o, sizeof o) == sizeof o;
  close(answer[0]);
  if (pid > 0)
    waitpid(pid, &status, 0);
  if (told)
    return o;
  o = (struct outcome){.verdict = FAILS};
  if (pid > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    note(&o, "it took more than %d seconds", PATIENCE);
  else
    note(&o, "the process that tried it ended too early");
  return o;
}

/* ---- what is printed ---- */

/* The escape sequence, or nothing where colours are not wanted: in a file, or
 * by the user (https://no-color.org). */
static const char *
paint(const char *colour)
{
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  bool plain = !isatty(1) || (no && *no) || (term && strcmp(term, "dumb") == 0);
  return plain ? "" : colour;
}

static void
print_outcome(const struct trial *trial, const struct outcome *o)
{
  static const struct { const char *word, *colour; } verdicts[] = {
      [FAILS] = {"no", "\033[31m"},
      [WORKS] = {"ok", "\033[32m"},
      [NEEDLESS] = {"--", "\033[33m"},
  };
  if (trial->heading)
    printf("%s%s\n", trial == trials ? "" : "\n", trial->heading);
  printf("  %s%s%s   %s%s%s\n", paint(verdicts[o->verdict].colour),
         verdicts[o->verdict].word, paint("\033[0m"), trial->what,
         o->why[0] ? ": " : "", o->why);
  if (o->verdict == FAILS && o->mend[0])
    printf("       mend: %s\n", o->mend);
  fflush(stdout);
}

/* The first trial that failed and costs this exercise; or -1. */
static int
lost_by(const char *exercise, const struct outcome *outcomes)
{
  for (int i = 0; i < TRIALS; i++)
    if (outcomes[i].verdict == FAILS && trials[i].loses &&
        (trials[i].loses[0] == '*' || strstr(trials[i].loses, exercise)))
      return i;
  return -1;
}

/* Print one line for a lab: how many of its `exercises` can be graded, and why
 * not the others. Returns whether all can. */
static bool
print_lab(const char *lab, const json_t *exercises,
          const struct outcome *outcomes)
{
  char list[TRIALS][256] = {""}; /* by trial: the exercises it costs */
  int count = json_array_size(exercises), lost = 0;
  size_t i;
  json_t *exercise;
  json_array_foreach(exercises, i, exercise) {
    const char *number = json_string_value(json_object_get(exercise, "number"));
    int by = number ? lost_by(number, outcomes) : -1;
    if (by < 0)
      continue;
    size_t n = strlen(list[by]);
    snprintf(list[by] + n, sizeof list[by] - n, "%s%s", n ? ", " : "", number);
    lost++;
  }
  if (lost == 0) {
    printf("%s: everything works here\n", lab);
    return true;
  }
  printf("%s: %d of %d exercises can be graded here", lab, count - lost, count);
  for (int by = 0; by < TRIALS; by++) {
    if (!list[by][0])
      continue;
    if (trials[by].loses[0] != '*')
      printf("; %s cannot", list[by]);
    printf(": %s: %s", trials[by].what, outcomes[by].why);
  }
  printf("\n");
  return false;
}

/* The same, for the exercises that the lab's data file lists. */
static bool
judge_lab(const char *lab, const struct outcome *outcomes)
{
  char path[64];
  json_error_t error;
  snprintf(path, sizeof path, "grader/%s/exercises.json", lab);
  json_t *file = json_load_file(path, 0, &error);
  if (!file) {
    printf("%s: no list of its exercises: %s\n", lab, error.text);
    return false;
  }
  bool all = print_lab(lab, json_object_get(file, "exercises"), outcomes);
  json_decref(file);
  return all;
}

int
main(void)
{
  struct outcome outcomes[TRIALS];
  for (int i = 0; i < TRIALS; i++) {
    outcomes[i] = try(&trials[i]);
    print_outcome(&trials[i], &outcomes[i]);
  }
  printf("\n");
  return judge_lab("lab01", outcomes) ? 0 : 1;
}
