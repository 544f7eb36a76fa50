/* place.c - 3.1: a place for groups, and a group in it.
 *
 * All groups of the machine are one tree, and the tree is a file system:
 *
 *     /sys/fs/cgroup               the root: every process was once in here
 *     |-- cgroup.controllers       what it has:  cpu io memory pids
 *     |-- cgroup.subtree_control   what it hands on to those below
 *     |-- cgroup.procs             who is in it
 *     `-- cgrun-web                (mkdir makes it, and its files are there)
 *         |-- cgroup.procs
 *         |-- memory.max           because the one above hands on "memory"
 *         `-- memory.current
 *
 * Each process is in exactly one group, and its children begin where it is.
 *
 * One rule decides where ours can be. A group either has processes, or hands
 * controllers on; not both ("No Internal Process Constraint"). Were both
 * possible, the processes in it would compete with the groups below it for the
 * same memory, and nobody could say how. Only the root is exempt: the kernel's
 * own work is done there in any case. We run in some group, so that one is out;
 * we look further up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"
#include "file.h"

//>
/* The line of cgroup v2 in PROC/cgroup: "0::PATH". Those of v1 have other
 * numbers, and a name. */
static int
read_own(const char *proc, char own[PATH_MAX])
{
  char path[PATH_MAX];
  autofree char *line = NULL;
  size_t room = 0;
  bool found = false;
  snprintf(path, sizeof path, "%s/cgroup", proc);
  FILE *file = fopen(path, "re");
  if (!file)
    return fail("open %s", path);
  while (!found && getline(&line, &room, file) > 0)
    found = sscanf(line, "0::%4095[^\n]", own) == 1;
  fclose(file);
  return found ? 0 : refuse(ENOENT, "there is no cgroup v2 here (%s has no line "
                            "\"0::\")", path);
}

/* Does this line of mountinfo show our group `own`? Then put both paths together.
 * The mount at `top` shows the tree from `root` down. */
static bool
shows_own(const char *line, const char *own, struct cgroup_here *here)
{
  char root[PATH_MAX];
  const char *dash = strstr(line, " - ");
  if (!dash || strncmp(dash, " - cgroup2 ", 11) != 0 ||
      sscanf(line, "%*s %*s %*s %4095s %4095s", root, here->top) != 2)
    return false;
  unescape_mount(root);
  unescape_mount(here->top);
  size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
  const char *rest = own + skip;
  if (strncmp(own, root, skip) != 0 || (*rest && *rest != '/'))
    return false;
  /* "/.." says that we are above the root of our cgroup namespace, and so of what
   * the mount shows (cgroup_namespaces(7)). */
  if (strncmp(rest, "/..", 3) == 0 && (!rest[3] || rest[3] == '/'))
    return false;
  return snprintf(here->own, sizeof here->own, "%s%s", here->top,
                  strcmp(rest, "/") == 0 ? "" : rest) < (int)sizeof here->own;
}
//<

int
cgroup_find(const char *proc, struct cgroup_here *here)
{
  //> /* TODO 3.1: our own group is in PROC/cgroup, the mount in PROC/mountinfo. */
  //> return todo("3.1", proc, here);
  char path[PATH_MAX], own[PATH_MAX];
  autofree char *line = NULL;
  size_t room = 0;
  bool found = false, mounted = false;
  if (read_own(proc, own) < 0)
    return -1;
  snprintf(path, sizeof path, "%s/mountinfo", proc);
  FILE *file = fopen(path, "re");
  if (!file)
    return fail("open %s", path);
  while (!found && getline(&line, &room, file) > 0) {
    mounted = mounted || strstr(line, " - cgroup2 ");
    found = shows_own(line, own, here);
  }
  fclose(file);
  if (found)
    return 0;
  return mounted ? refuse(EXDEV, "no mount of cgroup v2 shows our own group, %s", own)
                 : refuse(ENOENT, "cgroup v2 is not mounted here");
  //<
}

//>
/* May we write to all that a group's owner writes to? Whoever delegates a group
 * gives away the directory and these files, and no more: the limits of the group
 * itself stay out of reach of whoever is in it. */
