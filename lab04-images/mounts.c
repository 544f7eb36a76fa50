/* mounts.c - given to 4.4: directories in the store. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "image.h"

int
directory_make(int parent, const char *name)
{
  if (mkdirat(parent, name, 0755) < 0)
    return fail("make the directory %s in the store", name);
  autoclose int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fchmod(fd, 0755) < 0) /* whatever our umask is */
    return fail("open the directory %s in the store", name);
  return take_fd(&fd);
}

/* Try one name. Returns a descriptor; or -1, with errno 0 if another may work. */
static int
scratch_try(int store, char path[SCRATCH_SIZE])
{
  unsigned long long number;
  struct stat st;
  if (getrandom(&number, sizeof number, 0) != sizeof number)
    return -1;
  snprintf(path, SCRATCH_SIZE, "tmp/layer-%016llx", number);
  if (mkdirat(store, path, 0700) < 0) {
    errno = errno == EEXIST ? 0 : errno;
    return -1;
  }
  autoclose int dir = openat(store, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* A sweeper may have come before the lock. */
  if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0 && fstat(dir, &st) == 0 && st.st_nlink > 0)
    return take_fd(&dir);
  int error = dir >= 0 || errno == ENOENT ? 0 : errno;
  unlinkat(store, path, AT_REMOVEDIR);
  errno = error;
  return -1;
}

int
scratch_make(int store, char path[SCRATCH_SIZE])
{
  int fd;
  do
    fd = scratch_try(store, path);
  while (fd < 0 && errno == 0);
  return fd < 0 ? fail("make a directory in the store's directory tmp") : fd;
}

/* Detach what is mounted in a directory of tmp, if it is nobody's any more. */
static int
scratch_release(int tmp, const char *name)
{
  char path[NAME_PATH_SIZE];
  autolist struct list names = {0};
  autoclose int dir = openat(tmp, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
    return 0; /* a file, or gone, or somebody's */
  if (names_read(dir, &names) < 0)
    return -1;
  /* EINVAL: nothing is mounted there. */
  for (size_t i = 0; i < names.count; i++)
    if (umount2(name_path(dir, names.items[i], path), MNT_DETACH | UMOUNT_NOFOLLOW) < 0 &&
        errno != EINVAL && errno != EPERM)
      return fail("unmount what a dead process has left in tmp/%s", name);
  return 0;
}

int
scratch_sweep(int store)
{
  autolist struct list names = {0};
  autoclose int tmp = openat(store, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (tmp < 0)
    return fail("open the store's directory tmp");
  int bad = names_read(tmp, &names);
  for (size_t i = 0; i < names.count && !bad; i++)
    bad = scratch_release(tmp, names.items[i]);
  return bad;
}

/* Copy those that are the directory's own. */
static int
copy_xattrs(int from, int to)
{
  struct entry entry = {0};
  int bad = xattrs_read(from, ".", &entry);
  for (size_t i = 0; !bad && i < entry.xattr_count; i++) {
    const struct xattr *x = &entry.xattrs[i];
    bool overlays = strncmp(x->name, "trusted.overlay.", 16) == 0 ||
                    strncmp(x->name, "user.overlay.", 13) == 0;
    if (!overlays && fsetxattr(to, x->name, x->value, x->size, 0) < 0 && errno != EPERM &&
        errno != ENOTSUP)
      bad = -1;
  }
  entry_free(&entry);
  return bad;
}

int
look_like(int from, int to, bool no_owners)
{
  struct stat st;
  if (fstat(from, &st) < 0 || (!no_owners && fchown(to, st.st_uid, st.st_gid) < 0) ||
      fchmod(to, st.st_mode & 07777) < 0 || copy_xattrs(from, to) < 0)
    return fail("give a root directory the owner and mode of the layer below");
  struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
  return futimens(to, times) < 0 ? fail("give a root directory its time") : 0;
}

int
mounts_lock(int store)
{
  autoclose int mounts = openat(store, "mounts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int bad = mounts < 0 ? -1 : flock(mounts, LOCK_EX);
  while (bad && errno == EINTR)
    bad = flock(mounts, LOCK_EX);
  return bad ? fail("lock the store's directory mounts") : take_fd(&mounts);
}

/* {"image":"sha256:...","name":"web","rw":true,"target":"/srv/web"} */
static int
write_record(int dir, const struct image *image, const char *name, const char *target, bool rw)
{
  json_t *json = json_pack("{s:s, s:s, s:b, s:s}", "image", image->manifest.digest, "name", name,
                           "rw", rw, "target", target);
  if (!json)
    return refuse(EINVAL, "write down the mount on %s: its name must be UTF-8", target);
  autofree char *text = json_write(json);
  json_decref(json);
  autoclose int file = openat(dir, "image.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (!text || file < 0 || write_all(file, text, strlen(text)) < 0)
    return fail("write image.json of the mount on %s", target);
  return 0;
}

int
mounts_add(int mounts, const struct image *image, const char *name, const char *target, bool rw,
           char id[NAME_MAX + 1])
{
  unsigned long long number;
  int made;
  do {
    if (getrandom(&number, sizeof number, 0) != sizeof number)
      return fail("draw a random number");
    snprintf(id, NAME_MAX + 1, "%016llx", number);
    made = mkdirat(mounts, id, 0700);
  } while (made < 0 && errno == EEXIST);
  if (made < 0)
    return fail("make a directory in the store's directory mounts");
  autoclose int dir = openat(mounts, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (dir < 0)
    fail("open a directory in the store's directory mounts");
  else if (write_record(dir, image, name, target, rw) == 0)
    return take_fd(&dir);
  int error = errno;
  tree_remove(mounts, id);
  errno = error;
  return -1;
}
