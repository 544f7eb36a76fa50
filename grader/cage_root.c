/* cage_root.c - a root directory of its own, made of the host's.
 *
 * overlayfs(5) stacks two directories: a lower one that is only read, and an
 * upper one that takes what is written. With the host's /usr below and an empty
 * directory in memory above, the cage sees /usr, may change anything in it, and
 * changes nothing. A file that is removed leaves a "whiteout" in the upper
 * directory: a device file 0,0 of the same name, which hides the one below.
 *
 *        the cage sees     /usr/bin  /usr/lib  /usr/evil
 *        upper (memory)                        /usr/evil
 *        lower (the host)  /usr/bin  /usr/lib
 *
 * One overlay shows one file system; it does not see what is mounted on a
 * directory of its lower one, and for an ordinary user the kernel refuses a
 * lower directory with mounts in it. So each directory that has mounts below it
 * is made by hand, and its entries are placed one by one.
 *
 * While it is being built, the new root hangs here:
 *
 *        /old    the host's root      /upper  what is written
 *        /new    the cage's root      /work   overlayfs wants one, on the same
 *                                             file system as the upper
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"
#include "file.h"

static const struct cage_root *wanted;
static struct list mounts; /* of the host: where something is mounted */
static struct list pseudo; /* the ones of those that hold no files */
static int overlays;       /* made so far, to number their work directories */

