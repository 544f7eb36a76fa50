/* main_tree.c - img unpack, mount, umount. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
unpack_image(int store, const struct image *image, int root)
{
  for (size_t i = 0; i < image->count; i++) {
    struct target target = how_to_apply();
    target.root = root;
    struct layer *layer = layer_open(store, image, i, NULL);
    if (!layer)
      return -1;
    int result = layer_apply(&target, layer);
    int error = errno;
    layer_close(layer);
    if (target.left_out)
      fprintf(stderr, "img: layer %zu: %u extended attributes left out, which this file "
              "system, or an ordinary user, cannot have\n", i + 1, target.left_out);
    errno = error;
    if (result < 0)
      return -1;
  }
  return 0;
}

static bool
is_empty(int directory)
{
  autolist struct list names = {0};
  return names_read(directory, &names) == 0 && names.count == 0;
}

/* Open the directory to unpack into, which is empty, or is made now. */
static int
open_target(const char *path, bool *made, struct stat *before)
{
  *made = mkdir(path, 0755) == 0;
  if (!*made && errno != EEXIST)
    return fail("make the directory %s", path);
  autoclose int target = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (target < 0 || fstat(target, before) < 0) {
    fail("open the directory %s", path);
    int error = errno;
    if (*made)
      rmdir(path);
    errno = error;
    return -1;
  }
  if (!*made && !is_empty(target))
    return refuse(ENOTEMPTY, "unpack into %s: the directory is not empty (name one that "
                  "is, or that is not there yet)", path);
  return take_fd(&target);
}

int
unpack(int count, char **words, int store)
{
  struct image image;
  bool made;
  struct stat before;
  (void)count;
  autoclose int lock = store_lock(store, false);
  if (lock < 0 || find_image(store, words[0], &image, NULL) < 0)
    return complain();
  autoclose int target = open_target(words[1], &made, &before);
  if (target < 0) {
    image_free(&image);
    return complain();
  }
  int status = 0;
  progress_begin("unpack", image_bytes(&image));
  int result = unpack_image(store, &image, target);
  progress_end();
  if (step(result) != DONE) {
    status = TOOL_FAILED;
    /* Half an image is worse than none. */
    if (tree_empty(target) < 0 || (made && rmdir(words[1]) < 0))
      fprintf(stderr, "img: what was unpacked into %s is still there\n", words[1]);
    else if (!made && (fchown(target, before.st_uid, before.st_gid) < 0 ||
                       fchmod(target, before.st_mode & 07777) < 0))
      complain();
  }
  image_free(&image);
  return status;
}

/* A user's mounts are in his user namespace, or nowhere. */
static const char *
mount_advice(void)
{
  return !unfinished() && geteuid() != 0
             ? " (an ordinary user mounts in a user namespace of his own: img unshare, and "
               "there again)"
             : "";
}

int
mount_image(int count, char **words, int store)
{
  struct image image;
  struct target how = how_to_apply();
  char called[NAME_MAX + 1];
  (void)count;
  autoclose int lock = store_lock(store, false);
  if (lock < 0 || find_image(store, words[0], &image, called) < 0)
    return complain();
  progress_begin("unpack", image_bytes(&image));
  int result = stack_mount(store, &image, called, words[1], wish.rw, &how);
  progress_end();
  image_free(&image);
  return result < 0 ? complain_with(mount_advice()) : 0;
}

int
umount_image(int count, char **words, int store)
{
  (void)count;
  if (stack_umount(store, words[0]) < 0)
    return complain_with(errno == EBUSY && !unfinished()
                             ? " (somebody works in there: fuser -m says who)"
                             : mount_advice());
  return 0;
}
