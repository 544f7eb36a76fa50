/* See enter.c. */
#include <stdlib.h>
#include <unistd.h>

#include "jail.h"

int
drop_privileges(uid_t uid, gid_t gid, const cap_value_t *keep, int count)
{
  (void)uid, (void)gid, (void)keep, (void)count;
  return 0;
}
