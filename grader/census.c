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
#include <fts.h>
#include <limits.h>
#include <net/if.h>
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

/* Every file of one file system below `top`, with `top` itself left out of the
 * names; or of those only the directories that are our own. */
static int
add_files(struct list *lines, const char *kind, char *top, bool own_dirs)
{
  char *tops[] = {top, NULL};
  FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
  if (!tree)
    return fail("walk through %s", top);
  size_t skip = strcmp(top, "/") == 0 ? 0 : strlen(top);
  int bad = 0;
  for (FTSENT *e; !bad && (e = fts_read(tree));)
    if (e->fts_info != FTS_DP && e->fts_level > 0 &&
        (!own_dirs || (e->fts_info == FTS_D && e->fts_statp->st_uid == geteuid())))
      bad = add(lines, kind, e->fts_path + skip);
  fts_close(tree);
  return bad;
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
  char root[] = "/", cgroups[] = "/sys/fs/cgroup", upper[64];
  snprintf(upper, sizeof upper, "/proc/self/fd/%d/.", written);
  if (add_mounts(lines) < 0 || add_links(lines) < 0)
    return -1;
  if (add_files(lines, "file", root, false) < 0 ||
      add_files(lines, "change to", upper, false) < 0)
    return -1;
  /* A cgroup is a directory; the files in it are the kernel's. An ordinary user
   * may see those of others here, which come and go as they like. */
  if (access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0 &&
      add_files(lines, "cgroup", cgroups, true) < 0)
    return -1;
  return 0;
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
