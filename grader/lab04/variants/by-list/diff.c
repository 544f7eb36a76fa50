/* diff.c - another right answer: first a list of all paths, then sorted, then written. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "image.h"
#include "list.h"

static bool
unwanted(const char *name)
{
  static const char *const prefixes[] = {"trusted.overlay.", "user.overlay."};
  for (int i = 0; i < 2; i++)
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
      return true;
  return strcmp(name, "security.selinux") == 0;
}

/* Sorted by insertion; there are few. */
static int
take_xattrs(int fd, struct entry *entry)
{
  char path[64], names[65536];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t size = listxattr(path, names, sizeof names);
  if (size < 0)
    return errno == ENOTSUP ? 0 : -1;
  for (char *n = names; n < names + size; n += strlen(n) + 1) {
    if (unwanted(n))
      continue;
    struct xattr *all = reallocarray(entry->xattrs, entry->xattr_count + 1, sizeof *all);
    if (!all)
      return -1;
    entry->xattrs = all;
    size_t at = entry->xattr_count++;
    for (; at > 0 && strcmp(all[at - 1].name, n) > 0; at--)
      all[at] = all[at - 1];
    all[at] = (struct xattr){strdup(n), malloc(65536), 0};
    ssize_t got = getxattr(path, n, all[at].value, 65536);
    if (got < 0)
      return -1;
    all[at].size = got;
  }
  return 0;
}

int
entry_read(int parent, const char *name, time_t newest, struct entry *entry)
{
  char link[PATH_MAX + 1];
  struct stat st;
  *entry = (struct entry){0};
  autoclose int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0)
    return fail("open %s", name);
  if (S_ISSOCK(st.st_mode))
    return refuse(ENOTSUP, "%s: a socket", name);
  *entry = (struct entry){.mode = st.st_mode, .uid = st.st_uid, .gid = st.st_gid,
                          .mtime.tv_sec = st.st_mtim.tv_sec > newest ? newest
                                                                     : st.st_mtim.tv_sec};
  if (S_ISREG(st.st_mode))
    entry->size = st.st_size;
  if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
    entry->device = st.st_rdev;
  if (S_ISLNK(st.st_mode)) {
    ssize_t n = readlinkat(fd, "", link, PATH_MAX);
    if (n < 0)
      return fail("read the link %s", name);
    link[n] = '\0';
    entry->link = strdup(link);
  }
  if (take_xattrs(fd, entry) == 0)
    return 0;
  int error = errno;
  entry_free(entry);
  *entry = (struct entry){0};
  errno = error;
  return fail("read the attributes of %s", name);
}

static bool
says(int fd, const char *name, const char *value)
{
  char path[64], attribute[64], is[8] = "";
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  snprintf(attribute, sizeof attribute, in_first_userns() ? "trusted.overlay.%s"
                                                          : "user.overlay.%s", name);
  ssize_t n = getxattr(path, attribute, is, sizeof is);
  return n >= 0 && (!*value || (n == (ssize_t)strlen(value) && strncmp(is, value, n) == 0));
}

enum mark
overlay_mark(int parent, const char *name)
{
  struct stat st;
  autoclose int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0)
    return MARK_NONE;
  switch (st.st_mode & S_IFMT) {
  case S_IFCHR:
    return st.st_rdev == 0 ? MARK_WHITEOUT : MARK_NONE;
  case S_IFDIR:
    return says(fd, "opaque", "y") ? MARK_OPAQUE : MARK_NONE;
  case S_IFREG: {
    autoclose int above = openat(parent, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return st.st_size == 0 && says(fd, "whiteout", "") && says(above, "opaque", "x")
               ? MARK_WHITEOUT : MARK_NONE;
  }
  }
  return MARK_NONE;
}

/* ---- a list of all paths ---- */

/* "/" before every other byte. */
static int
by_path(const void *a, const void *b)
{
  const unsigned char *x = *(const unsigned char *const *)a, *y = *(const unsigned char *const *)b;
  while (*x && *x == *y)
    x++, y++;
  int l = *x == '/' ? 1 : *x ? *x + 1 : 0, r = *y == '/' ? 1 : *y ? *y + 1 : 0;
  return l - r;
}

