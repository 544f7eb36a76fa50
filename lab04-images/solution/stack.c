/* stack.c - 4.4: stack the layers.
 *
 * Ten containers of one image do not need ten copies of it. Its layers are unpacked
 * once, a directory each, and overlayfs shows several directories as one: in each
 * place what the highest of them has.
 *
 *     what the container sees      merged    /bin/sh   /etc/motd   (no /etc/issue)
 *                                     |
 *     its own, written to          upper               /etc/motd   /etc/issue: 0, 0
 *     the image's layers,          layer 1   /bin/sh
 *     read only, and shared        layer 0   /bin/sh   /etc/motd   /etc/issue
 *
 * What is written goes to the upper directory: a file of a layer is copied up before
 * it is changed, and one that is removed gets a "whiteout" there, a character device
 * with the numbers 0, 0. So the layers stay what they are; and when the upper
 * directory is thrown away, the next container starts with the image as it was.
 *
 * A layer has two names. Its diffID says what it changes; its chainID says what there
 * is when it and all below it have been applied. We keep it by the second: as the
 * whiteouts in it are made for those below.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

void
chain_id(const char *below, const char *diff_id, char chain[DIGEST_SIZE])
{
  //> /* TODO 4.4: digest_of (given). */
  //> todo("4.4", below, diff_id);
  //> chain[0] = '\0';
  char both[2 * DIGEST_SIZE];
  if (below) {
    int n = snprintf(both, sizeof both, "%s %s", below, diff_id);
    digest_of(both, n, chain);
  } else
    snprintf(chain, DIGEST_SIZE, "%s", diff_id);
  //<
}

//>
/* The options of an overlay. overlayfs wants the highest first. */
static int
overlay_options(const int *lower, size_t count, int upper, int work, char *text, size_t size)
{
  /* What would leave more in the upper directory than files and whiteouts is off:
   * whoever reads it later (4.5) would have to understand it. That these would be
   * off anyway depends on how the kernel was made. */
  size_t n = snprintf(text, size, "%sredirect_dir=nofollow,metacopy=off,index=off,lowerdir=",
                      in_first_userns() ? "" : "userxattr,");
  for (size_t i = count; i-- > 0 && n < size;)
    n += snprintf(text + n, size - n, "%d%s", lower[i], i ? ":" : "");
  if (upper >= 0 && n < size)
    n += snprintf(text + n, size - n, ",upperdir=%d,workdir=%d", upper, work);
  return n < size ? 0 : refuse(E2BIG, "an overlay of %zu directories: mount(2) takes no more "
                               "than %zu bytes of options", count, size);
}

