/* step-by-step: newuidmap(1) and newgidmap(1) first; what they do not do, by
 * hand. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"
#include "list.h"

/* Returns 0, or the errno that says why not. */
static int
ask(const char *helper, pid_t pid, const struct id_map *maps, size_t count)
{
  autolist struct list argv = {0};
  posix_spawn_file_actions_t quietly;
  char number[16];
  pid_t child;
  int status;
  list_add(&argv, helper);
  snprintf(number, sizeof number, "%d", pid);
  list_add(&argv, number);
  for (const struct id_map *m = maps; m < maps + count; m++) {
    const unsigned words[] = {m->inside, m->outside, m->count};
    for (int i = 0; i < 3; i++) {
      snprintf(number, sizeof number, "%u", words[i]);
      list_add(&argv, number);
    }
  }
  posix_spawn_file_actions_init(&quietly);
  posix_spawn_file_actions_addopen(&quietly, 2, "/dev/null", O_WRONLY, 0);
  int error = posix_spawnp(&child, helper, &quietly, NULL, argv.items, environ);
  posix_spawn_file_actions_destroy(&quietly);
  if (error)
    return error;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return errno;
  return status == 0 ? 0 : EPERM;
}

static int
put(pid_t pid, const char *file, const char *text)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
  return fd < 0 ? -1 : write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int
map(pid_t pid, const char *kind, const struct id_map *maps, size_t count,
    unsigned own)
{
  char helper[16], file[16];
  snprintf(helper, sizeof helper, "new%smap", kind);
  snprintf(file, sizeof file, "%s_map", kind);
  int error = ask(helper, pid, maps, count);
  if (error == 0)
    return 0;
  autofree char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  for (size_t i = 0; i < count; i++)
    fprintf(out, "%u %u %u\n", maps[i].inside, maps[i].outside, maps[i].count);
  fclose(out);
  bool bad = put(pid, file, text) < 0;
  if (bad && errno == EPERM && *kind == 'g' && count == 1 && maps->count == 1 &&
      maps->outside == own)
    bad = put(pid, "setgroups", "deny") < 0 || put(pid, file, text) < 0;
  if (!bad)
    return 0;
  if (errno == EPERM)
    errno = error;
  return fail("%s and %s: no", file, helper);
}

int
user_map(pid_t pid, const struct id_maps *maps)
{
  return map(pid, "uid", maps->uid, maps->uids, geteuid()) < 0
             ? -1
             : map(pid, "gid", maps->gid, maps->gids, getegid());
}

int
user_become_root(void)
{
  if (setresuid(0, 0, 0) < 0)
    return fail("setresuid");
  if (setresgid(0, 0, 0) < 0)
    return fail("setresgid");
  if (setgroups(0, NULL) < 0 && errno != EPERM)
    return fail("setgroups");
  return 0;
}
