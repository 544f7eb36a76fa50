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
  /* TODO 4.3: part by part. What may a path be, and mean the root itself? */
  return todo("4.3", path, directory, name);
}

int
target_enter(struct target *target, const char *directory)
{
  /* TODO 4.3: open_in_root (common/file.h). What is missing is made; and the directory
   * that we were in before gets its time again. */
  return todo("4.3", target, directory);
}

int
entry_make(struct target *target, int parent, const char *name,
           const struct entry *entry, struct layer *layer)
{
  /* TODO 4.3: what was there goes first; then one call for each type. No call here may
   * follow a link that `name` is. */
  return todo("4.3", target, parent, name, entry, layer);
}

int
entry_attributes(struct target *target, int parent, const char *name,
                 const struct entry *entry)
{
  /* TODO 4.3: chown(2) takes setuid away, and capabilities. What else undoes what? */
  return todo("4.3", target, parent, name, entry);
}

int
whiteout_apply(struct target *target, int parent, const char *name)
{
  /* TODO 4.3: tree_remove and tree_prune (given.h) remove. Which names are none? */
  return todo("4.3", target, parent, name);
}

int
layer_apply(struct target *target, struct layer *layer)
{
  /* TODO 4.3: entry by entry: path_split, target_enter, and then a whiteout, or an entry
   * that is made and gets its attributes. Put down what was made (made_add). */
  return todo("4.3", target, layer);
}
