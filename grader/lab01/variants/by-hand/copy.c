/* by-hand: no openat2(2). Every directory is opened with O_NOFOLLOW from the one
 * above, so a link in ROOT is refused wherever it lies on the way. copy_in is
 * recursive: a link's target is walked by the same function. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"

static int
parent_of(int root, const char *path, char name[NAME_MAX + 1])
{
  autoclose int dir = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (const char *from = path; dir >= 0;) {
    from += strspn(from, "/");
    size_t n = strcspn(from, "/");
    if (n > NAME_MAX || n == 0) {
      errno = n ? ENAMETOOLONG : EINVAL;
      break;
    }
    memcpy(name, from, n);
    name[n] = '\0';
    from += n;
    if (!from[strspn(from, "/")])
      return take_fd(&dir);
    int next = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    clean_close(&dir);
    dir = next;
  }
  return fail("the directory of %s in the root", path);
}

static int
give_up(int dir, const char *draft, const char *what)
{
  fail("copy %s into the root", what);
  int error = errno;
  unlinkat(dir, draft, 0);
  errno = error;
  return -1;
}

int
copy_file(const char *source, int root, const char *path)
{
  char name[NAME_MAX + 1], draft[32];
  struct stat st, there;
  autoclose int in = open_regular(source);
  if (in < 0)
    return -1;
  if (fstat(in, &st) < 0)
    return fail("stat %s", source);
  autoclose int dir = parent_of(root, path, name);
  if (dir < 0)
    return -1;
  if (fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISREG(there.st_mode) && there.st_size == st.st_size &&
      (there.st_mode & 07777) == (st.st_mode & 0777)) {
    autoclose int old = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (old >= 0 && same_data(in, old))
      return 0;
  }

  autoclose int out = -1;
  do {
    unsigned number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
      return fail("a random number");
    snprintf(draft, sizeof draft, ".%08x.new", number);
    out = openat(dir, draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0);
  } while (out < 0 && errno == EEXIST);
  if (out < 0)
    return fail("make a draft of %s", path);
  char buffer[8192];
  for (;;) {
    ssize_t n = read(in, buffer, sizeof buffer);
    if (n == 0)
      break;
    if (n < 0 || write_all(out, buffer, n) < 0)
      return give_up(dir, draft, source);
  }
  if (fchmod(out, st.st_mode & 0777) < 0 || renameat(dir, draft, dir, name) < 0)
    return give_up(dir, draft, source);
  return 0;
}

/* One walk, over the links on the way as well. */
struct walk {
  int root;
  int links;
  bool at_file;          /* the last step came to a file: the end */
  char done[PATH_MAX];   /* how far we are, without links; "" is "/" */
};

static int step_along(struct walk *w, const char *rest);

static int
step_to(struct walk *w, const char *name, size_t n)
{
  struct stat st;
  size_t before = strlen(w->done);
  if (w->at_file) {
    errno = ENOTDIR;
    return fail("%s", w->done);
  }
  if (n == 1 && name[0] == '.')
    return 0;
  if (n == 2 && name[0] == '.' && name[1] == '.') {
    char *slash = strrchr(w->done, '/');
    if (slash)
      *slash = '\0';
    return 0;
  }
  if (before + n + 2 > sizeof w->done) {
    errno = ENAMETOOLONG;
    return fail("%s", w->done);
  }
  snprintf(w->done + before, sizeof w->done - before, "/%.*s", (int)n, name);
  if (lstat(w->done, &st) < 0)
    return fail("%s", w->done);
  if (!S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode)) {
    w->at_file = true;
    return copy_file(w->done, w->root, w->done);
  }

  char last[NAME_MAX + 1], to[PATH_MAX];
  autoclose int dir = parent_of(w->root, w->done, last);
  if (dir < 0)
    return -1;
  if (S_ISDIR(st.st_mode)) {
    if (mkdirat(dir, last, 0700) < 0)
      return errno == EEXIST ? 0 : fail("mkdir %s", w->done);
    autoclose int made = openat(dir, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                                               O_CLOEXEC);
    return made < 0 || fchmod(made, st.st_mode & 0777) < 0
               ? fail("the mode of %s", w->done) : 0;
  }
  if (++w->links > 40) {
    errno = ELOOP;
    return fail("%s", w->done);
  }
  ssize_t length = readlink(w->done, to, sizeof to - 1);
  if (length < 0)
    return fail("read the link %s", w->done);
  to[length] = '\0';
  if (symlinkat(to, dir, last) < 0) {
    char there[PATH_MAX] = "";
    if (errno != EEXIST)
      return fail("make the link %s", w->done);
    if (readlinkat(dir, last, there, sizeof there - 1) < 0 ||
        strcmp(there, to) != 0)
      return refuse(EEXIST, "%s: something else is in the link's place", w->done);
  }
  w->done[to[0] == '/' ? 0 : before] = '\0';
  clean_close(&dir);
  dir = -1;
  return step_along(w, to);
}

static int
step_along(struct walk *w, const char *rest)
{
  for (;;) {
    rest += strspn(rest, "/");
    size_t n = strcspn(rest, "/");
    if (n == 0)
      return 0;
    if (step_to(w, rest, n) < 0)
      return -1;
    rest += n;
  }
}

int
copy_in(int root, const char *path)
{
  struct walk w = {.root = root};
  if (path[0] != '/')
    return refuse(EINVAL, "%s: I want an absolute path", path);
  if (strlen(path) >= PATH_MAX)
    return refuse(ENAMETOOLONG, "a path of %zu bytes", strlen(path));
  return step_along(&w, path);
}
