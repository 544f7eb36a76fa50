/* check_copy.c - 1.3, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_lab01.h"

/* For bodies. */
struct copy {
  const char *source;  /* NULL: copy_in(path), else copy_file(source, path) */
  const char *root, *path;
};

static void
copy(struct answer *a, const void *arg)
{
  const struct copy *c = arg;
  int root = open(c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  umask(077);
  student_answer(a, c->source ? STUDENT(copy_file)(c->source, root, c->path)
                              : STUDENT(copy_in)(root, c->path));
}

static mode_t
mode_of(const char *path)
{
  struct stat st;
  return lstat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

START_TEST(test_copy_mode)
{
  static const mode_t modes[][2] = {{0755, 0755}, {0640, 0640}, {04755, 0755},
                                    {02711, 0711}, {0555, 0555}};
  const char *root = make_dir("root", 0755);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    struct copy c = {make_text("source", "the bytes", modes[i][0]), root, "/copy"};
    unlink(at("root/copy"));
    expect_success(student_call(copy, &c), "copy_file");
    const char *got = contents(at("root/copy"));
    EXPECT(strcmp(got, "the bytes") == 0, "the same bytes", "%s", got);
    mode_t mode = mode_of(at("root/copy"));
    EXPECT(mode == modes[i][1], "the nine permission bits of the source, whatever "
           "the umask, and no set-user-ID or set-group-ID", "%04o from %04o with "
           "umask 077", mode, modes[i][0]);
    unlink(at("source"));
  }
}
END_TEST

START_TEST(test_copy_replaces)
{
  static const char *const old[] = {"something old and longer", "odd", "newer"};
  make_dir("root", 0755);
  struct copy c = {make_text("source", "new", 0755), at("root"), "/copy"};
  for (size_t i = 0; i < 3; i++) {
    make_text("root/copy", old[i], 0755);
    expect_success(student_call(copy, &c), "copy_file over an older file");
    const char *got = contents(at("root/copy"));
    EXPECT(strcmp(got, "new") == 0, "the new bytes and nothing else, whatever the "
           "older file's size", "\"%s\" over \"%s\"", got, old[i]);
  }
}
END_TEST

START_TEST(test_copy_again)
{
  struct stat before, after;
  make_dir("root", 0755);
  struct copy c = {make_text("source", "the same", 0755), at("root"), "/copy"};
  expect_success(student_call(copy, &c), "copy_file");
  ck_assert_int_eq(stat(at("root/copy"), &before), 0);
  usleep(20000);
  expect_success(student_call(copy, &c), "copy_file, a second time");
  ck_assert_int_eq(stat(at("root/copy"), &after), 0);
  EXPECT(before.st_ino == after.st_ino &&
         before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
         before.st_mtim.tv_nsec == after.st_mtim.tv_nsec,
         "a copy that is there already is left as it is", "it was written again");
}
END_TEST

START_TEST(test_copy_other_bits)
{
  make_dir("root", 0755);
  struct copy c = {make_text("source", "the same", 0750), at("root"), "/copy"};
  make_text("root/copy", "the same", 0777);
  expect_success(student_call(copy, &c), "copy_file over a file with other bits");
  EXPECT(mode_of(at("root/copy")) == 0750, "the bits of the source, also if the "
         "bytes are there already", "%04o", mode_of(at("root/copy")));

  /* What has the name may be no file at all, and opening it may wait for ever. */
  unlink(at("root/copy"));
  ck_assert_int_eq(mkfifo(at("root/copy"), 0750), 0);
  expect_success(student_call(copy, &c), "copy_file over a FIFO");
  EXPECT(strcmp(contents(at("root/copy")), "the same") == 0, "the FIFO is replaced "
         "by the file", "%s", contents(at("root/copy")));
}
END_TEST

START_TEST(test_copy_half)
{
  /* A file system with room for less than the file. */
  static char big[300000];
  make_dir("root", 0755);
  memset(big, 'x', sizeof big);
  struct copy c = {make_file("source", big, sizeof big, 0755), at("root"), "/copy"};
  if (mount("small", c.root, "tmpfs", 0, "size=100k,mode=755") < 0)
    ck_abort_msg("the test cannot mount a tmpfs: %s", strerror(errno));
  make_text("root/copy", "the old file", 0644);
  const struct answer *a = student_call(copy, &c);
  char old[64], *argv[] = {"ls", "-A", (char *)c.root, NULL}, names[4096];
  snprintf(old, sizeof old, "%.60s", contents(at("root/copy")));
  run_program(argv, names, sizeof names);
  umount2(c.root, MNT_DETACH);
  expect_errno(a, "copy_file with no space left", ENOSPC);
  EXPECT(strcmp(old, "the old file") == 0, "the old file, if the new one does not "
         "fit", "%s", old);
  EXPECT(strcmp(names, "copy\n") == 0, "nothing but the old file", "%s", names);
}
END_TEST

START_TEST(test_copy_planted_name)
{
  make_dir("root", 0755);
  const char *victim = make_text("victim", "precious", 0644);
  struct copy c = {make_text("source", "the bytes", 0755), at("root"), "/copy"};
  ck_assert_int_eq(symlink(victim, at("root/copy")), 0);
  expect_success(student_call(copy, &c), "copy_file onto a symbolic link");
  const char *got = contents(victim);
  EXPECT(strcmp(got, "precious") == 0, "a link planted in ROOT leads no write out "
         "of ROOT", "the file it points to now holds \"%s\"", got);
  got = contents(at("root/copy"));
  EXPECT(strcmp(got, "the bytes") == 0, "the link is replaced by the file", "%s",
         got);

  /* The same if what it points to looks like a copy already. */
  unlink(at("root/copy"));
  ck_assert_int_eq(symlink(make_text("twin", "the bytes", 0755), at("root/copy")),
                   0);
  expect_success(student_call(copy, &c), "copy_file onto a symbolic link");
  got = contents(at("root/copy"));
  EXPECT(strcmp(got, "the bytes") == 0, "the link is replaced by the file, also if "
         "it points to one with the same bytes", "%s", got);
}
END_TEST

START_TEST(test_copy_planted_directory)
{
  /* In ROOT, a directory on the way is a link to one of the host's: by an
   * absolute path, by one with "..", by a link to a link, and by an absolute path
   * that is there inside as well. */
  static const char *const links[] = {"%s/outside", "../../../..%s/outside",
                                      "other", "%s/outside"};
  char planted[PATH_MAX], to[PATH_MAX], work[64];
  snprintf(work, sizeof work, "%s", scratch());
  make_dir("src", 0755);
  const char *source = make_text("src/file", "the bytes", 0755);
  make_dir("outside", 0777);
  for (size_t i = 0; i < 4; i++) {
    char name[16];
    snprintf(name, sizeof name, "root%zu", i);
    const char *root = make_dir(name, 0755);
    struct copy parents = {NULL, root, scratch()};
    expect_success(student_call(copy, &parents), "copy_in(a directory)");
    snprintf(planted, sizeof planted, "%s%s/src", root, work);
    snprintf(to, sizeof to, links[i], work);
    ck_assert_int_eq(symlink(to, planted), 0);
    if (i == 2) {
      snprintf(planted, sizeof planted, "%s%s/other", root, work);
      snprintf(to, sizeof to, "%s/outside", work);
      ck_assert_int_eq(symlink(to, planted), 0);
    }
    if (i == 3) {
      snprintf(planted, sizeof planted, "%s%s/outside", root, work);
      ck_assert_int_eq(mkdir(planted, 0755), 0);
    }
    struct copy c = {NULL, root, source};
    student_call(copy, &c); /* success or failure are both right */
    int count = count_entries(at("outside"));
    EXPECT(count == 0, "a link planted in ROOT leads no write out of ROOT",
           "a file was written through the link to %s", to);
  }
}
END_TEST

START_TEST(test_copy_links)
{
  /* a -> b/c, where b -> d and d/c -> /.../e/file: three links, two of them
   * relative, one absolute. */
  char path[PATH_MAX], inside[PATH_MAX];
  static const char *const links[][2] = {
      {"a", "b/c"}, {"b", "d"}, {"d/c", NULL}};
  const char *root = make_dir("root", 0755);
  make_dir("d", 0750);
  make_dir("e", 0711);
  const char *file = make_text("e/file", "the bytes", 0755);
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(symlink(links[i][1] ?: file, at(links[i][0])), 0);
  struct copy c = {NULL, root, at("a")};
  expect_success(student_call(copy, &c), "copy_in(a path with three links)");
  for (size_t i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s%s", root, at(links[i][0]));
    const char *got = target(path), *expected = links[i][1] ?: file;
    EXPECT(strcmp(got, expected) == 0, "every symbolic link on the way is a link "
           "in ROOT too, with the same target", "%s -> %s, not -> %s",
           links[i][0], got, expected);
  }
  snprintf(path, sizeof path, "%s%s", root, file);
  const char *got = contents(path);
  EXPECT(strcmp(got, "the bytes") == 0, "the file at the end of the links", "%s",
         got);

  /* A link that goes up and down again, with dots and slashes on the way. */
  unlink(path);
  ck_assert_int_eq(symlink("..//e/./file", at("d/up")), 0);
  struct copy up = {NULL, root, at("d/up")};
  expect_success(student_call(copy, &up), "copy_in(a link to \"..//e/./file\")");
  got = contents(path);
  EXPECT(strcmp(got, "the bytes") == 0, "the file at the end of a link that goes up, "
         "..//e/./file", "%s", got);
  static const char *const directories[] = {"d", "e"};
  for (size_t i = 0; i < 2; i++) {
    snprintf(inside, sizeof inside, "%s%s", root, at(directories[i]));
    mode_t mode = mode_of(inside);
    EXPECT(mode == mode_of(at(directories[i])), "directories with the host's "
           "modes, whatever the umask", "%s: %04o, not %04o", directories[i],
           mode, mode_of(at(directories[i])));
  }
  usleep(20000);
  struct stat before, after;
  ck_assert_int_eq(stat(path, &before), 0);
  expect_success(student_call(copy, &c), "copy_in, a second time");
  ck_assert_int_eq(stat(path, &after), 0);
  EXPECT(before.st_ino == after.st_ino, "the second time changes nothing",
         "the file was written again");
}
END_TEST

START_TEST(test_copy_other_link)
{
  /* On the host a link, in ROOT a directory, or a link to somewhere else. What
   * goes to the link's target would not be found by the path. */
  char path[PATH_MAX];
  make_dir("target", 0755);
  make_text("target/file", "the bytes", 0755);
  ck_assert_int_eq(symlink("target", at("link")), 0);
  for (int i = 0; i < 2; i++) {
    const char *root = make_dir(i ? "root1" : "root0", 0755);
    struct copy parents = {NULL, root, scratch()};
    expect_success(student_call(copy, &parents), "copy_in(a directory)");
    snprintf(path, sizeof path, "%s%s", root, at("link"));
    ck_assert_int_eq(i ? symlink("elsewhere", path) : mkdir(path, 0755), 0);
    struct copy c = {NULL, root, at("link/file")};
    expect_errno(student_call(copy, &c), i ? "copy_in(a path by a link that leads "
                 "elsewhere in ROOT)" : "copy_in(a path by a link that is a "
                 "directory in ROOT)", EEXIST);
  }
}
END_TEST

START_TEST(test_copy_errors)
{
  const char *root = make_dir("root", 0755);
  ck_assert_int_eq(symlink("loop", at("loop")), 0);
  ck_assert_int_eq(mkfifo(at("fifo"), 0644), 0);
  make_text("file", "x", 0644);
  struct copy loop = {NULL, root, at("loop")}, gone = {NULL, root, at("gone")};
  struct copy relative = {NULL, root, "etc/passwd"};
  struct copy fifo = {at("fifo"), root, "/fifo"};
  expect_errno(student_call(copy, &loop), "copy_in(a link to itself)", ELOOP);
  expect_errno(student_call(copy, &gone), "copy_in(what is not there)", ENOENT);
  expect_errno(student_call(copy, &relative), "copy_in(a relative path)", EINVAL);
  expect_errno(student_call(copy, &fifo), "copy_file(a FIFO)", EINVAL);
  static char long_path[3 * PATH_MAX] = "/";
  memset(long_path + 1, '/', sizeof long_path - 2);
  struct copy too_long = {NULL, root, long_path};
  expect_errno(student_call(copy, &too_long), "copy_in(a path of 12,000 bytes)",
               ENAMETOOLONG);
}
END_TEST

void
copy_tests(void)
{
  student_test("1.3 copies bytes and mode", test_copy_mode);
  student_test("1.3 replaces an older file", test_copy_replaces);
  student_test("1.3 leaves a copy that is there", test_copy_again);
  student_test("1.3 replaces a file with other bits, or a FIFO",
               test_copy_other_bits);
  student_test("1.3 leaves no half file", test_copy_half);
  student_test("1.3 replaces a link planted as the file",
               test_copy_planted_name);
  student_test("1.3 goes through no link out of ROOT",
               test_copy_planted_directory);
  student_test("1.3 copies links and directories on the way", test_copy_links);
  student_test("1.3 refuses a ROOT with something else in a link's place",
               test_copy_other_link);
  student_test("1.3 refuses what it cannot copy", test_copy_errors);
}
