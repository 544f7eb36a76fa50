/* by-stdio: a line of mountinfo is taken apart word by word; the own group is looked
 * for by its whole path; whether a group may be written to, opening it says; each
 * controller is an order of its own, and is taken back if one fails; a path is made
 * in a loop, and what was made is remembered. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

static FILE *
open_in(const char *proc, const char *name)
{
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", proc, name);
  FILE *file = fopen(path, "re");
  if (!file)
    fail("open %s", path);
  return file;
}

/* \040 and the like become what they stand for. */
static void
plain(char *text)
{
  char *to = text;
  for (; *text; text++, to++) {
    unsigned value;
    if (*text == '\\' && sscanf(text + 1, "%3o", &value) == 1) {
      *to = (char)value;
      text += 3;
    } else
      *to = *text;
  }
  *to = '\0';
}

/* Take a line of mountinfo apart: its root, its mount point, and whether it is of
 * cgroup v2. */
static bool
take_apart(char *line, char **root, char **point)
{
  char *save = NULL, *word = strtok_r(line, " \n", &save);
  for (int i = 1; word && strcmp(word, "-") != 0;
       i++, word = strtok_r(NULL, " \n", &save)) {
    if (i == 4)
      *root = word;
    if (i == 5)
      *point = word;
  }
  char *type = word ? strtok_r(NULL, " \n", &save) : NULL;
  return type && strcmp(type, "cgroup2") == 0;
}

/* What of `own` is below `root`: "" for the root itself, NULL if it is not below. */
static const char *
part_below(const char *own, const char *root)
{
  if (strcmp(own, root) == 0)
    return "";
  size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
  const char *rest =
      strncmp(own, root, n) == 0 && own[n] == '/' ? own + n : NULL;
  return rest && (strncmp(rest, "/../", 4) == 0 || strcmp(rest, "/..") == 0)
             ? NULL
             : rest;
}

int
cgroup_find(const char *proc, struct cgroup_here *here)
{
  autofree char *own = NULL, *line = NULL;
  size_t room = 0;
  bool mounted = false;
  FILE *file = open_in(proc, "cgroup");
  if (!file)
    return -1;
  while (!own && getline(&line, &room, file) > 0)
    if (memcmp(line, "0::", 3) == 0) {
      line[strcspn(line, "\n")] = '\0';
      own = strdup(line + 3);
    }
  fclose(file);
  file = open_in(proc, "mountinfo");
  if (!file)
    return -1;
  while (getline(&line, &room, file) > 0) {
    char *root = "", *point = "";
    if (!take_apart(line, &root, &point))
      continue;
    mounted = true;
    plain(root);
    plain(point);
    const char *below = own ? part_below(own, root) : NULL;
    if (!below)
      continue;
    snprintf(here->top, sizeof here->top, "%s", point);
    snprintf(here->own, sizeof here->own, "%s%s", point, below);
    fclose(file);
    return 0;
  }
  fclose(file);
  return mounted ? refuse(EXDEV, "our group is in no mount of cgroup2")
                 : refuse(ENOENT, "there is no mount of cgroup2");
}

/* Open a file of the group, and close it. */
static bool
opens(int group, const char *name)
{
  int fd = openat(group, name, O_WRONLY | O_CLOEXEC);
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static bool
in_use(int group)
{
  char text[KNOB_SIZE];
  int fd = openat(group, "cgroup.events", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  close(fd);
  return knob_read(group, "cgroup.procs", text) < 0 || *text;
}

int
cgroup_place(const struct cgroup_here *here)
{
  char path[PATH_MAX];
  int error = EACCES;
  snprintf(path, sizeof path, "%s", here->own);
  for (bool more = true; more;) {
    more = strcmp(path, here->top) != 0;
    int group = open(path, O_DIRECTORY | O_CLOEXEC);
    if (group >= 0 && access(path, W_OK) == 0 && opens(group, "cgroup.procs") &&
        opens(group, "cgroup.subtree_control")) {
      if (!in_use(group))
        return group;
      error = EBUSY;
    }
    if (group >= 0)
      close(group);
    path[strrchr(path, '/') - path] = '\0';
  }
  return refuse(error,
                error == EBUSY ? "each group from %s upwards has processes"
                               : "no group from %s upwards is ours",
                here->own);
}

/* Is the word among those of the file? */
static bool
lists(int group, const char *file, const char *word)
{
  char text[KNOB_SIZE], *save = NULL;
  if (knob_read(group, file, text) < 0)
    return false;
  for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
    if (strcmp(w, word) == 0)
      return true;
  return false;
}

static int
order(int group, char sign, const char *controller)
{
  char text[NAME_MAX];
  snprintf(text, sizeof text, "%c%s\n", sign, controller);
  return knob_write(group, "cgroup.subtree_control", text);
}

int
cgroup_enable(int group, const char *const *controllers)
{
  bool mine[64] = {false};
  for (size_t i = 0; controllers[i]; i++)
    if (!lists(group, "cgroup.controllers", controllers[i]))
      return refuse(ENOTSUP, "there is no %s here", controllers[i]);
  for (size_t i = 0; controllers[i]; i++) {
    mine[i] = !lists(group, "cgroup.subtree_control", controllers[i]);
    if (order(group, '+', controllers[i]) == 0)
      continue;
    int error = errno;
    while (i-- > 0)
      if (mine[i])
        order(group, '-', controllers[i]);
    errno = error;
    return fail("enable controllers");
  }
  return 0;
}

static bool
is_good(const char *path)
{
  char spaced[PATH_MAX + 2];
  snprintf(spaced, sizeof spaced, "/%s/", path);
  return *path && !strstr(spaced, "//") && !strstr(spaced, "/./") &&
         !strstr(spaced, "/../");
}

/* Remove the first part of the path that was made, and what is below it. */
static int
take_back(int place, char *path, size_t kept)
{
  int error = errno;
  while (strlen(path) > kept) {
    unlinkat(place, path, AT_REMOVEDIR);
    char *slash = strrchr(path, '/');
    *(slash ? slash : path) = '\0';
  }
  errno = error;
  return -1;
}

int
cgroup_create(int place, const char *path, const char *const *controllers)
{
  char so_far[PATH_MAX] = "";
  size_t kept = 0;
  if (!is_good(path))
    return refuse(EINVAL, "%s leads elsewhere", path);
  int group = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (const char *end = path; group >= 0; end++) {
    end += strcspn(end, "/");
    int bad = cgroup_enable(group, controllers);
    close(group);
    if (bad)
      return take_back(place, so_far, kept);
    size_t before = strlen(so_far);
    snprintf(so_far, sizeof so_far, "%.*s", (int)(end - path), path);
    if (mkdirat(place, so_far, 0755) < 0) {
      if (errno != EEXIST || !*end) {
        fail("mkdir %s", so_far);
        so_far[before] = '\0';
        return take_back(place, so_far, kept);
      }
      kept = strlen(so_far);
    }
    group = openat(place, so_far, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!*end)
      break;
  }
  return group < 0 ? fail("open %s", path) : group;
}

int
cgroup_remove(int place, const char *path)
{
  if (unlinkat(place, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return 0;
  return fail("rmdir %s", path);
}
