/* drop.c - 1.6: drop privileges.
 *
 * "Root" is two things: user 0, who owns most files, and about 40 capabilities,
 * which are what the kernel asks for before a privileged call. A process carries
 * five sets of them (capabilities(7)):
 *
 *   permitted    may be switched on          effective    is switched on
 *   inheritable  a program may be given      ambient      a program is given
 *   bounding     the most that execve(2) can ever give
 *
 * The order below is not a matter of taste. Each step needs a privilege that a
 * later one takes away.
 */
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "jail.h"

int
drop_privileges(uid_t uid, gid_t gid, const cap_value_t *keep, int count)
{
  /* TODO 1.6: groups, gid, uid, capabilities, no_new_privs. After which of
   * these can you no longer do the others? */
  return todo("1.6", uid, gid, keep, count);
}
