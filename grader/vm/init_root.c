/* init_root.c - the guest's root directory, and the rest of its system.
 *
 *     /            overlay: the host's files below, a tmpfs above
 *     TREE         this tree, as the host has it, to be written to
 *     /tmp /run /root /dev/shm               empty, in memory
 *     /proc /sys /dev /dev/pts /sys/fs/cgroup    the guest's own
 *
 * The host's files come by 9p: QEMU does the file calls, as the user who runs
 * it. The share is read-only to QEMU itself, so that nothing in here can change
 * the host but through TREE.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "init.h"

/* A file system, and where it belongs; missing directories are made. */
struct place {
  const char *type, *path;
  unsigned long flags;  /* MS_... of mount(2) */
  const char *options;
};

/* msize is how much goes in one message: the most that the kernel's virtio
 * transport takes is about 500 kB. cache=loose: nobody changes the host's files
 * while we look. In the tree somebody may; there the cache is for mmap(2) only,
 * which linkers want. Source: the kernel's Documentation/filesystems/9p.rst. */
#define SHARE "trans=virtio,version=9p2000.L,msize=262144,cache="

/* mkdir -p. Returns 0, or -1 with errno and a message. */
static int
make_directories(const char *path)
{
  char part[WIRE_MAX + 1];
  snprintf(part, sizeof part, "%s", path);
  for (char *slash = part + 1; *slash; slash++)
    if (*slash == '/') {
      *slash = '\0';
      mkdir(part, 0755);
      *slash = '/';
    }
  if (mkdir(part, 0755) < 0 && errno != EEXIST)
    return fail("make the directory %s", path);
  return 0;
}

static int
mount_at(const char *source, const struct place *p)
{
  if (make_directories(p->path) < 0)
    return -1;
  if (mount(source, p->path, p->type, p->flags, p->options) < 0)
    return fail("mount a %s on %s", p->type, p->path);
  return 0;
}

int
init_first_mounts(void)
{
  static const struct place dev = {"devtmpfs", "/dev", MS_NOSUID, NULL};
  return mount_at("dev", &dev);
}

/* What is on top of the host's files. */
static int
system_mounts(void)
{
  static const struct place places[] = {
      {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
      {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
      {"cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
      {"devtmpfs", "/dev", MS_NOSUID, NULL},
      {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666,gid=5"},
      {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
      {"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777"},
      {"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755"},
      {"tmpfs", "/root", MS_NOSUID | MS_NODEV, "mode=700"},
  };
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (mount_at(places[i].type, &places[i]) < 0)
      return -1;
  return 0;
}

/* On other systems udev makes these; shells need them for <(...). */
static int
device_links(void)
{
  static const char *const links[][2] = {
      {"/proc/self/fd", "/dev/fd"},
      {"/proc/self/fd/0", "/dev/stdin"},
      {"/proc/self/fd/1", "/dev/stdout"},
      {"/proc/self/fd/2", "/dev/stderr"},
  };
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
      return fail("make the link %s", links[i][1]);
  return 0;
}

/* The kernel's first root cannot be unmounted, nor moved by pivot_root(2). So
 * move ours on top of it, and go there, as switch_root(8) does. */
static int
switch_root(const char *path)
{
  if (chdir(path) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
      chroot(".") < 0 || chdir("/") < 0)
    return fail("make %s the root directory", path);
  return 0;
}

int
init_root(const char *tree)
{
  static const struct place host = {"9p", "/host", MS_RDONLY, SHARE "loose"};
  static const struct place layer = {"tmpfs", "/layer", 0, "mode=755"};
  static const struct place root = {
      "overlay", "/new", 0,
      "lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work"};
  const struct place shared = {"9p", tree, MS_NOSUID | MS_NODEV, SHARE "mmap"};
  if (mount_at("root", &host) < 0 || mount_at("layer", &layer) < 0 ||
      make_directories("/layer/upper") < 0 || make_directories("/layer/work") < 0 ||
      mount_at("root", &root) < 0)
    return -1;
  umask(0); /* the modes above are meant as they are */
  if (switch_root("/new") < 0 || system_mounts() < 0 || device_links() < 0)
    return -1;
  umask(022);
  return mount_at("tree", &shared);
}

static int
loopback_up(void)
{
  autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
    return fail("set the loopback link up");
  return 0;
}

/* Give every controller to the groups below the root, which is exempt from "no
 * internal processes" (cgroups(7)). One at a time: a write that names one that
 * cannot be had gives none. */
static int
enable_controllers(void)
{
  char names[512] = "";
  autoclose int list = open("/sys/fs/cgroup/cgroup.controllers", O_RDONLY | O_CLOEXEC);
  autoclose int control =
      open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
  if (list < 0 || control < 0 || read(list, names, sizeof names - 1) < 0)
    return fail("read the list of controllers of cgroups");
  for (char *name = strtok(names, " \n"); name; name = strtok(NULL, " \n"))
    dprintf(control, "+%s", name);
  return 0;
}

/* modprobe(8) looks for modules where the host has those of another kernel, if
 * any. Without them it works, too, so nothing here is an error. */
static void
link_modules(const char *tree)
{
  struct utsname name;
  char path[128], target[WIRE_MAX + 32];
  uname(&name);
  snprintf(path, sizeof path, "/lib/modules/%s", name.release);
  snprintf(target, sizeof target, "%s/build/vm/modules", tree);
  if (access(path, F_OK) == 0 || make_directories("/lib/modules") < 0)
    return;
  (void)!symlink(target, path);
}

int
init_system(const char *tree)
{
  link_modules(tree);
  if (sethostname("vm", 2) < 0)
    return fail("set the host name");
  return loopback_up() < 0 || enable_controllers() < 0 ? -1 : 0;
}
