/* check_inside.c - how the tests of 4.4 look at what a stacker has mounted. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_stack.h"
#include "clean.h"
#include "file.h"

const char *
inside(const struct stacker *s, const char *path)
{
  static char paths[16][PATH_MAX + 32];
  static int next;
  char *text = paths[next++ % 16];
  snprintf(text, sizeof *paths, "/proc/%d/root%s", s->place, path);
  return text;
}

/* Does this line of mountinfo speak of a mount at `path`, or (below) below it? */
static bool
speaks_of(const char *line, const char *path, bool below)
{
  static char point[4 * PATH_MAX];
  size_t n = strlen(path);
  if (sscanf(line, "%*s %*s %*s %*s %16383s", point) != 1)
    return false;
  unescape_mount(point);
  return strncmp(point, path, n) == 0 && (!point[n] || (below && point[n] == '/'));
}

static int
look_at_mounts(const struct stacker *s, const char *path, bool below, char *last, size_t size)
{
  autofree char *line = NULL;
  size_t room = 0;
  int count = 0;
  char name[64];
  snprintf(name, sizeof name, "/proc/%d/mountinfo", s->place);
  FILE *file = fopen(name, "re");
  ck_assert_ptr_nonnull(file);
  while (getline(&line, &room, file) > 0)
    if (speaks_of(line, path, below)) {
      count++;
      snprintf(last, size, "%s", line);
    }
  fclose(file);
  return count;
}

const char *
mount_line(const struct stacker *s, const char *path)
{
  static char line[32768];
  *line = '\0';
  look_at_mounts(s, path, false, line, sizeof line);
  return line;
}

int
mounts_below(const struct stacker *s, const char *path)
{
  char line[16];
  return look_at_mounts(s, path, true, line, sizeof line);
}

/* The test cannot go there itself, for
 * it would not find back. */
void
mount_inside(const struct stacker *s, const char *type, const char *from, const char *on)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", s->place);
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool bind = strcmp(type, "bind") == 0;
    if (fd < 0 || setns(fd, CLONE_NEWNS) < 0 ||
        mount(bind ? from : type, on, bind ? NULL : type, bind ? MS_BIND : 0,
              bind || strcmp(type, "tmpfs") == 0 ? NULL : from) < 0)
      _exit(errno);
    _exit(0);
  }
  int status = -1;
  ck_assert(waitpid(pid, &status, 0) == pid);
  ck_assert_msg(status == 0, "the test cannot mount a %s: %s", type,
                strerror(WEXITSTATUS(status)));
}

const char no_apart[] = "no user namespace can be made here (mend it: sudo sysctl "
                        "user.max_user_namespaces=10000)";

static int
write_map(const char *path, const char *text)
{
  autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* user_namespaces(7), "Defining user and group ID mappings": one line with our own number
 * we may write ourselves, and for groups after setgroups is "deny". */
int
enter_apart(void)
{
  char users[32], groups[32];
  snprintf(users, sizeof users, "0 %u 1", geteuid());
  snprintf(groups, sizeof groups, "0 %u 1", getegid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || write_map("/proc/self/setgroups", "deny") < 0 ||
      write_map("/proc/self/uid_map", users) < 0)
    return -1;
  return write_map("/proc/self/gid_map", groups);
}
