#include "start.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>

#include "fail.h"

int
start_clean(void)
{
  sigset_t wanted;
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
      return fail("open /dev/null as descriptor %d", fd);
  signal(SIGCHLD, SIG_DFL);
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGHUP);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGCHLD);
  sigprocmask(SIG_UNBLOCK, &wanted, NULL);
  return 0;
}
