/* by-descriptors: whether we may write a map ourselves is known before we
 * try. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

static bool
capable(int cap)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {0};
  syscall(SYS_capget, &header, data);
  return data[cap / 32].effective >> cap % 32 & 1;
}

static int
put(int proc, const char *name, const char *text)
{
  autoclose int fd = openat(proc, name, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0)
    return fail("write %s", name);
  return 0;
}

static int
call(const char *helper, char *const *words)
{
  int status;
  pid_t pid = vfork();
  if (pid == 0) {
    execvp(helper, words);
    _exit(errno == ENOENT ? 127 : 126);
  }
  if (pid < 0 || waitpid(pid, &status, 0) < 0)
    return fail("%s", helper);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return refuse(ENOENT, "no %s here", helper);
  return status ? refuse(EPERM, "%s says no", helper) : 0;
}

/* The text of a map, and the same as words for newuidmap. */
struct text {
  char lines[ID_MAPS * 40];
  char numbers[1 + 3 * ID_MAPS][12];
  char *words[3 + 3 * ID_MAPS];
};

static void
spell(struct text *t, char *helper, pid_t pid, const struct id_map *maps,
      size_t count)
{
  size_t n = 0, w = 0;
  memset(t, 0, sizeof *t);
  t->words[w++] = helper;
  snprintf(t->numbers[0], sizeof *t->numbers, "%d", pid);
  t->words[w++] = t->numbers[0];
  for (size_t i = 0; i < count; i++) {
    const unsigned three[] = {maps[i].inside, maps[i].outside, maps[i].count};
    for (size_t j = 0; j < 3; j++) {
      char *number = t->numbers[1 + 3 * i + j];
      snprintf(number, sizeof *t->numbers, "%u", three[j]);
      t->words[w++] = number;
      n += snprintf(t->lines + n, sizeof t->lines - n, "%s%c", number,
                    j < 2 ? ' ' : '\n');
    }
  }
}

static bool
only_own(const struct id_map *maps, size_t count, unsigned own)
{
  return count == 1 && maps->count == 1 && maps->outside == own;
}

int
user_map(pid_t pid, const struct id_maps *maps)
{
  struct text users, groups;
  char path[32];
  snprintf(path, sizeof path, "/proc/%d", pid);
  autoclose int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0)
    return fail("%s", path);
  spell(&users, "newuidmap", pid, maps->uid, maps->uids);
  spell(&groups, "newgidmap", pid, maps->gid, maps->gids);

  if (capable(CAP_SETUID) || only_own(maps->uid, maps->uids, geteuid())) {
    if (put(proc, "uid_map", users.lines) < 0)
      return -1;
  } else if (call("newuidmap", users.words) < 0)
    return -1;

  if (capable(CAP_SETGID))
    return put(proc, "gid_map", groups.lines);
  if (!only_own(maps->gid, maps->gids, getegid()))
    return call("newgidmap", groups.words);
  return put(proc, "setgroups", "deny") < 0 ? -1
                                            : put(proc, "gid_map", groups.lines);
}

int
user_become_root(void)
{
  gid_t none[1];
  if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
    return fail("become root");
  if (setgroups(0, none) < 0 && errno != EPERM)
    return fail("setgroups");
  return 0;
}
