/* apply.c - 4.3: apply a layer.
 *
 * A layer is an archive: "write this there", thousands of times, by somebody whom we do
 * not know. Unpacking it as root is obeying him as root, unless each "there" is inside
 * of the target, whatever the words are and whatever lies there already:
 *
 *     ../../etc/shadow           words that lead out: refused
 *     /etc/shadow                words that look as if: it means TARGET/etc/shadow
 *     etc -> /etc, etc/shadow    innocent words, and a link that leads out
 *
 * The third cannot be seen by looking at words. And it must not be refused, either: each
 * image has /lib -> usr/lib and /var/run -> /run, and they are right. So we ask the
 * kernel to walk the path as somebody inside would, for whom TARGET is "/":
 * open_in_root. It gives us a descriptor of a directory that is in the target for sure.
 * From there on there is one name, without a slash, and calls that do not follow it.
 */
#include <errno.h>
#include <fcntl.h>
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

int
path_split(const char *path, char directory[PATH_MAX], char name[NAME_MAX + 1])
{
  //> /* TODO 4.3: part by part. What may a path be, and mean the root itself? */
  //> return todo("4.3", path, directory, name);
  size_t length = 0, size;
  *directory = *name = '\0';
  if (!*path)
    return refuse(EBADMSG, "an entry without a name");
  if (strlen(path) >= PATH_MAX)
    return refuse(ENAMETOOLONG, "a path of %zu bytes: %.64s...", strlen(path), path);
  for (const char *part = path; *part; part += size) {
    part += strspn(part, "/");
    size = strcspn(part, "/");
    if (size == 0 || (size == 1 && *part == '.'))
      continue;
    if (size == 2 && part[0] == '.' && part[1] == '.')
      return refuse(EPERM, "the path \"%s\" leads out of where it is, by \"..\"", path);
    if (size > NAME_MAX)
      return refuse(ENAMETOOLONG, "a name of %zu bytes: %.64s...", size, part);
    /* One more part: what was the name until now is a directory. */
    if (strncmp(name, ".wh.", 4) == 0)
      return refuse(EPERM, "the path \"%s\" has %s for a directory, and no file of an image "
                    "can be called so", path, name);
    if (*name)
      length += snprintf(directory + length, PATH_MAX - length, "%s%s",
                         length ? "/" : "", name);
    snprintf(name, NAME_MAX + 1, "%.*s", (int)size, part);
  }
  if (!*name)
    snprintf(name, NAME_MAX + 1, ".");
  return 0;
  //<
}

//>
/* Make a directory that no entry has named, or not yet. The one that it is in does not
 * become younger by it. */