/* The kernel says only EINVAL, to somebody in a container whose own root is one. */
static int
overlay_failed(size_t count, int upper)
{
  int error = errno;
  struct statfs fs;
  if (upper >= 0 && fstatfs(upper, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC)
    return refuse(error, "mount an overlay: the directory to write to lies on an overlay "
                  "itself, and the kernel does not take that (put the store on a disk, a volume "
                  "or a tmpfs)");
  errno = error;
  return fail("mount an overlay of %zu directories", count);
}
//<

int
overlay_mount(const int *lower, size_t count, int upper, int work, const char *source,
              int target)
{
  //> /* TODO 4.4: mount(2). Its options end at one page: how short can the name of a
  //>  * directory be that is open here as descriptor 7? */
  //> return todo("4.4", lower, count, upper, work, source, target);
  char options[4096], where[16];
  if (count < 1 || count > LAYER_MAX)
    return refuse(count ? E2BIG : EINVAL, "an overlay of %zu directories (1 to %d are possible)",
                  count, LAYER_MAX);
  if (overlay_options(lower, count, upper, work, options, sizeof options) < 0)
    return -1;
  /* /proc/self/fd is a directory, and what is open as 7 is called "7" there. So names
   * are short, and have no "," ":" or "\" in them, which mean something in options. */
  autoclose int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (here < 0 || chdir("/proc/self/fd") < 0)
    return fail("go to /proc/self/fd to mount an overlay");
  snprintf(where, sizeof where, "%d", target);
  int bad = mount(source, where, "overlay", MS_NODEV, options);
  int error = errno;
  if (fchdir(here) < 0 && !bad)
    return fail("go back to where we were, after an overlay was mounted");
  errno = error;
  return bad ? overlay_failed(count, upper) : 0;
  //<
}

//>
/* Descriptors of directories, the lowest first. */
struct dirs {
  int fd[LAYER_MAX + 2];
  size_t count;
};

#define autodirs __attribute__((cleanup(dirs_close)))

static void
dirs_close(struct dirs *dirs)
{
  while (dirs->count > 0)
    clean_close(&dirs->fd[--dirs->count]);
}

/* From the chainID of layer i - 1 to that of layer i. */
static void
chain_next(const struct image *image, size_t i, char chain[DIGEST_SIZE])
{
  char below[DIGEST_SIZE];
  memcpy(below, chain, sizeof below);
  chain_id(i > 0 ? below : NULL, image->diff_ids[i], chain);
}

/* Where a layer lies, in the store: by the digits of its chainID. */
static void
layer_path(const char *chain, char path[DIGEST_SIZE + 8])
{
  snprintf(path, DIGEST_SIZE + 8, "layers/%s", chain + strlen("sha256:"));
}

/* Open an unpacked layer. Leaves no message: that it is not there need not be a
 * failure. */
static int
layer_dir(int store, const char *chain)
{
  char path[DIGEST_SIZE + 8];
  layer_path(chain, path);
  return openat(store, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Mount an overlay to write layer `upper` through, where nobody sees it. Returns a
 * descriptor of its root; with the last one in it, the mount goes. */
static int
mount_apart(int scratch, const struct dirs *below, int upper)
{
  char path[NAME_PATH_SIZE];
  autoclose int work = directory_make(scratch, "work");
  autoclose int merged = work < 0 ? -1 : directory_make(scratch, "merged");
  if (merged < 0 || overlay_mount(below->fd, below->count, upper, work, "img", merged) < 0)
    return -1;
  autoclose int root = openat(scratch, "merged", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* At once: if we are killed, our descriptors go, and the mount must go with them. */
  if (umount2(name_path(scratch, "merged", path), MNT_DETACH) < 0 || root < 0)
    return fail("take away the overlay that a layer is unpacked through");
  return take_fd(&root);
}

/* Apply the layer to a directory. */
static int
apply(int store, const struct image *image, size_t i, const struct target *how, int root)
{
  struct target target = {
      .root = root, .devices = how->devices, .no_owners = how->no_owners, .parent = -1};
  struct layer *layer = layer_open(store, image, i, NULL);
  if (!layer)
    return -1;
  int bad = layer_apply(&target, layer), error = errno;
  layer_close(layer);
  errno = error;
  return bad;
}

/* Unpack the layer into the directory "root" of the scratch directory. */
static int
unpack_apart(int scratch, int store, const struct image *image, size_t i,
             const struct target *how)
{
  char chain[DIGEST_SIZE] = "";
  autodirs struct dirs below = {0};
  for (size_t k = 0; k < i; k++) {
    chain_next(image, k, chain);
    int fd = layer_dir(store, chain);
    if (fd < 0)
      return fail("open layer %zu of the image, below layer %zu, in the store", k + 1, i + 1);
    below.fd[below.count++] = fd;
  }
  autoclose int upper = directory_make(scratch, "root");
  if (upper < 0 || (i > 0 && look_like(below.fd[i - 1], upper, how->no_owners) < 0))
    return -1;
  /* Below the first one there is nothing that it could hide. */
  autoclose int merged = i > 0 ? mount_apart(scratch, &below, upper) : -1;
  if (i > 0 && merged < 0)
    return -1;
  if (apply(store, image, i, how, i > 0 ? merged : upper) < 0)
    return -1;
  /* What gets its name now must be whole also if the power fails. */
  return syncfs(upper) < 0 ? fail("bring layer %zu to the disk", i + 1) : 0;
}

/* Give what is unpacked its place. Somebody else may have been quicker; then it is
 * the same. */
static int
place(int scratch, int store, const char *chain)
{
  char path[DIGEST_SIZE + 8];
  layer_path(chain, path);
  if (syscall(SYS_renameat2, scratch, "root", store, path, RENAME_NOREPLACE) < 0 &&
      errno != EEXIST)
    return fail("call a layer that was unpacked %s", path);
  int fd = layer_dir(store, chain);
  return fd < 0 ? fail("open %s in the store", path) : fd;
}
//<

int
layer_unpack(int store, const struct image *image, size_t i, const struct target *how)
{
  //> /* TODO 4.4: is it there? Else scratch_make (given), an overlay in it, layer_apply; and
  //>  * when all is well, rename. What if the layer has no entry for the root? */
  //> return todo("4.4", store, image, i, how);
  char path[SCRATCH_SIZE], chain[DIGEST_SIZE] = "";
  if (i >= image->count || i > LAYER_MAX)
    return refuse(i < image->count ? E2BIG : EINVAL, "unpack layer %zu of an image of %zu layers "
                  "(at most %d can be stacked)", i + 1, image->count, LAYER_MAX);
  for (size_t k = 0; k <= i; k++)
    chain_next(image, k, chain);
  int fd = layer_dir(store, chain);
  if (fd >= 0)
    return fd;
  if (errno != ENOENT)
    return fail("open layer %zu of the image, unpacked", i + 1);
  autoclose int scratch = scratch_make(store, path);
  if (scratch < 0)
    return -1;
  fd = unpack_apart(scratch, store, image, i, how) < 0 ? -1 : place(scratch, store, chain);
  int error = errno;
  tree_remove(store, path); /* else the next sweep does it */
  errno = error;
  return fd;
  //<
}

//>
/* A mount that is being made. */
struct mounting {
  char id[NAME_MAX + 1]; /* its name in STORE/mounts */
  int dir;               /* the directory there */
  int upper, work;       /* in it; -1 if the mount is read-only */
};

/* Make upper and work directory. The first looks as the image's root does. */
static int
make_upper(struct mounting *m, const struct dirs *layers, bool no_owners)
{
  m->upper = directory_make(m->dir, "upper");
  m->work = m->upper < 0 ? -1 : directory_make(m->dir, "work");
  if (m->work < 0)
    return -1;
  return layers->count ? look_like(layers->fd[layers->count - 1], m->upper, no_owners) : 0;
}

/* An overlay has at least two directories. Where the image has not enough, empty ones
 * lie below it. */
static int
fill_up(const struct mounting *m, struct dirs *layers)
{
  char name[16];
  size_t least = m->upper >= 0 ? 1 : 2;
  while (layers->count < least) {
    snprintf(name, sizeof name, "empty%zu", layers->count);
    int fd = directory_make(m->dir, name);
    if (fd < 0)
      return -1;
    memmove(layers->fd + 1, layers->fd, layers->count++ * sizeof *layers->fd);
    layers->fd[0] = fd;
  }
  return 0;
}

/* Unpack them all. */
static int
open_layers(int store, const struct image *image, const struct target *how, struct dirs *layers)
{
  if (image->count > LAYER_MAX)
    return refuse(E2BIG, "the image has %zu layers: no more than %d can be stacked",
                  image->count, LAYER_MAX);
  while (layers->count < image->count) {
    int fd = layer_unpack(store, image, layers->count, how);
    if (fd < 0)
      return -1;
    layers->fd[layers->count++] = fd;
  }
  return 0;
}

static int
mount_it(struct mounting *m, struct dirs *layers, const char *target, bool rw,
         const struct target *how)
{
  char source[sizeof "img:" + NAME_MAX];
  autoclose int at = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0)
    return fail("open the directory %s to mount on it", target);
  if ((rw && make_upper(m, layers, how->no_owners) < 0) || fill_up(m, layers) < 0)
    return -1;
  snprintf(source, sizeof source, "img:%s", m->id);
  return overlay_mount(layers->fd, layers->count, m->upper, m->work, source, at);
}
//<

int
stack_mount(int store, const struct image *image, const char *name, const char *target, bool rw,
            const struct target *how)
{
  //> /* TODO 4.4: layer_unpack for each; mounts_add (given), and overlay_mount. How will
  //>  * stack_find see that this mount is ours? And what if there is but one layer, and
  //>  * nothing to write to? */
  //> return todo("4.4", store, image, name, target, rw, how);
  struct mounting m = {.upper = -1, .work = -1};
  autodirs struct dirs layers = {0};
  autofree char *absolute = realpath(target, NULL);
  if (!absolute)
    return fail("mount an image on %s", target);
  if (open_layers(store, image, how, &layers) < 0)
    return -1;
  autoclose int mounts = mounts_lock(store);
  autoclose int found = mounts < 0 ? -1 : stack_find(store, absolute, m.id);
  if (found >= 0)
    return refuse(EBUSY, "an image is mounted on %s already (img umount %s)", target, target);
  if (mounts < 0 || errno != ENOENT)
    return -1;
  m.dir = mounts_add(mounts, image, name, absolute, rw, m.id);
  if (m.dir < 0)
    return -1;
  int bad = mount_it(&m, &layers, absolute, rw, how);
  clean_close(&m.dir);
  clean_close(&m.upper);
  clean_close(&m.work);
  int error = errno;
  if (bad)
    tree_remove(mounts, m.id);
  errno = error;
  return bad;
  //<
}

//>
/* Is this line of mountinfo about an overlay of ours? Behind " - " comes "TYPE SOURCE
 * OPTIONS". */
static bool
our_source(const char *line, char id[NAME_MAX + 1])
{
  const char *rest = strstr(line, " - ");
  return rest && sscanf(rest, " - overlay img:%255s", id) == 1;
}

/* Is mount number `wanted` one of ours? */
static bool
source_of(unsigned long long wanted, char id[NAME_MAX + 1])
{
  autofree char *line = NULL;
  size_t room = 0;
  bool found = false;
  FILE *file = fopen("/proc/self/mountinfo", "re");
  while (file && !found && getline(&line, &room, file) > 0)
    found = strtoull(line, NULL, 10) == wanted;
  if (file)
    fclose(file);
  return found && our_source(line, id);
}

/* Is it mounted anywhere? Where we cannot know it is: what is mounted must stay. */
static bool
is_mounted(const char *id)
{
  autofree char *line = NULL;
  char other[NAME_MAX + 1];
  size_t room = 0;
  bool found = false;
  FILE *file = fopen("/proc/self/mountinfo", "re");
  while (file && !found && getline(&line, &room, file) > 0)
    found = our_source(line, other) && strcmp(other, id) == 0;
  if (!file)
    return true;
  fclose(file);
  return found;
}
//<

int
stack_find(int store, const char *target, char id[NAME_MAX + 1])
{
  //> /* TODO 4.4: statx(2) says which mount that is, and whether it is its root;
  //>  * /proc/self/mountinfo says what is mounted there. */
  //> return todo("4.4", store, target, id);
  char path[sizeof "mounts/" + NAME_MAX];
  struct statx st;
  /* AT_NO_AUTOMOUNT: to look must not mount anything. */
  if (statx(AT_FDCWD, target, AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) < 0)
    return fail("look what is mounted on %s", target);
  if (!(st.stx_mask & STATX_MNT_ID))
    return refuse(ENOSYS, "look what is mounted on %s: this needs Linux 5.8", target);
  /* The source of a mount is what its maker calls it; others may call theirs so. */
  if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT) || !source_of(st.stx_mnt_id, id) ||
      strchr(id, '/') || id[0] == '.')
    return refuse(ENOENT, "no image is mounted on %s", target);
  snprintf(path, sizeof path, "mounts/%s", id);
  int fd = openat(store, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? fail("the image that is mounted on %s is not of this store", target) : fd;
  //<
}

int
stack_umount(int store, const char *target)
{
  //> /* TODO 4.4: umount2(2), then tree_remove (given). In this order? */
  //> return todo("4.4", store, target);
  char id[NAME_MAX + 1], path[sizeof "tmp/mount-" + NAME_MAX];
  autoclose int mounts = mounts_lock(store);
  autoclose int dir = mounts < 0 ? -1 : stack_find(store, target, id);
  if (dir < 0)
    return -1;
  if (umount2(target, 0) < 0)
    return fail("unmount %s", target);
  /* mount --bind, or a shared mount, may show it at other places, too. They need it. */
  if (is_mounted(id))
    return 0;
  /* Away from the mounts at once, for it is none any more. Should we be killed while we
   * remove it, store_sweep finds it. */
  snprintf(path, sizeof path, "tmp/mount-%s", id);
  if (renameat(mounts, id, store, path) < 0)
    return fail("remove what was written on %s", target);
  return tree_remove(store, path);
  //<
}
