#include "scratch.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "student.h"

static char directory[64]; /* scratch() */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)type, (void)ftw;
  remove(path);
  return 0;
}

void
scratch_remove(void)
{
  if (directory[0])
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

const char *
scratch(void)
{
  if (!directory[0]) {
    snprintf(directory, sizeof directory, "/tmp/onggi-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    chmod(directory, 0755);
  }
  return directory;
}

const char *
at(const char *name)
{
  static char paths[32][PATH_MAX];
  static int next;
  char *path = paths[next++ % 32];
  snprintf(path, PATH_MAX, "%s/%s", scratch(), name);
  return path;
}

const char *
make_dir(const char *name, mode_t mode)
{
  const char *path = at(name);
  ck_assert_msg(mkdir(path, 0700) == 0 && chmod(path, mode) == 0,
                "the test cannot make %s", path);
  return path;
}

const char *
make_file(const char *name, const char *text, size_t size, mode_t mode)
{
  const char *path = at(name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ck_assert_msg(fd >= 0 && write(fd, text, size) == (ssize_t)size &&
                fchmod(fd, mode) == 0, "the test cannot write %s", path);
  close(fd);
  return path;
}

const char *
make_text(const char *name, const char *text, mode_t mode)
{
  return make_file(name, text, strlen(text), mode);
}

const char *
contents(const char *path)
{
  static char text[4096];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (n < 0)
    snprintf(text, sizeof text, "(%s)", strerror(errno));
  else
    text[n] = '\0';
  if (fd >= 0)
    close(fd);
  return text;
}

const char *
target(const char *path)
{
  static char text[PATH_MAX];
  ssize_t n = readlink(path, text, sizeof text - 1);
  if (n < 0)
    snprintf(text, sizeof text, "(%s)", strerror(errno));
  else
    text[n] = '\0';
  return text;
}

const char *
proc_link(pid_t pid, const char *name)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return target(path);
}

int
count_lines(const char *text)
{
  int count = 0;
  for (; *text; text++)
    count += *text == '\n';
  return count;
}

int
count_entries(const char *path)
{
  char *argv[] = {"ls", "-A", (char *)path, NULL}, names[4096];
  run_program(argv, names, sizeof names);
  return count_lines(names);
}
