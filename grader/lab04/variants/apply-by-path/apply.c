/* apply.c - everything by paths that begin at a descriptor: /proc/self/fd/N/NAME. And what a
 * directory's time was is kept until it is left; attributes are read back first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "image.h"

static void
path_of(char path[64 + NAME_MAX], int parent, const char *name)
{
  snprintf(path, 64 + NAME_MAX, "/proc/self/fd/%d/%.*s", parent, NAME_MAX, name);
}

int
path_split(const char *path, char directory[PATH_MAX], char name[NAME_MAX + 1])
{
  if (!path[0])
    return refuse(EBADMSG, "an entry has an empty name");
  if (strlen(path) > PATH_MAX - 1)
    return refuse(ENAMETOOLONG, "an entry has a path of %zu bytes", strlen(path));
  autofree char *copy = strdup(path);
  char *rest = NULL;
  const char *last = ".";
  if (!copy)
    return fail("split a path");
  directory[0] = '\0';
  for (char *part = strtok_r(copy, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
    if (strcmp(part, ".") == 0)
      continue;
    if (strcmp(part, "..") == 0)
      return refuse(EPERM, "%s: \"..\" is not allowed", path);
    if (strlen(part) > NAME_MAX)
      return refuse(ENAMETOOLONG, "an entry has a name of %zu bytes", strlen(part));
    if (strcmp(last, ".") != 0) {
      if (directory[0])
        strcat(directory, "/");
      strcat(directory, last);
    }
    last = part;
  }
  memcpy(name, last, strlen(last) + 1);
  if (strncmp(directory, ".wh.", 4) == 0 || strstr(directory, "/.wh."))
    return refuse(EPERM, "%s: there are no directories \".wh.*\"", path);
  return 0;
}

/* Make `directory`, whose parent is made first. */
static int
make_directories(struct target *target, const char *directory)
{
  char above[PATH_MAX], path[64 + NAME_MAX];
  struct stat st;
  snprintf(above, sizeof above, "%s", directory);
  char *slash = strrchr(above, '/');
  const char *name = slash ? slash + 1 : above;
  if (slash)
    *slash = '\0';
  autoclose int fd = open_in_root(target->root, slash ? above : "/", O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0 && errno == ENOENT && slash) {
    if (make_directories(target, above) < 0)
      return -1;
    fd = open_in_root(target->root, above, O_RDONLY | O_DIRECTORY, 0);
  }
  if (fd < 0 || fstat(fd, &st) < 0)
    return fail("open %s", slash ? above : "/");
  path_of(path, fd, name);
  if (mkdir(path, 0700) < 0) {
    if (errno == EEXIST)
      errno = ENOENT;
    return fail("make %s", directory);
  }
  const struct timespec zero[2] = {{0}}, old[2] = {st.st_atim, st.st_mtim};
  if ((!target->no_owners && lchown(path, 0, 0) < 0) || chmod(path, 0755) < 0 ||
      utimensat(AT_FDCWD, path, zero, 0) < 0 || futimens(fd, old) < 0)
    return fail("make %s", directory);
  return 0;
}

static void
go_out(struct target *target)
{
  int error = errno;
  if (target->parent < 0)
    return;
  futimens(target->parent, (struct timespec[]){target->parent_time, target->parent_time});
  close(target->parent);
  target->parent = -1;
  errno = error;
}

int
target_enter(struct target *target, const char *directory)
{
  char path[PATH_MAX + 1];
  struct stat st;
  go_out(target);
  snprintf(path, sizeof path, "/%s", directory);
  int fd = open_in_root(target->root, path, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0 && errno == ENOENT) {
    if (make_directories(target, directory) < 0)
      return -1;
    fd = open_in_root(target->root, path, O_RDONLY | O_DIRECTORY, 0);
  }
  if (fd < 0)
    return fail("open %s", path);
  fstat(fd, &st);
  target->parent_time = st.st_mtim;
  return target->parent = fd;
}

static int
write_data(const char *path, const struct entry *entry, struct layer *layer)
{
  autoclose int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, entry->size) < 0)
    return fail("make it");
  int more = 0;
  const void *data;
  size_t size;
  int64_t offset;
  while (entry->size && (more = layer_data(layer, &data, &size, &offset)) > 0) {
    if (lseek(fd, offset, SEEK_SET) < 0 || write_all(fd, data, size) < 0)
      return fail("write it");
  }
  return more;
}

