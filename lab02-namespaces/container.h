/* container.h - the contract of every function of lab02.
 *
 * What you write:   spawn.c init.c root.c user.c hide.c net.c enter.c
 * What is given:    main*.c (the tool), list.c (what it lists), netlink.c (how
 *                   to talk to the kernel about networks), wire.c (who has
 *                   which address), pasta.c (a network without privilege)
 *
 * Every function that can fail returns -1 with errno set, and leaves a message
 * with fail() or refuse() of common/fail.h. None of them prints.
 *
 * Two processes work together. The parent is `nsrun`, in the host's namespaces;
 * the child is the first process of the container:
 *
 *     parent                              child
 *     ns_clone ------------------------>  init_await: waits
 *     user_map: who is who
 *     net_join: a wire
 *     "go" ---------------------------->  user_become_root
 *                                         ns_hostname, ns_time, net_inside
 *     init_wait: waits                    root_private, root_open, root_kernel,
 *                                         root_devices, bind_in, hide, ...
 *                                         root_pivot
 *                                         the program, or init_run
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One kind of namespace, in the order in which they are listed here. */
struct ns_kind {
  const char *name;  /* its file in /proc/PID/ns, see namespaces(7) */
  int flag;          /* CLONE_NEW..., for clone3(2), unshare(2) and setns(2) */
};

enum { NS_KINDS = 8 };

/* user mnt pid net ipc uts cgroup time. Given, in list.c. */
extern const struct ns_kind ns_kinds[NS_KINDS];

/* Print every namespace on the machine: kind, inode, how many processes are in
 * it, the lowest of their numbers, and its name. Returns 0, or -1 with errno.
 * Given. */
int ns_list(void);

/* ---- 2.1 new namespaces: spawn.c ---- */

/* Make a child process in new namespaces: one of each kind that `flags` names
 * (CLONE_NEWUTS | CLONE_NEWPID ...). Like fork(2) it returns twice: the child's
 * number in the parent, 0 in the child, which has a copy of the parent's memory
 * and is in the new namespaces from its first instruction. The child's end
 * sends the parent SIGCHLD. If `pidfd` is not NULL, the parent gets a
 * descriptor of the child in it, close-on-exec, which the caller closes.
 * Returns -1 with errno of clone3(2): EPERM if the caller may not, ENOSPC if
 * user.max_..._namespaces are there already. Source: clone(2), "clone3()";
 * namespaces(7). */
pid_t ns_clone(unsigned long long flags, int *pidfd);

/* Set the host name of the UTS namespace that we are in. Returns 0, or -1 with
 * errno: EINVAL for a name that is empty or longer than 64 bytes, EPERM.
 * Source: sethostname(2); uts_namespaces(7). */
int ns_hostname(const char *name);

/* Make a time namespace for the children that we will have: in it the clocks
 * CLOCK_MONOTONIC and CLOCK_BOOTTIME show `seconds` more (or less, if negative)
 * than outside. It needs /proc. Returns 0, or -1 with errno: EPERM, ERANGE for
 * a clock that would stand before 0. Source: time_namespaces(7). */
int ns_time(long long seconds);

/* ---- 2.2 PID 1: init.c ---- */

/* The signals that init takes and passes on: SIGHUP SIGINT SIGQUIT SIGTERM
 * SIGUSR1 SIGUSR2 SIGWINCH; and SIGCHLD, by which it learns of children that
 * end. Given. */
void init_signals(sigset_t *signals);

/* In the child: wait until the parent says go, and from then on die with it:
 * whenever the parent ends, however it ends, the kernel sends us SIGKILL. There
 * is no moment before its word in which the parent can end and we live on. (If
 * it ends just after that, the caller finds out: the parent keeps its end of
 * the pipe while it lives.) "Go" is one byte on the pipe `go`, and no more than
 * that is read: other things may come behind it. The caller has closed the
 * child's copy of the writing end. Returns 0; or -1 with EPIPE if the parent
 * ended (or closed the pipe) without a word. `go` stays open. Source: prctl(2),
 * PR_SET_PDEATHSIG; pipe(7). */
int init_await(int go);

/* Wait for the child `program` to end. Until then reap every other child that
 * ends (an orphan in a PID namespace becomes a child of PID 1), and send the
 * program each of init_signals that somebody sends to us; but not one from the
 * keyboard (si_code SI_KERNEL), which the program has got as well. All of
 * init_signals are blocked, the caller has seen to that. Costs no time while
 * nothing happens. Returns the program's exit status, or 128+N if signal N
 * ended it; -1 with errno if `program` is no child of ours (ECHILD). Source:
 * sigwaitinfo(2); waitpid(2), WNOHANG; pid_namespaces(7). */
