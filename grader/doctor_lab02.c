/* doctor_lab02.c - what lab02 needs of the machine. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "doctor.h"
#include "fail.h"
#include "mount.h"

static int
try_clone3(void)
{
  struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
                            .exit_signal = SIGCHLD};
  if (enter(0) < 0)
    return -1;
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0)
    _exit(getpid() != 1);
  int status;
  if (pid < 0 || waitpid(pid, &status, 0) < 0)
    return fail("clone3");
  return status == 0 ? 0 : refuse(EINVAL, "the child is not process 1");
}

static int
try_time(void)
{
  if (enter(0) < 0)
    return -1;
  if (unshare(CLONE_NEWTIME) < 0)
    return fail("make a time namespace");
  autoclose int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, "boottime 100 0\n", 15) != 15
             ? fail("shift its clock") : 0;
}

/* Into a tmpfs, and out of everything else. */
static int
try_pivot_root(void)
{
  if (enter_private_tmp() < 0)
    return -1;
  if (chdir("/tmp") < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
    return fail("pivot_root");
  return umount2(".", MNT_DETACH) < 0 ? fail("detach the old root")
         : access("/usr", F_OK) == 0  ? refuse(EXDEV, "the old root is still there")
                                      : 0;
}

static int
try_mount_setattr(void)
{
  struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
  if (enter_private_tmp() < 0)
    return -1;
  autoclose int tree = open_tree(AT_FDCWD, "/tmp", OPEN_TREE_CLONE |
                                 OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0)
    return fail("open_tree");
  if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly,
                    sizeof readonly) < 0)
    return fail("mount_setattr");
  mkdir("/tmp/there", 0755);
  if (move_mount(tree, "", AT_FDCWD, "/tmp/there", MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return fail("move_mount");
  return mkdir("/tmp/there/x", 0755) == 0 || errno != EROFS
             ? refuse(EINVAL, "it is not read-only") : 0;
}

/* The cage's own /proc has covered parts, and the kernel looks at that. */
static int
try_nested_proc(void)
{
  return run_caged("unshare --user --map-root-user --pid --fork --mount-proc true");
}

/* A pair of links with names of the kernel's, and a bridge. */
static int
try_links(void)
{
  struct nl message;
  if (enter(CLONE_NEWNET) < 0)
    return -1;
  nl_start(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
           sizeof(struct ifinfomsg));
  struct nlattr *info = nl_begin(&message, IFLA_LINKINFO);
  nl_add_text(&message, IFLA_INFO_KIND, "veth");
  nl_end(&message, info);
  return nl_send(&message) < 0 ? fail("make a veth pair") : net_bridge("onggi");
}

static int
try_setns(void)
{
  int ready[2];
  char byte;
  if (enter(0) < 0)
    return -1;
  if (pipe2(ready, O_CLOEXEC) < 0)
    return fail("pipe");
  pid_t pid = fork();
  if (pid == 0) {
    if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) == 0 && write(ready[1], "r", 1) == 1)
      pause();
    _exit(0);
  }
  close(ready[1]);
  autoclose int pidfd = syscall(SYS_pidfd_open, pid, 0U);
  int bad = pidfd < 0 || read(ready[0], &byte, 1) != 1 ||
            setns(pidfd, CLONE_NEWUTS | CLONE_NEWIPC) < 0;
  if (bad)
    fail("join the namespaces of a pidfd");
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  return bad ? -1 : 0;
}

const struct trial lab02_trials[] = {
    {"clone3(2)", try_clone3, "lab02", NEWER_KERNEL},
    {"time namespace", try_time, "lab02: 2.1", NEWER_KERNEL},
    {"pivot_root(2)", try_pivot_root, "lab02: 2.3", REAL_KERNEL},
    {"proc in a user namespace", try_nested_proc, "lab02: 2.3 2.4", REAL_KERNEL},
    {"mount_setattr(2)", try_mount_setattr, "lab02: 2.3 2.5", NEWER_KERNEL},
    {"veth and bridge", try_links, "lab02: 2.6", REAL_KERNEL},
    {"setns(2) with a pidfd", try_setns, "lab02: 2.7", NEWER_KERNEL},
    {0},
};
