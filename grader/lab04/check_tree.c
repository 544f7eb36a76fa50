/* check_tree.c - trees as text, and other things that the tests of 4.4 and 4.5 look at. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check_stack.h"
#include "clean.h"

enum { TEXT_ROOM = 65536 /* bytes of a tree's text */ };

/* What is in a file, or where a link leads. */
static void
describe(FILE *to, int parent, const char *name, const struct stat *st)
{
  char text[4096] = "";
  if (S_ISLNK(st->st_mode)) {
    ssize_t n = readlinkat(parent, name, text, sizeof text - 1);
    fprintf(to, " %.*s", (int)(n > 0 ? n : 0), text);
  } else if (S_ISREG(st->st_mode)) {
    autoclose int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, 100);
    if (n > 0)
      fprintf(to, " %.*s", (int)n, text);
  } else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
    fprintf(to, " %u:%u", major(st->st_rdev), minor(st->st_rdev));
}

static void
one(FILE *to, int parent, const char *name, const char *path)
{
  struct stat st;
  ck_assert_msg(fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0, "the test cannot look at "
                "%s: %s", path, strerror(errno));
  char type = S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l'
              : S_ISCHR(st.st_mode) ? 'c' : S_ISBLK(st.st_mode) ? 'b'
              : S_ISFIFO(st.st_mode) ? 'p' : 's';
  fprintf(to, "%s %c", path, type);
  if (type != 'l')
    fprintf(to, " %o", st.st_mode & 07777);
  if (st.st_uid || st.st_gid)
    fprintf(to, " %u:%u", st.st_uid, st.st_gid);
  describe(to, parent, name, &st);
  fputc('\n', to);
}

static int
real_names(const struct dirent *e)
{
  return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void
walk(FILE *to, int directory, const char *path)
{
  struct dirent **names;
  int count = scandirat(directory, ".", &names, real_names, by_name);
  ck_assert_msg(count >= 0, "the test cannot read %s: %s", path, strerror(errno));
  for (int i = 0; i < count; i++) {
    char below[PATH_MAX];
    snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", names[i]->d_name);
    one(to, directory, names[i]->d_name, below);
    autoclose int fd = openat(directory, names[i]->d_name,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
      walk(to, fd, below);
    free(names[i]);
  }
  free(names);
}

const char *
tree_text(const char *path)
{
  static char texts[4][TEXT_ROOM];
  static int next;
  char *text = texts[next++ % 4];
  FILE *to = fmemopen(text, TEXT_ROOM, "w");
  autoclose int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_msg(root >= 0, "the test cannot open %s: %s", path, strerror(errno));
  one(to, root, ".", ".");
  walk(to, root, "");
  fclose(to);
  return text;
}

const char *
unpacked_path(const char *store, const struct put_layer *layers, size_t i)
{
  static char paths[4][PATH_MAX];
  static int next;
  char chain[DIGEST_SIZE], both[2 * DIGEST_SIZE], *path = paths[next++ % 4];
  snprintf(chain, sizeof chain, "%s", layers[0].diff_id);
  for (size_t k = 1; k <= i; k++) {
    int n = snprintf(both, sizeof both, "%s %s", chain, layers[k].diff_id);
    snprintf(chain, sizeof chain, "%s", sha256(both, n));
  }
  snprintf(path, PATH_MAX, "%.3900s/layers/%s", store, chain + strlen("sha256:"));
  return path;
}

int
in_store(const char *store, const char *directory)
{
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/%s", store, directory);
  return count_entries(path);
}

void
write_text(const char *path, const char *text)
{
  autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ck_assert_msg(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
                fchmod(fd, 0644) == 0, "the test cannot write %s: %s", path, strerror(errno));
}

void
make_directories(const char *path)
{
  char part[PATH_MAX];
  for (const char *end = path + 1;; end++)
    if (*end == '/' || !*end) {
      snprintf(part, sizeof part, "%.*s", (int)(end - path), path);
      ck_assert_msg(mkdir(part, 0755) == 0 || errno == EEXIST, "the test cannot make %s: %s", part,
                    strerror(errno));
      if (!*end)
        return;
    }
}

bool
has_text(const char *path, const char *text)
{
  return strcmp(contents(path), text) == 0;
}
