#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"

int
open_in_root(int root, const char *path, int flags, mode_t mode)
{
  /* O_CREAT without a mode, and a mode without O_CREAT, are errors to
   * openat2(2), which checks what open(2) lets pass. */
  struct open_how how = {
      .flags = flags | O_CLOEXEC,
      .mode = flags & O_CREAT ? mode : 0,
      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  };
  int fd;
  /* EAGAIN: a ".." met a rename or mount somewhere in the system, so that the
   * kernel could not be sure that the path stayed inside. */
  do
    fd = syscall(SYS_openat2, root, path, &how, sizeof how);
  while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  return fd;
}

/* Make one name of a path that is missing. */
static int
make_one(int dir, const char *name, bool file)
{
  if (!file)
    return mkdirat(dir, name, 0755);
  int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd >= 0)
    close(fd);
  return fd < 0 ? -1 : 0;
}

/* Walk along `path`, and make each name that is missing. Returns a
 * descriptor. */
static int
make_path(int root, const char *path, bool file)
{
  char part[PATH_MAX]; /* the path up to the name that we are at */
  autoclose int fd = open_in_root(root, "/", O_PATH | O_DIRECTORY, 0);
  for (const char *end = path + strspn(path, "/"); fd >= 0 && *end;) {
    const char *name = end;
    end += strcspn(end, "/");
    bool last = end[strspn(end, "/")] == '\0';
    if (end - path >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return -1;
    }
    snprintf(part, sizeof part, "%.*s", (int)(end - path), path);
    int next = open_in_root(root, part, O_PATH, 0);
    if (next < 0 && errno == ENOENT) {
      char one[NAME_MAX + 1];
      if (end - name > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
      }
      snprintf(one, sizeof one, "%.*s", (int)(end - name), name);
      if (make_one(fd, one, last && file) < 0) {
        /* It is there, and leads to nothing: a dangling link. */
        if (errno == EEXIST)
          errno = ENOENT;
        return -1;
      }
      next = open_in_root(root, part, O_PATH, 0);
    }
    close(fd);
    fd = next;
    end += strspn(end, "/");
  }
  return take_fd(&fd);
}

int
target_in_root(int root, const char *path, bool file)
{
  struct stat st;
  autoclose int fd = open_in_root(root, path, O_PATH, 0);
  if (fd < 0 && errno == ENOENT)
    fd = make_path(root, path, file);
  if (fd < 0 || fstat(fd, &st) < 0)
    return -1;
  if (S_ISDIR(st.st_mode) == file) {
    errno = file ? EISDIR : ENOTDIR;
    return -1;
  }
  return take_fd(&fd);
}

int
open_regular(const char *path)
{
  autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return fail("open %s", path);
  struct stat st;
  if (fstat(fd, &st) < 0)
    return fail("stat %s", path);
  if (!S_ISREG(st.st_mode))
    return refuse(EINVAL, "%s: is not a regular file", path);
  return take_fd(&fd);
}

void *
read_at(int fd, off_t offset, size_t size)
{
  /* Ask the file how long it is before asking for memory: the size often comes
   * from a header that a hostile file has filled in. */
  struct stat st;
  if (fstat(fd, &st) < 0)
    return NULL;
  if (offset < 0 || offset > st.st_size ||
      size > (size_t)(st.st_size - offset)) {
    errno = ENOEXEC;
    return NULL;
  }
  autofree char *data = malloc(size + 1);
  if (!data)
    return NULL;
  for (size_t done = 0; done < size;) {
    ssize_t n = pread(fd, data + done, size - done, offset + done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      if (n == 0)
        errno = ENOEXEC;
      return NULL;
    }
    done += n;
  }
  data[size] = '\0';
  char *taken = data;
  data = NULL;
  return taken;
}

int
write_all(int fd, const void *data, size_t size)
{
  for (size_t done = 0; done < size;) {
    ssize_t n = write(fd, (const char *)data + done, size - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    done += n;
  }
  return 0;
}

int
copy_data(int from, int to)
{
  char buffer[65536];
  for (;;) {
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n;
    if (write_all(to, buffer, n) < 0)
      return -1;
  }
}

void
unescape_mount(char *path)
{
  char *to = path;
  for (const char *from = path; *from; to++)
    if (from[0] == '\\' && from[1] && from[2] && from[3]) {
      *to = (from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0');
      from += 4;
    } else
      *to = *from++;
  *to = '\0';
}

bool
same_data(int a, int b)
{
  char left[32768], right[32768];
  for (off_t offset = 0;;) {
    ssize_t n = pread(a, left, sizeof left, offset);
    if (n < 0)
      return false;
    ssize_t m = pread(b, right, n ? n : 1, offset);
    if (n != m || memcmp(left, right, n) != 0)
      return false;
    if (n == 0)
      return true;
    offset += n;
  }
}
