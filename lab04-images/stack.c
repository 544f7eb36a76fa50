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
  /* TODO 4.4: digest_of (given). */
  todo("4.4", below, diff_id);
  chain[0] = '\0';
}

int
overlay_mount(const int *lower, size_t count, int upper, int work, const char *source,
              int target)
{
  /* TODO 4.4: mount(2). Its options end at one page: how short can the name of a
   * directory be that is open here as descriptor 7? */
  return todo("4.4", lower, count, upper, work, source, target);
}

int
layer_unpack(int store, const struct image *image, size_t i, const struct target *how)
{
  /* TODO 4.4: is it there? Else scratch_make (given), an overlay in it, layer_apply; and
   * when all is well, rename. What if the layer has no entry for the root? */
  return todo("4.4", store, image, i, how);
}

int
stack_mount(int store, const struct image *image, const char *name, const char *target, bool rw,
            const struct target *how)
{
  /* TODO 4.4: layer_unpack for each; mounts_add (given), and overlay_mount. How will
   * stack_find see that this mount is ours? And what if there is but one layer, and
   * nothing to write to? */
  return todo("4.4", store, image, name, target, rw, how);
}

int
stack_find(int store, const char *target, char id[NAME_MAX + 1])
{
  /* TODO 4.4: statx(2) says which mount that is, and whether it is its root;
   * /proc/self/mountinfo says what is mounted there. */
  return todo("4.4", store, target, id);
}

int
stack_umount(int store, const char *target)
{
  /* TODO 4.4: umount2(2), then tree_remove (given). In this order? */
  return todo("4.4", store, target);
}
