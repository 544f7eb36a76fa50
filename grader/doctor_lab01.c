/* doctor_lab01.c - what lab01 needs of the machine. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clean.h"
#include "doctor.h"
#include "fail.h"
#include "file.h"

static int
try_chroot(void)
{
  struct stat outside, inside;
  if (stat("/usr", &outside) < 0 || chdir("/usr") < 0)
    return fail("chdir /usr");
  bool done = chroot(".") == 0;
  if (!done && enter(0) < 0)
    return -1;
  if (!done && chroot(".") < 0)
    return fail("chroot");
  return stat("/..", &inside) < 0 || inside.st_ino != outside.st_ino
             ? refuse(EXDEV, "\"/..\" is not the new root") : 0;
}

/* A path's "/" and ".." must both end at the directory itself. */
static int
try_openat2(void)
{
  struct stat wanted, got;
  autoclose int root = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || stat("/usr/bin", &wanted) < 0)
    return fail("open /usr");
  autoclose int fd = open_in_root(root, "/../../bin", O_DIRECTORY, 0);
  if (fd < 0 || fstat(fd, &got) < 0)
    return fail("openat2 with RESOLVE_IN_ROOT");
  return got.st_ino == wanted.st_ino && got.st_dev == wanted.st_dev
             ? 0 : refuse(EXDEV, "openat2 left the directory");
}

/* Whichever way lab01's furnish would take, and then the device must work. */
static int
try_devices(void)
{
  static const char null[] = "/tmp/null";
  if (enter_private_tmp() < 0)
    return -1;
  bool made = mknod(null, S_IFCHR | 0666, makedev(1, 3)) == 0;
  if (!made && (mknod(null, S_IFREG | 0666, 0) < 0 ||
                mount("/dev/null", null, NULL, MS_BIND, NULL) < 0))
    return fail("bind /dev/null onto a file");
  NOTE("%s", made ? "by mknod(2)" : "by bind mounts");
  autoclose int fd = open(null, O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, "x", 1) != 1 ? fail("write to the device") : 0;
}

/* Raise one set, lower another, forbid the way back: capabilities(7). */
static int
try_capabilities(void)
{
  cap_value_t keep = CAP_NET_BIND_SERVICE;
  if (enter(0) < 0)
    return -1;
  cap_t caps = cap_get_proc();
  bool good = caps &&
              cap_set_flag(caps, CAP_INHERITABLE, 1, &keep, CAP_SET) == 0 &&
              cap_set_proc(caps) == 0 &&
              cap_set_ambient(keep, CAP_SET) == 0 &&
              cap_drop_bound(CAP_SYS_MODULE) == 0 &&
              prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0;
  cap_free(caps);
  return good ? 0 : fail("raise and drop capabilities");
}

static int
try_close_range(void)
{
  enum { MARK_CLOEXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
  int fd = fcntl(0, F_DUPFD, 3);
  if (syscall(SYS_close_range, 3U, ~0U, MARK_CLOEXEC) == 0 &&
      (fd < 0 || fcntl(fd, F_GETFD) == FD_CLOEXEC))
    return 0;
  outcome->verdict = NEEDLESS;
  NOTE("%s (lab01 can do without)", strerror(errno));
  return 0;
}

/* The first number behind all that `file` gives away: subuid(5). */
static unsigned
first_free(const char *file, unsigned least)
{
  char line[512];
  unsigned first, count;
  FILE *stream = fopen(file, "re");
  while (stream && fgets(line, sizeof line, stream))
    if (sscanf(line, "%*[^:]:%u:%u", &first, &count) == 2 &&
        first + count > least)
      least = first + count;
  if (stream)
    fclose(stream);
  return least;
}

/* A file can be given away in a cage only to a number that is mapped there. */
static int
try_numbers(void)
{
  struct passwd *user = getpwuid(getuid());
  unsigned free = first_free("/etc/subuid", first_free("/etc/subgid", 100000));
  if (run_caged("true") < 0)
    return refuse(EPERM, "it takes a cage, see above");
  if (run_caged("> /tmp/x && chown 65534:65534 /tmp/x") == 0)
    return 0;
  return refuse(ENOENT, "none are yours in /etc/subuid and /etc/subgid (mend "
                "it: sudo usermod --add-subuids %u-%u --add-subgids %u-%u %s)",
                free, free + 65535, free, free + 65535,
                user ? user->pw_name : "USER");
}

const struct trial lab01_trials[] = {
    {"chroot(2)", try_chroot, "lab01: 1.1 1.5 1.6 1.7", REAL_KERNEL},
    {"openat2(2)", try_openat2, "lab01: 1.3 1.4; lab02: 2.3 2.5", NEWER_KERNEL},
    {"device files", try_devices, "lab01: 1.4; lab02: 2.3", REAL_KERNEL},
    {"ambient capabilities", try_capabilities, "lab01: 1.6", REAL_KERNEL},
    {"numbers of other users", try_numbers, "lab01: 1.6; lab02: 2.4", NULL},
    {"close_range(2)", try_close_range, NULL, NULL},
    {0},
};