static bool
may_write(int group)
{
  static const char *const names[] = {".", "cgroup.procs", "cgroup.subtree_control"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (faccessat(group, names[i], W_OK, AT_EACCESS) < 0)
      return false;
  return true;
}

/* May it hand controllers on? A file that cannot be read (of a "threaded" group)
 * is one we cannot use, either. */
static bool
may_hand_on(int group)
{
  char text[KNOB_SIZE];
  if (faccessat(group, "cgroup.events", F_OK, 0) < 0)
    return errno == ENOENT; /* the root of all */
  return knob_read(group, "cgroup.procs", text) == 0 && !*text;
}
//<

int
cgroup_place(const struct cgroup_here *here)
{
  //> /* TODO 3.1: from here->own upwards, not further than here->top. */
  //> return todo("3.1", here);
  char path[PATH_MAX];
  size_t top = strlen(here->top);
  bool writable = false;
  snprintf(path, sizeof path, "%s", here->own);
  for (;;) {
    autoclose int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group >= 0 && may_write(group)) {
      writable = true;
      if (may_hand_on(group))
        return take_fd(&group);
    }
    if (strlen(path) <= top)
      break;
    *strrchr(path, '/') = '\0';
  }
  return writable
             ? refuse(EBUSY, "there are processes in every group from %s up to %s that "
                      "we may write to, and such a group has no others below it that "
                      "have controllers", here->own, here->top)
             : refuse(EACCES, "we may not make groups in %s, nor in one above it",
                      here->own);
  //<
}

//>
/* Is this word in a text of words? */
static bool
has_word(const char *text, const char *word)
{
  size_t n = strlen(word);
  for (; *text; text += strspn(text, " ")) {
    size_t m = strcspn(text, " ");
    if (m == n && strncmp(text, word, n) == 0)
      return true;
    text += m;
  }
  return false;
}
//<

int
cgroup_enable(int group, const char *const *controllers)
{
  //> /* TODO 3.1: "+NAME" for each into cgroup.subtree_control, all in one write. What
  //>  * does the kernel say of one that the group does not have, and what should we? */
  //> return todo("3.1", group, controllers);
  char have[KNOB_SIZE], order[KNOB_SIZE] = "";
  size_t n = 0;
  if (!controllers || !*controllers)
    return 0;
  if (knob_read(group, "cgroup.controllers", have) < 0)
    return -1;
  /* The kernel would only say ENOENT, and not of which. */
  for (; *controllers; controllers++) {
    if (!has_word(have, *controllers))
      return refuse(ENOTSUP, "the %s controller is not to be had here (only: %s)",
                    *controllers, *have ? have : "none");
    n += snprintf(order + n, sizeof order - n, "%s+%s", n ? " " : "", *controllers);
    if (n >= sizeof order)
      return refuse(E2BIG, "too many controllers");
  }
  /* One write for all of them: either all are enabled, or none. */
  return knob_write(group, "cgroup.subtree_control", order);
  //<
}

//>
/* Is this a path that goes down, and nowhere else? */
static bool
goes_down(const char *path)
{
  for (;; path++) {
    size_t n = strcspn(path, "/");
    if (n == 0 || (n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.'))
      return false;
    path += n;
    if (!*path)
      return true;
  }
}

/* Make the first part of `path` in `above`, and the rest in that. What was made is
 * taken back if the rest cannot be. */
static int
create_below(int above, const char *path, const char *const *controllers)
{
  char name[NAME_MAX + 1];
  size_t n = strcspn(path, "/");
  bool last = path[n] == '\0';
  if (n > NAME_MAX)
    return refuse(ENAMETOOLONG, "make the group %s: a name of more than %d bytes",
                  path, NAME_MAX);
  snprintf(name, sizeof name, "%.*s", (int)n, path);
  /* Before the group is there: then it is born with the files of its controllers. */
  if (cgroup_enable(above, controllers) < 0)
    return -1;
  bool made = mkdirat(above, name, 0755) == 0;
  if (!made && (last || errno != EEXIST))
    return fail("make the group %s", name);
  autoclose int group = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (group < 0)
    fail("open the group %s", name);
  int result = group < 0 || last ? take_fd(&group)
                                 : create_below(group, path + n + 1, controllers);
  if (result < 0 && made) {
    int error = errno;
    unlinkat(above, name, AT_REMOVEDIR);
    errno = error;
  }
  return result;
}
//<

int
cgroup_create(int place, const char *path, const char *const *controllers)
{
  //> /* TODO 3.1: down the path: enable the controllers in the group above, then make
  //>  * the one below. What if it fails halfway down? */
  //> return todo("3.1", place, path, controllers);
  if (!goes_down(path))
    return refuse(EINVAL, "\"%s\" is no path of a group below another", path);
  return create_below(place, path, controllers);
  //<
}

int
cgroup_remove(int place, const char *path)
{
  //> /* TODO 3.1: its files cannot be removed, and need not be. */
  //> return todo("3.1", place, path);

  /* The files belong to the kernel and go with the directory: rm -r fails. */
  return unlinkat(place, path, AT_REMOVEDIR) < 0 && errno != ENOENT
             ? fail("remove the group %s", path) : 0;
  //<
}
