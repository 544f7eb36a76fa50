/* main.c - nsrun, the tool: options, and the order of the steps. Given. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"
#include "obstacle.h"
#include "pasta.h"
#include "start.h"
#include "subid.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* Exit statuses, as env(1), chroot(1) and Docker have them. */
enum { TOOL_FAILED = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

static const char usage[] =
    "usage: nsrun run [OPTION]... [--] PROGRAM [ARG...]\n"
    "       nsrun enter PID [--] PROGRAM [ARG...]\n"
    "       nsrun list\n"
    "\n"
    "  run      run PROGRAM in new namespaces\n"
    "    --root ROOT          with the directory ROOT as its root\n"
    "    --hostname NAME      with this host name\n"
    "    --user-map MAP       in a user namespace. MAP is root (you are root in it),\n"
    "                         auto (and the others are those of /etc/subuid), or\n"
    "                         OUT:IN:N, as often as you like. An ordinary user has\n"
    "                         auto, or else root, if there is no --user-map\n"
    "    --net WHICH          none (the default): only lo; host: the host's network;\n"
    "                         private: a wire to the host; bridge: a wire to all\n"
    "                         containers on the bridge\n"
    "    --mount SRC:DST[:ro] with SRC of the host as DST\n"
    "    --tmpfs DST          with an empty directory in memory as DST\n"
    "    --mask PATH          without what is in PATH\n"
    "    --readonly PATH      with PATH read-only\n"
    "    --time-offset SECS   with clocks that show SECS more\n"
    "    --init               as a child of a small init, not as PID 1 itself\n"
    "  enter    run PROGRAM in the namespaces of the process PID\n"
    "  list     show every namespace on this machine\n";

/* ---- what was asked for ---- */

enum { MANY = 64 }; /* options of one kind */

enum net { NET_NONE, NET_HOST, NET_PRIVATE, NET_BRIDGE };

static struct wish {
  const char *root;           /* --root; NULL: the host's */
  const char *hostname;       /* --hostname; NULL: the host's */
  bool user;                  /* a user namespace */
  struct id_maps maps;        /* --user-map */
  enum net net;               /* --net */
  char *mounts[MANY];         /* --mount SRC:DST[:ro] */
  const char *tmpfs[MANY], *mask[MANY], *readonly[MANY];
  int mount_count, tmpfs_count, mask_count, readonly_count;
  long long seconds;          /* --time-offset */
  bool time, init;
  char **argv;                /* PROGRAM and its arguments */
  sigset_t mask_before;       /* signals that were blocked when we were started */
} wish;

/* ---- messages ---- */

/* Why there are no new namespaces. */
static const char *
no_namespaces(void)
{
  static char text[512];
  const char *why = userns_obstacle(errno);
  if (!wish.user && errno == EPERM)
    return " (it takes CAP_SYS_ADMIN, which root has not got here: try --user-map root, "
           "or `make cage`)";
  if (!wish.user || strcmp(why, strerror(errno)) == 0)
    return "";
  snprintf(text, sizeof text, " (%s)", why);
  return text;
}

/* What to do about the latest failure, where we know; "" where not. */
static const char *
advice(void)
{
  const char *said = failure();
  if (strstr(said, "(run: ") || strstr(said, "mend it"))
    return "";
  if (strstr(said, "new namespaces"))
    return no_namespaces();
  if (errno == EPERM && (strstr(said, "the bridge") || strstr(said, "the wire")))
    return " (the host's network is changed by root only: use --net private, or "
           "`make cage`)";
  if (errno == EPERM && strstr(said, "shift the clocks"))
    return " (it takes CAP_SYS_TIME: try --user-map root)";
  if (errno == EPERM && strstr(said, "mount proc"))
    return " (parts of the /proc that is there are covered, as in many containers; "
           "then a user namespace gets none of its own)";
  if (errno == EACCES && strstr(said, "/ns/"))
    return " (it belongs to somebody else: run it as root)";
  return "";
}

/* Print the latest failure. Returns the exit status that goes with it. */
static int
complain(void)
{
  fprintf(stderr, "nsrun: %s%s\n", failure(), advice());
  return TOOL_FAILED;
}

static int
misused(const char *what, const char *about)
{
  fprintf(stderr, "nsrun: %s%s (run: nsrun --help)\n", what, about);
  return TOOL_FAILED;
}

/* How a step went. One that nobody has written yet is named (once) and left out, so
 * that the others can be tried. */
enum step { FAILED = -1, DONE, LEFT_OUT };

static enum step
step(int result)
{
  static char named[64];
  if (result >= 0)
    return DONE;
  if (unfinished() && strcmp(named, failure()) == 0)
    return LEFT_OUT;
  complain();
  snprintf(named, sizeof named, "%s", failure());
  return unfinished() ? LEFT_OUT : FAILED;
}

/* What the machine shows in /proc and /sys that is not the container's own. The list
 * is that of the OCI runtimes. */
static const char *const masked[] = {
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
};
static const char *const read_only[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* The caller as root, and behind him the numbers that are set aside for him. */
static int
map_auto(struct id_maps *maps)
{
  unsigned first[2], count[2];
  if (!subid_range("/etc/subuid", &first[0], &count[0]) ||
      !subid_range("/etc/subgid", &first[1], &count[1]))
    return refuse(ENOENT, "--user-map auto: no numbers are set aside for you in "
                  "/etc/subuid and /etc/subgid (see usermod(8), --add-subuids)");
  *maps = (struct id_maps){
      .uid = {{geteuid(), 0, 1}, {first[0], 1, count[0]}},
      .gid = {{getegid(), 0, 1}, {first[1], 1, count[1]}},
      .uids = 2,
      .gids = 2,
  };
  return 0;
}

static void
map_root(struct id_maps *maps)
{
  *maps = (struct id_maps){.uid = {{geteuid(), 0, 1}}, .gid = {{getegid(), 0, 1}},
                           .uids = 1, .gids = 1};
}

/* Add the map of --user-map. */
static int
add_map(const char *text, struct id_maps *maps)
{
  struct id_map map;
  int end = 0;
  if (strcmp(text, "root") == 0 || strcmp(text, "auto") == 0) {
    if (maps->uids > 0)
      return refuse(EINVAL, "--user-map %s goes with no other --user-map", text);
    if (*text == 'a')
      return map_auto(maps);
    map_root(maps);
    return 0;
  }
  if (strspn(text, "0123456789:") != strlen(text) ||
      sscanf(text, "%u:%u:%u%n", &map.outside, &map.inside, &map.count, &end) != 3 ||
      text[end] || map.count == 0 || map.outside + map.count < map.outside ||
      map.inside + map.count < map.inside)
    return refuse(EINVAL, "--user-map takes root, auto, or OUT:IN:N (N numbers from "
                  "OUT outside are those from IN inside), not \"%s\"", text);
  if (maps->uids == ID_MAPS)
    return refuse(E2BIG, "more than %d times --user-map", ID_MAPS);
  maps->uid[maps->uids++] = map;
  maps->gid[maps->gids++] = map;
  return 0;
}

/* Somebody must be root inside, to set the place up. */
static bool
maps_root(const struct id_maps *maps)
{
  for (size_t i = 0; i < maps->uids; i++)
    if (maps->uid[i].inside == 0)
      return true;
  return false;
}

static int
add_mount(char *text)
{
  char *colon = strchr(text, ':');
  if (!colon || colon == text || colon[1] != '/')
    return refuse(EINVAL, "--mount takes SRC:DST or SRC:DST:ro, with DST an absolute "
                  "path, not \"%s\"", text);
  char *end = strchr(colon + 1, ':');
  if (end && strcmp(end, ":ro") != 0)
    return refuse(EINVAL, "--mount %s: what is \"%s\"? There is only :ro", text,
                  end + 1);
  wish.mounts[wish.mount_count++] = text;
  return 0;
}

static int
add_path(const char *option, const char *path, const char **list, int *count)
{
  if (path[0] != '/')
    return refuse(EINVAL, "%s takes an absolute path inside, not \"%s\"", option,
                  path);
  list[(*count)++] = path;
  return 0;
}

static int
read_net(const char *text)
{
  static const char *const names[] = {"none", "host", "private", "bridge"};
  for (int i = 0; i < 4; i++)
    if (strcmp(text, names[i]) == 0) {
      wish.net = i;
      return 0;
    }
  return refuse(EINVAL, "--net takes none, host, private or bridge, not \"%s\"",
                text);
}

static int
read_seconds(const char *text)
{
  char *end;
  errno = 0;
  wish.seconds = strtoll(text, &end, 10);
  wish.time = true;
  return end == text || *end || errno
             ? refuse(EINVAL, "--time-offset takes a number of seconds, not \"%s\"",
                      text)
             : 0;
}

static int
read_option(int c, char *value)
{
  if (wish.mount_count == MANY || wish.tmpfs_count == MANY ||
      wish.mask_count == MANY || wish.readonly_count == MANY)
    return refuse(E2BIG, "%d options of one kind", MANY);
  switch (c) {
  case 'r': wish.root = value; return 0;
  case 'h': wish.hostname = value; return 0;
  case 'i': wish.init = true; return 0;
  case 'u': wish.user = true; return add_map(value, &wish.maps);
  case 'n': return read_net(value);
  case 'm': return add_mount(value);
  case 'o': return read_seconds(value);
  case 't': return add_path("--tmpfs", value, wish.tmpfs, &wish.tmpfs_count);
  case 'k': return add_path("--mask", value, wish.mask, &wish.mask_count);
  default: return add_path("--readonly", value, wish.readonly,
                           &wish.readonly_count);
  }
}

/* Read the options of `nsrun run`. Returns 0, or an exit status. */
static int
read_options(int argc, char **argv)
{
  static const struct option names[] = {
      {"root", required_argument, NULL, 'r'},
      {"hostname", required_argument, NULL, 'h'},
      {"user-map", required_argument, NULL, 'u'},
      {"net", required_argument, NULL, 'n'},
      {"mount", required_argument, NULL, 'm'},
      {"tmpfs", required_argument, NULL, 't'},
      {"mask", required_argument, NULL, 'k'},
      {"readonly", required_argument, NULL, 'w'},
      {"time-offset", required_argument, NULL, 'o'},
      {"init", no_argument, NULL, 'i'},
      {0},
  };
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;) {
    if (c == '?')
      return misused("run: see above", "");
    if (read_option(c, optarg) < 0)
      return misused("", failure());
  }
  wish.argv = argv + optind;
  if (!wish.argv[0])
    return misused("run: PROGRAM is missing", "");
  if (!wish.user && geteuid() != 0) {
    wish.user = true;
    if (map_auto(&wish.maps) < 0)
      map_root(&wish.maps);
  }
  if (wish.user && !maps_root(&wish.maps))
    return misused("--user-map: nobody is 0 inside (add one like 1000:0:1)", "");
  return 0;
}

/* ---- in the child ---- */

/* The capabilities that Docker and Podman leave to root in a container. */
static const int kept[] = {
    CAP_AUDIT_WRITE, CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL,
    CAP_MKNOD, CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SETFCAP, CAP_SETGID,
    CAP_SETPCAP, CAP_SETUID, CAP_SYS_CHROOT,
};

/* Whoever may mount may also unmount what hides something. So take CAP_SYS_ADMIN, and
 * what else Docker takes, out of what the next execve can give (lab01, exercise 1.6,
 * says more). */
static int
limit_capabilities(void)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  unsigned long long keep = 0;
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    keep |= 1ULL << kept[i];
  /* One beyond the last that the kernel knows is EINVAL. */
  for (int c = 0; c < 64; c++)
    if (!(keep >> c & 1) && prctl(PR_CAPBSET_DROP, (long)c) < 0) {
      if (errno == EINVAL)
        break;
      return fail("drop capability %d", c);
    }
  if (syscall(SYS_capget, &header, data) < 0)
    return fail("capget");
  data[0].inheritable = data[1].inheritable = 0;
  if (prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0 ||
      syscall(SYS_capset, &header, data) < 0)
    return fail("give up inheritable capabilities");
  return 0;
}