static int
make_implied(const struct target *target, int above, const char *name)
{
  struct stat st;
  const struct timespec old[2] = {{0}};
  if (fstat(above, &st) < 0)
    return fail("look at a directory");
  if (mkdirat(above, name, 0755) < 0)
    return errno == EEXIST
               ? refuse(ENOENT, "the link %s, on the way, leads to nothing", name)
               : fail("make the directory %s", name);
  if (!target->no_owners && fchownat(above, name, 0, 0, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("give the directory %s to root", name);
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
  return fchmodat(above, name, 0755, 0) < 0 /* whatever the umask is */ ||
                 utimensat(above, name, old, AT_SYMLINK_NOFOLLOW) < 0 ||
                 utimensat(above, ".", times, 0) < 0
             ? fail("make the directory %s", name)
             : 0;
}

/* Walk along a path, and make each directory that is missing. Each step begins at the
 * root again: a link on the way may lead anywhere in it, and ".." of a link's text too. */
static int
make_way(const struct target *target, const char *path)
{
  char way[PATH_MAX];
  autoclose int above = open_in_root(target->root, ".", O_PATH | O_DIRECTORY, 0);
  for (const char *name = path, *end; above >= 0 && *name; name = end + (*end == '/')) {
    end = name + strcspn(name, "/");
    snprintf(way, sizeof way, "%.*s", (int)(end - path), path);
    int next = open_in_root(target->root, way, O_PATH | O_DIRECTORY, 0);
    if (next < 0 && errno == ENOENT) {
      if (make_implied(target, above, way + (name - path)) < 0)
        return -1;
      next = open_in_root(target->root, way, O_PATH | O_DIRECTORY, 0);
    }
    close(above);
    above = next;
  }
  return above < 0 ? fail("go into the directory %s", way) : 0;
}

/* Go out of the directory where the latest entry was. That something was made in it
 * shall not show: in the image its time is another. errno stays. */
static int
leave(struct target *target)
{
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, target->parent_time};
  autoclose int parent = take_fd(&target->parent);
  return parent >= 0 && futimens(parent, times) < 0
             ? fail("give a directory its time again")
             : 0;
}
//<

int
target_enter(struct target *target, const char *directory)
{
  //> /* TODO 4.3: open_in_root (common/file.h). What is missing is made; and the directory
  //>  * that we were in before gets its time again. */
  //> return todo("4.3", target, directory);
  const char *path = *directory ? directory : ".";
  autoclose int fd = open_in_root(target->root, path, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0 && errno == ENOENT) {
    if (make_way(target, directory) < 0)
      return -1;
    fd = open_in_root(target->root, path, O_RDONLY | O_DIRECTORY, 0);
  }
  struct stat st, before;
  if (fd < 0 || fstat(fd, &st) < 0)
    return fail("go into the directory %s", path);
  /* Mostly it is where we are. But that the words are the same is not enough: a link in
   * them may be another by now. */
  if (target->parent >= 0 && fstat(target->parent, &before) == 0 &&
      st.st_dev == before.st_dev && st.st_ino == before.st_ino)
    return target->parent;
  if (leave(target) < 0)
    return -1;
  target->parent_time = st.st_mtim;
  return target->parent = take_fd(&fd);
  //<
}

//>
/* Write a file's data where they belong. What lies between is never written, and so
 * takes no room on the disk. */
static int
write_pieces(int file, struct layer *layer)
{
  const void *piece;
  size_t size;
  int64_t offset;
  int more;
  while ((more = layer_data(layer, &piece, &size, &offset)) > 0)
    for (const char *data = piece; size > 0;) {
      ssize_t n = pwrite(file, data, size, offset);
      if (n < 0 && errno != EINTR)
        return fail("write the file");
      if (n > 0)
        data += n, offset += n, size -= n;
    }
  return more;
}

static int
make_file(int parent, const char *name, const struct entry *entry, struct layer *layer)
{
  /* O_EXCL: nothing is there, and if something is, we do not write through it. */
  autoclose int file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0)
    return fail("make the file");
  if (entry->size == 0)
    return 0;
  if (write_pieces(file, layer) < 0)
    return -1;
  /* It may end with a hole. */
  return ftruncate(file, entry->size) < 0 ? fail("make the file as long as it should be")
                                          : 0;
}

static int
make_device(const struct target *target, int parent, const char *name,
            const struct entry *entry)
{
  if (!target->devices)
    return refuse(EPERM, "it is a device, and whoever opens it has the device "
                  "(--devices allows that)");
  if (entry->device == makedev(0, 0))
    return refuse(EPERM, "a device 0, 0 is a whiteout to overlayfs");
  return mknodat(parent, name, (entry->mode & S_IFMT) | 0600, entry->device) < 0
             ? fail("make the device %u, %u", major(entry->device), minor(entry->device))
             : 0;
}

/* What is there goes, unless directory comes to directory. Returns 1 if it stays. */
static int
make_room(int parent, const char *name, const struct entry *entry)
{
  struct stat st;
  if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : fail("look at what is there");
  if (S_ISDIR(st.st_mode) && S_ISDIR(entry->mode))
    return 1;
  return strcmp(name, ".") == 0
             ? refuse(EPERM, "the root of an image can only be a directory")
             : tree_remove(parent, name);
}

/* The other name is found as any path is: by the kernel, inside, and itself not
 * followed. linkat(2) without AT_SYMLINK_FOLLOW gives a link one more name, too. */
