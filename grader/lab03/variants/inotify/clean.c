/* clean.c - reads all names first, and tries until nothing is left to remove. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

static int
is_directory(const struct dirent *e)
{
  return e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

int
cgroup_remove_tree(int place, const char *path)
{
  struct dirent **names = NULL;
  if (unlinkat(place, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return 0;
  if (errno != EBUSY && errno != ENOTEMPTY)
    return fail("remove the group %s", path);
  int n = scandirat(place, path, &names, is_directory, NULL);
  struct stat st;
  bool link = fstatat(place, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
  for (int i = 0; i < n; i++) {
    char below[4096];
    snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
    if (!link)
      cgroup_remove_tree(place, below);
    free(names[i]);
  }
  free(names);
  return unlinkat(place, path, AT_REMOVEDIR) < 0 && errno != ENOENT
             ? fail("remove the group %s", path) : 0;
}

int
cgroup_claim(int group)
{
  struct stat st;
  if (flock(group, LOCK_NB | LOCK_EX) < 0)
    return errno == EAGAIN ? refuse(EBUSY, "it is taken") : fail("flock");
  if (fstatat(group, "cgroup.procs", &st, 0) < 0)
    return refuse(ESTALE, "it has gone");
  return 0;
}

int
cgroup_sweep(int place, const char *prefix)
{
  struct dirent **names;
  int count = 0, error = 0, n = scandirat(place, ".", &names, is_directory, alphasort);
  if (n < 0)
    return fail("read the place");
  for (int i = 0; i < n; free(names[i++])) {
    if (strncmp(names[i]->d_name, prefix, strlen(prefix)) != 0)
      continue;
    autoclose int group = openat(place, names[i]->d_name, O_RDONLY | O_CLOEXEC);
    if (group < 0 || cgroup_claim(group) < 0)
      continue;
    if (cgroup_kill(group, 8000) < 0 || cgroup_remove_tree(place, names[i]->d_name) < 0)
      error = errno;
    else
      count++;
  }
  free(names);
  errno = error;
  return error ? -1 : count;
}
