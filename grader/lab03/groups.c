#include "groups.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "list.h"
#include "scratch.h"
#include "student.h"

static struct list made; /* paths of real groups */

#define NOT_HERE                                                                     \
  "(mend it: sh common/setup.sh vm, and the grader boots a machine that has it)"

const char *
make_group(const char *prefix)
{
  static bool possible; /* it was, before the student's code ran */
  char path[PATH_MAX];
  unsigned random;
  getentropy(&random, sizeof random);
  snprintf(path, sizeof path, GROUPS_TOP "/%s%08x", prefix, random);
  bool is_made = access(GROUPS_TOP "/cgroup.procs", W_OK) == 0 && mkdir(path, 0755) == 0;
  EXPECT(is_made || !possible, "the test's groups, and those above, stay as they are",
         "the test cannot make one any more: %s", strerror(errno));
  if (!is_made)
    student_cannot("no group of cgroup v2 can be made here " NOT_HERE);
  possible = true;
  list_add(&made, path);
  return made.items[made.count - 1];
}

void
need_controllers(const char *controllers)
{
  char have[4096], want[256], *save = NULL;
  snprintf(have, sizeof have, " %s ", in_dir(GROUPS_TOP, "cgroup.controllers"));
  snprintf(want, sizeof want, "%s", controllers);
  for (char *c = have; *c; c++)
    if (*c == '\n')
      *c = ' ';
  for (char *word = strtok_r(want, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
    char spaced[64], why[512];
    snprintf(spaced, sizeof spaced, " %s ", word);
    snprintf(why, sizeof why, "cgroup v2 has no %s controller here " NOT_HERE, word);
    if (!strstr(have, spaced))
      student_cannot(why);
  }
}

/* Kill all in a group and in those below it, and remove them, deepest first. What
 * the student's code made is there, too; so nothing of his is used for it. */
static void
remove_group(const char *path)
{
  char below[PATH_MAX], file[PATH_MAX + 32];
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
        snprintf(below, sizeof below, "%s/%s", path, e->d_name) < (int)sizeof below)
      remove_group(below);
  if (dir)
    closedir(dir);
  snprintf(file, sizeof file, "%s/cgroup.procs", path);
  for (int tries = 0; tries < 200; tries++) {
    FILE *stream = fopen(file, "re");
    for (int pid; stream && fscanf(stream, "%d", &pid) == 1;) {
      if (pid > 0 && pid != getpid())
        kill(pid, SIGKILL);
      waitpid(pid, NULL, WNOHANG);
    }
    if (stream)
      fclose(stream);
    if (rmdir(path) == 0 || errno == ENOENT)
      return;
    poll(NULL, 0, 5);
  }
}

void
groups_remove(void)
{
  for (size_t i = 0; i < made.count; i++) {
    char thaw[PATH_MAX + 32];
    snprintf(thaw, sizeof thaw, "%s/cgroup.freeze", made.items[i]);
    autoclose int fd = open(thaw, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "0", 1) < 0) { /* it is on its way out anyway */
    }
    remove_group(made.items[i]);
  }
  list_free(&made);
}

const char *
make_fake(const char *name, const char *const files[][2])
{
  char path[PATH_MAX];
  const char *dir = make_dir(name, 0755);
  for (size_t i = 0; files[i][0]; i++) {
    snprintf(path, sizeof path, "%s/%s", name, files[i][0]);
    make_text(path, files[i][1], 0644);
  }
  return dir;
}

const char *
make_without(const char *name, const char *real, const char *without)
{
  const char *fake = make_dir(name, 0755);
  DIR *dir = opendir(real);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    char from[PATH_MAX], to[PATH_MAX];
    if (e->d_type == DT_DIR || strcmp(e->d_name, without) == 0)
      continue;
    snprintf(from, sizeof from, "%s/%s", real, e->d_name);
    snprintf(to, sizeof to, "%s/%s", fake, e->d_name);
    ck_assert_int_eq(symlink(from, to), 0);
  }
  if (dir)
    closedir(dir);
  return fake;
}

int
open_dir(const char *path)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_msg(fd >= 0, "open %s: %s", path, strerror(errno));
  return fd;
}

const char *
in_dir(const char *path, const char *name)
{
  char file[PATH_MAX];
  snprintf(file, sizeof file, "%s/%s", path, name);
  return contents(file);
}

pid_t
put_process(const char *group)
{
  char file[PATH_MAX], byte;
  int ready[2];
  snprintf(file, sizeof file, "%s/cgroup.procs", group);
  ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1 || write(ready[1], "r", 1) != 1)
      _exit(1);
    for (;;)
      pause();
  }
  close(ready[1]);
  ck_assert_msg(read(ready[0], &byte, 1) == 1, "the test's process cannot get into %s", group);
  close(ready[0]);
  return pid;
}