/* Is `path` below the directory `dir`, or the same? */
static bool
within(const char *path, const char *dir)
{
  size_t n = strlen(dir);
  return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Is something mounted below `path`, not counting `path` itself? */
static bool
has_mounts_below(const char *path)
{
  for (size_t i = 0; i < mounts.count; i++)
    if (within(mounts.items[i], path) && strcmp(mounts.items[i], path) != 0)
      return true;
  return false;
}

/* Read the table of the host's mounts. */
static int
read_mounts(void)
{
  static const char *const types[] = {
      "proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2",
      "debugfs", "tracefs", "securityfs", "bpf", "fusectl", "configfs",
      "pstore", "efivarfs", "autofs", "binfmt_misc", "hugetlbfs", "nsfs",
      "rpc_pipefs", "selinuxfs",
  };
  FILE *file = fopen("/proc/self/mountinfo", "re");
  if (!file)
    return fail("open /proc/self/mountinfo");
  char *line = NULL;
  size_t room = 0;
  int bad = 0;
  while (!bad && getline(&line, &room, file) > 0) {
    char path[PATH_MAX], type[64];
    const char *dash = strstr(line, " - ");
    if (!dash || sscanf(line, "%*s %*s %*s %*s %4095s", path) != 1 ||
        sscanf(dash, " - %63s", type) != 1)
      continue;
    unescape_mount(path);
    bad = list_add(&mounts, path);
    for (size_t i = 0; !bad && i < sizeof types / sizeof *types; i++)
      if (strcmp(type, types[i]) == 0)
        bad = list_add(&pseudo, path);
  }
  free(line);
  fclose(file);
  return bad;
}

/* Make the directory base/PATH and those above it, each as the host has it. */
static int
make_directories(const char *base, const char *path)
{
  char there[2 * PATH_MAX], here[2 * PATH_MAX];
  for (const char *end = path; *end;) {
    end += strspn(end, "/");
    end += strcspn(end, "/");
    struct stat st;
    snprintf(there, sizeof there, "%s%.*s", base, (int)(end - path), path);
    snprintf(here, sizeof here, "/old%.*s", (int)(end - path), path);
    if (mkdir(there, 0755) < 0) {
      if (errno == EEXIST)
        continue;
      return fail("mkdir %s", there);
    }
    /* Its owner may have no number in our user namespace. Then it is ours. */
    if (stat(here, &st) == 0 && chown(there, st.st_uid, st.st_gid) == 0)
      chmod(there, st.st_mode & 07777);
    else if (stat(here, &st) == 0)
      chmod(there, st.st_mode & 0777);
  }
  return 0;
}

/* Hide what is to be hidden below `path`: a whiteout in the upper directory,
 * put there before there is an overlay. No one inside can take it away. */
static int
add_whiteouts(const char *path)
{
  for (size_t i = 0; i < wanted->hide.count; i++) {
    const char *hidden = wanted->hide.items[i];
    char name[2 * PATH_MAX], old[2 * PATH_MAX];
    snprintf(old, sizeof old, "/old%s", hidden);
    if (!within(hidden, path) || strcmp(hidden, path) == 0 ||
        access(old, F_OK) < 0)
      continue;
    snprintf(name, sizeof name, "%s", hidden);
    *strrchr(name, '/') = '\0';
    if (make_directories("/upper", name) < 0)
      return -1;
    snprintf(name, sizeof name, "/upper%s", hidden);
    if (mknod(name, S_IFCHR, makedev(0, 0)) < 0 && errno != EEXIST)
      return fail("hide %s", hidden);
  }
  return 0;
}

/* A single file is copied, if it is small. Bound in, it would be the host's
 * file still, and root in here could have it writable again. */
static int
place_file(const char *path, off_t size)
{
  enum { SMALL = 4 << 20 };
  char old[2 * PATH_MAX], new[2 * PATH_MAX];
  snprintf(old, sizeof old, "/old%s", path);
  snprintf(new, sizeof new, "/new%s", path);
  autoclose int from = size > SMALL ? -1 : open(old, O_RDONLY | O_CLOEXEC);
  if (from < 0)
    return 0;
  autoclose int to = open(new, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  return to < 0 || copy_data(from, to) < 0 ? fail("copy %s", path) : 0;
}

/* Is this a directory that no test could do without? */
static bool
essential(const char *path)
{
  for (size_t i = 0; i < wanted->show.count; i++)
    if (within(wanted->show.items[i], path))
      return true;
  return strcmp(path, "/usr") == 0;
}

/* Look at what is hidden below `path`. When overlayfs first meets an upper
 * directory that it has not made itself, it writes a note to it (an extended
 * attribute), which changes the directory's ctime. The census would take that
 * for a change by the command; so let it happen now. */
static void
look_at_hidden(const char *path)
{
  for (size_t i = 0; i < wanted->hide.count; i++) {
    char name[2 * PATH_MAX];
    snprintf(name, sizeof name, "/new%s", wanted->hide.items[i]);
    if (within(wanted->hide.items[i], path))
      access(name, F_OK);
  }
}

static int
place_overlay(const char *path)
{
  char work[64], options[4 * PATH_MAX], new[2 * PATH_MAX];
  if (strpbrk(path, ":,\\")) /* characters with a meaning among the options */
    return essential(path) ? refuse(EINVAL, "%s: a colon, a comma or a backslash "
                                    "in the path", path) : 0;
  snprintf(work, sizeof work, "/work/%d", overlays++);
  if (mkdir(work, 0755) < 0)
    return fail("mkdir %s", work);
  if (make_directories("/upper", path) < 0 || add_whiteouts(path) < 0)
    return -1;
  snprintf(new, sizeof new, "/new%s", path);
  snprintf(options, sizeof options,
           "lowerdir=/old%s,upperdir=/upper%s,workdir=%s%s", path, path, work,
           wanted->privileged ? "" : ",userxattr");
  unsigned long flags = wanted->privileged ? 0 : MS_NODEV;
  if (mount("cage", new, "overlay", flags, options) == 0) {
    look_at_hidden(path);
    return 0;
  }
  /* Some file systems cannot be a lower directory (FAT, say). Better an empty
   * directory than the host's own. */
  return essential(path) ? fail("put an overlay over %s", path) : 0;
}

static int place(const char *path);

/* Place the entries of a directory one by one. */
static int
place_entries(const char *path)
{
  enum { MANY = 512 }; /* more mounts than this would take too long */
  char old[2 * PATH_MAX], entry[2 * PATH_MAX];
  snprintf(old, sizeof old, "/old%s", path);
  DIR *dir = opendir(old);
  if (!dir)
    return errno == EACCES ? 0 : fail("read the directory %s", path);
  int bad = 0, count = 0;
  for (struct dirent *e; !bad && (e = readdir(dir));) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
      continue;
    snprintf(entry, sizeof entry, "%s/%s", path, e->d_name);
    if (++count > MANY && !has_mounts_below(entry))
      continue;
    bad = place(entry);
  }
  closedir(dir);
  return bad;
}

/* Make `path` of the host be there in the cage. */
static int
place(const char *path)
{
  char old[2 * PATH_MAX], new[2 * PATH_MAX], target[PATH_MAX];
  struct stat st;
  snprintf(old, sizeof old, "/old%s", path);
  snprintf(new, sizeof new, "/new%s", path);
  if (list_has(&wanted->hide, path) || lstat(old, &st) < 0)
    return 0;
  if (S_ISLNK(st.st_mode)) {
    ssize_t n = readlink(old, target, sizeof target - 1);
    if (n < 0)
      return fail("read the link %s", path);
    target[n] = '\0';
    return symlink(target, new) < 0 && errno != EEXIST
               ? fail("make the link %s", path)
               : 0;
  }
  if (S_ISREG(st.st_mode))
    return place_file(path, st.st_size);
  if (!S_ISDIR(st.st_mode)) /* sockets lead to the host's servers */
    return 0;
  if (make_directories("/new", path) < 0)
    return -1;
  if (list_has(&pseudo, path))
    return 0;
  return has_mounts_below(path) ? place_entries(path) : place_overlay(path);
}

/* Is a path that shall be shown inside another one of those? */
static bool
shown_by_another(size_t which)
{
  const struct list *show = &wanted->show;
  for (size_t i = 0; i < show->count; i++)
    if (i != which && within(show->items[which], show->items[i]) &&
        (i < which || strcmp(show->items[which], show->items[i]) != 0))
      return true;
  return false;
}

/* The directories of the root, but for those that get something of their
 * own. */
static int
place_all(void)
{
  static const char *const own[] = {"/proc", "/sys", "/dev", "/tmp", "/run",
                                    "/lost+found"};
  DIR *dir = opendir("/old");
  if (!dir)
    return fail("read the root directory");
  int bad = 0;
  for (struct dirent *e; !bad && (e = readdir(dir));) {
    char path[PATH_MAX];
    bool skip = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    snprintf(path, sizeof path, "/%s", e->d_name);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
      skip = skip || strcmp(path, own[i]) == 0;
    if (!skip)
      bad = place(path);
  }
  closedir(dir);
  for (size_t i = 0; !bad && i < wanted->show.count; i++) {
    const char *path = wanted->show.items[i];
    if ((within(path, "/tmp") || within(path, "/run")) && !shown_by_another(i))
      bad = place(path);
  }
  return bad;
}

/* /dev: a few devices, terminals of our own, and the usual links. In a user
 * namespace no device can be made, so the host's own is bound onto a file. Root
 * gets fresh ones: his chmod would reach the host's. */
static int
place_devices(void)
{
  static const struct { const char *name; unsigned major, minor; } devices[] = {
      {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
      {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
  };
  static const struct { const char *name, *target; } links[] = {
      {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
      {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
      {"ptmx", "pts/ptmx"},
  };
  char old[64], new[64];
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
    snprintf(old, sizeof old, "/old/dev/%s", devices[i].name);
    snprintf(new, sizeof new, "/new/dev/%s", devices[i].name);
    mode_t type = wanted->privileged ? S_IFCHR : S_IFREG;
    if (mknod(new, type | 0666, makedev(devices[i].major, devices[i].minor)) < 0)
      return fail("make /dev/%s", devices[i].name);
    if (!wanted->privileged && mount(old, new, NULL, MS_BIND, NULL) < 0)
      return fail("bind /dev/%s", devices[i].name);
  }
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    snprintf(new, sizeof new, "/new/dev/%s", links[i].name);
    if (symlink(links[i].target, new) < 0)
      return fail("make the link /dev/%s", links[i].name);
  }
  if (mkdir("/new/dev/shm", 01777) < 0 || chmod("/new/dev/shm", 01777) < 0 ||
      mkdir("/new/dev/pts", 0755) < 0)
    return fail("make directories in /dev");
  if (mount("devpts", "/new/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
            "newinstance,ptmxmode=0666,mode=620") < 0)
    return fail("mount devpts");
  return 0;
}

/* In a user namespace nobody gets a proc of his own unless a whole one, with
 * nothing covered, is among the mounts that he has already
 * (mount_namespaces(7)). Ours will have parts that are covered. So keep a whole
 * one besides, where no path leads: in a directory of /run that another /run is
 * then mounted on. lab02 needs that. */
static int
keep_whole_proc(unsigned long flags)
{
  if (mkdir("/new/run/proc", 0) < 0 ||
      mount("proc", "/new/run/proc", "proc", flags, NULL) < 0 ||
      mount("cage", "/new/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0 ||
      mkdir("/new/run/mount", 0755) < 0)
    return fail("keep a whole proc");
  return 0;
}

/* What the kernel shows as files: processes, devices, cgroups. */
static int
place_kernel_files(void)
{
  static const char sysrq[] = "/new/proc/sysrq-trigger";
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount("proc", "/new/proc", "proc", flags, NULL) < 0)
    return fail("mount proc");
  if (wanted->host_root && keep_whole_proc(flags) < 0)
    return -1;
  /* Some hosts hide parts of /sys, and then an ordinary user may not have it.
   * The labs can do without. */
  if (mount("sysfs", "/new/sys", "sysfs", flags | MS_RDONLY, NULL) == 0 &&
      (wanted->privileged || !wanted->host_root)) /* else it is all the host's */
    mount("cgroup2", "/new/sys/fs/cgroup", "cgroup2", flags, NULL);
  if (!wanted->host_root)
    return 0;

  /* These two files of proc are the whole machine's, and root may write them:
   * kernel settings, and keys that reboot it. */
  if (mount("/new/proc/sys", "/new/proc/sys", NULL, MS_BIND, NULL) < 0 ||
      mount(NULL, "/new/proc/sys", NULL,
            MS_BIND | MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
    return fail("make /proc/sys read-only");
  if (access(sysrq, F_OK) == 0 &&
      mount("/new/dev/null", sysrq, NULL, MS_BIND, NULL) < 0)
    return fail("cover /proc/sysrq-trigger");
  return 0;
}

/* Put a file system in memory in the place of /tmp, and make it the root; the
 * host's root, with its /tmp, is then at /old. */
static int
make_scaffold(const char *options)
{
  static const char *const names[] = {"/tmp/old", "/tmp/new", "/tmp/upper",
                                      "/tmp/work"};
  /* Private: what we mount shall not appear on the host (mount_namespaces(7),
   * "Shared subtrees"). */
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return fail("make all mounts private");
  if (mount("cage", "/tmp", "tmpfs", MS_NOSUID, options) < 0)
    return fail("mount a tmpfs");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (mkdir(names[i], 0755) < 0)
      return fail("mkdir %s", names[i]);
  if (syscall(SYS_pivot_root, "/tmp", "/tmp/old") < 0)
    return fail("pivot_root");
  if (chdir("/") < 0)
    return fail("chdir /");
  return 0;
}

int
cage_root(const struct cage_root *root)
{
  static const char *const own[] = {"/new/proc", "/new/sys", "/new/dev",
                                    "/new/run", "/new/run/mount", "/new/tmp"};
  char options[64], cwd[PATH_MAX];
  wanted = root;
  if (!getcwd(cwd, sizeof cwd))
    return fail("the current directory");
  umask(0);
  snprintf(options, sizeof options, "mode=755,size=%zu", root->bytes);
  if (read_mounts() < 0 || make_scaffold(options) < 0)
    return -1;
  if (mount("cage", "/new", "tmpfs", MS_NOSUID, options) < 0)
    return fail("mount a tmpfs");
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (mkdir(own[i], 0755) < 0)
      return fail("mkdir %s", own[i]);
  chmod("/new/tmp", 01777);
  if (place_all() < 0 || place_devices() < 0 || place_kernel_files() < 0)
    return -1;

  autoclose int written = open("/upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (written < 0)
    return fail("open /upper");
  /* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the
   * new one, and is detached from there with everything that hangs below it:
   * the scaffold, and the host. */
  if (chdir("/new") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
      umount2(".", MNT_DETACH) < 0)
    return fail("pivot_root to the new root");
  if (chdir(cwd) < 0 && chdir("/") < 0)
    return fail("chdir %s", cwd);
  umask(022);
  list_free(&mounts);
  list_free(&pseudo);
  return take_fd(&written);
}