static int
make_hard(const struct target *target, int parent, const char *name,
          const struct entry *entry)
{
  char directory[PATH_MAX], other[NAME_MAX + 1];
  struct stat from, to;
  if (path_split(entry->link, directory, other) < 0)
    return -1;
  autoclose int fd = open_in_root(target->root, *directory ? directory : ".",
                                  O_PATH | O_DIRECTORY, 0);
  if (fd < 0 || fstatat(fd, other, &from, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("find %s, of which it is a hard link", entry->link);
  if (S_ISDIR(from.st_mode))
    return refuse(EPERM, "a hard link to %s, which is a directory", entry->link);
  if (fstatat(parent, name, &to, AT_SYMLINK_NOFOLLOW) == 0 &&
      from.st_dev == to.st_dev && from.st_ino == to.st_ino)
    return 0; /* removed first, there would be nothing left to link to */
  if (make_room(parent, name, entry) < 0)
    return -1;
  return linkat(fd, other, parent, name, 0) < 0 ? fail("link it to %s", entry->link) : 0;
}
//<

int
entry_make(struct target *target, int parent, const char *name,
           const struct entry *entry, struct layer *layer)
{
  //> /* TODO 4.3: what was there goes first; then one call for each type. No call here may
  //>  * follow a link that `name` is. */
  //> return todo("4.3", target, parent, name, entry, layer);
  if (entry->hard)
    return make_hard(target, parent, name, entry);
  int stays = make_room(parent, name, entry);
  if (stays)
    return stays < 0 ? -1 : 0;
  switch (entry->mode & S_IFMT) {
  case S_IFREG:
    return make_file(parent, name, entry, layer);
  case S_IFDIR:
    return mkdirat(parent, name, 0700) < 0 ? fail("make the directory") : 0;
  case S_IFLNK:
    return symlinkat(entry->link, parent, name) < 0 ? fail("make the link") : 0;
  case S_IFIFO:
    return mkfifoat(parent, name, 0600) < 0 ? fail("make the FIFO") : 0;
  case S_IFCHR:
  case S_IFBLK:
    return make_device(target, parent, name, entry);
  default:
    return refuse(EBADMSG, "an entry of no type that we know (mode %o)", entry->mode);
  }
  //<
}

//>
/* Extended attributes that speak to overlayfs: that a directory hides another, say, or
 * that a file's data are elsewhere. */
static bool
is_overlay(const char *name)
{
  return strncmp(name, "trusted.overlay.", 16) == 0 ||
         strncmp(name, "user.overlay.", 13) == 0;
}

/* May we go on without an attribute that could not be set? Some file systems have none,
 * and in a user namespace some are not ours to set. */
static bool
is_lenient(int error)
{
  return error == ENOTSUP || (error == EPERM && !in_first_userns());
}

/* Remove what it has and the entry does not name: from a layer below, or inherited from
 * its directory (acl(5)). */
static int
drop_xattrs(const char *path, const struct entry *entry)
{
  char names[65536]; /* XATTR_LIST_MAX; in limits(7) of Linux there are no more */
  ssize_t size = llistxattr(path, names, sizeof names);
  if (size < 0)
    return is_lenient(errno) ? 0 : fail("read its extended attributes");
  for (const char *name = names; name < names + size; name += strlen(name) + 1) {
    bool wanted = is_overlay(name) || strcmp(name, "security.selinux") == 0;
    for (size_t i = 0; i < entry->xattr_count && !wanted; i++)
      wanted = strcmp(name, entry->xattrs[i].name) == 0;
    if (!wanted && lremovexattr(path, name) < 0 && errno != ENODATA && !is_lenient(errno))
      return fail("remove the extended attribute %s", name);
  }
  return 0;
}

/* There is no call (before Linux 6.13) that takes a directory and a name. But /proc shows
 * our descriptors as links, and the last part of a path is not followed by lsetxattr(2). */
static int
set_xattrs(struct target *target, int parent, const char *name, const struct entry *entry)
{
  char path[64 + NAME_MAX];
  snprintf(path, sizeof path, "/proc/self/fd/%d/%s", parent, name);
  if (!S_ISLNK(entry->mode) && drop_xattrs(path, entry) < 0)
    return -1;
  for (size_t i = 0; i < entry->xattr_count; i++) {
    const struct xattr *x = &entry->xattrs[i];
    if (is_overlay(x->name))
      return refuse(EPERM, "the extended attribute %s is the kernel's: it has no place in "
                    "an image", x->name);
    if (lsetxattr(path, x->name, x->value, x->size, 0) == 0)
      continue;
    if (!is_lenient(errno))
      return fail("set the extended attribute %s", x->name);
    target->left_out++;
  }
  return 0;
}
//<

int
entry_attributes(struct target *target, int parent, const char *name,
                 const struct entry *entry)
{
  //> /* TODO 4.3: chown(2) takes setuid away, and capabilities. What else undoes what? */
  //> return todo("4.3", target, parent, name, entry);
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, entry->mtime};
  if (entry->hard)
    return 0;
  if (!target->no_owners &&
      fchownat(parent, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("give it to %u:%u", entry->uid, entry->gid);
  if (set_xattrs(target, parent, name, entry) < 0)
    return -1;
  /* A link has no mode of its own, and fchmodat(2) would follow it. */
  if (!S_ISLNK(entry->mode) && fchmodat(parent, name, entry->mode & 07777, 0) < 0)
    return fail("give it the mode %04o", entry->mode & 07777);
  return utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0
             ? fail("give it its time")
             : 0;
  //<
}

int
whiteout_apply(struct target *target, int parent, const char *name)
{
  //> /* TODO 4.3: tree_remove and tree_prune (given.h) remove. Which names are none? */
  //> return todo("4.3", target, parent, name);
  const char *gone = name + strlen(".wh.");
  if (strcmp(name, ".wh..wh..opq") == 0)
    return tree_prune(parent, target->made);
  if (!*gone || strcmp(gone, ".") == 0 || strcmp(gone, "..") == 0 ||
      strncmp(gone, ".wh.", 4) == 0)
    return refuse(EPERM, "a whiteout of no name that a file can have");
  if (!made_has(target->made, parent, gone))
    return tree_remove(parent, gone);
  /* This layer has made it anew, or something in it. What is in it and older goes. */
  autoclose int fd = openat(parent, gone, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOTDIR || errno == ENOENT ? 0 : fail("open the directory %s", gone);
  return tree_prune(fd, target->made);
  //<
}

//>
static int
apply_entry(struct target *target, struct layer *layer, const struct entry *entry)
{
  char directory[PATH_MAX], name[NAME_MAX + 1];
  if (path_split(entry->path, directory, name) < 0)
    return -1;
  int parent = target_enter(target, directory);
  if (parent < 0)
    return -1;
  if (strncmp(name, ".wh.", 4) == 0)
    return whiteout_apply(target, parent, name);
  if (entry_make(target, parent, name, entry, layer) < 0 ||
      entry_attributes(target, parent, name, entry) < 0)
    return -1;
  if (strcmp(name, ".") == 0)
    target->parent_time = entry->mtime; /* we are in it, and give it back later */
  return made_add(target->made, parent, name);
}

/* Say of which entry the message is. */
static int
of_entry(const struct entry *entry)
{
  char text[4096];
  snprintf(text, sizeof text, "%s", failure());
  return refuse(errno, "%s: %s", entry->path, text);
}
//<

int
layer_apply(struct target *target, struct layer *layer)
{
  //> /* TODO 4.3: entry by entry: path_split, target_enter, and then a whiteout, or an entry
  //>  * that is made and gets its attributes. Put down what was made (made_add). */
  //> return todo("4.3", target, layer);
  const struct entry *entry;
  int more = 0, bad = 0;
  target->parent = -1;
  target->made = made_new(target->root);
  if (!target->made)
    return -1;
  while (!bad && (more = layer_next(layer, &entry)) > 0)
    bad = apply_entry(target, layer, entry) < 0 ? of_entry(entry) : 0;
  if (!bad)
    bad = more < 0 ? -1 : layer_verify(layer);
  if (leave(target) < 0)
    bad = -1;
  made_free(target->made);
  target->made = NULL;
  return bad;
  //<
}
