/* facts - print all of our own state that a container is about.
 *
 * The program for fault injection (faults.c): if a call that failed was ignored, then
 * something of this is not as it should be. What differs from run to run (numbers of
 * processes, mounts and devices) is left out.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Print the lines of a file that start with one of `starts`, or all. */
static void
print_lines(const char *path, const char *const *starts)
{
  char line[4096];
  FILE *file = fopen(path, "re");
  printf("%s:%s\n", path, file ? "" : " not there");
  while (file && fgets(line, sizeof line, file)) {
    bool wanted = !starts;
    for (const char *const *s = starts; s && *s; s++)
      wanted |= strncmp(line, *s, strlen(*s)) == 0;
    if (wanted)
      fputs(line, stdout);
  }
  if (file)
    fclose(file);
}

/* Mounts: which part of what is where, and how. */
static void
print_mounts(void)
{
  char line[4096], root[1024], point[1024], options[256], type[64];
  FILE *file = fopen("/proc/self/mountinfo", "re");
  while (file && fgets(line, sizeof line, file)) {
    char *dash = strstr(line, " - ");
    if (dash && sscanf(line, "%*s %*s %*s %1023s %1023s %255s", root, point,
                       options) == 3 && sscanf(dash, " - %63s", type) == 1)
      printf("mount %s of %s on %s %s%s\n", root, type, point, options,
             strstr(line, "shared:") || strstr(line, "master:") ? " shared" : "");
  }
  if (file)
    fclose(file);
}

/* The names, kinds and modes of what is in a directory. */
static void
print_directory(const char *path)
{
  struct dirent **entries;
  int count = scandir(path, &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    char name[4096];
    struct stat st;
    snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
    if (lstat(name, &st) == 0)
      printf("%s %o %jx\n", name, st.st_mode, (uintmax_t)st.st_rdev);
    free(entries[i]);
  }
  if (count >= 0)
    free(entries);
}

static void
print_descriptors(void)
{
  for (int fd = 0; fd < 4096; fd++)
    if (fcntl(fd, F_GETFD) >= 0)
      printf("descriptor %d\n", fd);
}

/* With an argument, our number is left out. */
int
main(int argc, char **argv)
{
  (void)argv;
  const char *status[] = {"NSpid:", "Uid:", "Gid:", "Groups:", "SigPnd:", "SigBlk:", "SigIgn:", "SigCgt:",
                          "Cap", "NoNewPrivs:", "Seccomp:", NULL};
  char name[256] = "";
  int signal = 0;
  struct timespec t = {0};
  gethostname(name, sizeof name - 1);
  prctl(PR_GET_PDEATHSIG, &signal);
  clock_gettime(CLOCK_BOOTTIME, &t);
  mode_t mask = umask(0);
  printf("host name %s\nparent's death %d\numask %o\ncwd %s\n", name, signal, mask,
         getcwd((char[4096]){0}, 4096) ?: "?");
  printf("shifted clock %s\n", t.tv_sec > 1000000000 ? "yes" : "no");
  print_descriptors(); /* before a file is open */
  for (char **e = environ; *e; e++)
    printf("environment %s\n", *e);
  for (int i = 0; i < RLIM_NLIMITS; i++) {
    struct rlimit limit = {0};
    getrlimit(i, &limit);
    printf("limit %d %ju %ju\n", i, (uintmax_t)limit.rlim_cur,
           (uintmax_t)limit.rlim_max);
  }
  print_lines("/proc/self/status", status + (argc > 1));
  print_lines("/proc/self/uid_map", NULL);
  print_lines("/proc/self/gid_map", NULL);
  print_lines("/proc/self/setgroups", NULL);
  print_lines("/proc/net/route", NULL);
  print_lines("/proc/net/fib_trie", NULL);
  print_mounts();
  print_directory("/");
  print_directory("/dev");
  return 0;
}
