/* loader-list: /proc/self/fd lists what is open. Where it cannot be read (inside
 * a jail there is mostly no /proc), every number is tried. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "jail.h"

int
seal(void)
{
  DIR *dir = opendir("/proc/self/fd");
  if (dir) {
    int marked = 0;
    for (struct dirent *e; (e = readdir(dir));) {
      char *end;
      long fd = strtol(e->d_name, &end, 10);
      if (end > e->d_name && *end == '\0' && ++marked && fd > 2)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    closedir(dir);
    /* Ours was open, so at least one: else it was no /proc, but a directory that
     * somebody made. */
    if (marked > 0)
      return 0;
  }
  for (int fd = 3; fd < 1 << 20; fd++)
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 && errno != EBADF)
      return fail("mark descriptor %d", fd);
  return 0;
}
