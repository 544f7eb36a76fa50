/* check_hide.c - 2.5, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check_lab02.h"
#include "inside.h"

/* What a body shall do in ROOT, which is scratch()/root. */
struct cover {
  enum { HIDE, HIDE_WRITING, BIND_IN } what;
  const char *path;     /* in ROOT */
  const char *source;   /* of bind_in */
  bool readonly;        /* the same */
  const char *null;     /* to be put in the place of /dev/null, or NULL */
  bool no_dev;          /* /dev is empty */
  long refused;         /* a system call that the kernel refuses with EIO, or 0 */
};

static void
cover(struct answer *a, const void *arg)
{
  const struct cover *c = arg;
  int root = open(at("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (c->null)
    mount_or_end(c->null, "/dev/null", NULL, MS_BIND);
  if (c->no_dev)
    mount_or_end("test", "/dev", "tmpfs", 0);
  umask(022);
  if (c->refused)
    refuse_call(c->refused, 0, 0, 0);
  student_answer(a, c->what == HIDE ? STUDENT(hide)(root, c->path)
                    : c->what == HIDE_WRITING
                        ? STUDENT(hide_writing)(root, c->path)
                        : STUDENT(bind_in)(root, c->source, c->path, c->readonly));
}

/* ROOT, with a file and a directory, and what is mounted on that one's
 * "deep". */
static const char *
make_root(void)
{
  const char *root = make_dir("root", 0755);
  make_text("root/file", "a secret", 0644);
  make_dir("root/dir", 0755);
  make_text("root/dir/file", "a secret", 0644);
  make_dir("root/dir/deep", 0755);
  mount_or_end("deep", at("root/dir/deep"), "tmpfs", 0);
  make_text("root/dir/deep/file", "a secret", 0644);
  return root;
}

static void
remove_root(void)
{
  umount2(at("root/dir/deep"), MNT_DETACH);
}

/* Start a child that covers something, in namespaces of its own (0: just a
 * mount namespace), and expect success. Returns its number. */
static pid_t
covered(const struct cover *c, unsigned long flags, const char *call)
{
  pid_t pid = inside(flags, cover, c);
  expect_success(student_said(), call);
  return pid;
}

/* Try to make a file in the directory that is `name` in scratch() for `pid`.
 * Returns 0, or errno. */
static int
try_to_make(pid_t pid, const char *name)
{
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/try", through(pid, at(name)));
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno;
  close(fd);
  unlink(path);
  return 0;
}

/* The same with opening a file to write to it. */
static int
try_to_write(pid_t pid, const char *name)
{
  int fd = open(through(pid, at(name)), O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  close(fd);
  return 0;
}

/* For `pid` the file is like /dev/null: the device, empty, and it takes all. */
static void
expect_like_null(pid_t pid, const char *name)
{
  struct stat st;
  char text[8];
  const char *path = through(pid, at(name));
  int fd = open(path, O_RDWR | O_CLOEXEC);
  EXPECT(stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3),
         "a file that is hidden is like /dev/null", "%s", contents(path));
  EXPECT(fd >= 0 && read(fd, text, sizeof text) == 0, "what is hidden reads as empty",
         "%s", fd < 0 ? strerror(errno) : "there is something in it");
  EXPECT(write(fd, "gone", 4) == 4, "what is written into it vanishes", "%s",
         strerror(errno));
  close(fd);
}

/* ---- hide ---- */

START_TEST(test_hide_file)
{
  struct cover c = {.what = HIDE, .path = "/file"};
  const char *root = make_root();
  pid_t pid = covered(&c, 0, "hide(a file)");
  expect_like_null(pid, "root/file");
  EXPECT(strcmp(contents(at("root/file")), "a secret") == 0, "the file stays as it "
         "is for others", "\"%s\"", contents(at("root/file")));
  expect_mounts_only_in(pid, root);
  inside_end();
  remove_root();
}
END_TEST

static void
expect_hidden_directory(unsigned long flags)
{
  struct cover c = {.what = HIDE, .path = "/dir"};
  const char *root = make_root();
  pid_t pid = covered(&c, flags, flags ? "hide(a directory), in a user namespace,"
                                       : "hide(a directory)");
  int count = count_entries(through(pid, at("root/dir")));
  EXPECT(count == 0, "a directory that is hidden is empty", "%d entries", count);
  int error = try_to_make(pid, "root/dir");
  EXPECT(error == EROFS, "it is read-only (EROFS)", "%s when a file is made in it",
         error ? strerror(error) : "no error");
  const char *got = contents(at("root/dir/deep/file"));
  EXPECT(strcmp(got, "a secret") == 0, "the directory stays as it is for others", "%s",
         got);
  expect_mounts_only_in(pid, root);
  inside_end();
  remove_root();
}

START_TEST(test_hide_directory)
{
  expect_hidden_directory(0);
}
END_TEST

START_TEST(test_hide_in_user_namespace)
{
  expect_hidden_directory(CLONE_NEWUSER);
}
END_TEST

static void
hide_many(struct answer *a, const void *arg)
{
  static const char *const paths[] = {"/dir", "/file", "/other", "/dir", "/file"};
  int root = open(at("root"), O_PATH | O_DIRECTORY | O_CLOEXEC), value = 0;
  (void)arg;
  for (size_t i = 0; i < 5 && value == 0; i++)
    value = STUDENT(hide)(root, paths[i]);
  student_answer(a, value);
}

START_TEST(test_hide_more)
{
  make_root();
  make_dir("root/other", 0755);
  make_text("root/other/file", "a secret", 0644);
  pid_t pid = inside(0, hide_many, NULL);
  expect_success(student_said(), "hide, of three paths, and of two of them again,");
  EXPECT(count_entries(through(pid, at("root/dir"))) == 0 &&
         count_entries(through(pid, at("root/other"))) == 0, "both directories are "
         "empty", "one is not");
  expect_like_null(pid, "root/file");
  inside_end();
  remove_root();
}
END_TEST

START_TEST(test_missing)
{
  static const char *const paths[] = {"/nowhere", "/nowhere/at/all"};
  const char *root = make_dir("root", 0755);
  for (size_t i = 0; i < 4; i++) {
    struct cover c = {.what = i < 2 ? HIDE : HIDE_WRITING, .path = paths[i % 2]};
    pid_t pid = covered(&c, 0, i < 2 ? "hide(what is not there)"
                                     : "hide_writing(what is not there)");
    expect_mounts_only_in(pid, NULL);
    inside_end();
  }
  int count = count_entries(root);
  EXPECT(count == 0, "what is not there is not made", "%d entries", count);
}
END_TEST

/* Links in ROOT that lead to `outside` on the host: by an absolute path, and
 * up. */
static void
plant(const char *name, int way, const char *outside)
{
  char to[PATH_MAX];
  snprintf(to, sizeof to, "%s%s", way ? "../../../../../../../.." : "", at(outside));
  unlink(at(name));
  ck_assert_int_eq(symlink(to, at(name)), 0);
}

START_TEST(test_hide_links)
{
  static const char *const outside[] = {"victim", "victims", "victims"};
  static const char *const paths[] = {"/link", "/link", "/link/file"};
  make_dir("root", 0755);
  make_text("victim", "precious", 0644);
  make_dir("victims", 0755);
  make_text("victims/file", "precious", 0644);
  for (int what = HIDE; what <= HIDE_WRITING; what++)
    for (int way = 0; way < 2; way++)
      for (size_t i = 0; i < 3; i++) {
        struct cover c = {.what = what, .path = paths[i]};
        plant("root/link", way, outside[i]);
        pid_t pid = covered(&c, 0, what == HIDE ? "hide(a link to nothing in ROOT)"
                            : "hide_writing(a link to nothing in ROOT)");
        expect_mounts_only_in(pid, at("root"));
        const char *got = contents(through(pid, at(i == 0 ? "victim"
                                                          : "victims/file")));
        EXPECT(strcmp(got, "precious") == 0, "a link in ROOT leads no mount out of "
               "it", "a file of the host is covered: \"%s\"", got);
        EXPECT(try_to_write(pid, "victims/file") == 0, "a link in ROOT leads no "
               "mount out of it", "a file of the host is read-only");
        inside_end();
      }
}
END_TEST

START_TEST(test_hide_through_links)
{
  /* "/link" and "/up" end at what is "/dir/file" and "/file" from inside. */
  static const char *const paths[] = {"/link/file", "/up"};
  static const char *const targets[] = {"root/dir/file", "root/file"};
  make_root();
  ck_assert_int_eq(symlink("/dir", at("root/link")), 0);
  ck_assert_int_eq(symlink("../../../file", at("root/up")), 0);
  for (size_t i = 0; i < 2; i++) {
    struct cover c = {.what = HIDE, .path = paths[i]};
    pid_t pid = covered(&c, 0, "hide(a path with links that stay in ROOT)");
    expect_like_null(pid, targets[i]);
    inside_end();
  }
  struct cover writing = {.what = HIDE_WRITING, .path = "/link"};
  pid_t pid = covered(&writing, 0, "hide_writing(a link that stays in ROOT)");
  int error = try_to_make(pid, "root/dir");
  EXPECT(error == EROFS, "the directory at the end of the link is read-only", "%s",
         error ? strerror(error) : "it can be written");
  inside_end();
  remove_root();
}
END_TEST

START_TEST(test_hide_no_null)
{
  /* In the place of /dev/null there is a file, or another device. */
  make_root();
  const char *nulls[] = {make_text("null", "not null", 0666), "/dev/zero"};
  for (size_t i = 0; i < 2; i++) {
    struct cover c = {.what = HIDE, .path = "/file", .null = nulls[i]};
    pid_t pid = inside(0, cover, &c);
    expect_errno(student_said(), i ? "hide(a file), with /dev/zero as /dev/null,"
                                   : "hide(a file), with a file as /dev/null,",
                 ENODEV);
    EXPECT(!mount_on(mounts_of(pid), at("root/file")), "nothing is mounted",
           "ROOT/file is covered by what lies there");
    inside_end();
  }
  struct cover c = {.what = HIDE, .path = "/file", .no_dev = true};
  inside(0, cover, &c);
  const struct answer *a = student_said();
  expect_errno(a, "hide(a file), where no /dev/null is,",
               a->error == ENODEV ? ENODEV : ENOENT);
  inside_end();
  remove_root();
}
END_TEST

/* What is neither there nor not there: a file as a directory, and links in a
 * circle. Whoever returns 0 must have hidden it. */
START_TEST(test_hide_errors)
{
  static const char *const paths[] = {"/file/", "/loop"};
  static const int errors[] = {ENOTDIR, ELOOP};
  char call[64];
  make_root();
  ck_assert_int_eq(symlink("loop", at("root/loop")), 0);
  for (int what = HIDE; what <= HIDE_WRITING; what++)
    for (size_t i = 0; i < 2; i++) {
      struct cover c = {.what = what, .path = paths[i]};
      pid_t pid = inside(0, cover, &c);
      snprintf(call, sizeof call, "%s(%s)", what == HIDE ? "hide" : "hide_writing",
               i ? "a link to itself" : "\"/file/\", which is no directory");
      if (student_said()->value != 0 || !mount_on(mounts_of(pid), at("root/file")))
        expect_errno(student_said(), call, errors[i]);
      inside_end();
    }
  remove_root();
}
END_TEST

/* A socket is a file that nobody can open to read, not even to look at it: only
 * with O_PATH. */
START_TEST(test_socket)
{
  static const char *const calls[] = {"hide(a socket)", "hide_writing(a socket)",
                                      "bind_in(a socket)"};
  make_dir("root", 0755);
  ck_assert_int_eq(mknod(at("root/socket"), S_IFSOCK | 0666, 0), 0);
  ck_assert_int_eq(mknod(at("source"), S_IFSOCK | 0666, 0), 0);
  for (int what = HIDE; what <= BIND_IN; what++) {
    struct cover c = {.what = what, .source = at("source"),
                      .path = what == BIND_IN ? "/new" : "/socket"};
    pid_t pid = covered(&c, 0, calls[what]);
    if (what == HIDE)
      expect_like_null(pid, "root/socket");
    else
      expect_mount(pid, at(what == BIND_IN ? "root/new" : "root/socket"), NULL,
                   what == BIND_IN ? "nosuid,nodev,noexec" : "ro");
    inside_end();
  }
}
END_TEST

/* The kernel refuses one of the calls. Whoever returns 0 has done it in another
 * way. */
START_TEST(test_refused)
{
  static const struct { long number; const char *name; } refused[] = {
      {SYS_open_tree, "open_tree"},
      {SYS_mount_setattr, "mount_setattr"},
      {SYS_move_mount, "move_mount"},
      {SYS_mount, "mount"},
  };
  static const struct { int what; const char *path, *call, *flags; } wanted[] = {
      {HIDE, "/file", "hide(a file)", ""},
      {HIDE, "/dir", "hide(a directory)", "ro"},
      {HIDE_WRITING, "/dir", "hide_writing(a directory)", "ro"},
      {BIND_IN, "/target", "bind_in(a directory)", "nosuid,nodev,noexec,ro"},
  };
  char call[128], name[32];
  make_root();
  make_dir("root/target", 0755);
  const char *source = make_dir("source", 0755);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    for (size_t j = 0; j < sizeof wanted / sizeof *wanted; j++) {
      struct cover c = {.what = wanted[j].what, .path = wanted[j].path,
                        .source = source, .readonly = true,
                        .refused = refused[i].number};
      pid_t pid = inside(0, cover, &c);
      snprintf(call, sizeof call, "%s, where the kernel refuses %s with EIO,",
               wanted[j].call, refused[i].name);
      snprintf(name, sizeof name, "root%s", wanted[j].path);
      const struct mount_line *m = mount_on(mounts_of(pid), at(name));
      if (student_said()->value != 0 || !m || !has_words(m->flags, wanted[j].flags))
        expect_errno(student_said(), call, EIO);
      inside_end();
    }
  remove_root();
}
END_TEST

/* ---- hide_writing ---- */

static void
expect_read_only_tree(unsigned long flags)
{
  struct cover c = {.what = HIDE_WRITING, .path = "/dir"};
  static const char *const places[] = {"root/dir", "root/dir/deep"};
  const char *root = make_root();
  pid_t pid = covered(&c, flags, flags ? "hide_writing(a directory), in a user "
                      "namespace," : "hide_writing(a directory)");
  for (size_t i = 0; i < 2; i++) {
    int error = try_to_make(pid, places[i]);
    EXPECT(error == EROFS, i ? "what is mounted below the directory is read-only, "
           "too (EROFS)" : "the directory is read-only (EROFS)", "%s when a file is "
           "made in it", error ? strerror(error) : "no error");
  }
  const char *got = contents(through(pid, at("root/dir/deep/file")));
  EXPECT(strcmp(got, "a secret") == 0, "all of it can still be read", "%s", got);
  EXPECT(try_to_make(pid, "root") == 0, "what is around it can still be written",
         "%s", strerror(try_to_make(pid, "root")));
  for (size_t i = 0; i < 2; i++) {
    int error = try_to_make(getpid(), places[i]);
    EXPECT(error == 0, "outside it can be written as before", "%s", strerror(error));
  }
  expect_mounts_only_in(pid, root);
  inside_end();
  remove_root();
}

START_TEST(test_writing_directory)
{
  expect_read_only_tree(0);
}
END_TEST

START_TEST(test_writing_in_user_namespace)
{
  expect_read_only_tree(CLONE_NEWUSER);
}
END_TEST

START_TEST(test_writing_file)
{
  struct cover c = {.what = HIDE_WRITING, .path = "/file"};
  make_root();
  pid_t pid = covered(&c, 0, "hide_writing(a file)");
  int error = try_to_write(pid, "root/file");
  EXPECT(error == EROFS, "the file is read-only (EROFS)", "%s",
         error ? strerror(error) : "it can be opened to write");
  const char *got = contents(through(pid, at("root/file")));
  EXPECT(strcmp(got, "a secret") == 0, "it can still be read", "%s", got);
  EXPECT(try_to_write(getpid(), "root/file") == 0, "outside it can be written as "
         "before", "it cannot");
  inside_end();
  remove_root();
}
END_TEST

START_TEST(test_writing_keeps_flags)
{
  static const unsigned long flags[] = {MS_NOSUID | MS_NODEV | MS_NOEXEC, 0};
  struct cover c = {.what = HIDE_WRITING, .path = "/safe/inner"};
  make_dir("root", 0755);
  make_dir("root/safe", 0755);
  for (size_t i = 0; i < 2; i++) {
    mount_or_end("safe", at("root/safe"), "tmpfs", flags[i]);
    make_dir("root/safe/inner", 0755);
    pid_t pid = covered(&c, 0, "hide_writing(a directory)");
    const struct mount_line *m = expect_mount(
        pid, at("root/safe/inner"), NULL, i ? "ro" : "ro,nosuid,nodev,noexec");
    EXPECT(!i || (!has_word(m->flags, "nosuid") && !has_word(m->flags, "nodev") &&
                  !has_word(m->flags, "noexec")), "ROOT/safe/inner is read-only, and "
           "has no other flag that it did not have before", "%s", m->flags);
    inside_end();
    umount2(at("root/safe"), MNT_DETACH);
  }
}
END_TEST

/* ---- bind_in ---- */

/* A tree on the host: three file systems, one in the other. */
static const char *
make_source(void)
{
  const char *source = make_dir("source", 0755);
  make_text("source/file", "of the host", 0644);
  mount_or_end("inner", make_dir("source/inner", 0755), "tmpfs", 0);
  mount_or_end("inmost", make_dir("source/inner/inmost", 0755), "tmpfs", 0);
  make_text("source/inner/inmost/file", "of the host", 0644);
  return source;
}

static void
remove_source(void)
{
  umount2(at("source/inner"), MNT_DETACH);
}

/* The tree is there as `name`, with these flags on every mount of it. */
static void
expect_bound(pid_t pid, const char *name, bool readonly)
{
  static const char *const below[] = {"", "/inner", "/inner/inmost"};
  char path[PATH_MAX];
  for (size_t i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s%s", at(name), below[i]);
    expect_mount(pid, path, NULL, readonly ? "nosuid,nodev,noexec,ro"
                                           : "nosuid,nodev,noexec,rw");
    snprintf(path, sizeof path, "%s%s", name, below[i]);
    int error = try_to_make(pid, path);
    EXPECT(error == (readonly ? EROFS : 0), readonly ? "nothing in it can be written "
           "(EROFS)" : "it can be written", "ROOT/...%s: %s", below[i],
           error ? strerror(error) : "it can");
  }
  snprintf(path, sizeof path, "%s/inner/inmost/file", through(pid, at(name)));
  EXPECT(strcmp(contents(path), "of the host") == 0, "the source, with all that is "
         "mounted below it", "%s", contents(path));
}

static void
expect_bind_directory(unsigned long flags, bool readonly)
{
  struct cover c = {.what = BIND_IN, .path = "/new/place", .readonly = readonly,
                    .source = make_source()};
  const char *root = make_dir("root", 0755);
  pid_t pid = covered(&c, flags, flags ? "bind_in(a directory), in a user namespace,"
                                       : "bind_in(a directory, to a place that is "
                                         "missing)");
  expect_bound(pid, "root/new/place", readonly);
  expect_mounts_only_in(pid, root);
  EXPECT(try_to_make(getpid(), "source/inner/inmost") == 0, "the source stays as it "
         "is", "outside it cannot be written any more");
  inside_end();
  remove_source();
}

START_TEST(test_bind_directory)
{
  expect_bind_directory(0, false);
}
END_TEST

START_TEST(test_bind_readonly)
{
  expect_bind_directory(0, true);
}
END_TEST

START_TEST(test_bind_in_user_namespace)
{
  expect_bind_directory(CLONE_NEWUSER, true);
}
END_TEST

START_TEST(test_bind_file)
{
  static const char *const targets[] = {"root/old", "root/new/file", "root/ro"};
  make_dir("root", 0755);
  make_text("root/old", "old", 0644);
  const char *source = make_text("source", "of the host", 0644);
  for (size_t i = 0; i < 3; i++) {
    struct cover c = {.what = BIND_IN, .source = source, .readonly = i == 2,
                      .path = targets[i] + 4};
    pid_t pid = covered(&c, 0, i ? "bind_in(a file, to a place that is missing)"
                                 : "bind_in(a file, over a file)");
    expect_mount(pid, at(targets[i]), NULL, i == 2 ? "nosuid,nodev,noexec,ro"
                                                   : "nosuid,nodev,noexec,rw");
    const char *got = contents(through(pid, at(targets[i])));
    EXPECT(strcmp(got, "of the host") == 0, "the source is in its place", "%s", got);
    int error = try_to_write(pid, targets[i]);
    EXPECT(error == (i == 2 ? EROFS : 0), i == 2 ? "it is read-only (EROFS)"
           : "it can be written", "%s", strerror(error));
    inside_end();
  }
  EXPECT(strcmp(contents(at("root/old")), "old") == 0, "what it covers stays as it "
         "was", "%s", contents(at("root/old")));
}
END_TEST

START_TEST(test_bind_source_link)
{
  static const char *const sources[] = {"dir-link", "file-link"};
  static const char *const targets[] = {"/dir", "/file"};
  make_dir("root", 0755);
  make_dir("dir", 0755);
  make_text("dir/file", "of the host", 0644);
  ck_assert_int_eq(symlink("dir", at("dir-link")), 0);
  ck_assert_int_eq(symlink("dir/file", at("file-link")), 0);
  for (size_t i = 0; i < 2; i++) {
    struct cover c = {.what = BIND_IN, .source = at(sources[i]), .path = targets[i]};
    pid_t pid = covered(&c, 0, i ? "bind_in(a source that is a link to a file)"
                                 : "bind_in(a source that is a link to a directory)");
    const char *got = contents(through(pid, at(i ? "root/file" : "root/dir/file")));
    EXPECT(strcmp(got, "of the host") == 0, "what the host's link leads to is in the "
           "place", "%s", got);
    inside_end();
  }
}
END_TEST

/* It fails, and nothing is mounted. */
static void
expect_no_bind(const struct cover *c, const char *call, int error)
{
  pid_t pid = inside(0, cover, c);
  expect_mounts_only_in(pid, at("root"));
  expect_errno(student_said(), call, error);
  expect_mounts_only_in(pid, NULL);
  inside_end();
}

START_TEST(test_bind_errors)
{
  make_dir("root", 0755);
  make_dir("root/dir", 0755);
  make_text("root/file", "x", 0644);
  struct cover missing = {.what = BIND_IN, .path = "/dir", .source = at("nowhere")};
  struct cover file = {.what = BIND_IN, .path = "/dir", .source = at("root/file")};
  struct cover dir = {.what = BIND_IN, .path = "/file", .source = at("root/dir")};
  struct cover dir_ro = dir;
  dir_ro.readonly = true;
  expect_no_bind(&missing, "bind_in(a source that is not there)", ENOENT);
  missing.path = "/new";
  expect_no_bind(&missing, "bind_in(a source that is not there)", ENOENT);
  EXPECT(access(at("root/new"), F_OK) < 0, "bind_in(a source that is not there) makes "
         "no mount point for it", "ROOT/new is there");
  expect_no_bind(&file, "bind_in(a file, onto a directory)", EISDIR);
  expect_no_bind(&dir, "bind_in(a directory, onto a file)", ENOTDIR);
  expect_no_bind(&dir_ro, "bind_in(a directory, onto a file, read-only)", ENOTDIR);
}
END_TEST

START_TEST(test_bind_links)
{
  /* The targets are links that lead out of ROOT, to a directory and to a file
   * of the host, and one to nothing. In ROOT all of them lead to nothing. */
  static const char *const outside[] = {"victims", "victim", "gone"};
  make_dir("root", 0755);
  make_dir("victims", 0755);
  make_text("victim", "precious", 0644);
  make_dir("source", 0755);
  const char *file = make_text("source-file", "x", 0644);
  for (int way = 0; way < 2; way++)
    for (size_t i = 0; i < 3; i++) {
      struct cover c = {.what = BIND_IN, .path = "/link",
                        .source = i == 1 ? file : at("source")};
      plant("root/link", way, outside[i]);
      expect_no_bind(&c, "bind_in(a target that is a link to nothing in ROOT)",
                     ENOENT);
      EXPECT(access(at("gone"), F_OK) < 0 && count_entries(at("victims")) == 0,
             "nothing is made outside of ROOT", "something is");
    }

  /* A link to a directory that is there on both sides. */
  char twin[PATH_MAX];
  snprintf(twin, sizeof twin, "%s%s", at("root"), at("victims"));
  char *mkdir_p[] = {"mkdir", "-p", twin, NULL};
  run_program(mkdir_p, NULL, 0);
  struct cover c = {.what = BIND_IN, .path = "/link/new", .source = at("source")};
  plant("root/link", 0, "victims");
  pid_t pid = covered(&c, 0, "bind_in(a target through a link that is absolute)");
  expect_mounts_only_in(pid, at("root"));
  snprintf(twin, sizeof twin, "%s%s/new", at("root"), at("victims"));
  expect_mount(pid, twin, NULL, "nosuid,nodev,noexec");
  EXPECT(count_entries(at("victims")) == 0, "nothing is made outside of ROOT",
         "something is");
  inside_end();
}
END_TEST

void
hide_tests(void)
{
  student_test("2.5 hides a file behind /dev/null", test_hide_file);
  student_test("2.5 hides a directory behind an empty one", test_hide_directory);
  student_test("2.5 hides one thing after the other", test_hide_more);
  student_test("2.5 looks what its /dev/null is", test_hide_no_null);
  student_test("2.5 makes a directory read-only, with all below it",
               test_writing_directory);
  student_test("2.5 makes a file read-only", test_writing_file);
  student_test("2.5 makes read-only, and changes no other flag",
               test_writing_keeps_flags);
  student_test("2.5 is content with what is not there", test_missing);
  student_test("2.5 covers nothing outside of ROOT, whatever links lie in it",
               test_hide_links);
  student_test("2.5 follows links that stay in ROOT", test_hide_through_links);
  student_test("2.5 hides in a user namespace", test_hide_in_user_namespace);
  student_test("2.5 makes a directory read-only in a user namespace",
               test_writing_in_user_namespace);
  student_test("2.5 binds a directory with all below it, and safe flags",
               test_bind_directory);
  student_test("2.5 binds a directory with all below it, read-only",
               test_bind_readonly);
  student_test("2.5 binds a file, over a file or to a new place", test_bind_file);
  student_test("2.5 binds what the source leads to, if it is a link",
               test_bind_source_link);
  student_test("2.5 binds nothing outside of ROOT, whatever links lie in it",
               test_bind_links);
  student_test("2.5 binds nothing where it cannot", test_bind_errors);
  student_test("2.5 binds in a user namespace", test_bind_in_user_namespace);
  student_test("2.5 hides, or says that it cannot", test_hide_errors);
  student_test("2.5 hides and binds what cannot be opened to read", test_socket);
  student_test("2.5 says so if the kernel refuses a call", test_refused);
}
