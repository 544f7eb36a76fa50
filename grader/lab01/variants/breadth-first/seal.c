/* breadth-first: closed at once, instead of marked for the exec. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "jail.h"

int
seal(void)
{
  if (syscall(SYS_close_range, 3U, ~0U, 0U) < 0) {
    if (errno != ENOSYS)
      return fail("close everything");
    for (int fd = 3; fd < 1 << 20; fd++)
      close(fd);
  }
  return 0;
}
