/* main_dead.c - records of mounts that are no more: of a machine that was switched off,
 * or an img that was killed between the record and the mount. Given. */
#include "main.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

/* Where the record says that it is mounted; NULL if it does not. For free(3). */
static char *
target_of(int mounts, const char *id)
{
  char path[NAME_MAX + sizeof "/image.json"], text[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s/image.json", id);
  autoclose int file = openat(mounts, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text);
  json_t *json = size < 0 ? NULL : json_read(text, size, "image.json");
  const char *target = json_string_value(json_object_get(json, "target"));
  char *copy = target ? strdup(target) : NULL;
  json_decref(json);
  return copy;
}

/* Is this line of a mountinfo about an overlay that may be it: with ID in its source,
 * say, or at the target? Rather one too many: what is mounted must stay. */
static bool
may_be(char *line, const char *id, const char *target)
{
  if (!strstr(line, " - overlay "))
    return false;
  if (strstr(line, id))
    return true;
  for (int field = 1; line && field < 5; field++) /* the fifth is the mount point */
    line = strchr(line + 1, ' ');
  if (!line || !target)
    return false;
  line++;
  line[strcspn(line, " ")] = '\0';
  unescape_mount(line);
  return strcmp(line, target) == 0;
}

/* Is it in the mount namespace of that process, or do we not know? One that we may not
 * look at has none of our mounts, and one that has ended (EINVAL) none at all. */
static bool
process_has(const char *process, const char *id, const char *target)
{
  char path[NAME_MAX + sizeof "/proc//mountinfo"];
  autofree char *line = NULL;
  size_t room = 0;
  bool found = false;
  snprintf(path, sizeof path, "/proc/%s/mountinfo", process);
  FILE *file = fopen(path, "re");
  if (!file)
    return errno != ENOENT && errno != EACCES && errno != EPERM && errno != EINVAL;
  while (!found && (errno = 0, getline(&line, &room, file) > 0))
    found = may_be(line, id, target);
  if (errno && errno != EINVAL && errno != ESRCH)
    found = true;
  fclose(file);
  return found;
}

/* Is it mounted, in whatever namespace? 1, 0; or -1 with errno and a message. */
static int
is_mounted(const char *id, const char *target)
{
  struct dirent *e;
  int found = 0;
  DIR *proc = opendir("/proc");
  if (!proc)
    return fail("read /proc");
  while (!found && (errno = 0, (e = readdir(proc))))
    found = isdigit((unsigned char)e->d_name[0]) && process_has(e->d_name, id, target);
  if (!found && errno)
    found = fail("read /proc");
  closedir(proc);
  return found;
}

int
remove_dead_mount(int mounts, const char *id, void *removed)
{
  autofree char *target = target_of(mounts, id);
  int mounted = is_mounted(id, target);
  if (mounted)
    return mounted < 0 ? -1 : 0;
  ++*(size_t *)removed;
  return tree_remove(mounts, id);
}