int init_wait(pid_t program);

/* Be init: start a child that sets its signal mask to `mask` and ends with the
 * exit status program(arg); and wait for it with init_wait. (The program in it
 * executes another, and returns only if it cannot.) All of init_signals are
 * blocked, the caller has seen to that. Returns as init_wait does, in the
 * parent only. Source: pid_namespaces(7), "The namespace init process". */
int init_run(const sigset_t *mask, int (*program)(void *arg), void *arg);

/* ---- 2.3 a root of its own: root.c ---- */

/* Make every mount of this mount namespace private: nothing that is mounted or
 * unmounted here shows outside, and the reverse. Returns 0, or -1 with errno.
 * Source: mount_namespaces(7), "SHARED SUBTREES"; mount(2), MS_PRIVATE,
 * MS_REC. */
int root_private(void);

/* Make the directory `path` a mount of its own, with all that is mounted below
 * it, so that it can become a root. Returns a descriptor of it, O_PATH and
 * close-on-exec, that the caller closes; or -1 with errno: ENOENT, ENOTDIR.
 * Source: mount(2), MS_BIND, MS_REC; pivot_root(2), NOTES. */
int root_open(const char *path);

/* In the root directory `root` (a descriptor; also of "/" itself) mount what
 * the kernel shows as files, with nosuid, nodev and noexec:
 *   /proc   proc, of the PID namespace that we are in
 *   /sys    sysfs, read-only; it shows the network namespace that we are in. If
 *           the kernel refuses that with EPERM (the network is not ours) or EBUSY
 *           (this sysfs is there already), then the /sys of the host, recursively,
 *           and all of it read-only
 * The directories are made if they are missing (target_in_root). Returns 0, or
 * -1 with errno. Source: proc(5); sysfs(5); user_namespaces(7). */
int root_kernel(int root);

/* Give the root directory `root` a new /dev:
 *   /dev           a tmpfs, mode 755, nosuid
 *   null zero full random urandom tty
 *                  devices with mode 0666: made by mknod(2), or, if that is not
 *                  permitted, the host's own bound onto a file
 *   /dev/pts       devpts, a new instance: nosuid, noexec, ptmxmode=0666, mode=0620
 *   /dev/shm       tmpfs, mode 1777, nosuid, nodev
 *   /dev/mqueue    mqueue, of the IPC namespace that we are in: nosuid, nodev, noexec
 *   fd stdin stdout stderr ptmx
 *                  links to /proc/self/fd, /proc/self/fd/0, 1, 2, and pts/ptmx
 * whatever the umask. Returns 0, or -1 with errno. Source: null(4), tty(4),
 * pts(4), shm_overview(7), mq_overview(7); the kernel's
 * filesystems/devpts.rst. */
int root_devices(int root);

/* Mount a new tmpfs on the directory `path` in `root`, mode 1777, nosuid and
 * nodev; the directory is made if it is missing (target_in_root). Returns 0, or
 * -1 with errno. Source: tmpfs(5). */
int root_tmpfs(int root, const char *path);

/* Make the mount `root` (from root_open) the root directory of this mount
 * namespace, and detach the old root, so that no path and no mount of the host
 * is left in it. The current directory is "/" afterwards. Nothing is left
 * behind in the new root. Returns 0, or -1 with errno. Source: pivot_root(2),
 * "pivot_root(".", ".")"; umount2(2), MNT_DETACH. */
int root_pivot(int root);

/* ---- 2.4 root without root: user.c ---- */

/* `count` numbers outside, from `outside` up, are those inside from `inside`
 * up. (Mind: the files of /proc and newuidmap(1) want `inside` first.) */
struct id_map {
  unsigned outside, inside, count;
};

enum { ID_MAPS = 16 };

/* Who is who in a user namespace. */
struct id_maps {
  struct id_map uid[ID_MAPS], gid[ID_MAPS];
  size_t uids, gids;  /* how many of each are there */
};

/* Give the user namespace of the process `pid`, a child of ours, these maps. A
 * caller with privilege writes them himself. One without may do so only for one
 * number, his own, and only after he has forbidden setgroups(2) in there; what
 * else he asks for is done by newuidmap(1) and newgidmap(1), which look whether
 * it is in his ranges of subuid(5) and subgid(5). Where setgroups(2) need not
 * be forbidden, it is not. Returns 0, or -1 with errno: EPERM if the numbers
 * are not his to give, ENOENT if the helper is needed and not installed, EINVAL
 * for a map that overlaps or is empty. Source: user_namespaces(7), "User and
 * group ID mappings"; newuidmap(1). */
