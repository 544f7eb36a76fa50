/* check_apply_path.c - 4.3: path_split. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check_apply.h"

/* What is to be split, and what came of it. */
struct split {
  char path[8192];
  int value, error;              /* of path_split */
  char directory[PATH_MAX];      /* what it wrote */
  char name[NAME_MAX + 1];
  char message[8192];            /* failure() */
};

/* The last `size` bytes before a page that cannot be written. */
static char *
before_the_wall(size_t size)
{
  size_t page = sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
  char *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
  if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) < 0)
    _exit(95);
  return memory + room - size;
}

static void
body_split(struct answer *a, const void *arg)
{
  struct split *s = (struct split *)arg;
  char *directory = before_the_wall(PATH_MAX), *name = before_the_wall(NAME_MAX + 1);
  char *path = before_the_wall(strlen(s->path) + 1);
  memset(directory, '#', PATH_MAX);
  memset(name, '#', NAME_MAX + 1);
  strcpy(path, s->path);
  s->value = STUDENT(path_split)(path, directory, name);
  s->error = errno;
  snprintf(s->message, sizeof s->message, "%s", STUDENT(failure)());
  snprintf(s->directory, PATH_MAX, "%.*s", PATH_MAX - 1, directory);
  snprintf(s->name, sizeof s->name, "%.*s", NAME_MAX, name);
  student_answer(a, 0);
}

static const struct split *
split(const char *path)
{
  static struct split *s;
  if (!s)
    s = apply_shared(sizeof *s);
  memset(s, 0, sizeof *s);
  snprintf(s->path, sizeof s->path, "%s", path);
  student_call(body_split, s);
  return s;
}

/* A long text in few words. */
static const char *
shown(const char *text)
{
  static char shown[4][160];
  static int next;
  char *to = shown[next++ % 4];
  size_t size = strlen(text);
  if (size <= 64)
    snprintf(to, sizeof *shown, "\"%s\"", text);
  else
    snprintf(to, sizeof *shown, "\"%.24s...\" (%zu bytes)", text, size);
  return to;
}

static void
expect_split(const char *path, const char *directory, const char *name)
{
  const struct split *s = split(path);
  EXPECT(s->value == 0, "path_split returns 0", "for %s it returns %d, with %s (\"%.200s\")",
         shown(path), s->value, strerrorname_np(s->error) ?: "no errno", s->message);
  EXPECT(strcmp(s->directory, directory) == 0, "path_split finds the directory, without "
         "slashes and \".\" that do not count", "of %s it is %s, not %s", shown(path),
         shown(s->directory), shown(directory));
  EXPECT(strcmp(s->name, name) == 0, "path_split finds the name: the last part that counts",
         "of %s it is %s, not %s", shown(path), shown(s->name), shown(name));
}

static void
expect_refused(const char *path, int error)
{
  const struct split *s = split(path);
  EXPECT(s->value == -1 && s->error == error && s->message[0], "path_split refuses a path that "
         "leads out, is empty or too long, or leads through a whiteout",
         "for %s it returns %d, with %s, \"%.100s\", "
         "and not -1 with %s and a message", shown(path), s->value,
         s->value ? strerrorname_np(s->error) ?: "no errno" : "no failure", s->message,
         strerrorname_np(error));
}

/* "a/a/a/..." of so many bytes. */
static const char *
long_path(size_t size)
{
  static char path[8192];
  for (size_t i = 0; i < size; i++)
    path[i] = i % 2 ? '/' : 'a';
  path[size] = '\0';
  return path;
}

START_TEST(test_split)
{
  const char *word = random_word();
  char path[64];
  expect_split("a", "", "a");
  expect_split("a/b", "a", "b");
  expect_split("usr/share/doc/x", "usr/share/doc", "x");
  snprintf(path, sizeof path, "b/%s", word);
  expect_split(path, "b", word);
}
END_TEST

START_TEST(test_split_slashes)
{
  expect_split("./a", "", "a");
  expect_split("/a", "", "a");
  expect_split("a/", "", "a");
  expect_split("///a///b///", "a", "b");
  expect_split("./a//b/", "a", "b");
  expect_split("././a/./b/.", "a", "b");
  expect_split("/./a/././b/c/././", "a/b", "c");
}
END_TEST

