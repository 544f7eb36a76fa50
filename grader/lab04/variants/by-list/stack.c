/* stack.c - another right answer: a child goes to /proc/self/fd and mounts; every layer
 * is unpacked by way of an overlay, the first one, too; and a mount is found by its
 * record, and only then looked at. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

void
chain_id(const char *below, const char *diff_id, char chain[DIGEST_SIZE])
{
  struct hash *hash = below ? hash_begin() : NULL;
  if (!hash) {
    memmove(chain, diff_id, strlen(diff_id) + 1);
    return;
  }
  hash_add(hash, below, strlen(below));
  hash_add(hash, " ", 1);
  hash_add(hash, diff_id, strlen(diff_id));
  hash_end(hash, chain);
}

int
overlay_mount(const int *lower, size_t count, int upper, int work, const char *source, int target)
{
  char options[4000] = "", on[16];
  int n = 0, status;
  if (count == 0)
    return refuse(EINVAL, "no directory to mount");
  if (count > LAYER_MAX)
    return refuse(E2BIG, "%zu directories are too many", count);
  if (upper >= 0)
    n = snprintf(options, sizeof options, "upperdir=%d,workdir=%d,", upper, work);
  n += snprintf(options + n, sizeof options - n, "index=off,metacopy=off,redirect_dir=nofollow%s",
                in_first_userns() ? "" : ",userxattr");
  for (size_t i = 0; i < count; i++)
    n += snprintf(options + n, sizeof options - n, "%s%d", i ? ":" : ",lowerdir=",
                  lower[count - 1 - i]);
  snprintf(on, sizeof on, "%d", target);
  pid_t pid = fork();
  if (pid < 0)
    return fail("fork");
  if (pid == 0)
    _exit(chdir("/proc/self/fd") < 0 || mount(source, on, "overlay", MS_NODEV, options) < 0 ? errno
                                                                                        : 0);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
  return errno ? fail("mount an overlay") : 0;
}

static int
open_dir(int parent, const char *name)
{
  return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Where the layer lies: "layers/..." */
static void
where(const struct image *image, size_t i, char path[DIGEST_SIZE + 8])
{
  char chain[DIGEST_SIZE], next[DIGEST_SIZE];
  for (size_t k = 0; k <= i; k++) {
    chain_id(k ? chain : NULL, image->diff_ids[k], next);
    memcpy(chain, next, sizeof chain);
  }
  snprintf(path, DIGEST_SIZE + 8, "layers/%s", strchr(chain, ':') + 1);
}

static void
close_all(int *fds, size_t count)
{
  for (size_t i = 0; i < count; i++)
    clean_close(&fds[i]);
}

/* All below layer `i`, on top of an empty one. Returns how many, or -1. */
static int
open_lower(int store, int scratch, const struct image *image, size_t i, int *fds)
{
  char path[DIGEST_SIZE + 8];
  fds[0] = directory_make(scratch, "nothing");
  if (fds[0] < 0)
    return -1;
  for (size_t k = 0; k < i; k++) {
    where(image, k, path);
    fds[k + 1] = open_dir(store, path);
    if (fds[k + 1] < 0) {
      fail("open the layer %s", path);
      close_all(fds, k + 1);
      return -1;
    }
  }
  return i + 1;
}

