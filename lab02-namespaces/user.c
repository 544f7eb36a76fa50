/* user.c - 2.4: root without root.
 *
 * Everything up to here took root's privileges. A user namespace is where an
 * ordinary user has them: in it he is user 0 and has all capabilities, and each
 * of them counts only for what belongs to this namespace: its mounts, its host
 * name, its links. Whose file a file is the kernel still decides by the number
 * outside. The map says which is which:
 *
 *     inside     0     1 ... 65535        ps inside shows root
 *                |     |                  ps outside shows you
 *     outside  1000  100000 ...
 *               you   set aside for you in /etc/subuid
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

int
user_map(pid_t pid, const struct id_maps *maps)
{
  /* TODO 2.4: write /proc/PID/uid_map and gid_map; or have it done. When may you
   * yourself, and what must be written before gid_map? */
  return todo("2.4", pid, maps);
}

int
user_become_root(void)
{
  /* TODO 2.4: user 0, group 0, no other groups. What if setgroups(2) is forbidden
   * in here? */
  return todo("2.4");
}
