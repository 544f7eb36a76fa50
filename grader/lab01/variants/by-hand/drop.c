/* by-hand: without libcap: capset(2) and prctl(2). */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "jail.h"

/* Set effective, permitted and inheritable. */
static int
set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++) {
    data[i].effective = effective >> 32 * i;
    data[i].permitted = permitted >> 32 * i;
    data[i].inheritable = inheritable >> 32 * i;
  }
  return syscall(SYS_capset, &header, data);
}

static uint64_t
permitted(void)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {0};
  syscall(SYS_capget, &header, data);
  return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

int
drop_privileges(uid_t uid, gid_t gid, const cap_value_t *keep, int count)
{
  uint64_t kept = 0;
  for (int i = 0; i < count; i++)
    kept |= (uint64_t)1 << keep[i];

  if (setgroups(0, NULL) < 0)
    return fail("drop the supplementary groups");
  if (setresgid(gid, gid, gid) < 0)
    return fail("become group %u", gid);
  /* The bounding set while still root. */
  for (int c = 0; c < 64; c++) {
    int there = prctl(PR_CAPBSET_READ, (long)c, 0L, 0L, 0L);
    if (there < 0)
      break;
    if (there && !(kept >> c & 1) &&
        prctl(PR_CAPBSET_DROP, (long)c, 0L, 0L, 0L) < 0)
      return fail("take capability %d out of the bounding set", c);
  }
  if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0)
    return fail("keep the capabilities");
  if (setresuid(uid, uid, uid) < 0)
    return fail("become user %u", uid);
  if (kept & ~permitted()) {
    errno = EPERM;
    return fail("keep a capability that I do not have");
  }
  if (set(kept, kept, kept) < 0)
    return fail("set the capabilities");
  if (prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0)
    return fail("clear the ambient capabilities");
  for (int i = 0; i < count; i++)
    if (prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, (long)keep[i], 0L,
              0L) < 0)
      return fail("raise capability %d into the ambient set", keep[i]);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
    return fail("set no_new_privs");
  return 0;
}
