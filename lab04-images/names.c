/* names.c - names in directories, and files that have several. Given. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "given.h"

const char *
name_path(int parent, const char *name, char path[NAME_PATH_SIZE])
{
  snprintf(path, NAME_PATH_SIZE, "/proc/self/fd/%d/%s", parent, name);
  return path;
}

int
names_read(int directory, struct list *names)
{
  /* A descriptor of its own: readdir(3) moves along the one it has. */
  autoclose int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  if (!dir)
    return fail("read a directory");
  take_fd(&copy);
  int bad = 0;
  while (!bad) {
    errno = 0; /* NULL is the end, or a failure */
    struct dirent *e = readdir(dir);
    if (!e) {
      bad = errno ? fail("read a directory") : 0;
      break;
    }
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      bad = list_add(names, e->d_name);
  }
  int error = errno;
  closedir(dir);
  errno = error;
  return bad;
}

/* A file with several names. */
struct known {
  dev_t device;        /* st_dev and st_ino say which file it is */
  ino_t inode;
  char *path;          /* its first name */
  struct known *next;  /* another that falls into the same bucket */
};

enum { BUCKETS = 4096 };

struct links {
  struct known *buckets[BUCKETS]; /* by inode */
};

struct links *
links_new(void)
{
  struct links *links = calloc(1, sizeof *links);
  if (!links)
    fail("remember the names of files");
  return links;
}

const char *
links_first(struct links *links, const struct stat *st, const char *path)
{
  struct known **bucket = &links->buckets[st->st_ino % BUCKETS];
  for (const struct known *k = *bucket; k; k = k->next)
    if (k->inode == st->st_ino && k->device == st->st_dev)
      return k->path;
  struct known *mine = malloc(sizeof *mine);
  char *copy = strdup(path);
  if (!mine || !copy) {
    free(mine);
    free(copy);
    fail("remember the name %s", path);
    return NULL;
  }
  *mine = (struct known){st->st_dev, st->st_ino, copy, *bucket};
  *bucket = mine;
  return copy;
}

void
links_free(struct links *links)
{
  int error = errno;
  for (size_t i = 0; links && i < BUCKETS; i++)
    for (struct known *k = links->buckets[i], *next; k; k = next) {
      next = k->next;
      free(k->path);
      free(k);
    }
  free(links);
  errno = error;
}