int user_map(pid_t pid, const struct id_maps *maps);

/* In the child, after somebody mapped us: become user 0 and group 0, in no
 * other group (if groups may be set here; where setgroups(2) is forbidden, they
 * stay). Returns 0, or -1 with errno: EINVAL if 0 is not mapped. Source:
 * user_namespaces(7); setresuid(2); setgroups(2). */
int user_become_root(void);

/* ---- 2.5 hide: hide.c ---- */

/* Hide `path` in `root`: a directory is empty and read-only from now on (a
 * tmpfs), anything else is the host's /dev/null (we have not pivoted yet). A
 * path that is not there needs no hiding, and is no failure. Whatever links lie
 * in `root`, nothing outside it is covered. Returns 0, or -1 with errno: ENODEV
 * if what is called /dev/null is not the device 1,3. Source: mount(2), MS_BIND;
 * null(4). */
int hide(int root, const char *path);

/* Make `path` in `root` read-only, with all that is mounted below it; the other
 * flags of these mounts stay, and what can be written outside stays so there. A
 * path that is not there is no failure. Whatever links lie in `root`, nothing
 * outside it is touched. Returns 0, or -1 with errno. Source: mount_setattr(2),
 * AT_RECURSIVE; common/mount.h for open_tree and move_mount. */
int hide_writing(int root, const char *path);

/* Show the host's `source`, a directory (with all that is mounted below it) or
 * something else, as `path` in `root`: with nosuid, nodev and noexec, and
 * read-only if `readonly`, on every mount of it, from the moment it can be
 * seen. What is missing of `path` is made (target_in_root). Whatever links lie
 * in `root`, nothing outside it is covered. Returns 0, or -1 with errno; ENOENT
 * if `source` is not there, and then nothing is made. Source: mount_setattr(2);
 * common/mount.h for open_tree and move_mount. */
int bind_in(int root, const char *source, const char *path, bool readonly);

/* ---- 2.6 wires: net.c ---- */

/* Set the link `name` of our network namespace up ("lo", "eth0"). Returns 0, or
 * -1 with errno: ENODEV if there is none. Source: rtnetlink(7), RTM_NEWLINK. */
int net_up(const char *name);

/* Make a pair of links, and so a wire: what goes into one comes out of the
 * other. `name` is in our network namespace, and `peer` in that of the process
 * `pid`. Returns 0, or -1 with errno: EEXIST if one of the names is taken
 * there. Source: veth(4); linux/veth.h, VETH_INFO_PEER; linux/if_link.h,
 * IFLA_*. */
int net_veth(const char *name, const char *peer, pid_t pid);

/* Give the link `name` the address `address`, in a network in which the first
 * `prefix` bits of all addresses are the same (24 for 10.1.2.x). Returns 0, or
 * -1 with errno: EEXIST if it has it already. Source: rtnetlink(7),
 * RTM_NEWADDR; linux/if_addr.h. */
int net_address(const char *name, struct in_addr address, int prefix);

/* Send what goes to no network we are in to `gateway`. Returns 0, or -1 with
 * errno: ENETUNREACH if the gateway itself is in no such network. Source:
 * rtnetlink(7), RTM_NEWROUTE; linux/rtnetlink.h, RTA_GATEWAY. */
int net_route(struct in_addr gateway);

/* One container's wire to the host. */
struct wire {
  char name[IFNAMSIZ];     /* the host's end */
  unsigned number;         /* of that link (if_nametoindex(3)); 0: none. A name may be
                              given to another link once ours is gone */
  struct in_addr address;  /* the container's end, which is called eth0 */
  struct in_addr gateway;  /* the host, as the container sees it */
  int prefix;              /* of the network that both are in */
};

/* In the parent: join the container of the child `pid` to the bridge
 * WIRE_BRIDGE. The bridge is made if it is not there, has the address
 * WIRE_NETWORK.1 with the prefix 24, and is up. The container gets the first
 * address WIRE_NETWORK.N that is free, N from 2 to 254, and the host's end of
 * its wire is called WIRE_PREFIX followed by N. The kernel refuses a second
 * link of one name: so the name is the reservation, and two who come at once
 * never get the same. Hold net_lock meanwhile. Fills *wire. On failure no link
 * is left that was not there before, but for the bridge; *wire does not matter
 * then. Returns 0, or -1 with errno: EADDRNOTAVAIL if none is free, ESRCH if
 * the child is gone. Source: linux/if_link.h, IFLA_MASTER; the kernel's networking/bridge.rst. */