/* The names in one directory, which `path` may be. */
static int
gather(int root, const char *path, struct list *paths)
{
  autolist struct list names = {0};
  autoclose int fd = openat(root, *path ? path : ".",
                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOTDIR || errno == ELOOP ? 0 : fail("open %s", path);
  if (names_read(fd, &names) < 0)
    return -1;
  for (size_t i = 0; i < names.count; i++) {
    char below[2 * PATH_MAX];
    if (snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", names.items[i]) >=
        PATH_MAX)
      return refuse(ENAMETOOLONG, "%s: too long a path", below);
    if (list_add(paths, below) < 0)
      return -1;
  }
  return 0;
}

/* The list grows while we go along it. */
static int
list_tree(int root, struct list *paths)
{
  int bad = list_add(paths, "");
  for (size_t i = 0; !bad && i < paths->count; i++)
    bad = gather(root, paths->items[i], paths);
  if (!bad)
    qsort(paths->items, paths->count, sizeof *paths->items, by_path);
  return bad;
}

/* Open the directory that a path lies in, and find its last name. */
static int
open_parent(int root, const char *path, const char **name)
{
  char directory[PATH_MAX];
  const char *slash = strrchr(path, '/');
  *name = !*path ? "." : slash ? slash + 1 : path;
  if (!slash)
    return openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
  return openat(root, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int
pack_empty(struct packer *packer, const char *path, const char *mark, const char *name)
{
  char whole[2 * PATH_MAX];
  int n = strrchr(path, '/') && *name ? strrchr(path, '/') + 1 - path : 0;
  if (strlen(mark) + strlen(name) > NAME_MAX)
    return refuse(ENAMETOOLONG, "%s: no whiteout can be so long", path);
  if (*name)
    snprintf(whole, sizeof whole, "%.*s%s%s", n, path, mark, name);
  else
    snprintf(whole, sizeof whole, "%s%s%s", path, *path ? "/" : "", mark);
  struct entry entry = {.path = whole, .mode = S_IFREG | 0644};
  return packer_entry(packer, &entry);
}

static int
pack_path(int root, const char *path, bool upper, time_t newest, struct packer *packer,
          struct links *links)
{
  struct entry entry;
  struct stat st;
  const char *name, *first;
  autoclose int parent = open_parent(root, path, &name);
  if (parent < 0)
    return fail("open what %s lies in", path);
  if (strncmp(name, ".wh.", 4) == 0)
    return refuse(EPERM, "%s: a whiteout's name", path);
  enum mark mark = upper ? overlay_mark(parent, name) : MARK_NONE;
  if (mark == MARK_WHITEOUT)
    return pack_empty(packer, path, ".wh.", name);
  if (entry_read(parent, name, newest, &entry) < 0)
    return errno == ENOTSUP ? 0 : -1;
  int bad = 0;
  entry.path = (char *)(*path ? path : "./");
  if (!S_ISDIR(entry.mode) && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      (first = links_first(links, &st, path)) && strcmp(first, path) != 0) {
    struct entry hard = {.path = entry.path, .link = (char *)first, .hard = true,
                         .mode = entry.mode & 07777, .uid = entry.uid, .gid = entry.gid,
                         .mtime = entry.mtime};
    bad = packer_entry(packer, &hard);
  } else {
    autoclose int file = S_ISREG(entry.mode) ? openat(parent, name, O_RDONLY | O_CLOEXEC) : -1;
    bad = S_ISREG(entry.mode) && file < 0 ? fail("open %s", path) : packer_entry(packer, &entry);
    if (!bad && file >= 0)
      bad = packer_data(packer, file, entry.size);
    if (!bad && mark == MARK_OPAQUE)
      bad = pack_empty(packer, path, ".wh..wh..opq", "");
  }
  entry.path = NULL;
  entry_free(&entry);
  return bad;
}

int
layer_pack(int root, bool upper, time_t newest, struct packer *packer)
{
  autolist struct list paths = {0};
  struct links *links = links_new();
  int bad = links ? list_tree(root, &paths) : -1;
  for (size_t i = 0; i < paths.count && !bad; i++)
    bad = pack_path(root, paths.items[i], upper, newest, packer, links);
  links_free(links);
  return bad;
}

/* ---- compare ---- */

/* 1: there; 0: not; -1. */
static int
read_path(int root, const char *path, struct entry *entry, int *file)
{
  const char *name;
  *file = -1;
  *entry = (struct entry){0};
  autoclose int parent = open_parent(root, path, &name);
  if (parent < 0 || entry_read(parent, name, 0, entry) < 0)
    return parent < 0 || errno != ENOTSUP ? fail("look at %s", path) : 0;
  if (S_ISREG(entry->mode))
    *file = openat(parent, name, O_RDONLY | O_CLOEXEC);
  return 1;
}

static bool
equal(const struct entry *a, const struct entry *b, int x, int y)
{
  if (a->mode != b->mode || a->uid != b->uid || a->gid != b->gid || a->size != b->size ||
      a->device != b->device || !a->link != !b->link || (a->link && strcmp(a->link, b->link)) ||
      a->xattr_count != b->xattr_count)
    return false;
  for (size_t i = 0; i < a->xattr_count; i++)
    if (strcmp(a->xattrs[i].name, b->xattrs[i].name) || a->xattrs[i].size != b->xattrs[i].size ||
        memcmp(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].size))
      return false;
  return x < 0 || same_data(x, y);
}

static int
compare_path(int before, int after, const char *path, change_fn *on_change, void *arg)
{
  char shown[PATH_MAX + 1];
  struct entry old = {0}, new = {0};
  int x = -1, y = -1, result = 0;
  int was = before < 0 ? 0 : read_path(before, path, &old, &x);
  int is = after < 0 ? 0 : read_path(after, path, &new, &y);
  snprintf(shown, sizeof shown, "/%s", path);
  if (was < 0 || is < 0)
    result = -1;
  else if (was && !is)
    result = on_change(CHANGE_DELETED, shown, arg);
  else if (is && !was)
    result = on_change(CHANGE_ADDED, shown, arg);
  else if (was && is && !equal(&old, &new, x, y))
    result = on_change(CHANGE_MODIFIED, shown, arg);
  clean_close(&x);
  clean_close(&y);
  entry_free(&old);
  entry_free(&new);
  return result;
}

int
tree_diff(int before, int after, change_fn *on_change, void *arg)
{
  autolist struct list old = {0}, new = {0};
  if (list_tree(before, &old) < 0 || list_tree(after, &new) < 0)
    return -1;
  size_t i = 0, j = 0;
  while (i < old.count || j < new.count) {
    int order = i == old.count ? 1 : j == new.count ? -1
                                                    : by_path(&old.items[i], &new.items[j]);
    const char *path = order <= 0 ? old.items[i] : new.items[j];
    int result = compare_path(order <= 0 ? before : -1, order >= 0 ? after : -1, path, on_change,
                              arg);
    if (result)
      return result;
    i += order <= 0;
    j += order >= 0;
  }
  return 0;
}
