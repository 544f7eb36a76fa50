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

//>
/* Open the directory that `path` lies in, inside `root`, and point *name at its
 * last part. */
static int
open_parent(int root, const char *path, const char **name)
{
  char dir[PATH_MAX];
  snprintf(dir, sizeof dir, "%s", path);
  char *slash = strrchr(dir, '/');
  *slash = '\0';
  *name = path + (slash - dir) + 1;
  int fd = open_in_root(root, dir[0] ? dir : "/",
                        O_PATH | O_DIRECTORY, 0);
  return fd < 0 ? fail("open the directory %s in the root", dir) : fd;
}

/* Is `name` in `dir` a regular file with these bytes and these bits? */
static bool
is_copy(int dir, const char *name, int source, mode_t mode)
{
  struct stat st;
  autoclose int fd = openat(dir, name,
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
         (st.st_mode & 07777) == mode && same_data(source, fd);
}
//<
int
copy_file(const char *source, int root, const char *path)
{
  //> /* TODO 1.3: copy the file's bytes and its nine permission bits. How can
  //>  * the file come to be under its name all at once? */
  //> return todo("1.3", source, root, path);
  const char *name;
  autoclose int from = open_regular(source);
  if (from < 0)
    return -1;
  autoclose int dir = open_parent(root, path, &name);
  if (dir < 0)
    return -1;
  struct stat st;
  if (fstat(from, &st) < 0)
    return fail("stat %s", source);
  mode_t mode = st.st_mode & 0777;
  if (is_copy(dir, name, from, mode))
    return 0;

  /* Write under a name that nobody knows, and rename when it is whole: other
   * processes see the old file or the new one and never a part, and a crash
   * leaves no half program that might be run. rename(2) replaces a symbolic
   * link itself, not what it points to. */
  char draft[NAME_MAX + 1];
  snprintf(draft, sizeof draft, ".jail-%d", getpid());
  unlinkat(dir, draft, 0);
  autoclose int to = openat(dir, draft,
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (to < 0)
    return fail("create %s in the root", path);

  /* fchmod, because the mode given to open(2) is cut by the umask. */
  if (copy_data(from, to) < 0 || fchmod(to, mode) < 0 ||
      renameat(dir, draft, dir, name) < 0) {
    fail("copy %s into the root", source);
    int error = errno;
    unlinkat(dir, draft, 0);
    errno = error;
    return -1;
  }
  return 0;
  //<
}

//>
/* Make the directory `path` in the root, as it is on the host. */
static int
copy_directory(int root, const char *path, mode_t mode)
{
  const char *name;
  autoclose int dir = open_parent(root, path, &name);
  if (dir < 0)
    return -1;
  if (mkdirat(dir, name, 0700) < 0) {
    if (errno != EEXIST)
      return fail("make the directory %s in the root", path);
    /* It may be a directory by way of a link, inside the root. */
    autoclose int fd = open_in_root(root, path, O_PATH | O_DIRECTORY, 0);
    return fd < 0 ? fail("open the directory %s in the root", path) : 0;
  }
  return fchmodat(dir, name, mode & 0777, 0) < 0
             ? fail("set the mode of %s in the root", path)
             : 0;
}

/* Make the symbolic link `path` in the root, and put its target into `target`,
 * PATH_MAX bytes. If something else has its name, then the path will lead somewhere
 * else inside, and what we go on to copy would not be found. */
static int
copy_link(int root, const char *path, char *target)
{
  const char *name;
  ssize_t n = readlink(path, target, PATH_MAX - 1);
  if (n < 0)
    return fail("read the link %s", path);
  target[n] = '\0';
  autoclose int dir = open_parent(root, path, &name);
  if (dir < 0)
    return -1;
  if (symlinkat(target, dir, name) == 0)
    return 0;
  char there[PATH_MAX];
  if (errno == EEXIST && readlinkat(dir, name, there, sizeof there) == n &&
      memcmp(there, target, n) == 0)
    return 0;
  errno = EEXIST;
  return fail("make the link %s -> %s in the root", path, target);
}

/* Take the first part of *rest off it, and append it to `path`, both PATH_MAX
 * bytes. Returns false when nothing is left. */
static bool
step(char *path, char *rest)
{
  size_t skip = strspn(rest, "/");
  size_t length = strcspn(rest + skip, "/");
  size_t at = strlen(path);
  if (length == 0)
    return false;
  snprintf(path + at, PATH_MAX - at, "/%.*s", (int)length, rest + skip);
  memmove(rest, rest + skip + length, strlen(rest + skip + length) + 1);
  return true;
}
//<
int
copy_in(int root, const char *path)
{
  //> /* TODO 1.3: walk along `path` one name at a time, as the kernel does, and
  //>  * make each directory and each link that you meet in `root`. */
  //> return todo("1.3", root, path);
  char done[PATH_MAX] = ""; /* walked: directories only, no links in it */
  char rest[PATH_MAX];      /* still to walk */
  int links = 0;
  if (path[0] != '/')
    return refuse(EINVAL, "%s: is not an absolute path", path);
  if (strlen(path) >= sizeof rest) {
    errno = ENAMETOOLONG;
    return fail("%s", path);
  }
  strcpy(rest, path);

  while (step(done, rest)) {
    char *name = strrchr(done, '/');
    struct stat st;
    if (strcmp(name, "/.") == 0) {
      *name = '\0';
      continue;
    }
    if (strcmp(name, "/..") == 0) { /* to the parent; of "/", that is "/" */
      *name = '\0';
      name = strrchr(done, '/');
      if (name)
        *name = '\0';
      continue;
    }
    if (lstat(done, &st) < 0)
      return fail("%s", done);

    if (S_ISLNK(st.st_mode)) {
      /* What the link says comes before what is left to walk. It starts at "/"
       * or at the directory the link lies in. */
      char target[PATH_MAX], joined[2 * PATH_MAX];
      if (++links > 40) {
        errno = ELOOP;
        return fail("%s", path);
      }
      if (copy_link(root, done, target) < 0)
        return -1;
      snprintf(joined, sizeof joined, "%s/%s", target, rest);
      if (strlen(joined) >= sizeof rest) {
        errno = ENAMETOOLONG;
        return fail("%s", path);
      }
      strcpy(rest, joined);
      *(target[0] == '/' ? done : name) = '\0';
    } else if (S_ISDIR(st.st_mode)) {
      if (copy_directory(root, done, st.st_mode) < 0)
        return -1;
    } else {
      if (rest[strspn(rest, "/")]) {
        errno = ENOTDIR;
        return fail("%s", done);
      }
      return copy_file(done, root, done);
    }
  }
  return 0;
  //<
}
