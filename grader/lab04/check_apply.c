/* check_apply.c - 4.3: calls of the functions, and looks at what they have made. The
 * tests themselves are in check_apply_*.c. */
#include "check_apply.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- calls ---- */

void *
apply_shared(size_t size)
{
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ck_assert_ptr_ne(memory, MAP_FAILED);
  return memory;
}

static struct apply_result *result;

const struct apply_result *
apply_result(void)
{
  return result;
}

struct target
target_of(const struct apply_order *order)
{
  return (struct target){.root = open_directory(order->root), .parent = -1,
                         .devices = order->devices, .no_owners = order->no_owners};
}

static int
count_descriptors(void)
{
  int count = 0;
  for (int fd = 0; fd < 1024; fd++)
    count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static long
peak_memory(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/* One after the other, until one fails. */
static int
apply_each(const struct apply_order *order, struct target *target, int store)
{
  struct descriptor blobs[LAYERS];
  char diff_ids[LAYERS][DIGEST_SIZE];
  struct image image = {.layers = blobs, .diff_ids = diff_ids, .count = order->count};
  for (size_t i = 0; i < order->count; i++) {
    blobs[i] = order->layers[i].blob;
    memcpy(diff_ids[i], order->layers[i].diff_id, DIGEST_SIZE);
  }
  int bad = 0;
  for (size_t i = 0; i < order->count && !bad; i++) {
    struct layer *layer = STUDENT(layer_open)(store, &image, i, NULL);
    if (!layer)
      return -1;
    bad = STUDENT(layer_apply)(target, layer);
    int error = errno;
    STUDENT(layer_close)(layer);
    errno = error;
  }
  return bad;
}

static void
body_layers(struct answer *a, const void *arg)
{
  const struct apply_order *order = arg;
  struct target target = target_of(order);
  int store = open_directory(the_store());
  umask(077);
  if (order->limit)
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){order->limit, order->limit});
  int before = count_descriptors();
  long memory = peak_memory();
  int bad = apply_each(order, &target, store);
  student_answer(a, bad);
  result->left_out = target.left_out;
  result->descriptors = count_descriptors() - before;
  result->memory = peak_memory() - memory;
}

/* Whoever wants to know the parent's path gets it from the kernel. */
static int
open_parent(const struct apply_order *order, const struct target *target)
{
  int fd = openat(target->root, order->directory ? order->directory : ".",
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    _exit(97);
  return fd;
}

static void
body_make(struct answer *a, const void *arg)
{
  const struct apply_order *order = arg;
  struct target target = target_of(order);
  int parent = open_parent(order, &target);
  umask(077);
  int before = count_descriptors();
  int bad = STUDENT(entry_make)(&target, parent, order->name, &order->entry, NULL);
  student_answer(a, bad);
  result->descriptors = count_descriptors() - before;
}

static void
body_attributes(struct answer *a, const void *arg)
{
  const struct apply_order *order = arg;
  struct target target = target_of(order);
  int parent = open_parent(order, &target);
  umask(077);
  int before = count_descriptors();
  int bad = STUDENT(entry_attributes)(&target, parent, order->name, &order->entry);
  student_answer(a, bad);
  result->left_out = target.left_out;
  result->descriptors = count_descriptors() - before;
}

/* Put down what the layer has made, as layer_apply would. */
static struct made *
made_of(const struct apply_order *order, const struct target *target)
{
  struct made *made = STUDENT(made_new)(target->root);
  for (int i = 0; i < 4 && made && order->made[i]; i++) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", order->made[i]);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int parent = openat(target->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || STUDENT(made_add)(made, parent, slash + 1) < 0)
      _exit(96);
    close(parent);
  }
  return made;
}

static void
body_whiteout(struct answer *a, const void *arg)
{
  const struct apply_order *order = arg;
  struct target target = target_of(order);
  int parent = open_parent(order, &target);
  target.made = made_of(order, &target);
  umask(077);
  int before = count_descriptors();
  int bad = STUDENT(whiteout_apply)(&target, parent, order->name);
  student_answer(a, bad);
  result->descriptors = count_descriptors() - before;
}

static const struct answer *
call(void (*body)(struct answer *, const void *), const struct apply_order *order)
{
  if (!result)
    result = apply_shared(sizeof *result);
  *result = (struct apply_result){0};
  return student_call(body, order);
}

const struct answer *
call_layers(const struct apply_order *order)
{
  the_store();
  return call(body_layers, order);
}

const struct answer *
call_make(const struct apply_order *order)
{
  return call(body_make, order);
}

const struct answer *
call_attributes(const struct apply_order *order)
{
  return call(body_attributes, order);
}

const struct answer *
call_whiteout(const struct apply_order *order)
{
  return call(body_whiteout, order);
}

