/* doctor_lab04.c - what lab04 needs of the machine. */
#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "doctor.h"
#include "fail.h"

/* An overlay in an empty /tmp in memory, as the cage has one. */
static int
try_overlay(void)
{
  static const char *const dirs[] = {"/tmp/low", "/tmp/up", "/tmp/work", "/tmp/all"};
  if (enter_private_tmp() < 0)
    return -1;
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
    if (mkdir(dirs[i], 0755) < 0)
      return fail("make the directory %s", dirs[i]);
  if (mkdir("/tmp/low/gone", 0755) < 0)
    return fail("make a directory");
  if (mount("overlay", "/tmp/all", "overlay", 0,
            in_user_namespace
                ? "lowerdir=/tmp/low,upperdir=/tmp/up,workdir=/tmp/work,userxattr"
                : "lowerdir=/tmp/low,upperdir=/tmp/up,workdir=/tmp/work") < 0)
    return fail("mount an overlay");
  if (rmdir("/tmp/all/gone") < 0)
    return fail("remove a directory of the lower layer");
  struct stat mark;
  return lstat("/tmp/up/gone", &mark) == 0 && S_ISCHR(mark.st_mode)
             ? 0 : refuse(ENOTSUP, "the overlay has not written a whiteout");
}

/* Extended attributes of files in memory: user.* are there since Linux 6.6. */
static int
try_xattr(void)
{
  if (enter_private_tmp() < 0)
    return -1;
  const char *name = in_user_namespace ? "user.onggi" : "trusted.onggi";
  return setxattr("/tmp", name, "1", 1, 0) < 0
             ? fail("set the extended attribute %s of a file in memory", name) : 0;
}

const struct trial lab04_trials[] = {
    {"overlay", try_overlay, "lab04: 4.4 4.5", NEWER_KERNEL},
    {"attributes in memory", try_xattr, "lab04: 4.4 4.5",
     "as an ordinary user that takes Linux 6.6; root needs less: sudo make grade"},
    {0},
};
