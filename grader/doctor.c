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
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "doctor.h"
#include "fail.h"
#include "file.h"
#include "obstacle.h"

enum { PATIENCE = 50 /* seconds for one trial */ };

struct outcome *outcome;
bool in_user_namespace;
static char said[2048];        /* what the latest program said, see run */

/* ---- a child's tools ---- */

/* Run a program and keep the start of what it says, on either stream, without
 * the last newline. Returns its exit status, or 127 if it cannot be run. */
static int
run(const char *const argv[])
{
  int out[2], status = 0;
  if (pipe2(out, O_CLOEXEC) < 0)
    return 127;
  pid_t pid = fork();
  if (pid == 0) {
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    dup2(out[1], 1);
    dup2(out[1], 2);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
  }
  close(out[1]);
  FILE *stream = fdopen(out[0], "r");
  size_t n = stream ? fread(said, 1, sizeof said - 1, stream) : 0;
  said[n > 0 && said[n - 1] == '\n' ? n - 1 : n] = '\0';
  if (!stream || fclose(stream) != 0 || waitpid(pid, &status, 0) != pid)
    return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Make a user namespace and become root in it, as an ordinary user may: he maps
 * himself, alone, and gives up setgroups(2) for it (user_namespaces(7)). */
static int
enter_user_namespace(void)
{
  char uid[32], gid[32];
  const char *const files[][2] = {{"/proc/self/uid_map", uid},
                                  {"/proc/self/setgroups", "deny"},
                                  {"/proc/self/gid_map", gid}};
  snprintf(uid, sizeof uid, "0 %u 1", geteuid());
  snprintf(gid, sizeof gid, "0 %u 1", getegid());
  if (unshare(CLONE_NEWUSER) < 0)
    return refuse(EPERM, "%s", userns_obstacle(errno));
  in_user_namespace = true;
  for (int i = 0; i < 3; i++) {
    autoclose int fd = open(files[i][0], O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write_all(fd, files[i][1], strlen(files[i][1])) < 0)
      return refuse(EPERM, "%s", userns_obstacle(errno));
  }
  return 0;
}

int
enter(int flags)
{
  if (geteuid() == 0 && unshare(flags) == 0)
    return 0;
  if (enter_user_namespace() < 0)
    return refuse(EPERM, "it takes a user namespace, see above");
  NOTE("in a user namespace");
  return unshare(flags) < 0 ? fail("unshare") : 0;
}

int
enter_private_tmp(void)
{
  if (enter(CLONE_NEWNS) < 0)
    return -1;
  /* Nothing that is mounted from here on may appear on the host. EINVAL says
   * that "/" is not where something is mounted: it is a chroot's. */
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return errno == EINVAL
               ? refuse(EINVAL, "this is a chroot (mend it: enter the "
                        "directory with systemd-nspawn -D)")
               : fail("make all mounts private");
  return mount("doctor", "/tmp", "tmpfs", MS_NOSUID, "mode=755,size=1m") < 0
             ? fail("mount a tmpfs") : 0;
}

/* setup.sh says "Missing: a b. To install:" and, below, the command. */
static int
try_setup(void)
{
  const char *const argv[] = {"sh", "common/setup.sh", "--check", "lab01",
                              "lab02", "lab03", "lab04", "grade", NULL};
  if (run(argv) == 0)
    return 0;
  char *end = strstr(said, ". To install:");
  if (!end)
    return refuse(ENOENT, "common/setup.sh cannot be run");
  const char *command = strchr(end, '\n') ?: "";
  *end = '\0';
  return refuse(ENOENT, "%s (mend it: %s)", said,
                command + strspn(command, "\n "));
}

/* Root needs it only if he has no device filter (cage.c, main). Then the line
 * about the whole cage says so. */
static int
try_user_namespace(void)
{
  bool root = geteuid() == 0;
  if (enter_user_namespace() == 0)
    return 0;
  if (!root || in_user_namespace || unshare(CLONE_NEWNS) < 0)
    return -1;
  outcome->verdict = NEEDLESS;
  NOTE("root can do without: %s", failure());
  return 0;
}

/* Last comes a /proc, for a PID namespace has its first process only after the
 * next fork. The kernel refuses it to a user namespace if parts of the one that
 * is there are covered, as container engines do it (mount_namespaces(7)). */
static int
try_namespaces(void)
{
  static const struct { int flag; const char *name; } kinds[] = {
      {CLONE_NEWPID, "PID"}, {CLONE_NEWNET, "network"}, {CLONE_NEWIPC, "IPC"},
      {CLONE_NEWUTS, "UTS"}, {CLONE_NEWCGROUP, "cgroup"},
  };
  int status;
  if (enter_private_tmp() < 0)
    return -1;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (unshare(kinds[i].flag) < 0)
      return fail("make a %s namespace", kinds[i].name);
  pid_t pid = fork();
  if (pid == 0)
    _exit(mount("proc", "/tmp", "proc", 0, NULL) < 0 ? errno
          : access("/tmp/1/status", F_OK) < 0        ? ESRCH
                                                     : 0);
  if (pid < 0 || waitpid(pid, &status, 0) < 0)
    return fail("make the first process of a PID namespace");
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  return status ? fail("mount a /proc of its own") : 0;
}

/* The host's programs below, memory above: what is written goes to memory. */
static int
try_overlay(void)
{
  char options[128];
  if (enter_private_tmp() < 0)
    return -1;
  mkdir("/tmp/upper", 0755);
  mkdir("/tmp/work", 0755);
  mkdir("/tmp/all", 0755);
  snprintf(options, sizeof options,
           "lowerdir=/usr/bin,upperdir=/tmp/upper,workdir=/tmp/work%s",
           in_user_namespace ? ",userxattr" : "");
  if (mount("doctor", "/tmp/all", "overlay", 0, options) < 0)
    return fail("mount an overlay over /usr/bin");
  return mkdir("/tmp/all/onggi-doctor", 0700) < 0 ||
                 access("/tmp/upper/onggi-doctor", F_OK) < 0
             ? fail("write into an overlay") : 0;
}

/* A descriptor that becomes readable when the child ends: clone(2). */
static int
try_pidfd(void)
{
  struct pollfd ended = {.fd = -1, .events = POLLIN};
  struct clone_args args = {.flags = CLONE_PIDFD,
                            .pidfd = (unsigned long)&ended.fd,
                            .exit_signal = SIGCHLD};
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0)
    _exit(0);
  if (pid < 0)
    return fail("clone3 with CLONE_PIDFD");
  return poll(&ended, 1, 5000) == 1
             ? 0 : refuse(ETIMEDOUT, "it does not tell the end");
}