int net_join(pid_t pid, struct wire *wire);

/* In the child: set up lo; and if `wire` is not NULL, give eth0 its address,
 * set it up, and make the host the way to everywhere else. Returns 0, or -1
 * with errno. */
int net_inside(const struct wire *wire);

/* Given, in wire.c. */

#define WIRE_BRIDGE "nsrun0"
#define WIRE_PREFIX "nsrun-"
#define WIRE_NETWORK "10.89.71"  /* .1 is the host, .2 to .254 the containers */

/* A lock that one process at a time can have, in this network namespace.
 * Returns a descriptor; closing it gives the lock back. -1 with errno. */
int net_lock(void);

/* In the parent: a wire between the host and the container of the child `pid`,
 * and nobody else: two addresses of 10.89.72.0/24. Fills *wire. Returns as
 * net_join. */
int wire_private(pid_t pid, struct wire *wire);

/* Take the wire off, and the bridge with the last one. The container may be
 * gone already, and its wire with it; or net_join may have failed, and there is
 * none. Returns 0, or -1 with errno. */
int wire_remove(const struct wire *wire);

/* Make a bridge called `name`; EEXIST if there is one. Put the link `name` onto
 * the bridge `bridge`. Remove the link with the number `number`, or if that is
 * 0, the one called `name`, with its other end if it is a wire; ENODEV if it is
 * gone. Return 0, or -1 with errno. In netlink.c. */
int net_bridge(const char *name);
int net_attach(const char *name, const char *bridge);
int net_delete(const char *name, unsigned number);

/* How a request to the kernel is written: see netlink.c, which has an
 * example. */

/* A message that is being written. All zero but for what nl_start puts in. */
struct nl {
  _Alignas(4) char bytes[512];
};

/* Start a message: `type` is RTM_NEWLINK and the like, `flags` are NLM_F_CREATE
 * | NLM_F_EXCL for something that shall be made and must not be there, else 0.
 * Behind the header come `size` bytes that the kernel wants for this type
 * (struct ifinfomsg, ifaddrmsg, rtmsg); returns where they are, all zero, to be
 * filled in. Source: netlink(7), rtnetlink(7). */
void *nl_start(struct nl *message, int type, int flags, size_t size);

/* Add an attribute: its type (IFLA_IFNAME and the like) and its value. */
void nl_add(struct nl *message, int type, const void *value, size_t size);
void nl_add_text(struct nl *message, int type, const char *text); /* with its NUL */
void nl_add_number(struct nl *message, int type, uint32_t number);

/* Begin an attribute that holds others; what is added from here on is in it,
 * until nl_end gets what nl_begin returned. */
struct nlattr *nl_begin(struct nl *message, int type);
void nl_end(struct nl *message, struct nlattr *begun);

/* `size` bytes more, all zero, as part of what holds them. */
void *nl_room(struct nl *message, size_t size);

/* Send it, and wait for the answer. Returns 0, or -1 with the errno that the
 * kernel answered. Leaves no message. */
int nl_send(struct nl *message);

/* ---- 2.7 enter: enter.c ---- */

/* A process whose namespaces we want to join. */
struct ns_target {
  int pidfd;  /* it, whoever gets its number after it */
  int flags;  /* CLONE_NEW... of the kinds in which it is elsewhere than we are */
};

/* Look the process `pid` up. From here on it is held by its pidfd: what is done
 * to `target` never hits another process that has got the same number
 * meanwhile. Returns 0, and then the caller closes target->pidfd; or -1 with
 * errno: ESRCH if there is no such process (any more), EINVAL if it is in no
 * namespace but ours, EACCES or EPERM if it may not be looked at. It needs
 * /proc. Source: pidfd_open(2); namespaces(7), "The /proc/[pid]/ns/
 * directory". */
int ns_open(pid_t pid, struct ns_target *target);

/* Join all namespaces of `target` that are not ours already. Only the children
 * that we have afterwards will be in its PID (and time) namespace; our root and
 * current directory are its root. Returns 0, or -1 with errno: ESRCH if the
 * process has ended, EPERM. Source: setns(2), "fd is a PID file descriptor";
 * pid_namespaces(7). */
int ns_enter(const struct ns_target *target);

#endif
