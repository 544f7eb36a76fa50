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

//>
/* Make all five sets of this process exactly the capabilities in `keep`. An
 * "IAB" is libcap's word for the three sets that outlive execve(2): Inheritable,
 * Ambient and Bounding, the last one written as what is blocked. */
static int
set_capabilities(const cap_value_t *keep, int count)
{
  cap_iab_t iab = cap_iab_init();
  cap_t caps = cap_init(); /* all empty */
  int bad = !iab || !caps ? fail("memory for capability sets") : 0;

  for (cap_value_t c = 0; !bad && c < cap_max_bits(); c++)
    bad = cap_iab_set_vector(iab, CAP_IAB_BOUND, c, CAP_SET);
  for (int i = 0; !bad && i < count; i++)
    bad = cap_iab_set_vector(iab, CAP_IAB_BOUND, keep[i], CAP_CLEAR) ||
          cap_iab_set_vector(iab, CAP_IAB_INH, keep[i], CAP_SET) ||
          cap_iab_set_vector(iab, CAP_IAB_AMB, keep[i], CAP_SET);
  /* Lowering the bounding set takes CAP_SETPCAP, so it comes before the
   * permitted set goes. Ambient only holds what is permitted and inheritable,
   * which is why `keep` must still be permitted here. */
  if (!bad && cap_iab_set_proc(iab) < 0)
    bad = fail("set the bounding, inheritable and ambient capabilities");

  if (!bad && count > 0 &&
      (cap_set_flag(caps, CAP_PERMITTED, count, keep, CAP_SET) < 0 ||
       cap_set_flag(caps, CAP_EFFECTIVE, count, keep, CAP_SET) < 0 ||
       cap_set_flag(caps, CAP_INHERITABLE, count, keep, CAP_SET) < 0))
    bad = fail("name the capabilities to keep");
  if (!bad && cap_set_proc(caps) < 0)
    bad = fail("set the permitted and effective capabilities");

  int error = errno;
  cap_free(iab);
  cap_free(caps);
  errno = error;
  return bad ? -1 : 0;
}
//<
int
drop_privileges(uid_t uid, gid_t gid, const cap_value_t *keep, int count)
{
  //> /* TODO 1.6: groups, gid, uid, capabilities, no_new_privs. After which of
  //>  * these can you no longer do the others? */
  //> return todo("1.6", uid, gid, keep, count);

  /* Groups while we are still root: only CAP_SETGID may change them, and a
   * process that keeps the caller's groups keeps all those open to it. */
  if (setgroups(0, NULL) < 0)
    return fail("drop the supplementary groups");
  if (setresgid(gid, gid, gid) < 0)
    return fail("become group %u", gid);

  /* When the user changes from 0 to another, the kernel empties the permitted
   * set, unless we ask it to keep that one. It empties the effective set all
   * the same, so switch on again what lowering the sets needs. */
  if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0)
    return fail("keep the capabilities across setresuid");
  if (setresuid(uid, uid, uid) < 0)
    return fail("become user %u", uid);
  cap_t caps = cap_get_proc();
  cap_value_t setpcap = CAP_SETPCAP;
  int bad = !caps ||
            cap_set_flag(caps, CAP_EFFECTIVE, 1, &setpcap, CAP_SET) < 0 ||
            cap_set_proc(caps) < 0;
  cap_free(caps);
  if (bad)
    return fail("switch on CAP_SETPCAP");
  if (set_capabilities(keep, count) < 0)
    return -1;

  /* And no program shall give any of it back: with this bit execve(2) ignores
   * set-user-ID bits and file capabilities, for ever and for all children. */
  if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
    return fail("set no_new_privs");
  return 0;
  //<
}
