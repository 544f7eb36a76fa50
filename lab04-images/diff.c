/* diff.c - 4.5: what has changed, and a layer of it.
 *
 * Whoever writes on an overlay writes into its upper directory, so what is in there is
 * what has changed. Only two things are said in other words there than in a layer:
 *
 *                           the upper directory             the layer
 *     X is gone             a character device 0, 0, X      an empty file .wh.X
 *     all in D is hidden    D has overlay.opaque=y          an empty file D/.wh..wh..opq
 *
 * A layer is called by its digest: one other byte, and it is another layer. So two
 * who pack the same tree must write the same bytes, and nothing makes them so:
 * readdir(3) gives names in any order, inodes and times of reading are another
 * machine's, and a file may have several names. Therefore we sort, leave out what is
 * not the tree's, and let the order decide which name is the file, and which are
 * links to it.
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
#include "list.h"

int
entry_read(int parent, const char *name, time_t newest, struct entry *entry)
{
  /* TODO 4.5: fstatat(2), readlinkat(2), and xattrs_read (given), sorted. What belongs
   * to this machine, and not to the file? */
  return todo("4.5", parent, name, newest, entry);
}

enum mark
overlay_mark(int parent, const char *name)
{
  /* TODO 4.5: what do fstatat(2) and lgetxattr(2) say? name_path (given) makes a path
   * for the second. */
  todo("4.5", parent, name);
  return MARK_NONE;
}

int
layer_pack(int root, bool upper, time_t newest, struct packer *packer)
{
  /* TODO 4.5: the root's own entry, "./"; then what is in it, sorted, and so on down.
   * links_first (given) knows which names are one file. */
  return todo("4.5", root, upper, newest, packer);
}

int
tree_diff(int before, int after, change_fn *on_change, void *arg)
{
  /* TODO 4.5: the two roots, then both directories' names at once, and so on down. */
  return todo("4.5", before, after, on_change, arg);
}