/* Become the program. Returns the exit status if that fails. */
static int
become(void *argv)
{
  char **words = argv;
  enum { MARK_CLOEXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC: lab01, exercise 1.7 */
  if (sigprocmask(SIG_SETMASK, &wish.mask_before, NULL) < 0 ||
      syscall(SYS_close_range, 3U, ~0U, MARK_CLOEXEC) < 0) {
    fail("unblock signals and close descriptors");
    return complain();
  }
  execvp(words[0], words);
  int status = errno == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
  if (status == NOT_FOUND && strchr(words[0], '/') && access(words[0], F_OK) == 0)
    fprintf(stderr, "nsrun: %s: is there, but its interpreter or dynamic loader is "
            "not (lab01's `jail add` finds both)\n", words[0]);
  else
    fprintf(stderr, "nsrun: %s: %s%s%s\n", words[0], strerror(errno),
            wish.root ? " in " : "", wish.root ?: "");
  return status;
}

/* All that hides something: after everything else is in place, so that nothing is
 * mounted over it. A function that is not written yet is named once. */
static int
cover(int root)
{
  enum step went = DONE;
  for (size_t i = 0; i < sizeof masked / sizeof *masked && went == DONE; i++)
    went = step(hide(root, masked[i]));
  for (int i = 0; i < wish.mask_count && went == DONE; i++)
    went = step(hide(root, wish.mask[i]));
  if (went == FAILED)
    return -1;
  went = DONE;
  for (size_t i = 0; i < sizeof read_only / sizeof *read_only && went == DONE; i++)
    went = step(hide_writing(root, read_only[i]));
  for (int i = 0; i < wish.readonly_count && went == DONE; i++)
    went = step(hide_writing(root, wish.readonly[i]));
  return went == FAILED ? -1 : 0;
}

/* One --mount: SRC:DST or SRC:DST:ro. */
static int
mount_wish(int root, char *text)
{
  char *source = strtok(text, ":"), *target = strtok(NULL, ":");
  return bind_in(root, source, target, strtok(NULL, ":") != NULL);
}

/* The mounts of the container; `root` is a descriptor of its root. */
static int
furnish_root(int root)
{
  enum step kernel = step(root_kernel(root));
  if (kernel == FAILED || (wish.root && step(root_devices(root)) == FAILED))
    return -1;
  for (int i = 0; i < wish.tmpfs_count; i++)
    if (step(root_tmpfs(root, wish.tmpfs[i])) == FAILED)
      return -1;
  for (int i = 0; i < wish.mount_count; i++)
    if (step(mount_wish(root, wish.mounts[i])) == FAILED)
      return -1;
  /* What is hidden in /proc is hidden in a /proc of our own, or not at all. */
  return kernel == DONE ? cover(root) : 0;
}

/* Get a root of our own: ROOT, or the host's as it is, with our own /proc in it. */
static int
change_root(void)
{
  enum step private = step(root_private());
  if (private == FAILED)
    return -1;
  if (private == LEFT_OUT) /* a mount of ours would be the host's: go on without any */
    return wish.root || wish.mount_count || wish.tmpfs_count ? -1 : 0;
  autoclose int root = wish.root ? root_open(wish.root)
                                 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  /* Not even if it is left out: PROGRAM would have the host's root. */
  if (step(root) != DONE || furnish_root(root) < 0)
    return -1;
  return wish.root && step(root_pivot(root)) != DONE ? -1 : 0;
}

/* Die with the parent, also if it has died already: it keeps its end of the pipe as
 * long as it lives. init_await has asked for that before; but becoming somebody else
 * clears the wish (prctl(2), PR_SET_PDEATHSIG). */
static int
die_with_parent(int go)
{
  struct pollfd other_end = {.fd = go};
  if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL) < 0 || poll(&other_end, 1, 0) < 0)
    return fail("ask to die with the parent");
  return other_end.revents & POLLHUP ? refuse(EPIPE, "the parent has ended") : 0;
}

