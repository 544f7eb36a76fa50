/* old-calls: bind, and then remount, mount by mount. A remount sets all flags
 * anew, so those that a mount has already must be said again:
 * /proc/self/mountinfo tells. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"
#include "file.h"

static void
door_of(int fd, char door[32])
{
  snprintf(door, 32, "/proc/self/fd/%d", fd);
}

/* The flags that are written in mountinfo as "rw,nosuid,relatime". */
static unsigned long
read_flags(const char *text)
{
  static const struct { const char *word; unsigned long flag; } all[] = {
      {"ro", MS_RDONLY}, {"nosuid", MS_NOSUID}, {"nodev", MS_NODEV},
      {"noexec", MS_NOEXEC}, {"noatime", MS_NOATIME}, {"nodiratime", MS_NODIRATIME},
      {"relatime", MS_RELATIME},
  };
  unsigned long flags = 0;
  for (; *text; text += strspn(text, ",")) {
    size_t n = strcspn(text, ",");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
      if (strlen(all[i].word) == n && strncmp(all[i].word, text, n) == 0)
        flags |= all[i].flag;
    text += n;
  }
  return flags;
}

/* Add flags to all that is mounted on `point` and below. */
static int
add_flags(const char *point, unsigned long flags)
{
  char line[2 * PATH_MAX], below[PATH_MAX], words[256];
  size_t n = strlen(point);
  FILE *file = fopen("/proc/self/mountinfo", "re");
  if (!file)
    return -1;
  int bad = 0;
  while (!bad && fgets(line, sizeof line, file))
    if (sscanf(line, "%*s %*s %*s %*s %4095s %255s", below, words) == 2 &&
        strncmp(below, point, n) == 0 && (below[n] == '/' || below[n] == '\0'))
      bad = mount(NULL, below, NULL, MS_REMOUNT | MS_BIND | read_flags(words) | flags,
                  NULL);
  fclose(file);
  return bad;
}

/* Bind what a path or a door leads to onto `target`, with flags. If those are
 * refused, take it off again. */
static int
bind_onto(const char *source, int target, unsigned long flags)
{
  char door[32], point[PATH_MAX];
  door_of(target, door);
  ssize_t n = readlink(door, point, sizeof point - 1);
  if (n < 0)
    return fail("the path of %s", door);
  point[n] = '\0';
  if (mount(source, door, NULL, MS_BIND | MS_REC, NULL) < 0)
    return fail("bind %s onto %s", source, point);
  if (flags && add_flags(point, flags) < 0) {
    int error = errno;
    umount2(point, MNT_DETACH);
    errno = error;
    return fail("set the flags of %s", point);
  }
  return 0;
}

int
hide(int root, const char *path)
{
  char door[32];
  struct stat st;
  autoclose int target = open_in_root(root, path, O_PATH, 0);
  if (target < 0 && errno == ENOENT)
    return 0;
  if (target < 0 || fstat(target, &st) < 0)
    return fail("look at %s", path);
  if (S_ISDIR(st.st_mode)) {
    door_of(target, door);
    return mount("hidden", door, "tmpfs", MS_RDONLY, "mode=555") < 0
               ? fail("cover %s", path)
               : 0;
  }
  autoclose int null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (null < 0 || fstat(null, &st) < 0)
    return fail("look at /dev/null");
  if ((st.st_mode & S_IFMT) != S_IFCHR || major(st.st_rdev) != 1 ||
      minor(st.st_rdev) != 3)
    return refuse(ENODEV, "/dev/null is something else");
  door_of(null, door);
  return bind_onto(door, target, 0);
}

int
hide_writing(int root, const char *path)
{
  char door[32];
  autoclose int target = open_in_root(root, path, O_PATH, 0);
  if (target < 0)
    return errno == ENOENT ? 0 : fail("look at %s", path);
  door_of(target, door);
  return bind_onto(door, target, MS_RDONLY);
}

int
bind_in(int root, const char *source, const char *path, bool readonly)
{
  struct stat st;
  if (stat(source, &st) < 0)
    return fail("look at %s", source);
  autoclose int target = target_in_root(root, path, !S_ISDIR(st.st_mode));
  if (target < 0)
    return fail("the target %s", path);
  return bind_onto(source, target, MS_NOSUID | MS_NODEV | MS_NOEXEC |
              (readonly ? MS_RDONLY : 0));
}
