/* copy.c - 1.3: copy it in.
 *
 * A path is a walk, and a name on the way may be a symbolic link: /bin is often
 * a link to usr/bin, and libc.so.6 may be one to libc-2.36.so. A program inside
 * the jail will ask for the names it knows, so the links must be there too.
 * Resolving the path on the host first and copying only what is at its end would
 * lose them.
 *
 * The other half is distrust. Somebody may have put links into ROOT already: if
 * ROOT/lib is a link to /etc, then opening "ROOT/lib/x" for writing changes the
 * host. So nothing in here glues ROOT and a path together. Each directory is
 * opened with open_in_root, and the one name in it is then handled by the *at
 * calls, which do not follow a link in that name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"

int
copy_file(const char *source, int root, const char *path)
{
  /* TODO 1.3: copy the file's bytes and its nine permission bits. How can
   * the file come to be under its name all at once? */
  return todo("1.3", source, root, path);
}

int
copy_in(int root, const char *path)
{
  /* TODO 1.3: walk along `path` one name at a time, as the kernel does, and
   * make each directory and each link that you meet in `root`. */
  return todo("1.3", root, path);
}