/* Wait for the parent's word, and for what comes with it. */
static int
hear(int go, struct wire *wire)
{
  enum step heard = step(init_await(go));
  if (heard == DONE && read(go, wire, sizeof *wire) != sizeof *wire)
    return refuse(EPIPE, "hear from the parent"), complain(), -1;
  return heard == FAILED ? -1 : 0;
}

/* The life of the container's first process. */
static int
contain(int go)
{
  struct wire wire = {.number = 0};
  umask(022);
  if (hear(go, &wire) < 0)
    return TOOL_FAILED;
  /* Before we become somebody else: then our files in /proc are not ours any more
   * (proc(5), "/proc/[pid]", dumpable). */
  if (wish.time && step(ns_time(wish.seconds)) == FAILED)
    return TOOL_FAILED;
  /* Not even if it is left out: nobody could set the place up. */
  if (wish.user && step(user_become_root()) != DONE)
    return TOOL_FAILED;
  if (die_with_parent(go) < 0)
    return complain();
  if (wish.hostname && step(ns_hostname(wish.hostname)) == FAILED)
    return TOOL_FAILED;
  if (wish.net != NET_HOST &&
      step(net_inside(wire.number ? &wire : NULL)) == FAILED)
    return TOOL_FAILED;
  if (change_root() < 0)
    return TOOL_FAILED;
  if (limit_capabilities() < 0)
    return complain();
  close(go);
  if (!wish.init)
    return become(wish.argv);
  int status = init_run(&wish.mask_before, become, wish.argv);
  return status < 0 ? complain() : status;
}

