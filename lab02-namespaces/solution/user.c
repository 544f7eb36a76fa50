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

//>
/* Write a file of /proc/PID, all in one write(2): for a map the kernel takes
 * one, and no second one ever. Leaves no message. */
static int
write_proc(pid_t pid, const char *name, const char *text)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && write(fd, text, strlen(text)) >= 0 ? 0 : -1;
}

/* Let newuidmap(1) or newgidmap(1) write the map. They are root's, and look
 * into /etc/subuid or /etc/subgid what is ours to give. */
static int
run_helper(const char *helper, pid_t pid, const struct id_map *maps, size_t count)
{
  char numbers[3 * ID_MAPS + 1][16];
  char *argv[3 * ID_MAPS + 3] = {(char *)helper, numbers[0]};
  snprintf(numbers[0], sizeof numbers[0], "%d", pid);
  for (size_t i = 0; i < count; i++) {
    unsigned const three[] = {maps[i].inside, maps[i].outside, maps[i].count};
    for (size_t j = 0; j < 3; j++) {
      snprintf(numbers[3 * i + j + 1], sizeof numbers[0], "%u", three[j]);
      argv[3 * i + j + 2] = numbers[3 * i + j + 1];
    }
  }
  int status;
  pid_t child = fork();
  if (child == 0) {
    execvp(helper, argv);
    _exit(errno == ENOENT ? 127 : 126);
  }
  if (child < 0 || waitpid(child, &status, 0) < 0)
    return fail("run %s", helper);
  if (status == 0)
    return 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return refuse(ENOENT, "%s is not there (install the package uidmap)", helper);
  return refuse(EPERM, "%s refused the map (what is yours to give stands in "
                "/etc/subuid and /etc/subgid)", helper);
}

/* Write one of the two maps, ourselves if we may. `own` is our number
 * outside. */
static int
write_map(pid_t pid, bool users, const struct id_map *maps, size_t count,
          unsigned own)
{
  const char *file = users ? "uid_map" : "gid_map";
  char text[ID_MAPS * 40] = "";
  size_t n = 0;
  for (size_t i = 0; i < count; i++)
    n += snprintf(text + n, sizeof text - n, "%u %u %u\n", maps[i].inside,
                  maps[i].outside, maps[i].count);
  bool one = count == 1 && maps[0].count == 1 && maps[0].outside == own;

  if (write_proc(pid, file, text) == 0)
    return 0;
  if (errno != EPERM)
    return fail("write %s of process %d", file, pid);
  /* Groups are also used to shut people out: a file with mode 0604 is open to
   * all but its group. Whoever could drop a group without a privilege would get
   * in. So he must first give up setgroups(2), for this namespace and for
   * good. */
  if (one && !users && write_proc(pid, "setgroups", "deny") == 0)
    return write_proc(pid, file, text) < 0
               ? fail("write %s of process %d", file, pid)
               : 0;
  return run_helper(users ? "newuidmap" : "newgidmap", pid, maps, count);
}
//<
int
user_map(pid_t pid, const struct id_maps *maps)
{
  //> /* TODO 2.4: write /proc/PID/uid_map and gid_map; or have it done. When may you
  //>  * yourself, and what must be written before gid_map? */
  //> return todo("2.4", pid, maps);
  if (write_map(pid, true, maps->uid, maps->uids, geteuid()) < 0)
    return -1;
  return write_map(pid, false, maps->gid, maps->gids, getegid());
  //<
}

int
user_become_root(void)
{
  //> /* TODO 2.4: user 0, group 0, no other groups. What if setgroups(2) is forbidden
  //>  * in here? */
  //> return todo("2.4");

  /* Being mapped does not make us anybody else: our number outside stays, and
   * what it is inside the map says. It may be 1000, or 65534 if it is not
   * mapped at all. */
  if (setgroups(0, NULL) < 0 && errno != EPERM)
    return fail("leave all groups");
  if (setresgid(0, 0, 0) < 0)
    return fail("become group 0 (is 0 mapped?)");
  return setresuid(0, 0, 0) < 0 ? fail("become user 0 (is 0 mapped?)") : 0;
  //<
}
