#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clean.h"
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

int
check_standard_streams(void)
{
  for (int fd = 0; fd <= 2; fd++) {
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
      return refuse(EISDIR, "descriptor %d is a directory of the host, and the "
                    "program could leave through it (redirect it)", fd);
  }
  return 0;
}

void
fresh_environment(void)
{
  const char *term = getenv("TERM");
  autofree char *kept = term ? strdup(term) : NULL;
  clearenv();
  setenv("PATH", INSIDE_PATH, 1);
  setenv("HOME", "/", 1);
  if (kept)
    setenv("TERM", kept, 1);
}
