/* tree.c - remove trees: given.
 *
 * However deep a tree is, this takes two descriptors and no recursion: down into a
 * directory by its name, up by "..", after which we look whether that is the directory
 * we came from. Names of directories that are still to be done are kept; of each level,
 * until it is done.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "given.h"
#include "list.h"

/* A directory that we are in, or above us. */
struct level {
  struct level *above;  /* or NULL, for the one we began with */
  struct stat st;       /* what it was when we came */
  struct list names;    /* directories in it that are to be done: kept ones begin with
                           "+", others with "-" */
  size_t next;          /* of them */
  bool stays;           /* it is not removed itself */
};

/* Look at one name: remove it, keep it, or put it down for later. */
static int
sort_out(int directory, const char *name, const struct made *made, struct level *level)
{
  char line[NAME_MAX + 2] = "-";
  struct stat st;
  bool keep = made && made_has(made, directory, name);
  if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : fail("look at %s", name);
  if (keep && !S_ISDIR(st.st_mode))
    return 0;
  if (!keep && (unlinkat(directory, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0 ||
                errno == ENOENT))
    return 0;
  if (!keep && errno != ENOTEMPTY && errno != EEXIST)
    return fail("remove %s", name);
  line[0] = keep ? '+' : '-';
  strncat(line, name, NAME_MAX);
  return list_add(&level->names, line);
}

/* Sort out all names of a directory. What can be removed at once is. */
static int
look_through(int directory, const struct made *made, struct level *level)
{
  autoclose int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  if (!dir)
    return fail("read a directory");
  take_fd(&copy);
  int bad = 0, error;
  for (struct dirent *e; !bad && (errno = 0, e = readdir(dir));)
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      bad = sort_out(directory, e->d_name, made, level);
  if (!bad && errno)
    bad = fail("read a directory");
  error = errno;
  closedir(dir);
  errno = error;
  return bad;
}

/* Begin a level: the directory `here`. */
static int
go_into(struct level **top, int here, const struct made *made)
{
  struct level *level = calloc(1, sizeof *level);
  if (!level)
    return fail("remove a tree");
  level->above = *top;
  level->stays = made != NULL;
  *top = level;
  if (fstat(here, &level->st) < 0)
    return fail("look at a directory");
  return look_through(here, made, level);
}

/* The names that were made here, or stay, do not make it younger. */
static void
end_level(struct level **top, int here)
{
  struct level *level = *top;
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, level->st.st_mtim};
  int error = errno;
  if (here >= 0 && level->stays)
    futimens(here, times);
  *top = level->above;
  list_free(&level->names);
  free(level);
  errno = error;
}

/* The directory above, which must be the one we came from. */
static int
open_above(int here, const struct level *above)
{
  struct stat st;
  autoclose int up = openat(here, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (up < 0 || fstat(up, &st) < 0)
    return fail("open the directory above");
  if (st.st_dev != above->st.st_dev || st.st_ino != above->st.st_ino)
    return refuse(EAGAIN, "somebody has moved a directory that is being removed");
  return take_fd(&up);
}

/* Go on by one step: down into the next directory, or up again. */
static int
step(struct level **top, int *here, const struct made *made)
{
  struct level *level = *top;
  if (level->next < level->names.count) {
    const char *name = level->names.items[level->next];
    int down = openat(*here, name + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (down < 0)
      return fail("open the directory %s", name + 1);
    close(*here);
    *here = down;
    return go_into(top, down, *name == '+' ? made : NULL);
  }
  int up = level->above ? open_above(*here, level->above) : -1;
  if (level->above && up < 0)
    return -1;
  end_level(top, *here);
  if (!*top)
    return 0;
  close(*here);
  *here = up;
  const char *done = (*top)->names.items[(*top)->next++];
  return *done == '-' && unlinkat(up, done + 1, AT_REMOVEDIR) < 0 && errno != ENOENT
             ? fail("remove the directory %s", done + 1)
             : 0;
}

int
tree_prune(int directory, const struct made *made)
{
  struct level *top = NULL;
  autoclose int here = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (here < 0)
    return fail("open a directory");
  int bad = go_into(&top, here, made);
  while (!bad && top)
    bad = step(&top, &here, made);
  while (top)
    end_level(&top, -1);
  return bad;
}

int
tree_empty(int directory)
{
  return tree_prune(directory, NULL);
}

int
tree_remove(int parent, const char *name)
{
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
    return 0;
  if (errno != EISDIR)
    return fail("remove %s", name);
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
    return 0;
  autoclose int directory =
      openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return fail("open the directory %s", name);
  if (tree_empty(directory) < 0)
    return -1;
  return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? fail("remove the directory %s", name) : 0;
}
