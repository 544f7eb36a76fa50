/* clean.c - by paths and fts(3). */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "fail.h"

int
cgroup_remove_tree(int place, const char *path)
{
  char full[PATH_MAX];
  int bad = 0, error = 0;
  struct stat st;
  if (fstatat(place, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : fail("look at %s", path);
  if (!S_ISDIR(st.st_mode))
    return refuse(ENOTDIR, "%s is no group", path);
  snprintf(full, sizeof full, "/proc/self/fd/%d/%s", place, path);
  FTS *tree = fts_open((char *const[]){full, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
  for (FTSENT *e; tree && (e = fts_read(tree));)
    if (e->fts_info == FTS_DP && rmdir(e->fts_path) < 0 && errno != ENOENT) {
      bad = fail("remove %s", e->fts_path);
      error = errno;
    }
  if (tree)
    fts_close(tree);
  errno = error;
  return bad;
}

int
cgroup_claim(int group)
{
  if (flock(group, LOCK_EX | LOCK_NB) < 0) {
    if (errno == EWOULDBLOCK)
      return refuse(EBUSY, "somebody has the group");
    return fail("lock the group");
  }
  int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return refuse(ESTALE, "the group is gone");
  close(fd);
  return 0;
}

/* Returns 1 if it was removed, 0 if it is somebody's, or -1. */
static int
sweep_path(int place, const char *name)
{
  int group = openat(place, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
  if (group < 0)
    return errno == ENOENT ? 0 : fail("open %s", name);
  if (cgroup_claim(group) == 0)
    result = cgroup_kill(group, 3000) < 0 || cgroup_remove_tree(place, name) < 0 ? -1 : 1;
  int error = errno;
  close(group);
  errno = error;
  return result;
}

int
cgroup_sweep(int place, const char *prefix)
{
  char full[64];
  int count = 0, error = 0;
  snprintf(full, sizeof full, "/proc/self/fd/%d/.", place);
  FTS *tree = fts_open((char *const[]){full, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
  if (!tree || !fts_read(tree))
    return fail("read the place");
  for (FTSENT *e = fts_children(tree, FTS_NAMEONLY); e; e = e->fts_link) {
    struct stat st;
    if (strncmp(e->fts_name, prefix, strlen(prefix)) != 0 ||
        fstatat(place, e->fts_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
      continue;
    int swept = sweep_path(place, e->fts_name);
    if (swept < 0)
      error = errno;
    else
      count += swept;
  }
  fts_close(tree);
  errno = error;
  return error ? -1 : count;
}
