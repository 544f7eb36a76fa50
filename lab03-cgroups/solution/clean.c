/* clean.c - 3.7: clean up.
 *
 * A group stays when its processes have ended, and when we have: it is a
 * directory. A supervisor that is killed (kill -9, or by the kernel, for lack of
 * memory) cleans nothing up. So somebody must be able to see, later, that a
 * group is nobody's any more.
 *
 * Its maker's number in the group's name would not tell: numbers are used again.
 * A lock tells: flock(2) belongs to the open file, and when its last descriptor
 * is closed, as those of a dead process are, the kernel lets it go. Whoever gets
 * the lock knows that nobody else has it, at that moment and from then on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

//>
/* Is that what one says who came too late to remove something? */
static bool
is_gone(int error)
{
  return error == ENOENT || error == ENODEV;
}

/* Call `each` for every group right below `group`. Returns 0, or the first failure's
 * -1, with its errno; it goes on after that. */
static int
for_each_below(int group, int (*each)(int above, const char *name))
{
  autoclose int copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  int bad = 0, error = 0;
  if (!dir)
    return is_gone(errno) ? 0 : fail("read the directory of a group");
  take_fd(&copy);
  for (struct dirent *e; (e = readdir(dir));)
    if (e->d_type == DT_DIR && e->d_name[0] != '.' && each(group, e->d_name) < 0 && !bad) {
      bad = -1;
      error = errno;
    }
  closedir(dir);
  errno = bad ? error : errno;
  return bad;
}

/* rmdir(2) takes only a group without groups in it: so first those below. */
static int
remove_bottom_up(int above, const char *name)
{
  autoclose int group = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (group < 0)
    return is_gone(errno) ? 0 : fail("open the group %s", name);
  int bad = for_each_below(group, remove_bottom_up);
  if (bad)
    return bad;
  return unlinkat(above, name, AT_REMOVEDIR) < 0 && !is_gone(errno)
             ? fail("remove the group %s", name) : 0;
}
//<

int
cgroup_remove_tree(int place, const char *path)
{
  //> /* TODO 3.7: bottom-up. Its files need not be removed. */
  //> return todo("3.7", place, path);
  return remove_bottom_up(place, path);
  //<
}

int
cgroup_claim(int group)
{
  //> /* TODO 3.7: flock(2), without waiting. What if it was removed in between? */
  //> return todo("3.7", group);
  if (flock(group, LOCK_EX | LOCK_NB) < 0)
    return errno == EWOULDBLOCK
               ? refuse(EBUSY, "the group is in use: somebody else has claimed it")
               : fail("claim the group");
  /* Between mkdir(2) and here it was nobody's. A sweeper that came by then has removed
   * it, and we have a lock on nothing. Whoever removes has the lock while he does it;
   * so now that we have it, it is either gone or ours. */
  if (faccessat(group, "cgroup.procs", F_OK, 0) == 0)
    return 0;
  int error = errno;
  flock(group, LOCK_UN);
  errno = error;
  return is_gone(error) ? refuse(ESTALE, "the group was removed before it was claimed")
                        : fail("look whether the claimed group is still there");
  //<
}

//>
enum { PATIENCE = 5000 /* ms for the processes of one group to die */ };

static const char *wanted; /* of the sweep that is going on */
static int swept;

/* Remove one group if it is nobody's. */
static int
sweep_one(int place, const char *name)
{
  if (strncmp(name, wanted, strlen(wanted)) != 0)
    return 0;
  autoclose int group = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (group < 0)
    return is_gone(errno) ? 0 : fail("open the group %s", name);
  if (cgroup_claim(group) < 0)
    return errno == EBUSY || errno == ESTALE ? 0 : -1;
  if (cgroup_kill(group, PATIENCE) < 0 || cgroup_remove_tree(place, name) < 0)
    return -1;
  swept++;
  return 0; /* and the claim goes with the descriptor */
}
//<

int
cgroup_sweep(int place, const char *prefix)
{
  //> /* TODO 3.7: claim, kill, remove; and go on if one of them cannot be removed. */
  //> return todo("3.7", place, prefix);
  wanted = prefix;
  swept = 0;
  return for_each_below(place, sweep_one) < 0 ? -1 : swept;
  //<
}
