/* seal.c - 1.7: seal.
 *
 * A descriptor is a door that chroot(2) does not know of. It was opened when the
 * process stood outside, and it goes on leading there. Our own we open with
 * O_CLOEXEC; but a process also inherits what its parent, and the parent's
 * parent, forgot to close.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "jail.h"

//>
/* The flag of close_range(2) since Linux 5.11: mark, do not close. What we still
 * need until the exec stays usable. */
enum { MARK_CLOEXEC = 1 << 2 };

/* Older kernels know no close_range. Descriptors have no upper end that one
 * could ask for without /proc: a limit that was lowered after they were opened
 * does not close them. So try every number that the kernel allows at all: the
 * default of fs.nr_open. EBADF is quick. */
static int
mark_one_by_one(void)
{
  enum { NR_OPEN = 1 << 20 };
  for (int fd = 3; fd < NR_OPEN; fd++)
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 && errno != EBADF)
      return fail("mark descriptor %d", fd);
  return 0;
}
//<
int
seal(void)
{
  //> /* TODO 1.7: every descriptor from 3 up. How high do they go? */
  //> return todo("1.7");
  if (syscall(SYS_close_range, 3U, ~0U, MARK_CLOEXEC) == 0)
    return 0;
  if (errno != ENOSYS && errno != EINVAL)
    return fail("close_range");
  return mark_one_by_one();
  //<
}
