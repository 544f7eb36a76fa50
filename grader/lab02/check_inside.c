/* check_inside.c - a process in new namespaces, and looks at mounts from
 * outside. */
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "scratch.h"

/* ---- a process of its own ---- */

/* What inside() is asked for. */
struct wish {
  unsigned long flags;
  void (*what)(struct answer *, const void *);
  const void *arg;
};

static pid_t outer;   /* the student's child */
static pid_t *inner;  /* its own, in memory that all see */

/* User 0 of the new user namespace is user 0 of ours. */
static void
map_root(pid_t pid)
{
  static const char *const files[] = {"uid_map", "gid_map"};
  for (size_t i = 0; i < 2; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0 0 1\n", 6) != 6) {
      perror(path);
      _exit(99);
    }
    close(fd);
  }
}

/* End as the child did: the test will say how. */
static void
end_like(pid_t pid)
{
  int status;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status))
    _exit(WEXITSTATUS(status));
  signal(WTERMSIG(status), SIG_DFL);
  raise(WTERMSIG(status));
  _exit(99);
}

/* The body of the student's child. */
static void
run_inside(struct answer *answer, const void *arg)
{
  const struct wish *wish = arg;
  struct clone_args args = {.flags = wish->flags | CLONE_NEWNS,
                            .exit_signal = SIGCHLD};
  int go[2], done[2];
  char byte;
  if (pipe2(go, O_CLOEXEC) < 0 || pipe2(done, O_CLOEXEC) < 0)
    _exit(99);
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) {
    perror("the test cannot make namespaces");
    _exit(99);
  }
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    close(done[0]);
    if (read(go[0], &byte, 1) != 1)
      _exit(99);
    wish->what(answer, wish->arg);
    if (write(done[1], "d", 1) == 1)
      for (;;)
        pause();
    _exit(99);
  }
  close(done[1]);
  *inner = pid;
  if (wish->flags & CLONE_NEWUSER)
    map_root(pid);
  if (write(go[1], "g", 1) != 1 || read(done[0], &byte, 1) != 1)
    end_like(pid);
  close(done[0]);
}

pid_t
inside(unsigned long flags, void (*what)(struct answer *, const void *),
       const void *arg)
{
  struct wish wish = {flags, what, arg};
  if (!inner)
    inner = shared(sizeof *inner);
  *inner = 0;
  outer = student_start(run_inside, &wish);
  return *inner;
}

void
inside_end(void)
{
  student_end(outer);
  /* The kernel kills it with its parent, and whoever is PID 1 here reaps it. */
  AWAIT(*inner == 0 || kill(*inner, 0) < 0);
}

/* ---- mounts ---- */

void
mount_or_end(const char *source, const char *path, const char *type,
             unsigned long flags)
{
  const char *options = type && strcmp(type, "tmpfs") == 0 ? "mode=755" : NULL;
  if (mount(source, path, type, flags, options) < 0) {
    fprintf(stderr, "the test cannot mount on %s: %s\n", path, strerror(errno));
    _exit(99);
  }
}

void
refuse_call(long call, int arg, uint32_t mask, uint32_t value)
{
  enum { BIG_ENDIAN_HALF = 4 * (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) };
  unsigned at_arg = offsetof(struct seccomp_data, args[arg]) + BIG_ENDIAN_HALF;
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at_arg),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
      prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program) < 0) {
    perror("the test cannot make the kernel refuse a call");
    _exit(99);
  }
}

/* mountinfo writes a blank as \040, and so on (proc(5)). Names of ours have
 * none, but the host's may. */
static void
read_table(FILE *file, struct mount_table *table)
{
  char *line = NULL;
  size_t room = 0;
  table->count = 0;
  while (getline(&line, &room, file) > 0 && table->count < 256) {
    struct mount_line *m = &table->lines[table->count];
    char *dash = strstr(line, " - ");
    int n = 0;
    *m = (struct mount_line){0};
    if (!dash || sscanf(line, "%d %d %*s %511s %511s %255s %n", &m->id, &m->parent,
                        m->root, m->point, m->flags, &n) != 5 || n == 0 ||
        sscanf(dash, " - %31s %*s %511s", m->type, m->more) != 2)
      continue;
    if (line + n < dash)
      snprintf(m->tags, sizeof m->tags, "%.*s", (int)(dash - line - n), line + n);
    table->count++;
  }
  free(line);
}

const struct mount_table *
mounts_of(pid_t pid)
{
  static struct mount_table table;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mountinfo", pid);
  FILE *file = fopen(path, "re");
  ck_assert_msg(file != NULL, "the test cannot read %s: %s", path, strerror(errno));
  read_table(file, &table);
  fclose(file);
  return &table;
}

