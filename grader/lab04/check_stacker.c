/* check_stacker.c - a process that calls the functions of 4.4, one after the other. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check_stack.h"
#include "clean.h"
#include "file.h"

/* ---- in the child ---- */

static int
count_descriptors(void)
{
  int n = 0;
  DIR *dir = opendir("/proc/self/fd");
  while (dir && readdir(dir))
    n++;
  if (dir)
    closedir(dir);
  return n;
}

static int
open_in(int base, const char *name)
{
  int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    _exit(98);
  return fd;
}

static int
do_overlay(const struct stacker *s)
{
  static int lower[LAYER_MAX + 8];
  char name[32];
  int base = open_directory(s->store), upper = -1, work = -1;
  for (size_t i = 0; i < s->number; i++) {
    snprintf(name, sizeof name, "l%zu", i);
    lower[i] = open_in(base, name);
  }
  if (s->rw) {
    upper = open_in(base, "u");
    work = open_in(base, "w");
  }
  int target = open_in(base, "m");
  int bad = STUDENT(overlay_mount)(lower, s->number, upper, work, s->source, target);
  int error = errno;
  for (size_t i = 0; i < s->number; i++)
    close(lower[i]);
  close(base), close(upper), close(work), close(target);
  errno = error;
  return bad;
}

/* The image of the order, as image_read would give it. */
static struct image
image_of(const struct stacker *s)
{
  static struct descriptor layers[STACK_LAYERS];
  static char diff_ids[STACK_LAYERS][DIGEST_SIZE];
  struct image image = {.layers = layers, .diff_ids = diff_ids, .count = s->count};
  for (size_t i = 0; i < s->count; i++) {
    layers[i] = s->layers[i].blob;
    memcpy(diff_ids[i], s->layers[i].diff_id, DIGEST_SIZE);
  }
  memcpy(image.manifest.digest, s->manifest, DIGEST_SIZE);
  return image;
}

static int
call(struct stacker *s)
{
  static const struct target as_given = {.root = -1, .parent = -1};
  struct target how = as_given;
  struct image image = image_of(s);
  if (s->task == DO_OVERLAY)
    return do_overlay(s);
  autoclose int store = open_directory(s->store);
  if (s->task == DO_FIND)
    return STUDENT(stack_find)(store, s->target, s->id);
  if (s->task == DO_UMOUNT)
    return STUDENT(stack_umount)(store, s->target);
  int value = s->task == DO_UNPACK
                  ? STUDENT(layer_unpack)(store, &image, s->number, &how)
                  : STUDENT(stack_mount)(store, &image, "some/name", s->target, s->rw, &how);
  int error = errno;
  s->changed = how.root != as_given.root || how.devices != as_given.devices ||
               how.no_owners != as_given.no_owners || how.left_out != as_given.left_out ||
               how.made != as_given.made || how.parent != as_given.parent;
  errno = error;
  return value;
}

static void
serve(struct stacker *s)
{
  char before[PATH_MAX] = "", after[PATH_MAX] = "";
  struct stat st;
  if (*s->directory && chdir(s->directory) < 0)
    _exit(97);
  int descriptors = count_descriptors();
  s->inode = 0;
  ck_assert(getcwd(before, sizeof before));
  s->value = call(s);
  s->error = s->value < 0 ? errno : 0;
  const char *(*message)(void) = (const char *(*)(void))student_symbol("failure");
  snprintf(s->said, sizeof s->said, "%s", s->value < 0 ? message() : "");
  if ((s->task == DO_UNPACK || s->task == DO_FIND) && s->value >= 0) {
    s->inode = fstat(s->value, &st) == 0 ? st.st_ino : 0;
    close(s->value);
  }
  s->moved = !getcwd(after, sizeof after) || strcmp(before, after) != 0;
  s->leaked = count_descriptors() - descriptors;
}