int
run_caged(const char *command)
{
  static const char start[] = "cage: cannot make a cage: ";
  char cage[PATH_MAX] = "";
  const char *const argv[] = {cage, "--time", "20", "sh", "-c", command, NULL};
  if (readlink("/proc/self/exe", cage, sizeof cage - 8) < 0)
    return fail("read /proc/self/exe");
  char *name = strrchr(cage, '/') + 1;
  snprintf(name, cage + sizeof cage - name, "cage");
  if (access(cage, X_OK) < 0)
    return refuse(ENOENT, "it is not built (mend it: make grader)");
  int status = run(argv);
  if (status == 0)
    return 0;
  return strncmp(said, start, strlen(start)) == 0
             ? refuse(EPERM, "%s", said + strlen(start))
             : refuse(EPERM, "status %d: %s", status, said);
}

/* The sum of all that; of two kinds, see main in cage.c. */
static int
try_cage(void)
{
  char ours[64] = "";
  if (run_caged("readlink /proc/self/ns/user") < 0)
    return -1;
  if (readlink("/proc/self/ns/user", ours, sizeof ours - 1) > 0)
    NOTE("%s", strcmp(said, ours) == 0 ? "root's, with a device filter"
                                            : "in a user namespace");
  return 0;
}

/* ---- what is tried ---- */

/* The parts of a cage cost no exercise by themselves, for a cage can do without
 * some of them. They are there to tell why there is no whole one. */
