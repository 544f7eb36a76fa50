/* check_root.c - 2.3, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check_lab02.h"
#include "inside.h"
#include "process.h"

static void
mount_tmpfs(const char *path)
{
  mount_or_end("test", path, "tmpfs", 0);
}

static int
open_dir(const char *path)
{
  return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Do two paths lead to the same file? */
static bool
same_file(const char *a, const char *b)
{
  struct stat one, other;
  return stat(a, &one) == 0 && stat(b, &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* The device of the file system that `path` is in, or 0. */
static dev_t
device_of(const char *path)
{
  struct stat st;
  return stat(path, &st) < 0 ? 0 : st.st_dev;
}

/* The bodies set it before they call the student's function. */
enum { MASK = 077 };

static void
expect_umask(pid_t pid, const char *call)
{
  char expected[128];
  unsigned got = status_number(pid, "Umask", 8);
  snprintf(expected, sizeof expected, "after %s the caller's umask is as before "
           "(%03o, in /proc/PID/status)", call, MASK);
  EXPECT(got == MASK, expected, "%03o", got);
}

/* ---- root_private ---- */

static void
make_private(struct answer *a, const void *arg)
{
  (void)arg;
  student_answer(a, STUDENT(root_private)());
  mount_tmpfs(at("shared/inside"));
  mount_tmpfs(at("shared/deep/inside"));
}

START_TEST(test_private)
{
  static const char *const places[] = {"shared", "shared/deep"};
  char name[64];
  make_dir("slave", 0755);
  for (size_t i = 0; i < 2; i++) {
    mount_tmpfs(make_dir(places[i], 0755));
    ck_assert_int_eq(mount(NULL, at(places[i]), NULL, MS_SHARED, NULL), 0);
    snprintf(name, sizeof name, "%s/inside", places[i]);
    make_dir(name, 0755);
    snprintf(name, sizeof name, "%s/outside", places[i]);
    make_dir(name, 0755);
  }
  ck_assert_int_eq(mount(at("shared"), at("slave"), NULL, MS_BIND, NULL), 0);
  ck_assert_int_eq(mount(NULL, at("slave"), NULL, MS_SLAVE, NULL), 0);
  pid_t pid = student_start(make_private, NULL);
  expect_success(student_said(), "root_private");

  const struct mount_table *theirs = mounts_of(pid);
  for (size_t i = 0; i < theirs->count; i++)
    EXPECT(!strstr(theirs->lines[i].tags, "shared:") &&
           !strstr(theirs->lines[i].tags, "master:"), "no mount is shared with "
           "others, nor a slave of others, in /proc/PID/mountinfo", "%s: %s",
           theirs->lines[i].point, theirs->lines[i].tags);
  for (size_t i = 0; i < 2; i++) {
    snprintf(name, sizeof name, "%s/inside", places[i]);
    EXPECT(!mount_on(mounts_of(getpid()), at(name)), "what is mounted inside "
           "afterwards does not show outside", "%s does", name);
    snprintf(name, sizeof name, "%s/outside", places[i]);
    mount_tmpfs(at(name));
    EXPECT(!mount_on(mounts_of(pid), at(name)), "what is mounted outside afterwards "
           "does not show inside", "%s does", name);
  }
  student_end(pid);
  umount2(at("slave"), MNT_DETACH);
  umount2(at("shared"), MNT_DETACH);
}
END_TEST

/* ---- root_open ---- */

static void
open_root(struct answer *a, const void *path)
{
  int fd = STUDENT(root_open)(path);
  student_answer(a, fd < 0 ? fd : 0);
  if (fd >= 0)
    snprintf(a->text, sizeof a->text, "%d", fd);
}

START_TEST(test_open)
{
  char path[PATH_MAX];
  const char *root = make_dir("root", 0755);
  mount_tmpfs(make_dir("root/below", 0755));
  make_text("root/below/file", "from below", 0644);
  make_text("root/file", "from ROOT", 0644);
  pid_t pid = student_start(open_root, root);
  expect_success(student_said(), "root_open");
  int fd = atoi(student_said()->text);

  const struct mount_line *m = expect_mount(pid, root, NULL, "");
  long id = fd_info(pid, fd, "mnt_id:", 10), flags = fd_info(pid, fd, "flags:", 8);
  EXPECT(id == m->id, "the descriptor is of the new mount (mnt_id in "
         "/proc/PID/fdinfo, and the number in mountinfo)", "%ld, not %d", id, m->id);
  EXPECT(flags & O_PATH && flags & O_CLOEXEC, "a descriptor with O_PATH and "
         "O_CLOEXEC", "flags %#lo", flags);
  snprintf(path, sizeof path, "/proc/%d/fd/%d/file", pid, fd);
  EXPECT(strcmp(contents(path), "from ROOT") == 0, "the files of ROOT are in it",
         "%s", contents(path));
  snprintf(path, sizeof path, "/proc/%d/fd/%d/below/file", pid, fd);
  EXPECT(strcmp(contents(path), "from below") == 0, "what is mounted below ROOT "
         "comes along", "%s", contents(path));
  student_end(pid);
  umount2(at("root/below"), MNT_DETACH);
}
END_TEST

START_TEST(test_open_errors)
{
  expect_errno(student_call(open_root, at("nowhere")), "root_open(what is not there)",
               ENOENT);
  expect_errno(student_call(open_root, make_text("file", "x", 0644)),
               "root_open(a file)", ENOTDIR);
}
END_TEST

/* ---- root_kernel ---- */

static void
mount_kernel(struct answer *a, const void *path)
{
  int root = open_dir(path);
  umask(MASK);
  student_answer(a, STUDENT(root_kernel)(root));
}

/* The proc on `point` is that of the PID namespace of `pid`, where this is
 * 1. */
static void
expect_own_proc(pid_t pid, const char *point)
{
  char path[PATH_MAX], ours[64];
  expect_mount(pid, point, "proc", "nosuid,nodev,noexec");
  snprintf(path, sizeof path, "%s/1/ns/pid", through(pid, point));
  snprintf(ours, sizeof ours, "%s", proc_link(pid, "ns/pid"));
  EXPECT(strcmp(target(path), ours) == 0, "the new /proc shows the processes of the "
         "PID namespace that the caller is in", "its process 1 is in %s, not in %s",
         target(path), ours);
}

static void
expect_own_sys(pid_t pid, const char *point)
{
  expect_mount(pid, point, "sysfs", "ro,nosuid,nodev,noexec");
  EXPECT(device_of(through(pid, point)) != device_of("/sys"), "the new /sys is that "
         "of the network namespace that the caller is in", "it is the host's /sys");
}

START_TEST(test_kernel)
{
  const char *root = make_dir("root", 0755);
  pid_t pid = inside(CLONE_NEWPID | CLONE_NEWNET, mount_kernel, root);
  expect_success(student_said(), "root_kernel, in a ROOT without /proc and /sys,");
  expect_own_proc(pid, at("root/proc"));
  expect_own_sys(pid, at("root/sys"));
  expect_mounts_only_in(pid, root);
  expect_umask(pid, "root_kernel");
  inside_end();
}
END_TEST

START_TEST(test_kernel_of_host)
{
  pid_t pid = inside(CLONE_NEWPID | CLONE_NEWNET, mount_kernel, "/");
  expect_success(student_said(), "root_kernel(a descriptor of \"/\")");
  expect_own_proc(pid, "/proc");
  expect_own_sys(pid, "/sys");
  inside_end();
}
END_TEST

START_TEST(test_kernel_busy)
{
  /* In the host's network namespace the kernel mounts no second sysfs onto the
   * same place: EBUSY. */
  struct statvfs st;
  pid_t pid = inside(CLONE_NEWPID, mount_kernel, "/");
  expect_success(student_said(), "root_kernel(a descriptor of \"/\"), in the host's "
                 "network,");
  expect_own_proc(pid, "/proc");
  expect_mount(pid, "/sys", NULL, "ro,nosuid,nodev,noexec");
  EXPECT(statvfs(through(pid, "/sys/fs/cgroup"), &st) < 0 || st.f_flag & ST_RDONLY,
         "what is mounted below /sys is read-only, too", "/sys/fs/cgroup can be "
         "written");
  inside_end();
}
END_TEST

/* A /sys with something mounted below it. */
static void
mount_kernel_over_sys(struct answer *a, const void *path)
{
  mount_tmpfs("/sys");
  mkdir("/sys/below", 0755);
  mount_tmpfs("/sys/below");
  mkdir("/sys/below/mark", 0755);
  mount_kernel(a, path);
}

START_TEST(test_kernel_borrowed)
{
  static const char *const points[] = {"root/sys", "root/sys/below"};
  char path[PATH_MAX];
  const char *root = make_dir("root", 0755);
  /* A user namespace, and not its network: the kernel gives no sysfs. */
  pid_t pid = inside(CLONE_NEWUSER | CLONE_NEWPID, mount_kernel_over_sys, root);
  expect_success(student_said(), "root_kernel, in a user namespace and the host's "
                 "network,");
  expect_own_proc(pid, at("root/proc"));
  for (size_t i = 0; i < 2; i++)
    expect_mount(pid, at(points[i]), "tmpfs", "ro,nosuid,nodev,noexec");
  snprintf(path, sizeof path, "%s/mark", through(pid, at("root/sys/below")));
  EXPECT(access(path, F_OK) == 0, "the /sys that was there is in ROOT, with all "
         "that is mounted below it", "something below it is missing");
  const struct mount_line *sys = mount_on(mounts_of(pid), "/sys");
  EXPECT(sys && has_word(sys->flags, "rw"), "the /sys that was there stays as it is",
         "%s", sys ? sys->flags : "it is gone");
  inside_end();
}
END_TEST

static void
mount_all(struct answer *a, const void *path)
{
  int root = open_dir(path);
  if (STUDENT(root_kernel)(root) == 0 && STUDENT(root_devices)(root) == 0)
    STUDENT(root_tmpfs)(root, "/run");
  student_answer(a, 0); /* success or failure are both right */
}

START_TEST(test_planted_links)
{
  /* What leads out of ROOT: up, by a path that is on the host only, and by one
   * that is there on both sides. */
  static const char *const names[] = {"proc", "sys", "dev", "run"};
  static const char *const formats[] = {"../../../../..%s", "%s", "%s"};
  char link[64], to[PATH_MAX], twin[PATH_MAX], name[32];
  make_dir("outside", 0755);
  for (size_t i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "root%zu", i);
    const char *root = make_dir(name, 0755);
    if (i == 2) {
      snprintf(twin, sizeof twin, "%s%s", root, at("outside"));
      char *mkdir_p[] = {"mkdir", "-p", twin, NULL};
      run_program(mkdir_p, NULL, 0);
    }
    for (size_t j = 0; j < 4; j++) {
      snprintf(link, sizeof link, "%s/%s", name, names[j]);
      snprintf(to, sizeof to, formats[i], at("outside"));
      ck_assert_int_eq(symlink(to, at(link)), 0);
    }
    pid_t pid = inside(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC, mount_all, root);
    student_said();
    expect_mounts_only_in(pid, root);
    inside_end();
    int count = count_entries(at("outside"));
    EXPECT(count == 0, "a link that lies in ROOT leads nothing out of it",
           "%d files were made through a link to %s", count, to);
  }
}
END_TEST

/* ---- root_devices ---- */

static void
mount_devices(struct answer *a, const void *path)
{
  int root = open_dir(path);
  umask(MASK);
  student_answer(a, STUDENT(root_devices)(root));
}

/* The path by which we reach ROOT/dev/NAME of `pid`. */
static const char *
dev(pid_t pid, const char *name)
{
  static char path[4][PATH_MAX];
  static int next;
  char *whole = path[next++ % 4];
  snprintf(whole, PATH_MAX, "%s/%s", through(pid, at("root/dev")), name);
  return whole;
}

/* The nine devices' numbers and modes, and whether each is made or borrowed. */
static void
expect_devices(pid_t pid, bool borrowed)
{
  static const struct { const char *name; unsigned major, minor; } devices[] = {
      {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
      {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
  };
  struct stat st, host;
  char name[64];
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
    const char *path = dev(pid, devices[i].name);
    EXPECT(lstat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == makedev(devices[i].major, devices[i].minor),
           "ROOT/dev has the devices null zero full random urandom tty", "%s: %s",
           devices[i].name, lstat(path, &st) < 0 ? strerror(errno)
                                                 : "not a device of these numbers");
    snprintf(name, sizeof name, "root/dev/%s", devices[i].name);
    bool bound = mount_on(mounts_of(pid), at(name));
    EXPECT(bound == borrowed,
           borrowed ? "where nobody may make a device, the host's own is bound onto a file"
                    : "where devices may be made, they are made",
           "ROOT/dev/%s is %s", devices[i].name, bound ? "bound" : "no mount");
    snprintf(name, sizeof name, "/dev/%s", devices[i].name);
    mode_t mode = borrowed && stat(name, &host) == 0 ? host.st_mode & 0777 : 0666;
    EXPECT((st.st_mode & 07777) == mode, "devices for everyone, whatever the umask "
           "(0666)", "%04o: ROOT/dev/%s, under umask 077", st.st_mode & 07777,
           devices[i].name);
  }
}

static void
expect_devices_work(pid_t pid)
{
  static const char *const names[] = {"null", "zero", "urandom", "full"};
  char bytes[4] = "abc";
  int fd[4];
  for (size_t i = 0; i < 4; i++) {
    fd[i] = open(dev(pid, names[i]), O_RDWR | O_CLOEXEC);
    EXPECT(fd[i] >= 0, "the devices can be used", "opening ROOT/dev/%s: %s",
           names[i], strerror(errno));
  }
  EXPECT(read(fd[0], bytes, 4) == 0 && write(fd[0], bytes, 4) == 4 &&
         read(fd[2], bytes, 4) == 4 && read(fd[1], bytes, 4) == 4 &&
         memcmp(bytes, "\0\0\0", 4) == 0, "the devices work", "null, zero or "
         "urandom do not");
  EXPECT(write(fd[3], bytes, 4) < 0 && errno == ENOSPC, "the devices work",
         "full takes bytes");
  for (size_t i = 0; i < 4; i++)
    close(fd[i]);
}

/* Terminals of its own: one that is made there is there, and not here. */
static void
expect_terminals(pid_t pid)
{
  struct stat st;
  int zero = 0;
  const struct mount_line *pts = expect_mount(pid, at("root/dev/pts"), "devpts",
                                              "nosuid,noexec");
  EXPECT(has_words(pts->more, "mode=620,ptmxmode=666"), "devpts with mode=0620 and "
         "ptmxmode=0666", "%s", pts->more);
  EXPECT(device_of(dev(pid, "pts")) != device_of("/dev/pts"), "ROOT/dev/pts is a "
         "new instance, with no terminal of the host in it", "it is the host's");
  int master = open(dev(pid, "pts/ptmx"), O_RDWR | O_NOCTTY | O_CLOEXEC);
  EXPECT(master >= 0 && ioctl(master, TIOCSPTLCK, &zero) == 0, "a terminal can be "
         "made through ROOT/dev/pts/ptmx", "%s", strerror(errno));
  EXPECT(stat(dev(pid, "pts/0"), &st) == 0, "it is in ROOT/dev/pts", "it is not");
  close(master);
}

static void
expect_dev(pid_t pid, bool borrowed, const char *queue)
{
  static const char *const links[][2] = {
      {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
      {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
      {"ptmx", "pts/ptmx"},
  };
  struct stat st;
  const struct mount_line *m = expect_mount(pid, at("root/dev"), "tmpfs", "nosuid");
  EXPECT(!has_word(m->flags, "nodev"), "devices in ROOT/dev can be opened", "it is "
         "mounted with nodev");
  ck_assert_int_eq(stat(dev(pid, "."), &st), 0);
  EXPECT((st.st_mode & 07777) == 0755, "ROOT/dev has the mode 0755, whatever the "
         "umask", "%04o under umask 077", st.st_mode & 07777);
  expect_devices(pid, borrowed);
  expect_devices_work(pid);
  for (size_t i = 0; i < 5; i++)
    EXPECT(strcmp(target(dev(pid, links[i][0])), links[i][1]) == 0, "ROOT/dev has "
           "the links fd, stdin, stdout, stderr and ptmx", "%s -> %s, not %s",
           links[i][0], target(dev(pid, links[i][0])), links[i][1]);
  expect_terminals(pid);

  expect_mount(pid, at("root/dev/shm"), "tmpfs", "nosuid,nodev");
  ck_assert_int_eq(stat(dev(pid, "shm"), &st), 0);
  EXPECT((st.st_mode & 07777) == 01777, "ROOT/dev/shm has the mode 1777, whatever "
         "the umask", "%04o", st.st_mode & 07777);
  expect_mount(pid, at("root/dev/mqueue"), "mqueue", "nosuid,nodev,noexec");
  char path[64];
  snprintf(path, sizeof path, "mqueue%s", queue);
  EXPECT(access(dev(pid, path), F_OK) < 0, "ROOT/dev/mqueue shows the queues of the "
         "IPC namespace that the caller is in", "a queue of the host is in it");
}

/* A message queue of the host, with a name that nobody can know. */
static const char *
make_queue(void)
{
  static char name[32];
  snprintf(name, sizeof name, "/%s", strrchr(scratch(), '/') + 1);
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, NULL);
  ck_assert_msg(queue != (mqd_t)-1, "the test cannot make a message queue: %s",
                strerror(errno));
  mq_close(queue);
  return name;
}

START_TEST(test_devices)
{
  const char *root = make_dir("root", 0755), *queue = make_queue();
  bool allowed = mknod(at("try"), S_IFCHR | 0600, makedev(1, 3)) == 0;
  pid_t pid = inside(CLONE_NEWIPC, mount_devices, root);
  expect_success(student_said(), "root_devices, in a ROOT without /dev,");
  expect_dev(pid, !allowed, queue);
  expect_mounts_only_in(pid, root);
  expect_umask(pid, "root_devices");
  inside_end();
  mq_unlink(queue);
}
END_TEST

START_TEST(test_devices_borrowed)
{
  const char *root = make_dir("root", 0755), *queue = make_queue();
  pid_t pid = inside(CLONE_NEWUSER | CLONE_NEWIPC, mount_devices, root);
  expect_success(student_said(), "root_devices, in a user namespace,");
  expect_dev(pid, true, queue);
  inside_end();
  mq_unlink(queue);
}
END_TEST

START_TEST(test_devices_hide_old)
{
  /* ROOT may be shared, and its /dev full of what somebody else has put
   * there. */
  const char *root = make_dir("root", 0755);
  make_dir("root/dev", 0700);
  make_text("root/dev/null", "no device", 0600);
  ck_assert_int_eq(symlink("/nowhere", at("root/dev/pts")), 0);
  make_text("root/dev/shm", "no directory", 0600);
  pid_t pid = inside(CLONE_NEWIPC, mount_devices, root);
  expect_success(student_said(), "root_devices, in a ROOT whose /dev has other "
                 "files,");
  struct stat st;
  EXPECT(stat(dev(pid, "null"), &st) == 0 && S_ISCHR(st.st_mode), "a new /dev, "
         "whatever was in the old one", "ROOT/dev/null is no device");
  inside_end();
  EXPECT(strcmp(contents(at("root/dev/null")), "no device") == 0 &&
         count_entries(at("root/dev")) == 3, "the old ROOT/dev is covered, and "
         "stays as it was", "it was changed");
}
END_TEST

/* What the kernel may refuse, and how it is told from the rest: a mount by its
 * flags. Those of mount(2) and of fsmount(2) are the same here. */
static const struct refusal {
  const char *what;
  uint32_t flags;   /* 0: no mount */
  long calls[2];
} refusals[] = {
    {"a device", 0, {SYS_mknodat,
#ifdef SYS_mknod
                     SYS_mknod
#endif
                    }},
    {"a link", 0, {SYS_symlinkat,
#ifdef SYS_symlink
                   SYS_symlink
#endif
                  }},
    {"/dev/pts", MS_NOSUID | MS_NOEXEC, {0}},
    {"/dev/shm", MS_NOSUID | MS_NODEV, {0}},
    {"/dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, {0}},
};

static void
refused_devices(struct answer *a, const void *arg)
{
  enum { FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC };
  const struct refusal *r = arg;
  for (size_t i = 0; i < 2; i++)
    if (r->calls[i])
      refuse_call(r->calls[i], 0, 0, 0);
  if (r->flags) {
    refuse_call(SYS_mount, 3, FLAGS, r->flags);
    refuse_call(SYS_fsmount, 2, FLAGS, r->flags);
  }
  mount_devices(a, at("root"));
}

/* Whoever gets there in another way, and has all of it, may return 0. */
static bool
has_all_devices(pid_t pid, bool borrowed)
{
  static const char *const names[] = {"null", "zero", "full", "random", "urandom",
                                      "tty", "fd", "stdin", "stdout", "stderr",
                                      "ptmx"};
  struct stat st;
  const struct mount_table *table = mounts_of(pid);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (lstat(dev(pid, names[i]), &st) < 0)
      return false;
  return mount_on(table, at("root/dev/pts")) && mount_on(table, at("root/dev/shm")) &&
         mount_on(table, at("root/dev/mqueue")) &&
         (borrowed || !mount_on(table, at("root/dev/null")));
}

START_TEST(test_devices_refused)
{
  char call[128];
  make_dir("root", 0755);
  bool allowed = mknod(at("try"), S_IFCHR | 0600, makedev(1, 3)) == 0;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    pid_t pid = inside(CLONE_NEWIPC, refused_devices, &refusals[i]);
    snprintf(call, sizeof call, "root_devices, where the kernel refuses %s with EIO,",
             refusals[i].what);
    if (student_said()->value != 0 || !has_all_devices(pid, !allowed))
      expect_errno(student_said(), call, EIO);
    inside_end();
  }
}
END_TEST

/* ---- root_tmpfs ---- */

static void
mount_tmp(struct answer *a, const void *path)
{
  int root = open_dir(at("root"));
  umask(MASK);
  student_answer(a, STUDENT(root_tmpfs)(root, path));
}

START_TEST(test_tmpfs)
{
  static const char *const paths[] = {"/full", "/new/and/deep"};
  char name[64];
  struct stat st;
  const char *root = make_dir("root", 0755);
  make_dir("root/full", 0700);
  make_text("root/full/file", "old", 0644);
  for (size_t i = 0; i < 2; i++) {
    pid_t pid = student_start(mount_tmp, paths[i]);
    expect_success(student_said(), i ? "root_tmpfs(a path that is not there)"
                                     : "root_tmpfs(a directory)");
    snprintf(name, sizeof name, "root%s", paths[i]);
    expect_mount(pid, at(name), "tmpfs", "nosuid,nodev,rw");
    ck_assert_int_eq(stat(through(pid, at(name)), &st), 0);
    EXPECT((st.st_mode & 07777) == 01777, "the tmpfs has the mode 1777, whatever "
           "the umask", "%04o", st.st_mode & 07777);
    int count = count_entries(through(pid, at(name)));
    EXPECT(count == 0, "the tmpfs is empty", "%d entries", count);
    expect_mounts_only_in(pid, root);
    expect_umask(pid, "root_tmpfs");
    student_end(pid);
  }
  EXPECT(strcmp(contents(at("root/full/file")), "old") == 0, "what it covers stays "
         "as it was", "%s", contents(at("root/full/file")));
}
END_TEST

/* ---- root_pivot ---- */

/* What root_private and root_open would have done. */
static int
bind_root(const char *path)
{
  mount_or_end(NULL, "/", NULL, MS_REC | MS_PRIVATE);
  mount_or_end(path, path, NULL, MS_BIND | MS_REC);
  return open_dir(path);
}

static void
pivot(struct answer *a, const void *path)
{
  int root = bind_root(path);
  const struct mount_line *old = mount_on(mounts_of(getpid()), "/");
  int parent = old ? old->parent : 0;
  if (root < 0 || chdir("/usr") < 0)
    _exit(99);
  student_answer(a, STUDENT(root_pivot)(root));
  if (a->value == 0)
    snprintf(a->text, sizeof a->text, "%d", parent);
}

/* In the whole mount namespace there is ROOT, and the mounts of `expected`,
 * words with blanks between them; no other. */
static void
expect_only_root(pid_t pid, const char *expected)
{
  const struct mount_table *table = mounts_of_namespace(pid);
  char word[600], words[1024];
  snprintf(words, sizeof words, " / %s ", expected);
  for (size_t i = 0; i < table->count; i++) {
    snprintf(word, sizeof word, " %s ", table->lines[i].point);
    EXPECT(strstr(words, word), "the mount namespace holds ROOT and what is mounted "
           "in it, and nothing of the host's root", "%s (of type %s) and %zu others",
           table->lines[i].point, table->lines[i].type, table->count - 1);
  }
  EXPECT(mount_on(table, "/"), "ROOT is the root of the mount namespace", "nothing "
         "is");
  EXPECT(same_file(through(pid, "/"), at("root")), "the root directory is ROOT, as "
         "/proc/PID/root shows it from outside", "another one");
  char cwd[64];
  snprintf(cwd, sizeof cwd, "/proc/%d/cwd", pid);
  EXPECT(same_file(cwd, at("root")), "the current directory is \"/\" of the new "
         "root, as /proc/PID/cwd shows it from outside", "it is another directory");
}

static void
expect_pivoted(unsigned long flags)
{
  const char *root = make_dir("root", 0755);
  mount_tmpfs(make_dir("root/below", 0755));
  size_t before = mounts_of(getpid())->count;
  pid_t pid = inside(flags, pivot, root);
  expect_success(student_said(), flags ? "root_pivot, in a user namespace,"
                                       : "root_pivot");
  expect_only_root(pid, "/below");
  /* Moved onto the old root, ROOT would hide all of it, from setns(2) too; but
   * it would hang on it. */
  int parent = atoi(student_said()->text);
  const struct mount_line *new = mount_on(mounts_of(pid), "/");
  EXPECT(new && new->parent == parent, "ROOT is in the place of the old root, and "
         "does not lie on top of it (by the parent's number in /proc/PID/mountinfo)",
         "it lies on the mount %d, and the old root lay on %d", new ? new->parent : 0,
         parent);
  EXPECT(mount_on(mounts_of(pid), "/below"), "what is mounted in ROOT is still there",
         "it is gone");
  size_t after = mounts_of(getpid())->count;
  EXPECT(after == before, "the host's mounts are as before", "%zu, not %zu", after,
         before);
  int count = count_entries(root);
  EXPECT(count == 1, "nothing is left behind in ROOT, such as a directory for the "
         "old root", "%d entries, not 1", count);
  inside_end();
  umount2(at("root/below"), MNT_DETACH);
}

START_TEST(test_pivot)
{
  expect_pivoted(0);
}
END_TEST

START_TEST(test_pivot_in_user_namespace)
{
  expect_pivoted(CLONE_NEWUSER);
}
END_TEST

static void
pivot_to_directory(struct answer *a, const void *path)
{
  student_answer(a, STUDENT(root_pivot)(open_dir(path)));
}

START_TEST(test_pivot_error)
{
  const struct answer *a = student_call(pivot_to_directory, make_dir("root", 0755));
  EXPECT(a->value == -1 && a->error, "root_pivot(a directory that is no mount) "
         "returns -1 with errno", "%d", a->value);
  int count = count_entries(at("root"));
  EXPECT(count == 0, "nothing is left behind in ROOT, also after a failure",
         "%d entries", count);
}
END_TEST

/* ---- all of it ---- */

static void
do_all(struct answer *a, const void *path)
{
  a->error = 1;
  int value = STUDENT(root_private)();
  int root = value < 0 ? -1 : STUDENT(root_open)(path);
  if (root < 0)
    value = -1;
  if (value == 0)
    value = STUDENT(root_kernel)(root);
  if (value == 0)
    value = STUDENT(root_devices)(root);
  if (value == 0)
    value = STUDENT(root_tmpfs)(root, "/tmp");
  if (value == 0)
    value = STUDENT(root_pivot)(root);
  student_answer(a, value);
}

START_TEST(test_all)
{
  static const char all[] = "/proc /sys /dev /dev/pts /dev/shm /dev/mqueue /tmp";
  static const char borrowed[] = "/dev/null /dev/zero /dev/full /dev/random "
                                 "/dev/urandom /dev/tty";
  char words[256];
  make_dir("root", 0755);
  pid_t pid = inside(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC,
                     do_all, at("root"));
  expect_success(student_said(), "all six functions, one after the other, in a user "
                 "namespace: the last one");
  snprintf(words, sizeof words, "%s %s", all, borrowed);
  expect_only_root(pid, words);
  expect_own_proc(pid, "/proc");
  expect_own_sys(pid, "/sys");
  inside_end();
}
END_TEST

void
root_tests(void)
{
  student_test("2.3 makes every mount private", test_private);
  student_test("2.3 opens ROOT as a mount of its own", test_open);
  student_test("2.3 opens no ROOT that is not there, or a file", test_open_errors);
  student_test("2.3 mounts its own /proc and /sys", test_kernel);
  student_test("2.3 mounts its own /proc and /sys over the host's",
               test_kernel_of_host);
  student_test("2.3 borrows /sys, read-only, where the network is not its own",
               test_kernel_borrowed);
  student_test("2.3 borrows /sys, read-only, where the same is there already",
               test_kernel_busy);
  student_test("2.3 makes a /dev with all that belongs in it", test_devices);
  student_test("2.3 borrows devices in a user namespace", test_devices_borrowed);
  student_test("2.3 makes a new /dev whatever the old one has",
               test_devices_hide_old);
  student_test("2.3 mounts an empty tmpfs for everyone", test_tmpfs);
  student_test("2.3 mounts nothing outside of ROOT, whatever links lie in it",
               test_planted_links);
  student_test("2.3 makes ROOT the root, and lets go of the old one", test_pivot);
  student_test("2.3 makes ROOT the root in a user namespace",
               test_pivot_in_user_namespace);
  student_test("2.3 makes no root of a directory that is no mount",
               test_pivot_error);
  student_test("2.3 does all of it in a user namespace", test_all);
  student_test("2.3 makes all of /dev, or says that it cannot", test_devices_refused);
}