/* The body that student_start runs must return; so another process stays. */
static void
stacker_body(struct answer *a, const void *arg)
{
  struct stacker *s = *(struct stacker *const *)arg;
  signal(SIGCHLD, SIG_IGN); /* it leaves no zombie */
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    s->apart_error = s->apart && enter_apart() < 0 ? errno : 0;
    for (;; usleep(100))
      if (s->asked != s->done) {
        serve(s);
        s->done = s->asked;
      }
  }
  s->worker = pid;
  student_answer(a, 0);
}

/* ---- in the test ---- */

static struct stacker *
start(bool apart)
{
  struct stacker *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);
  ck_assert_ptr_ne(s, MAP_FAILED);
  s->apart = apart;
  s->apart_error = -1;
  pid_t pid = student_start(stacker_body, &s);
  ck_assert_msg(s->worker > 0, "the child that is to stack did not get that far: %d",
                s->worker ? errno : student_end(pid));
  s->pid = pid;
  s->place = apart ? s->worker : pid;
  return s;
}

struct stacker *
stacker_start(void)
{
  return start(false);
}

struct stacker *
stacker_start_apart(void)
{
  struct stacker *s = start(true);
  for (int i = 0; i < 50000 && s->apart_error < 0; i++)
    usleep(100);
  if (s->apart_error)
    student_cannot(no_apart);
  return s;
}

void
stacker_end(struct stacker *s)
{
  kill(s->worker, SIGKILL);
  student_end(s->pid);
  /* Its parent was that one; so init waits for it. */
  for (int i = 0; i < 50000 && kill(s->worker, 0) == 0; i++)
    usleep(100);
}

void
stacker_image(struct stacker *s, const char *store, const struct put_layer *layers, size_t count)
{
  ck_assert_uint_le(count, STACK_LAYERS);
  snprintf(s->store, sizeof s->store, "%s", store);
  memcpy(s->layers, layers, count * sizeof *layers);
  s->count = count;
  snprintf(s->manifest, sizeof s->manifest, "%s", random_digest());
}

void
stack_ask(struct stacker *s, enum stack_task task)
{
  s->task = task;
  s->asked++;
}

int
stack_wait(struct stacker *s)
{
  for (int i = 0; i < 100000 && s->asked != s->done && kill(s->worker, 0) == 0; i++)
    usleep(100);
  EXPECT(s->asked == s->done, "the function returns", "it does not, or it ends the process");
  EXPECT(!s->moved, "the working directory is what it was", "it is another now");
  EXPECT(s->leaked == 0, "descriptors that were opened are closed", "%d more are open",
         s->leaked);
  EXPECT(!s->changed, "what `how` leads to is not changed", "it is another now");
  return s->value;
}

int
stack_do(struct stacker *s, enum stack_task task)
{
  stack_ask(s, task);
  return stack_wait(s);
}

static void
must(const struct stacker *s, const char *call)
{
  char expected[64];
  snprintf(expected, sizeof expected, "%s succeeds", call);
  EXPECT(s->value >= 0, expected, "-1 with %s, \"%s\"", strerrorname_np(s->error), s->said);
}

void
must_mount(struct stacker *s, const char *target, bool rw)
{
  snprintf(s->target, sizeof s->target, "%s", target);
  s->rw = rw;
  stack_do(s, DO_MOUNT);
  must(s, "stack_mount");
}

void
must_umount(struct stacker *s, const char *target)
{
  snprintf(s->target, sizeof s->target, "%s", target);
  stack_do(s, DO_UMOUNT);
  must(s, "stack_umount");
}

void
must_unpack(struct stacker *s, size_t i)
{
  s->number = i;
  stack_do(s, DO_UNPACK);
  must(s, "layer_unpack");
}

void
expect_refused(const struct stacker *s, const char *call, int error)
{
  char expected[300];
  snprintf(expected, sizeof expected, "%s returns -1%s%s", call, error ? " with " : "",
           error ? strerrorname_np(error) : "");
  EXPECT(s->value < 0, expected, "it succeeds");
  EXPECT(!error || s->error == error, expected, "%s, \"%s\"",
         strerrorname_np(s->error) ?: "errno 0", s->said);
}
