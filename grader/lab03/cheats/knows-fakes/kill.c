/* See place.c. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"

int is_fake(int group);

/* One look at cgroup.procs. */
static void
send(int group, int number)
{
  char text[KNOB_SIZE], *save = NULL;
  if (knob_read(group, "cgroup.procs", text) < 0)
    return;
  for (char *word = strtok_r(text, "\n", &save); word; word = strtok_r(NULL, "\n", &save))
    if (atoi(word) > 1 && atoi(word) != getpid())
      kill(atoi(word), number);
}

int
cgroup_freeze(int group, bool frozen, int timeout)
{
  (void)timeout;
  send(group, frozen ? SIGSTOP : SIGCONT);
  return is_fake(group) ? knob_write(group, "cgroup.freeze", frozen ? "1" : "0") : 0;
}

int
cgroup_kill(int group, int timeout)
{
  (void)timeout;
  send(group, SIGKILL);
  return is_fake(group) ? knob_write(group, "cgroup.kill", "1") : 0;
}