static int
unpack_through(int store, int scratch, const struct image *image, size_t i,
               const struct target *how)
{
  int fds[LAYER_MAX + 1], count = open_lower(store, scratch, image, i, fds), bad = -1;
  char path[NAME_PATH_SIZE];
  if (count < 0)
    return -1;
  autoclose int upper = directory_make(scratch, "new");
  autoclose int work = directory_make(scratch, "work");
  autoclose int at = directory_make(scratch, "at");
  if (i > 0)
    look_like(fds[count - 1], upper, how->no_owners);
  if (upper >= 0 && work >= 0 && at >= 0 &&
      overlay_mount(fds, count, upper, work, "unpacking", at) == 0) {
    autoclose int root = openat(scratch, "at", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    umount2(name_path(scratch, "at", path), MNT_DETACH);
    struct target target = *how;
    target.root = root;
    struct layer *layer = layer_open(store, image, i, NULL);
    bad = layer ? layer_apply(&target, layer) : -1;
    int error = errno;
    if (layer)
      layer_close(layer);
    errno = error;
  }
  close_all(fds, count);
  return bad;
}

int
layer_unpack(int store, const struct image *image, size_t i, const struct target *how)
{
  char path[DIGEST_SIZE + 8], temp[SCRATCH_SIZE];
  if (i >= image->count || i >= LAYER_MAX)
    return refuse(EINVAL, "there is no layer %zu", i);
  where(image, i, path);
  int fd = open_dir(store, path);
  if (fd >= 0 || errno != ENOENT)
    return fd;
  autoclose int scratch = scratch_make(store, temp);
  if (scratch < 0)
    return -1;
  int bad = unpack_through(store, scratch, image, i, how), error = errno;
  /* A directory that has something in it is not replaced (rename(2), ENOTEMPTY). */
  if (!bad) {
    bad = renameat(scratch, "new", store, path);
    error = errno;
    if (bad && (error == ENOTEMPTY || error == EEXIST))
      bad = 0;
  }
  tree_remove(store, temp);
  errno = error;
  return bad ? -1 : open_dir(store, path);
}

static int
mount_new(int store, const struct image *image, int dir, const char *id, const char *target,
          bool rw, const struct target *how)
{
  int fds[LAYER_MAX + 1], bad = -1;
  size_t count = 0;
  char source[NAME_MAX + 8];
  autoclose int at = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0)
    return fail("open %s", target);
  if (image->count < 2 && (fds[count++] = directory_make(dir, "nothing")) < 0)
    return -1;
  for (size_t i = 0; i < image->count; i++)
    if ((fds[count++] = layer_unpack(store, image, i, how)) < 0) {
      close_all(fds, count - 1);
      return -1;
    }
  autoclose int upper = rw ? directory_make(dir, "upper") : -1;
  autoclose int work = rw ? directory_make(dir, "work") : -1;
  snprintf(source, sizeof source, "img-%s", id);
  if (!rw || (upper >= 0 && work >= 0 && look_like(fds[count - 1], upper, how->no_owners) == 0))
    bad = overlay_mount(fds, count, upper, work, source, at);
  close_all(fds, count);
  return bad;
}

int
stack_mount(int store, const struct image *image, const char *name, const char *target, bool rw,
            const struct target *how)
{
  char id[NAME_MAX + 1];
  autofree char *path = realpath(target, NULL);
  if (!path)
    return fail("find %s", target);
  if (image->count > LAYER_MAX)
    return refuse(E2BIG, "%zu layers", image->count);
  autoclose int mounts = mounts_lock(store);
  if (mounts < 0)
    return -1;
  autoclose int there = stack_find(store, path, id);
  if (there >= 0)
    return refuse(EBUSY, "%s: an image is mounted there", path);
  autoclose int dir = mounts_add(mounts, image, name, path, rw, id);
  int bad = dir < 0 ? -1 : mount_new(store, image, dir, id, path, rw, how), error = errno;
  if (bad && dir >= 0)
    tree_remove(mounts, id);
  errno = error;
  return bad;
}

/* Is "img-ID" the source of a mount: of number `mount`, or (0) of any? */
static bool
in_mountinfo(unsigned long long mount, const char *id)
{
  char want[NAME_MAX + 64], *line = NULL;
  size_t room = 0;
  bool found = false;
  snprintf(want, sizeof want, " - overlay img-%s ", id);
  FILE *file = fopen("/proc/self/mountinfo", "re");
  while (file && getline(&line, &room, file) > 0)
    found = found || ((!mount || strtoull(line, NULL, 10) == mount) && strstr(line, want));
  if (file)
    fclose(file);
  free(line);
  return found;
}

/* Is that the mount whose root `path` is? */
static bool
is_mounted(const char *path, const char *id)
{
  struct statx st;
  return statx(AT_FDCWD, path, 0, STATX_MNT_ID, &st) == 0 &&
         (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) && in_mountinfo(st.stx_mnt_id, id);
}

int
stack_find(int store, const char *target, char id[NAME_MAX + 1])
{
  autofree char *path = realpath(target, NULL);
  int found = -1;
  if (!path)
    return fail("find %s", target);
  int mounts = open_dir(store, "mounts");
  DIR *dir = mounts < 0 ? NULL : fdopendir(mounts);
  if (!dir)
    return fail("read the store's mounts");
  for (struct dirent *e; found < 0 && (e = readdir(dir));) {
    autoclose int fd = e->d_name[0] == '.' ? -1 : open_dir(mounts, e->d_name);
    if (fd >= 0 && is_mounted(path, e->d_name)) {
      snprintf(id, NAME_MAX + 1, "%s", e->d_name);
      found = take_fd(&fd);
    }
  }
  closedir(dir);
  return found >= 0 ? found : refuse(ENOENT, "%s: no image is mounted there", path);
}

int
stack_umount(int store, const char *target)
{
  char id[NAME_MAX + 1];
  autoclose int mounts = mounts_lock(store);
  autoclose int dir = mounts < 0 ? -1 : stack_find(store, target, id);
  if (dir < 0)
    return -1;
  if (umount(target) < 0)
    return fail("unmount %s", target);
  return in_mountinfo(0, id) ? 0 : tree_remove(mounts, id);
}
