/* xattr.c - read the extended attributes of a file (xattr(7)). Given. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "clean.h"
#include "given.h"

/* Read one. Its value may change between the two calls: then ERANGE, or fewer bytes. */
static int
read_one(const char *path, const char *name, struct xattr *xattr)
{
  ssize_t size = lgetxattr(path, name, NULL, 0);
  if (size < 0)
    return -1;
  xattr->name = strdup(name);
  xattr->value = malloc(size + 1);
  if (!xattr->name || !xattr->value)
    return -1;
  size = lgetxattr(path, name, xattr->value, size);
  xattr->size = size < 0 ? 0 : size;
  return size < 0 ? -1 : 0;
}

int
xattrs_read(int parent, const char *name, struct entry *entry)
{
  char path[NAME_PATH_SIZE];
  ssize_t size = llistxattr(name_path(parent, name, path), NULL, 0);
  if (size <= 0)
    return size < 0 && errno != ENOTSUP ? -1 : 0;
  /* The names come as strings, one behind another. */
  autofree char *names = malloc(size);
  size = names ? llistxattr(path, names, size) : -1;
  if (size < 0)
    return -1;
  size_t count = 0;
  for (const char *n = names; n < names + size; n += strlen(n) + 1)
    count++;
  entry->xattrs = calloc(count + 1, sizeof *entry->xattrs);
  if (!entry->xattrs)
    return -1;
  for (const char *n = names; n < names + size; n += strlen(n) + 1)
    if (read_one(path, n, &entry->xattrs[entry->xattr_count++]) < 0)
      return -1;
  return 0;
}