START_TEST(test_split_root)
{
  static const char *const roots[] = {".", "./", "/", "//", "./.", "/./", ".//."};
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
    expect_split(roots[i], "", ".");
}
END_TEST

START_TEST(test_split_dots)
{
  expect_split("...", "", "...");
  expect_split("..a/b..", "..a", "b..");
  expect_split("a/...", "a", "...");
  expect_split(".a/.b", ".a", ".b");
  expect_split(".wh.x", "", ".wh.x");
  expect_split("a/.wh..wh..opq", "a", ".wh..wh..opq");
  expect_split("a/ b\n/\xc3\xa4", "a/ b\n", "\xc3\xa4");
  expect_split("a/\xff", "a", "\xff");
}
END_TEST

START_TEST(test_split_up)
{
  static const char *const up[] = {"..", "../", "../a", "/..", "/../a", "a/..", "a/../",
                                   "a/../b", "a/../../b", "./..", "a//..//b", "../../../etc/shadow"};
  for (size_t i = 0; i < sizeof up / sizeof *up; i++)
    expect_refused(up[i], EPERM);
  const struct split *s = split("pic/../../../secret");
  EXPECT(strstr(s->message, "pic/../../../secret"), "the message of path_split names the path",
         "\"%.200s\"", s->message);
}
END_TEST

/* The names of whiteouts are no names of directories. */
START_TEST(test_split_marked)
{
  static const char *const marked[] = {".wh.x/f", "a/.wh.x/f", "./.wh.x//f", ".wh.x/.wh.y",
                                       ".wh..wh..opq/f", "a/.wh.x/b/c/"};
  for (size_t i = 0; i < sizeof marked / sizeof *marked; i++)
    expect_refused(marked[i], EPERM);
  expect_split(".wh.x/", "", ".wh.x");
  expect_split("a/.wh.x/.", "a", ".wh.x");
  expect_split(".whx/.wh", ".whx", ".wh");
  expect_split("x.wh.y/a.wh.b/f", "x.wh.y/a.wh.b", "f");
}
END_TEST

START_TEST(test_split_long)
{
  char name[NAME_MAX + 2], path[8192 + 2], directory[8192];
  memset(name, 'n', NAME_MAX);
  name[NAME_MAX] = '\0';
  expect_split(name, "", name);
  snprintf(path, sizeof path, "%s/%s", name, name);
  expect_split(path, name, name);
  snprintf(path, sizeof path, "%s", long_path(PATH_MAX - 1));
  snprintf(directory, sizeof directory, "%s", long_path(PATH_MAX - 3));
  expect_split(path, directory, "a");
}
END_TEST

START_TEST(test_split_too_long)
{
  char name[NAME_MAX + 2], path[8192 + 2];
  memset(name, 'n', NAME_MAX + 1);
  name[NAME_MAX + 1] = '\0';
  expect_refused(name, ENAMETOOLONG);
  snprintf(path, sizeof path, "a/%s/b", name);
  expect_refused(path, ENAMETOOLONG);
  snprintf(path, sizeof path, "a/%s", name);
  expect_refused(path, ENAMETOOLONG);
  snprintf(path, sizeof path, "%sa", long_path(PATH_MAX));
  expect_refused(long_path(PATH_MAX + 1), ENAMETOOLONG);
  expect_refused(path, ENAMETOOLONG);
  expect_refused(long_path(5001), ENAMETOOLONG);
  expect_refused("", EBADMSG);
}
END_TEST

void
apply_path_tests(void)
{
  student_test("4.3 path_split finds directory and name", test_split);
  student_test("4.3 path_split passes over slashes and dots that do not count", test_split_slashes);
  student_test("4.3 path_split calls the root itself \".\"", test_split_root);
  student_test("4.3 path_split takes other names with dots as they are", test_split_dots);
  student_test("4.3 path_split refuses \"..\" wherever it stands", test_split_up);
  student_test("4.3 path_split refuses a directory that is called as a whiteout",
               test_split_marked);
  student_test("4.3 path_split takes the longest names and paths", test_split_long);
  student_test("4.3 path_split refuses what is too long, and what is empty", test_split_too_long);
}
