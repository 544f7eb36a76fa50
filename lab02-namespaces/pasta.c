/* pasta.c - given: a network without a privilege.
 *
 * Laying a wire changes the host's network, and that is root's. pasta(1) needs
 * no wire. It makes the container's link a device behind which it sits itself
 * (tun), reads what the container sends, and says it again on sockets of its
 * own, as any program of yours may: so the container talks to the world through
 * you. Podman does the same.
 */
#include "pasta.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

static pid_t pasta;

/* Is there a default route in the network namespace of `pid`? In
 * /proc/PID/net/route, the second word of a line is the destination: all zeros
 * (proc(5)). */
static bool
connected(pid_t pid)
{
  char path[64], line[256], destination[16];
  bool found = false;
  snprintf(path, sizeof path, "/proc/%d/net/route", pid);
  FILE *file = fopen(path, "re");
  while (file && !found && fgets(line, sizeof line, file))
    found = sscanf(line, "%*s %15s", destination) == 1 &&
            strcmp(destination, "00000000") == 0;
  if (file)
    fclose(file);
  return found;
}

int
pasta_start(pid_t pid)
{
  char number[16];
  sigset_t none;
  if (access("/dev/net/tun", R_OK | W_OK) < 0)
    return fail("--net private: without root it takes /dev/net/tun, for everybody to "
                "read and write");
  snprintf(number, sizeof number, "%d", pid);
  pasta = fork();
  if (pasta < 0)
    return fail("start pasta");
  if (pasta == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGTERM);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Nobody comes in: no port of the host leads to the container. */
    execlp("pasta", "pasta", "--foreground", "--quiet", "--config-net",
           "--ns-ifname", "eth0", "-t", "none", "-u", "none", "-T", "none", "-U",
           "none", number, NULL);
    _exit(errno == ENOENT ? 127 : 126);
  }
  for (int i = 0; i < 2000; i++) { /* 10 seconds */
    int status;
    struct timespec moment = {.tv_nsec = 5000000};
    if (connected(pid))
      return 0;
    if (waitpid(pasta, &status, WNOHANG) == pasta) {
      pasta = 0;
      return WIFEXITED(status) && WEXITSTATUS(status) == 127
                 ? refuse(ENOENT, "--net private: without root it takes the program "
                          "pasta (install the package passt)")
                 : refuse(ECHILD, "pasta gave up (does the host have a network? "
                          "Try --net none)");
    }
    nanosleep(&moment, NULL);
  }
  pasta_stop();
  return refuse(ETIMEDOUT, "pasta did not connect");
}

void
pasta_stop(void)
{
  if (pasta <= 0)
    return;
  kill(pasta, SIGTERM);
  waitpid(pasta, NULL, 0); /* or init_wait has reaped it already */
  pasta = 0;
}
