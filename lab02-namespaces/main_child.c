/* main_child.c - nsrun in the container, up to the program. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"

/* What the machine shows in /proc and /sys that is not the container's own. The
 * list is that of the OCI runtimes. */
static const char *const masked[] = {
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
};
static const char *const read_only[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* The capabilities that Docker and Podman leave to root in a container. */
static const int kept[] = {
    CAP_AUDIT_WRITE, CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL,
    CAP_MKNOD, CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SETFCAP, CAP_SETGID,
    CAP_SETPCAP, CAP_SETUID, CAP_SYS_CHROOT,
};

/* Whoever may mount may also unmount what hides something. So take
 * CAP_SYS_ADMIN, and what else Docker takes, out of what the next execve can
 * give (lab01, exercise 1.6, says more). */
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

/* All that hides something: after everything else is in place, so that nothing
 * is mounted over it. A function that is not written yet is named once. */
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
  enum step kernel = step_with(
      root_kernel(root), EPERM, " (parts of the /proc that is there are covered, as in "
      "many containers; then a user namespace gets none of its own)");
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

/* Get a root of our own: ROOT, or the host's as it is, with our own /proc in
 * it. */
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

/* Die with the parent, also if it has died already: it keeps its end of the
 * pipe as long as it lives. init_await has asked for that before; but the
 * parent may have ended just after its word, and becoming somebody else clears
 * the wish (prctl(2), PR_SET_PDEATHSIG). */
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
  if (heard == DONE && read(go, wire, sizeof *wire) != sizeof *wire) {
    refuse(EPIPE, "the parent ended in the middle of its word");
    complain();
    return -1;
  }
  return heard == FAILED ? -1 : 0;
}

int
contain(int go)
{
  struct wire wire = {.number = 0};
  umask(022);
  if (hear(go, &wire) < 0)
    return TOOL_FAILED;
  /* Before we become somebody else: then our files in /proc are not ours any
   * more (proc(5), "/proc/[pid]", dumpable). */
  if (wish.time && step_with(ns_time(wish.seconds), EPERM, " (it takes CAP_SYS_TIME: try "
                             "--user-map root)") == FAILED)
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

int
join(int go, char **argv)
{
  if (step(init_await(go)) == FAILED)
    return TOOL_FAILED;
  return die_with_parent(go) < 0 || limit_capabilities() < 0 ? complain()
                                                             : become(argv);
}
