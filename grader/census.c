/* census.c - what is there: before a test, and after it.
 *
 * The cage forgets everything, so nothing that a test leaves behind does harm
 * here. But on the student's own machine it would: a mount that hides files, a
 * daemon, a draft of a file. So the census makes a list, and a difference
 * counts as a mistake.
 *
 * It also sees every change to a file of the host, since such a change is a
 * file in the overlay's upper directory, and stays one even if it is undone.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cage.h"
#include "clean.h"
#include "fail.h"

enum { MANY = 20000 }; /* lines; a program that made more is told so anyway */

/* Add "KIND NAME", on one line whatever is in the name. */
static int
add(struct list *lines, const char *kind, const char *name)
{
  char line[2 * PATH_MAX];
  snprintf(line, sizeof line, "%s %s", kind, name);
  for (char *c = line; *c; c++)
    if (iscntrl((unsigned char)*c))
      *c = '?';
  return lines->count < MANY ? list_add(lines, line) : 0;
}

/* The walk that is going on: nftw(3) has no argument for its caller. */
static struct list *walk_lines;
static size_t walk_skip; /* bytes of each path that are the top's */

/* nftw: a file of the cage's own root. */
static int
visit_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)type;
  return ftw->level > 0 ? add(walk_lines, "file", path + walk_skip) : 0;
}

/* nftw: a file that covers one of the host's. A directory also counts when it
 * changed: whoever makes a file in it and removes it leaves no other trace, and
 * unlike the other times of a file, nobody can set this one (inode(7), "ctime"). */
static int
visit_cover(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  char line[PATH_MAX + 64];
  if (ftw->level == 0)
    return 0;
  if (type != FTW_D)
    return add(walk_lines, "change to", path + walk_skip);
  snprintf(line, sizeof line, "%s (at %ju.%09ld)", path + walk_skip,
           (uintmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
  return add(walk_lines, "change to", line);
}

static bool cage_cgroups; /* all that we see are the cage's, as cage_cgroup.c makes them */

/* nftw: a cgroup is a directory; the files in it are the kernel's. Where the cage has
 * none of its own, an ordinary user may see those of others here, which come and go
 * as they like. */
static int
visit_cgroup(const char *path, const struct stat *st, int type,
             struct FTW *ftw)
{
  bool ours = cage_cgroups || st->st_uid == geteuid();
  return type == FTW_D && ftw->level > 0 && ours
             ? add(walk_lines, "cgroup", path + walk_skip)
             : 0;
}

/* Visit what lies below `top` on the same file system. */
static int
walk(struct list *lines, const char *top,
     int (*visit)(const char *, const struct stat *, int, struct FTW *))
{
  walk_lines = lines;
  walk_skip = strcmp(top, "/") == 0 ? 0 : strlen(top);
  return nftw(top, visit, 16, FTW_PHYS | FTW_MOUNT) == 0
             ? 0
             : fail("walk through %s", top);
}

/* The cgroups. An ordinary user sees those of others come and go, and nftw(3) gives up
 * when one goes that it has just read of. Then look again. */
static int
add_cgroups(struct list *lines)
{
  cage_cgroups = access("/sys/fs/cgroup/session", F_OK) == 0;
  for (int tries = 0;; tries++) {
    autolist struct list found = {0};
    int bad = walk(&found, "/sys/fs/cgroup", visit_cgroup);
    for (size_t i = 0; !bad && i < found.count; i++)
      bad = list_add(lines, found.items[i]);
    if (!bad || errno != ENOENT || tries == 20)
      return bad;
  }
}

static int
add_mounts(struct list *lines)
{
  FILE *file = fopen("/proc/self/mountinfo", "re");
  if (!file)
    return fail("open /proc/self/mountinfo");
  char *line = NULL;
  size_t room = 0;
  int bad = 0;
  while (!bad && getline(&line, &room, file) > 0) {
    char point[PATH_MAX], name[PATH_MAX + 32];
    int id;
    if (sscanf(line, "%d %*s %*s %*s %4095s", &id, point) != 2)
      continue;
    snprintf(name, sizeof name, "%s (mount %d)", point, id);
    bad = add(lines, "mount", name);
  }
  free(line);
  fclose(file);
  return bad;
}

static int
add_links(struct list *lines)
{
  struct if_nameindex *links = if_nameindex();
  int bad = 0;
  for (struct if_nameindex *l = links; l && l->if_name && !bad; l++)
    bad = add(lines, "link", l->if_name);
  if_freenameindex(links);
  return bad;
}

int
census(int written, struct list *lines)
{
  char upper[64];
  snprintf(upper, sizeof upper, "/proc/self/fd/%d/.", written);
  if (add_mounts(lines) < 0 || add_links(lines) < 0)
    return -1;
  if (walk(lines, "/", visit_file) < 0)
    return -1;
  if (written >= 0 && walk(lines, upper, visit_cover) < 0)
    return -1;
  return access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0 ? add_cgroups(lines) : 0;
}

int
census_processes(struct list *lines)
{
  DIR *proc = opendir("/proc");
  if (!proc)
    return fail("open /proc");
  int bad = 0;
  for (struct dirent *e; !bad && (e = readdir(proc));) {
    char path[300], name[64] = "", line[128];
    if (!isdigit((unsigned char)e->d_name[0]) || atoi(e->d_name) == getpid())
      continue;
    snprintf(path, sizeof path, "/proc/%s/comm", e->d_name);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, name, sizeof name - 1) < 0)
      continue; /* it ended meanwhile */
    name[strcspn(name, "\n")] = '\0';
    snprintf(line, sizeof line, "%.20s %s", e->d_name, name);
    bad = add(lines, "process", line);
  }
  closedir(proc);
  return bad;
}