static const struct trial cage_trials[] = {
    {"programs and headers", try_setup, "lab01; lab02; lab03; lab04", NULL},
    {"user namespace", try_user_namespace, NULL, REAL_KERNEL},
    {"all other namespaces", try_namespaces, NULL, REAL_KERNEL},
    {"overlay that writes to a tmpfs", try_overlay, NULL, NEWER_KERNEL},
    {"pidfd", try_pidfd, NULL, NEWER_KERNEL},
    {"a whole cage", try_cage, "lab01; lab02; lab03; lab04", "mend what fails above"},
    {0},
};

static const struct trial *const groups[] = {cage_trials, lab01_trials,
                                             lab02_trials, lab03_trials, lab04_trials};
static const char *const lab_names[] = {"lab01", "lab02", "lab03", "lab04"};
enum { LABS = sizeof lab_names / sizeof *lab_names };

/* Try one thing in a child, which leaves the outcome behind. */
static void
try(const struct trial *trial)
{
  static const struct outcome killed = {FAILS, "it was killed, or too slow"};
  int status;
  *outcome = (struct outcome){.verdict = WORKS};
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    alarm(PATIENCE);
    if (trial->run() == 0)
      _exit(0);
    outcome->verdict = FAILS;
    /* Whose cause stands above has its mend there too. */
    if (strstr(failure(), "mend it") || strstr(failure(), "see above") ||
        !trial->mend)
      NOTE("%s", failure());
    else
      NOTE("%s (mend it: %s)", failure(), trial->mend);
    _exit(0);
  }
  if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
    *outcome = killed;
}

static void
print_outcome(const char *label)
{
  static const char *const words[] = {"no", "ok", "--"};
  static const char *const colours[] = {"\033[31m", "\033[32m", "\033[33m"};
  const char *no = getenv("NO_COLOR"); /* https://no-color.org */
  bool plain = !isatty(1) || (no && *no), failed = outcome->verdict == FAILS;
  char *mend = strstr(outcome->note, " (mend it: ");
  int length = mend ? mend - outcome->note : INT_MAX;
  printf("  %s%s%s   %s%s%.*s\n", plain ? "" : colours[outcome->verdict],
         words[outcome->verdict], plain ? "" : "\033[0m", label,
         outcome->note[0] ? ": " : "", length, outcome->note);
  if (failed && mend)
    printf("       mend: %.*s\n", (int)strlen(mend + 11) - 1, mend + 11);
  fflush(stdout);
}

/* What of `lab` needs this trial: "everything", a list of exercises, or "" for
 * nothing. Valid until the next call. */
static const char *
needed_by(const struct trial *trial, const char *lab)
{
  static char text[64];
  const char *by = trial->needed_by ? strstr(trial->needed_by, lab) : NULL;
  if (!by)
    return "";
  by += strlen(lab);
  if (*by != ':')
    return "everything";
  snprintf(text, sizeof text, "%.*s", (int)strcspn(by + 2, ";"), by + 2);
  return text;
}

/* Make all trials, and print a line for each, and one for each lab. */
int
main(void)
{
  char short_of[LABS][1024] = {""};
  bool all = true;
  outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (outcome == MAP_FAILED)
    return 1;
  for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
    for (const struct trial *trial = groups[g]; trial->label; trial++) {
      try(trial);
      print_outcome(trial->label);
      for (int i = 0; outcome->verdict == FAILS && i < LABS; i++) {
        const char *by = needed_by(trial, lab_names[i]);
        size_t n = strlen(short_of[i]);
        if (*by)
          snprintf(short_of[i] + n, sizeof short_of[i] - n, "%s%s needs %s",
                   n ? "; " : "", by, trial->label);
      }
    }
  printf("\n");
  for (int i = 0; i < LABS; i++) {
    printf("%s: %s%s\n", lab_names[i],
           short_of[i][0] ? "not all can be graded here: "
                          : "everything works here", short_of[i]);
    all &= !short_of[i][0];
  }
  return !all;
}