/* Whoever joins a mount namespace with setns(2) gets the root of that namespace
 * as his root directory. So a child of ours joins it, and tells. */
const struct mount_table *
mounts_of_namespace(pid_t pid)
{
  static struct mount_table table;
  char path[64];
  int ends[2];
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
  int ns = open(path, O_RDONLY | O_CLOEXEC);
  int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    char buffer[4096];
    ssize_t n;
    if (setns(ns, CLONE_NEWNS) < 0)
      _exit(1);
    int file = openat(proc, "self/mountinfo", O_RDONLY);
    while ((n = read(file, buffer, sizeof buffer)) > 0)
      if (write(ends[1], buffer, n) != n)
        _exit(1);
    _exit(n < 0);
  }
  close(ends[1]);
  close(ns);
  close(proc);
  FILE *file = fdopen(ends[0], "r");
  read_table(file, &table);
  fclose(file);
  int status;
  waitpid(child, &status, 0);
  ck_assert_msg(status == 0, "the test cannot join the mount namespace of process %d",
                pid);
  return &table;
}

const struct mount_line *
mount_on(const struct mount_table *table, const char *point)
{
  for (size_t i = table->count; i-- > 0;)
    if (strcmp(table->lines[i].point, point) == 0)
      return &table->lines[i];
  return NULL;
}

bool
has_word(const char *words, const char *word)
{
  size_t n = strlen(word);
  for (const char *w = words; *w; w += strspn(w, ",")) {
    size_t length = strcspn(w, ",");
    if (length == n && strncmp(w, word, n) == 0)
      return true;
    w += length;
  }
  return false;
}

bool
has_words(const char *words, const char *all)
{
  char copy[256], *save = NULL;
  snprintf(copy, sizeof copy, "%s", all);
  for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save))
    if (!has_word(words, w))
      return false;
  return true;
}

/* The name that ROOT has in messages. */
static const char *
short_name(const char *path)
{
  static char name[PATH_MAX];
  const char *root = at("root");
  size_t n = strlen(root);
  if (strncmp(path, root, n) != 0)
    return path;
  snprintf(name, sizeof name, "ROOT%s", path + n);
  return name;
}

const struct mount_line *
expect_mount(pid_t pid, const char *point, const char *type, const char *flags)
{
  char expected[PATH_MAX + 256];
  const struct mount_line *m = mount_on(mounts_of(pid), point);
  snprintf(expected, sizeof expected, "%s is a mount%s%s%s%s, as /proc/PID/mountinfo "
           "shows it from outside", short_name(point), type ? " of type " : "",
           type ?: "", *flags ? " with " : "", flags);
  EXPECT(m, expected, "it is none");
  EXPECT(!type || strcmp(m->type, type) == 0, expected, "its type is %s", m->type);
  EXPECT(has_words(m->flags, flags), expected, "its flags are %s", m->flags);
  return m;
}

/* Is `path` below the directory `dir`, or the same? */
static bool
within(const char *path, const char *dir)
{
  size_t n = strlen(dir);
  return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* How many mounts on `point`, with these flags (NULL: any), are in the
 * table? */
static int
count_on(const struct mount_table *table, const char *point, const char *flags)
{
  int count = 0;
  for (size_t i = 0; i < table->count; i++)
    count += strcmp(table->lines[i].point, point) == 0 &&
             (!flags || strcmp(table->lines[i].flags, flags) == 0);
  return count;
}

void
expect_mounts_only_in(pid_t pid, const char *dir)
{
  static struct mount_table ours;
  ours = *mounts_of(getpid());
  const struct mount_table *theirs = mounts_of(pid);
  for (size_t i = 0; i < theirs->count; i++) {
    const struct mount_line *m = &theirs->lines[i];
    if (dir && within(m->point, dir))
      continue;
    EXPECT(count_on(theirs, m->point, NULL) <= count_on(&ours, m->point, NULL),
           dir ? "nothing is mounted outside of ROOT" : "nothing is mounted",
           "a mount on %s (%s)", m->point, m->type);
    EXPECT(count_on(&ours, m->point, m->flags) > 0, "the flags of mounts outside of "
           "ROOT stay as they are", "%s: %s", m->point, m->flags);
  }
}

const char *
through(pid_t pid, const char *path)
{
  static char paths[8][PATH_MAX];
  static int next;
  char *whole = paths[next++ % 8];
  snprintf(whole, PATH_MAX, "/proc/%d/root%s", pid, path);
  return whole;
}
