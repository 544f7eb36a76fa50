/* hostile_judge.c - what came of a hostile image.
 *
 * A result is a list of what must be in the target, with spaces between:
 *
 *     PATH=f:TEXT    a file, with this in it     PATH=f4755:TEXT    of this mode, too
 *     PATH=d         a directory                 PATH=d700          the same
 *     PATH=l:TO      a symbolic link             PATH=p             a FIFO
 *     PATH=^OTHER    the same file as OTHER      PATH=-             nothing
 *     PATH=h:SIZE    a file of so many bytes     PATH=w:N           one that takes less
 *                                                                   than N KiB of disk
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"

/* Open what is at the path, which no link may lead to: the target is not to be
 * trusted. */
static int
open_plain(int root, const char *path)
{
  struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
  while (*path == '/')
    path++;
  int fd = syscall(SYS_openat2, root, path, &how, sizeof how);
  if (fd >= 0 || errno != ELOOP)
    return fd;
  /* Only the last part may be one. */
  char above[PATH_MAX];
  const char *name = strrchr(path, '/');
  snprintf(above, sizeof above, "%.*s", name ? (int)(name - path) : 1, name ? path : ".");
  int directory = syscall(SYS_openat2, root, above, &how, sizeof how);
  fd = directory < 0 ? -1 : openat(directory, name ? name + 1 : path, how.flags);
  close(directory);
  return fd;
}

/* Describe what is there as a result does, with the mode if that is wanted. */
static void
describe(int root, const char *path, bool with_mode, struct bytes *out)
{
  static const char types[] = "?pc?d?b?f?l?s";
  char text[4096], proc[64];
  struct stat st;
  int fd = open_plain(root, path);
  if (fd < 0 || fstat(fd, &st) < 0) {
    add_text(out, errno == ENOENT || errno == ENOTDIR ? "-" : "(%s)", strerror(errno));
    return;
  }
  add_text(out, "%c", types[(st.st_mode & S_IFMT) >> 12]);
  if (with_mode)
    add_text(out, "%o", st.st_mode & 07777);
  ssize_t n = 0;
  if (S_ISLNK(st.st_mode)) {
    n = readlinkat(fd, "", text, sizeof text);
  } else if (S_ISREG(st.st_mode)) {
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    int readable = open(proc, O_RDONLY | O_CLOEXEC);
    n = read(readable, text, sizeof text);
    close(readable);
  }
  if (S_ISLNK(st.st_mode) || S_ISREG(st.st_mode)) {
    add_text(out, ":");
    add(out, text, n > 0 ? n : 0);
  }
  close(fd);
}

static bool
same_file(int root, const char *a, const char *b)
{
  struct stat of_a, of_b;
  int fd_a = open_plain(root, a), fd_b = open_plain(root, b);
  bool there = fstat(fd_a, &of_a) == 0 && fstat(fd_b, &of_b) == 0;
  bool same = there && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
  close(fd_a);
  close(fd_b);
  return same;
}

/* "h:SIZE", "w:KIB" */
static void
describe_size(int root, const char *path, const char *want, struct bytes *out)
{
  struct stat st = {0};
  int fd = open_plain(root, path);
  fstat(fd, &st);
  close(fd);
  if (want[0] == 'h')
    add_text(out, "h:%lld", (long long)st.st_size);
  else if (st.st_blocks / 2 < atoll(want + 2))
    add_text(out, "%s", want);
  else
    add_text(out, "w:%lld", (long long)st.st_blocks / 2);
}

static bool
judge_one(int root, const char *path, const char *want)
{
  autobytes struct bytes got = {0};
  if (want[0] == '^')
    add_text(&got, same_file(root, path, want + 1) ? "%s" : "another file than %s",
             same_file(root, path, want + 1) ? want : want + 1);
  else if (strchr("hw", want[0]))
    describe_size(root, path, want, &got);
  else
    describe(root, path, want[0] && want[1] >= '0' && want[1] <= '7', &got);
  bool right = strcmp(got.data, want) == 0;
  if (!right)
    printf("expected: %.200s is %.200s (- nothing, d a directory, f a file, l a link, p a "
           "FIFO)\ngot: %.200s\n", path, want, got.data);
  return right;
}

bool
judge(const struct hostile *hostile, const char *directory)
{
  char *copy = strdup(hostile->result ? hostile->result : ""), *rest = copy;
  int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool right = root >= 0;
  if (!right)
    printf("expected: the directory %s\ngot: %s\n", directory, strerror(errno));
  for (char *word; right && (word = strsep(&rest, " "));) {
    if (!*word)
      continue;
    char *item = expanded(word), *want = strchr(item, '=');
    if (!want)
      give_up("%s: no = in %s", hostile->name, item);
    *want++ = '\0';
    right = judge_one(root, item, want);
    free(item);
  }
  close(root);
  free(copy);
  return right;
}

/* ---- looks ---- */

static void
look_at_data(int parent, const char *name)
{
  char sum[DIGEST], data[65536];
  autobytes struct bytes all = {0};
  int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  for (ssize_t n; (n = read(fd, data, sizeof data)) > 0;)
    add(&all, data, n);
  close(fd);
  digest(all.data, all.size, sum);
  printf(" %s", sum);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

/* Print one thing, and what is below it. */
static void
look_at(int parent, const char *name, const char *path, bool times)
{
  char below[PATH_MAX + NAME_MAX], link[PATH_MAX] = "";
  struct dirent **list;
  struct stat st;
  if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return;
  printf("%o %u:%u", st.st_mode, st.st_uid, st.st_gid);
  if (!S_ISDIR(st.st_mode))
    printf(" %llu %lld", (unsigned long long)st.st_nlink, (long long)st.st_size);
  if (!S_ISDIR(st.st_mode) && times)
    printf(" %lld.%09ld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  if (S_ISREG(st.st_mode))
    look_at_data(parent, name);
  if (S_ISLNK(st.st_mode) && readlinkat(parent, name, link, sizeof link - 1) < 0)
    return;
  printf(" %s%s%s\n", path, *link ? " -> " : "", link);
  if (!S_ISDIR(st.st_mode))
    return;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int count = fd < 0 ? 0 : scandirat(fd, ".", &list, NULL, by_name);
  for (int i = 0; i < count; i++) {
    if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0) {
      snprintf(below, sizeof below, "%s/%s", path, list[i]->d_name);
      look_at(fd, list[i]->d_name, below, times);
    }
    free(list[i]);
  }
  if (fd >= 0) {
    free(list);
    close(fd);
  }
}

void
look(const char *directory, bool times)
{
  look_at(AT_FDCWD, directory, directory, times);
}