void
apply(const struct put_layer *layers, size_t count)
{
  struct stat st;
  struct apply_order order = {.root = at("root"), .count = count};
  memcpy(order.layers, layers, count * sizeof *layers);
  if (stat(order.root, &st) < 0)
    make_dir("root", 0755);
  expect_success(call_layers(&order), "layer_apply");
  EXPECT(result->descriptors == 0, "after layer_apply as many descriptors are open as before",
         "%d more", result->descriptors);
}

/* ---- looks ---- */

/* "root/PATH", below scratch(). */
static const char *
in_root(const char *path)
{
  char name[PATH_MAX];
  snprintf(name, sizeof name, "root/%s", path);
  return at(name);
}

struct stat
look(const char *path)
{
  struct stat st = {0};
  EXPECT(lstat(in_root(path), &st) == 0, "the target has what the layer has", "it has no %s",
         path);
  return st;
}

bool
is_there(const char *path)
{
  struct stat st;
  return lstat(in_root(path), &st) == 0;
}

void
expect_there(const char *path, const char *why)
{
  EXPECT(is_there(path), why, "%s is gone, or was never made", path);
}

void
expect_gone(const char *path, const char *why)
{
  EXPECT(!is_there(path), why, "%s is there", path);
}

void
expect_text(const char *path, const char *text, const char *why)
{
  expect_there(path, why);
  struct stat st = look(path);
  EXPECT(S_ISREG(st.st_mode), why, "%s is no regular file (mode %o)", path, st.st_mode);
  const char *got = contents(in_root(path));
  EXPECT(strcmp(got, text) == 0, why, "%s has \"%.80s\" in it, not \"%.80s\"", path, got, text);
}

void
expect_mtime(const char *path, struct timespec mtime, const char *why)
{
  expect_there(path, why);
  struct timespec is = look(path).st_mtim;
  EXPECT(is.tv_sec == mtime.tv_sec && is.tv_nsec == mtime.tv_nsec, why,
         "the mtime of %s is %lld.%09ld, not %lld.%09ld", path, (long long)is.tv_sec,
         is.tv_nsec, (long long)mtime.tv_sec, mtime.tv_nsec);
}

static const struct timespec canary_time = {.tv_sec = 1234567, .tv_nsec = 89};
static const char *const canaries[] = {"outside/file", "outside/dir/file", "outside/dir",
                                       "outside"};

void
make_canaries(void)
{
  const struct timespec times[] = {canary_time, canary_time};
  make_dir("outside", 0751);
  make_dir("outside/dir", 0751);
  make_text("outside/file", "canary", 0640);
  make_text("outside/dir/file", "canary", 0640);
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(utimensat(AT_FDCWD, at(canaries[i]), times, 0), 0);
}

void
expect_canaries(const char *when)
{
  static const char why[] = "nothing outside of the target is touched";
  for (int i = 0; i < 4; i++) {
    struct stat st;
    bool file = i < 2;
    EXPECT(lstat(at(canaries[i]), &st) == 0, why, "%s: %s is gone", when, canaries[i]);
    EXPECT(st.st_mode == (file ? S_IFREG | 0640 : S_IFDIR | 0751), why,
           "%s: %s has the mode %o", when, canaries[i], st.st_mode);
    EXPECT(st.st_uid == geteuid() && st.st_gid == getegid(), why, "%s: %s belongs to %u:%u",
           when, canaries[i], st.st_uid, st.st_gid);
    EXPECT(!file || strcmp(contents(at(canaries[i])), "canary") == 0, why,
           "%s: %s has \"%.80s\" in it", when, canaries[i], contents(at(canaries[i])));
    EXPECT(!file || st.st_nlink == 1, why, "%s: %s has another name", when, canaries[i]);
    EXPECT(st.st_mtim.tv_sec == canary_time.tv_sec && st.st_mtim.tv_nsec == canary_time.tv_nsec,
           why, "%s: something was made, removed or changed in %s", when, canaries[i]);
  }
}

struct timespec
make_old(const char *path)
{
  const struct timespec times[] = {{.tv_sec = 86400}, {.tv_sec = 86401, .tv_nsec = 123456789}};
  ck_assert_int_eq(utimensat(AT_FDCWD, in_root(path), times, AT_SYMLINK_NOFOLLOW), 0);
  return times[1];
}

void
need_owners(void)
{
  const char *file = make_text("whose", "", 0600);
  if (lchown(file, 1234, 2345) < 0)
    student_cannot("files cannot be given to other users here (mend it: give yourself "
                   "subordinate user numbers, with usermod --add-subuids)");
  unlink(file);
}

void
apply_tests(void)
{
  apply_path_tests();
  apply_enter_tests();
  apply_make_tests();
  apply_attribute_tests();
  apply_whiteout_tests();
  apply_layer_tests();
  apply_mark_tests();
  apply_inside_tests();
}
