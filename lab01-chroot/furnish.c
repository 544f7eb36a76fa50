/* furnish.c - 1.4: furnish.
 *
 * A new root is bare. Programs take a few things for granted: /dev/null to
 * throw things into, /dev/urandom to draw from, /tmp to write to, a name for
 * user 0. A device file holds no data. It is a name for a pair of numbers, and
 * the kernel finds the driver by them: 1,3 is null wherever the file lies.
 *
 * Because of that, making one is a privilege: mknod(2) of the disk's numbers
 * would give its maker the disk. In a user namespace even root may not. There
 * the host's own device, which we may open already, is bound onto a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"

int
furnish(int root)
{
  /* TODO 1.4: /dev with six devices, /tmp, /etc/passwd and /etc/group. Your
   * umask cuts the modes that you ask for. */
  return todo("1.4", root);
}
