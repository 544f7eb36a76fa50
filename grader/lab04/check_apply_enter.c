/* check_apply_enter.c - 4.3: target_enter. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_apply.h"

enum { STEPS = 4 };

/* Directories to enter, one after the other, and what came of each. */
struct walk {
  struct apply_order order;   /* the target */
  const char *steps[STEPS];   /* until NULL */
  const char *then[STEPS];    /* a file to make in each, or NULL */
  struct {
    int value, error;         /* of target_enter */
    bool kept;                /* it is target->parent */
    dev_t device;             /* of what the descriptor stands for */
    ino_t inode;
    bool readable;            /* it can be read: no O_PATH */
    char message[512];        /* failure() */
  } seen[STEPS];
  int descriptors;            /* open after it, less those before */
};

static void
walk_step(struct walk *walk, struct target *target, int i)
{
  struct stat st;
  char buffer[1024];
  int fd = STUDENT(target_enter)(target, walk->steps[i]);
  walk->seen[i].value = fd;
  walk->seen[i].error = errno;
  snprintf(walk->seen[i].message, 512, "%s", fd < 0 ? STUDENT(failure)() : "");
  if (fd < 0 || fstat(fd, &st) < 0)
    return;
  walk->seen[i].kept = fd == target->parent;
  walk->seen[i].device = st.st_dev;
  walk->seen[i].inode = st.st_ino;
  walk->seen[i].readable = getdents64(fd, buffer, sizeof buffer) >= 0;
  if (walk->then[i])
    close(openat(fd, walk->then[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void
body_walk(struct answer *a, const void *arg)
{
  struct walk *walk = (struct walk *)arg;
  struct target target = target_of(&walk->order);
  umask(077);
  walk->descriptors = -1; /* the one that the target keeps */
  for (int fd = 0; fd < 1024; fd++)
    walk->descriptors -= fcntl(fd, F_GETFD) >= 0;
  for (int i = 0; i < STEPS && walk->steps[i]; i++)
    walk_step(walk, &target, i);
  for (int fd = 0; fd < 1024; fd++)
    walk->descriptors += fcntl(fd, F_GETFD) >= 0;
  student_answer(a, 0);
}

static struct walk *
new_walk(void)
{
  struct walk *walk = apply_shared(sizeof *walk);
  walk->order.root = at("root");
  return walk;
}

/* Enter one directory. */
static struct walk *
enter(const char *directory)
{
  struct walk *walk = new_walk();
  walk->steps[0] = directory;
  student_call(body_walk, walk);
  return walk;
}

/* The step has led to "root/PATH". */
static void
expect_in(const struct walk *walk, int i, const char *path)
{
  struct stat st = look(path);
  EXPECT(walk->seen[i].value >= 0, "target_enter returns a descriptor", "for \"%s\" it "
         "returns %d, with %s (\"%.200s\")", walk->steps[i], walk->seen[i].value,
         strerrorname_np(walk->seen[i].error) ?: "no errno", walk->seen[i].message);
  EXPECT(walk->seen[i].device == st.st_dev && walk->seen[i].inode == st.st_ino,
         "target_enter opens the directory that the path means in the target", "for \"%s\" "
         "it is not %s", walk->steps[i], path);
  EXPECT(walk->seen[i].kept, "what target_enter returns is target->parent", "it is another "
         "descriptor");
  EXPECT(walk->seen[i].readable, "the descriptor can be read from (no O_PATH)", "it cannot");
}

static void
expect_error(const char *directory, int error, const char *what)
{
  const struct walk *walk = enter(directory);
  char call[256];
  snprintf(call, sizeof call, "target_enter of %s fails with %s", what, strerrorname_np(error));
  EXPECT(walk->seen[0].value == -1 && walk->seen[0].error == error, call, "it returns %d, "
         "with %s", walk->seen[0].value, strerrorname_np(walk->seen[0].error) ?: "no errno");
  EXPECT(walk->seen[0].message[0], "target_enter leaves a message", "there is none");
  EXPECT(walk->descriptors < 0, "when target_enter fails, no descriptor is left open", "%d "
         "are", walk->descriptors + 1);
}

START_TEST(test_enter)
{
  make_dir("root", 0755);
  make_dir("root/a", 0755);
  make_dir("root/a/b", 0755);
  expect_in(enter(""), 0, ".");
  expect_in(enter("a"), 0, "a");
  expect_in(enter("a/b"), 0, "a/b");
}
END_TEST

START_TEST(test_enter_makes)
{
  make_dir("root", 0755);
  make_dir("root/a", 0700);
  struct timespec old = make_old("a"), root = make_old(".");
  const char *word = random_word();
  char path[64];
  snprintf(path, sizeof path, "a/%s/new/dir", word);
  expect_in(enter(path), 0, path);
  for (int up = 0; up < 3; up++) {
    struct stat st = look(path);
    EXPECT(st.st_mode == (S_IFDIR | 0755), "a directory that target_enter makes has the mode "
           "0755, whatever the umask is", "it has %04o, with the umask 077", st.st_mode & 07777);
    EXPECT(st.st_uid == 0 && st.st_gid == 0, "a directory that target_enter makes belongs to "
           "0:0", "it belongs to %u:%u", st.st_uid, st.st_gid);
    expect_mtime(path, (struct timespec){0}, "a directory that target_enter makes has the mtime "
                 "0: so it is the same everywhere");
    *strrchr(path, '/') = '\0';
  }
  EXPECT(look("a").st_mode == (S_IFDIR | 0700), "a directory that was there keeps its mode",
         "it has %04o", look("a").st_mode & 07777);
  expect_mtime("a", old, "a directory in which one is made keeps its mtime");
  expect_mtime(".", root, "a directory in which nothing is made keeps its mtime");
}
END_TEST

START_TEST(test_enter_links)
{
  make_dir("root", 0755);
  make_dir("root/usr", 0755);
  make_dir("root/usr/lib", 0755);
  ck_assert_int_eq(symlink("usr/lib", at("root/lib")), 0);
  ck_assert_int_eq(symlink("/usr/lib", at("root/absolute")), 0);
  ck_assert_int_eq(symlink("../../../../../../../usr/lib", at("root/usr/up")), 0);
  ck_assert_int_eq(symlink("..", at("root/usr/lib/back")), 0);
  expect_in(enter("lib"), 0, "usr/lib");
  expect_in(enter("absolute"), 0, "usr/lib");
  expect_in(enter("usr/up"), 0, "usr/lib");
  expect_in(enter("lib/back/lib"), 0, "usr/lib");
  expect_in(enter("absolute/new/er"), 0, "usr/lib/new/er");
  expect_in(enter("usr/up/newest"), 0, "usr/lib/newest");
}
END_TEST

/* A link to the absolute path of a directory outside means one inside. */
START_TEST(test_enter_outside)
{
  make_dir("root", 0755);
  make_canaries();
  ck_assert_int_eq(symlink(at("outside"), at("root/out")), 0);
  ck_assert_int_eq(symlink("../outside", at("root/up")), 0);
  static const char *const paths[] = {"out", "out/dir", "out/new", "up", "up/dir", "up/new/er"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    const struct walk *walk = enter(paths[i]);
    EXPECT(walk->seen[0].value < 0, "a link that leads to nothing inside of the target leads to "
           "nothing", "target_enter of \"%s\" returns a descriptor", paths[i]);
    expect_canaries("after target_enter of a path with a link that leads out");
  }
  /* And when there is such a directory inside, that is meant. */
  char path[PATH_MAX] = "root";
  for (const char *part = at("outside"); *part;) {
    size_t size = 1 + strcspn(part + 1, "/");
    snprintf(path + strlen(path), sizeof path - strlen(path), "%.*s", (int)size, part);
    make_dir(path, 0755);
    part += size;
  }
  expect_in(enter("out"), 0, path + strlen("root/"));
  enter("out/new");
  expect_canaries("after target_enter of a path with a link that leads out");
}
END_TEST

START_TEST(test_enter_errors)
{
  make_dir("root", 0755);
  make_text("root/file", "text", 0644);
  ck_assert_int_eq(symlink("file", at("root/link")), 0);
  ck_assert_int_eq(symlink("round", at("root/round")), 0);
  ck_assert_int_eq(symlink("nowhere", at("root/dangling")), 0);
  expect_error("file", ENOTDIR, "a file");
  expect_error("file/dir", ENOTDIR, "a path through a file");
  expect_error("link/dir", ENOTDIR, "a path through a link to a file");
  expect_error("round/dir", ELOOP, "a path through a link to itself");
  expect_error("dangling", ENOENT, "a link that leads to nothing");
  expect_error("dangling/dir", ENOENT, "a path through a link that leads to nothing");
  EXPECT(!is_there("nowhere"), "target_enter does not make what a dangling link names", "it "
         "is there");
  expect_text("file", "text", "a file on the way stays");
}
END_TEST

START_TEST(test_enter_time)
{
  make_dir("root", 0755);
  make_dir("root/a", 0755);
  make_dir("root/a/below", 0755);
  make_dir("root/b", 0755);
  struct timespec a = make_old("a"), b = make_old("b");
  struct walk *walk = new_walk();
  walk->steps[0] = "a", walk->then[0] = "x";
  walk->steps[1] = "a", walk->then[1] = "y";
  walk->steps[2] = "b", walk->then[2] = "z";
  walk->steps[3] = "a/below";
  student_call(body_walk, walk);
  expect_there("a/y", "the test makes a file");
  expect_mtime("a", a, "target_enter of another directory gives the one before its mtime again");
  expect_mtime("b", b, "target_enter of another directory gives the one before its mtime again");
  EXPECT(walk->descriptors <= 0, "target_enter closes the descriptor of the directory before",
         "%d more are open than target->parent", walk->descriptors);
}
END_TEST

START_TEST(test_enter_group)
{
  need_owners();
  make_dir("root", 0755);
  ck_assert_int_eq(lchown(at("root"), 1234, 2345), 0);
  ck_assert_int_eq(chmod(at("root"), 02755), 0); /* what is made in it gets its group, and the bit */
  expect_in(enter("a/b"), 0, "a/b");
  EXPECT(look("a").st_uid == 0 && look("a").st_gid == 0, "a directory that target_enter makes "
         "belongs to 0:0", "below one that is set-group-ID it belongs to %u:%u", look("a").st_uid,
         look("a").st_gid);
  EXPECT(look("a").st_mode == (S_IFDIR | 0755), "a directory that target_enter makes has the "
         "mode 0755", "below one that is set-group-ID it has %04o", look("a").st_mode & 07777);
  struct walk *walk = new_walk();
  walk->order.no_owners = true;
  walk->steps[0] = "c";
  student_call(body_walk, walk);
  EXPECT(look("c").st_gid == 2345, "with no_owners, target_enter does not chown", "the group "
         "is %u, and not that of the directory above", look("c").st_gid);
}
END_TEST

void
apply_enter_tests(void)
{
  student_test("4.3 target_enter opens what is there", test_enter);
  student_test("4.3 target_enter makes what is missing", test_enter_makes);
  student_test("4.3 target_enter follows links as somebody inside would", test_enter_links);
  student_test("4.3 target_enter never leaves the target", test_enter_outside);
  student_test("4.3 target_enter refuses what is no directory", test_enter_errors);
  student_test("4.3 target_enter gives the directory before its time again", test_enter_time);
  student_test("4.3 target_enter gives what it makes to root, unless no_owners", test_enter_group);
}
