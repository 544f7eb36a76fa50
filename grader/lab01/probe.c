/* probe.c - a program for the inside of a jail. It is linked statically, so that
 * it runs in a root directory where nothing else is. The tests ask it to report,
 * to wait while they look at it from outside, and to attack. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* Print a file. */
static int
read_file(const char *path)
{
  char text[256];
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (n < 0) {
    perror(path);
    return 1;
  }
  fwrite(text, 1, n, stdout);
  return 0;
}

/* Up to the top, then print the file `marker` as seen from there. */
static int
climb_and_print(const char *marker)
{
  for (int i = 0; i < 64; i++)
    if (chdir("..") < 0)
      break;
  return read_file(marker + 1); /* relative: our root may be the jail's */
}

/* The attack of escape_chroot, so that 1.7 can be judged without 1.5. */
static int
attack_by_chroot(const char *marker)
{
  mkdir("cell", 0700);
  if (chroot("cell") < 0) {
    rmdir("cell");
    printf("no way out: chroot: %s\n", strerror(errno));
    return 1;
  }
  return climb_and_print(marker);
}

/* The attack of escape_fd: try every number there can be. */
static int
attack_by_fd(const char *marker)
{
  for (int fd = 3; fd < 1 << 16; fd++)
    if (fchdir(fd) == 0 && climb_and_print(marker) == 0)
      return 0;
  printf("no way out: no descriptor\n");
  return 1;
}

/* Print the numbers of the open descriptors from 3 up, and of those below that are
 * not open. Returns 1 if there are any, as an exit status that nobody else can
 * change. */
static int
list_descriptors(void)
{
  int wrong = 0;
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0)
      wrong = dprintf(1, "not even %d is open\n", fd) != 0;
  for (int fd = 3; fd < 1 << 16; fd++)
    if (fcntl(fd, F_GETFD) >= 0)
      wrong = printf("%d\n", fd) != 0;
  return wrong;
}

/* Leave the current directory open as descriptor `number`, and then lower the
 * limit, so that it lies above. Run the rest of the command line. */
static int
leak(int number, char **argv)
{
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int fd = open(".", O_RDONLY | O_DIRECTORY);
  if (fd < 0 || dup2(fd, number) < 0) {
    perror("probe: leak");
    return 99;
  }
  if (fd != number)
    close(fd);
  limit.rlim_cur = 256;
  setrlimit(RLIMIT_NOFILE, &limit);
  execv(argv[0], argv);
  perror(argv[0]);
  return 99;
}

/* Print our own number and wait to be looked at, 20 seconds at most. */
static int
wait_for_eyes(void)
{
  printf("%d\n", getpid());
  fflush(stdout);
  alarm(20);
  pause();
  return 0;
}

int
main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "";
  const char *arg = argc > 2 ? argv[2] : "";
  if (strcmp(what, "exit") == 0)
    return atoi(arg);
  if (strcmp(what, "signal") == 0)
    return raise(atoi(arg));
  if (strcmp(what, "touch") == 0)
    return open(arg, O_WRONLY | O_CREAT, 0644) < 0;
  if (strcmp(what, "read") == 0)
    return read_file(arg);
  if (strcmp(what, "unmount") == 0)
    return umount2(arg, MNT_DETACH) < 0;
  if (strcmp(what, "wait") == 0)
    return wait_for_eyes();
  if (strcmp(what, "descriptors") == 0)
    return list_descriptors();
  if (strcmp(what, "leak") == 0)
    return leak(atoi(arg), argv + 3);
  if (strcmp(what, "by-chroot") == 0)
    return attack_by_chroot(arg);
  if (strcmp(what, "by-fd") == 0)
    return attack_by_fd(arg);
  if (strcmp(what, "cwd") == 0)
    return puts(getcwd((char[4096]){0}, 4096) ?: "?") < 0;
  if (strcmp(what, "user") == 0)
    return printf("%d %d\n", geteuid(), getegid()) < 0;
  if (strcmp(what, "environment") == 0) {
    for (char **e = environ; *e; e++)
      puts(*e);
    return 0;
  }
  if (strcmp(what, "arguments") == 0) {
    for (int i = 2; i < argc; i++)
      printf("[%s]\n", argv[i]);
    return 0;
  }
  fprintf(stderr, "probe: what?\n");
  return 99;
}
