/* probe.c - a program for the inside of a container. It is linked statically, so that
 * it runs in a root directory where nothing else is. The tests ask it to report,
 * to wait while they look at it from outside, and to attack. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Say that we are there, and wait to be looked at, 20 seconds at most. */
static int
wait_for_eyes(char **arg)
{
  (void)arg;
  puts("ready");
  fflush(stdout);
  alarm(20);
  pause();
  return 0;
}

static int
exit_with(char **arg)
{
  return atoi(arg[0]);
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *name;
    int (*run)(char **arg);  /* arguments behind the name, ended by NULL */
    int arguments;           /* how many at least */
  } commands[] = {
      {"exit", exit_with, 1},
      {"wait", wait_for_eyes, 0},
  };
  for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].arguments)
      return commands[i].run(argv + 2);
  fprintf(stderr, "probe: what?\n");
  return 99;
}