static int
make_hard(struct target *target, int parent, const char *name, const struct entry *entry)
{
  char directory[PATH_MAX], other[NAME_MAX + 1], from[64 + NAME_MAX], to[64 + NAME_MAX];
  struct stat a, b;
  if (path_split(entry->link, directory, other) < 0)
    return -1;
  autoclose int fd = open_in_root(target->root, *directory ? directory : "/",
                                  O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    return fail("open the directory of %s", entry->link);
  path_of(from, fd, other);
  path_of(to, parent, name);
  if (lstat(from, &a) < 0)
    return fail("look at %s", entry->link);
  if (S_ISDIR(a.st_mode))
    return refuse(EPERM, "%s is a directory", entry->link);
  if (lstat(to, &b) == 0) {
    if (a.st_ino == b.st_ino && a.st_dev == b.st_dev)
      return 0;
    if (strcmp(name, ".") == 0)
      return refuse(EPERM, "the root cannot be a hard link");
    if (tree_remove(parent, name) < 0)
      return -1;
  }
  return link(from, to) < 0 ? fail("link to %s", entry->link) : 0;
}

int
entry_make(struct target *target, int parent, const char *name,
           const struct entry *entry, struct layer *layer)
{
  char path[64 + NAME_MAX];
  struct stat st;
  mode_t type = entry->mode & S_IFMT;
  path_of(path, parent, name);
  if (entry->hard)
    return make_hard(target, parent, name, entry);
  if (type == S_IFCHR || type == S_IFBLK) {
    if (!target->devices)
      return refuse(EPERM, "a device");
    if (!major(entry->device) && !minor(entry->device))
      return refuse(EPERM, "a device 0, 0");
  }
  if (lstat(path, &st) == 0) {
    if (S_ISDIR(st.st_mode) && type == S_IFDIR)
      return 0;
    if (strcmp(name, ".") == 0)
      return refuse(EPERM, "the root is a directory");
    if (tree_remove(parent, name) < 0)
      return -1;
  }
  if (type == S_IFREG)
    return write_data(path, entry, layer);
  if (type == S_IFDIR)
    return mkdir(path, 0700) < 0 ? fail("make it") : 0;
  if (type == S_IFLNK)
    return symlink(entry->link, path) < 0 ? fail("make it") : 0;
  return mknod(path, type | 0600, entry->device) < 0 ? fail("make it") : 0;
}

static bool
ends_well(struct target *target, int result, const char *what)
{
  if (result == 0 || errno == ENODATA)
    return true;
  if (errno != ENOTSUP && (errno != EPERM || in_first_userns()))
    return fail("%s", what) == 0;
  target->left_out += what != NULL && strcmp(what, "remove an attribute") != 0;
  return true;
}

static int
give_xattrs(struct target *target, const char *path, const struct entry *entry)
{
  char *names = calloc(1, 65537);
  ssize_t size = names && S_ISDIR(entry->mode) ? listxattr(path, names, 65536) : 0;
  bool good = names != NULL;
  for (ssize_t i = 0; good && i < size; i += strlen(names + i) + 1)
    if (strncmp(names + i, "security.selinux", 17) != 0)
      good = ends_well(target, removexattr(path, names + i), "remove an attribute");
  free(names);
  for (size_t i = 0; good && i < entry->xattr_count; i++) {
    const struct xattr *x = entry->xattrs + i;
    const char *rest = strncmp(x->name, "user.", 5) == 0      ? x->name + 5
                       : strncmp(x->name, "trusted.", 8) == 0 ? x->name + 8
                                                              : "";
    if (strncmp(rest, "overlay.", 8) == 0)
      return refuse(EPERM, "%s is the kernel's", x->name);
    good = ends_well(target, lsetxattr(path, x->name, x->value, x->size, 0), x->name);
  }
  return good ? 0 : -1;
}

int
entry_attributes(struct target *target, int parent, const char *name,
                 const struct entry *entry)
{
  char path[64 + NAME_MAX];
  path_of(path, parent, name);
  if (entry->hard)
    return 0;
  if (!target->no_owners && lchown(path, entry->uid, entry->gid) < 0)
    return fail("chown to %u:%u", entry->uid, entry->gid);
  if (!S_ISLNK(entry->mode) && chmod(path, entry->mode & 07777) < 0)
    return fail("chmod to %o", entry->mode);
  if (give_xattrs(target, path, entry) < 0)
    return -1;
  const struct timespec times[2] = {entry->mtime, entry->mtime};
  return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail("set the time") : 0;
}

int
whiteout_apply(struct target *target, int parent, const char *name)
{
  char path[64 + NAME_MAX];
  struct stat st;
  name += 4;
  if (strcmp(name, ".wh..opq") == 0)
    return tree_prune(parent, target->made);
  if (strncmp(name, ".wh.", 4) == 0 || !*name || !strcmp(name, ".") || !strcmp(name, ".."))
    return refuse(EPERM, "a whiteout of \"%s\"", name);
  path_of(path, parent, name);
  if (lstat(path, &st) < 0)
    return errno == ENOENT ? 0 : fail("look at %s", name);
  bool ours = made_has(target->made, parent, name);
  if (S_ISDIR(st.st_mode)) {
    autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
      return fail("open %s", name);
    if (tree_prune(fd, ours ? target->made : NULL) < 0)
      return -1;
  }
  return ours ? 0 : tree_remove(parent, name);
}

static int
one(struct target *target, struct layer *layer, const struct entry *entry)
{
  char directory[PATH_MAX], name[NAME_MAX + 1];
  if (path_split(entry->path, directory, name) < 0)
    return -1;
  int parent = target_enter(target, directory);
  if (parent < 0)
    return -1;
  if (strlen(name) > 3 && memcmp(name, ".wh.", 4) == 0)
    return whiteout_apply(target, parent, name);
  if (entry_make(target, parent, name, entry, layer) < 0 ||
      entry_attributes(target, parent, name, entry) < 0 || made_add(target->made, parent, name) < 0)
    return -1;
  if (name[0] == '.' && !name[1])
    target->parent_time = entry->mtime;
  return 0;
}

int
layer_apply(struct target *target, struct layer *layer)
{
  const struct entry *entry;
  target->made = made_new(target->root);
  if (!target->made)
    return -1;
  int result;
  while ((result = layer_next(layer, &entry)) > 0)
    if (one(target, layer, entry) < 0) {
      autofree char *why = strdup(failure());
      refuse(errno, "%s: %s", entry->path, why ? why : "");
      result = -1;
      break;
    }
  go_out(target);
  made_free(target->made);
  target->made = NULL;
  return result < 0 ? -1 : layer_verify(layer);
}