/* ---- in the parent ---- */

/* All that the child waits for. */
static int
prepare(pid_t pid, struct wire *wire)
{
  if (wish.user && step(user_map(pid, &wish.maps)) != DONE)
    return -1;
  if (wish.net == NET_BRIDGE && step(net_join(pid, wire)) != DONE) {
    *wire = (struct wire){.prefix = 24}; /* there may be a bridge */
    return -1;
  }
  if (wish.net == NET_PRIVATE && geteuid() == 0 && step(wire_private(pid, wire)) == FAILED)
    return -1;
  if (wish.net == NET_PRIVATE && geteuid() != 0 && pasta_start(pid) < 0) {
    complain();
    return -1;
  }
  return 0;
}

/* Block what init_wait takes, from here on and in the child, too: a signal that comes
 * too early waits. */
static int
block_signals(void)
{
  sigset_t signals;
  init_signals(&signals);
  return sigprocmask(SIG_BLOCK, &signals, &wish.mask_before) < 0
             ? fail("block signals")
             : 0;
}

/* Wait for the child, with init_wait if it is written. */
static int
wait_for(pid_t pid)
{
  int status = init_wait(pid);
  if (status >= 0)
    return status;
  complain();
  if (!unfinished() || waitpid(pid, &status, 0) < 0)
    return TOOL_FAILED;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int
check_root(const char *root)
{
  struct stat st, host;
  if (stat(root, &st) < 0 && errno == ENOENT)
    return refuse(ENOENT, "%s: no such directory (run: mkdir %s; and lab01's jail fills "
                  "it)", root, root);
  if (stat(root, &st) < 0)
    return fail("the root directory %s", root);
  if (!S_ISDIR(st.st_mode)) {
    errno = ENOTDIR;
    return fail("the root directory %s", root);
  }
  if (stat("/", &host) == 0 && st.st_ino == host.st_ino && st.st_dev == host.st_dev)
    return refuse(EINVAL, "--root %s is the host's own root (leave --root out)", root);
  return 0;
}

static int
run(int argc, char **argv)
{
  int go[2], status = read_options(argc, argv);
  struct wire wire = {.number = 0};
  if (status)
    return status;
  if (wish.root && check_root(wish.root) < 0)
    return complain();
  if (check_standard_streams() < 0)
    return complain();
  if (wish.root)
    fresh_environment();
  if (wish.time)
    wish.init = true; /* only a child of its maker is in a time namespace */
  if (pipe2(go, O_CLOEXEC) < 0)
    return fail("make a pipe"), complain();

  if (block_signals() < 0)
    return complain();
  pid_t pid = ns_clone(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                       CLONE_NEWCGROUP | (wish.net == NET_HOST ? 0 : CLONE_NEWNET) |
                       (wish.user ? CLONE_NEWUSER : 0), NULL);
  if (pid < 0)
    return complain();
  if (pid == 0) {
    close(go[1]); /* or we would never see the end of the pipe */
    _exit(contain(go[0]));
  }
  close(go[0]);
  bool ready = prepare(pid, &wire) == 0;
  if (ready) {
    signal(SIGPIPE, SIG_IGN); /* a child that has ended says why itself */
    char message[1 + sizeof wire] = "g";
    memcpy(message + 1, &wire, sizeof wire);
    ready = write(go[1], message, sizeof message) == sizeof message || errno == EPIPE;
    if (!ready)
      fail("say go to the child"), complain();
  }
  if (!ready)
    kill(pid, SIGKILL);
  status = wait_for(pid);
  if (wish.net == NET_PRIVATE && geteuid() != 0)
    pasta_stop();
  else if (wish.net == NET_PRIVATE || wish.net == NET_BRIDGE) {
    /* Once more if it fails: nobody comes after us who would clean up. */
    if (wire_remove(&wire) < 0 && wire_remove(&wire) < 0)
      return complain();
  }
  return ready ? status : TOOL_FAILED;
}

/* ---- enter ---- */

static int
enter(int argc, char **argv)
{
  struct ns_target target;
  int go[2];
  char *end;
  if (argc < 2)
    return misused("enter: PID is missing", "");
  errno = 0;
  long pid = strtol(argv[1], &end, 10);
  if (end == argv[1] || *end || errno || pid < 1 || pid > INT_MAX)
    return misused("enter: a PID is a number from 1 up, not ", argv[1]);
  argv += 2;
  if (argv[0] && strcmp(argv[0], "--") == 0)
    argv++;
  if (!argv[0])
    return misused("enter: PROGRAM is missing", "");
  if (check_standard_streams() < 0 || ns_open(pid, &target) < 0)
    return complain();
  fresh_environment();
  if (pipe2(go, O_CLOEXEC) < 0)
    return fail("make a pipe"), complain();
  if (block_signals() < 0)
    return complain();
  if (ns_enter(&target) < 0)
    return complain();
  if ((target.flags & CLONE_NEWUSER) && step(user_become_root()) == FAILED)
    return TOOL_FAILED;
  /* We have joined the PID namespace only for our children. */
  pid_t child = fork();
  if (child < 0)
    return fail("fork"), complain();
  if (child == 0) {
    close(go[1]);
    if (step(init_await(go[0])) == FAILED)
      _exit(TOOL_FAILED);
    if (limit_capabilities() < 0)
      _exit(complain());
    _exit(become(argv));
  }
  close(go[0]);
  if (write(go[1], "g", 1) < 0) {
    fail("say go to the child");
    complain();
    kill(child, SIGKILL);
  }
  return wait_for(child);
}

static int
list(int argc, char **argv)
{
  if (argc != 1)
    return misused("list: takes no ", argv[1]);
  return ns_list() < 0 ? complain() : 0;
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
  } commands[] = {{"run", run}, {"enter", enter}, {"list", list}};
  if (argc >= 2 &&
      (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
    fputs(usage, stdout);
    return 0;
  }
  if (start_clean() < 0)
    return complain();
  for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0)
      return commands[i].run(argc - 1, argv + 1);
  return argc < 2 ? misused("a command is missing", "")
                  : misused("no such command: ", argv[1]);
}
