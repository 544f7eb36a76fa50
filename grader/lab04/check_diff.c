/* check_diff.c - 4.5: entry_read. The rest: check_marks.c, check_pack.c, check_bytes.c,
 * check_compare.c. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check_pack.h"

/* What to read. */
struct read_order {
  const char *directory;  /* path of the directory */
  const char *name;       /* in it */
  time_t newest;          /* as entry_read takes it */
};

/* What there is to say of an entry: "TYPE MODE UID:GID size N device N:N time S.NS ->LINK
 * NAME=VALUE ...". */
static void
say_entry(const struct entry *e, char *text, size_t size)
{
  size_t n = snprintf(text, size, "%o %u:%u size %lld device %u:%u time %lld.%ld%s%s",
                      (unsigned)e->mode, e->uid, e->gid, (long long)e->size, major(e->device),
                      minor(e->device), (long long)e->mtime.tv_sec, e->mtime.tv_nsec,
                      e->link ? " ->" : "", e->link ? e->link : "");
  for (size_t i = 0; i < e->xattr_count && n < size; i++)
    n += snprintf(text + n, size - n, " %s=%.*s", e->xattrs[i].name, (int)e->xattrs[i].size,
                  (const char *)e->xattrs[i].value);
}

static void
read_body(struct answer *a, const void *arg)
{
  const struct read_order *order = arg;
  struct entry entry;
  memset(&entry, 0x5a, sizeof entry);
  int bad = STUDENT(entry_read)(open_directory(order->directory), order->name, order->newest,
                                &entry);
  student_answer(a, bad);
  if (bad)
    return;
  say_entry(&entry, a->text, sizeof a->text);
  entry.path = NULL;
  STUDENT(entry_free)(&entry);
}

static const struct answer *
call_read(const char *name, time_t newest)
{
  struct read_order order = {at("d"), name, newest};
  return student_call(read_body, &order);
}

static void
expect_entry(const char *name, time_t newest, const char *want)
{
  char call[100];
  const struct answer *a = call_read(name, newest);
  snprintf(call, sizeof call, "entry_read of %s", name);
  expect_success(a, call);
  expect_lines(a->text, want, call);
}

enum { LATER = 2000000000 };

START_TEST(test_kinds)
{
  make_dir("d", 0755);
  a_file("d/file", "twelve bytes");
  ck_assert_int_eq(chmod(at("d/file"), 06751), 0);
  expect_entry("file", LATER, "106751 0:0 size 12 device 0:0 time 0.0");
  make_dir("d/sub", 01777);
  a_file("d/sub/x", "x");
  old("d/sub");
  expect_entry("sub", LATER, "41777 0:0 size 0 device 0:0 time 0.0");
  ck_assert_int_eq(mkfifo(at("d/fifo"), 0600), 0);
  old("d/fifo");
  expect_entry("fifo", LATER, "10600 0:0 size 0 device 0:0 time 0.0");
  /* This one needs no privilege (mknod(2), EPERM). */
  ck_assert_int_eq(mknod(at("d/device"), S_IFCHR | 0600, makedev(0, 0)), 0);
  old("d/device");
  expect_entry("device", LATER, "20600 0:0 size 0 device 0:0 time 0.0");
  /* And others only root of the first user namespace can make. */
  if (mknod(at("d/null"), S_IFCHR | 0666, makedev(1, 3)) == 0) {
    ck_assert_int_eq(chmod(at("d/null"), 0640), 0);
    old("d/null");
    expect_entry("null", LATER, "20640 0:0 size 0 device 1:3 time 0.0");
  }
  old("d");
  expect_entry(".", LATER, "40755 0:0 size 0 device 0:0 time 0.0");
}
END_TEST

START_TEST(test_links)
{
  static char far[PATH_MAX];
  make_dir("d", 0755);
  a_file("d/file", "x");
  ck_assert_int_eq(symlink("file", at("d/link")), 0);
  ck_assert_int_eq(symlink("/no/where", at("d/gone")), 0);
  old("d/link");
  old("d/gone");
  expect_entry("link", LATER, "120777 0:0 size 0 device 0:0 time 0.0 ->file");
  expect_entry("gone", LATER, "120777 0:0 size 0 device 0:0 time 0.0 ->/no/where");
  memset(far, 'x', 4000);
  ck_assert_int_eq(symlink(far, at("d/far")), 0);
  const struct answer *a = call_read("far", LATER);
  expect_success(a, "entry_read of a link that leads far");
  const char *arrow = strstr(a->text, "->");
  EXPECT(arrow && strlen(arrow + 2) == 4000, "a link's text of 4,000 bytes is read", "%zu bytes "
         "are", arrow ? strlen(arrow + 2) : 0);
}
END_TEST

START_TEST(test_times)
{
  static const struct {
    struct timespec mtime;
    time_t newest;
    const char *want;
  } cases[] = {
      {{1000, 999999999}, LATER, "1000.0"}, {{1000, 1}, 1000, "1000.0"},
      {{1001, 0}, 1000, "1000.0"}, {{999, 0}, 1000, "999.0"}, {{1000, 0}, 0, "0.0"},
      {{-2, 500000000}, LATER, "-2.0"}, {{1700000000, 5}, 1600000000, "1600000000.0"},
  };
  char want[100];
  make_dir("d", 0755);
  make_text("d/file", "x", 0644);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, cases[i].mtime};
    ck_assert_int_eq(utimensat(AT_FDCWD, at("d/file"), times, 0), 0);
    snprintf(want, sizeof want, "100644 0:0 size 1 device 0:0 time %s", cases[i].want);
    expect_entry("file", cases[i].newest, want);
  }
}
END_TEST

START_TEST(test_xattrs)
{
  char want[1000];
  make_dir("d", 0755);
  a_file("d/file", "x");
  static const char *const names[] = {"m", "a", "z", "B", "a.b", "overlay.opaque", "overlay",
                                      "overlays"};
  static const char *const sorted[] = {"B", "a", "a.b", "m", "overlay", "overlays", "z"};
  int n = snprintf(want, sizeof want, "100644 0:0 size 1 device 0:0 time 0.0");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    give_xattr("d/file", own_xattr(names[i]), names[i]);
  for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++)
    n += snprintf(want + n, sizeof want - n, " %s=%s", own_xattr(sorted[i]), sorted[i]);
  old("d/file");
  expect_entry("file", LATER, want);
  /* Where it can be set: this label is about the machine's policy. */
  a_file("d/label", "x");
  if (lsetxattr(at("d/label"), "security.selinux", "label", 6, 0) == 0) {
    old("d/label");
    expect_entry("label", LATER, "100644 0:0 size 1 device 0:0 time 0.0");
  }
  /* Of both kinds, though only one is the overlay's here; trusted.* are only root's. */
  if (strncmp(overlay_xattr("x", true), "trusted", 7) == 0) {
    a_file("d/trusted", "x");
    give_xattr("d/trusted", "trusted.overlay.origin", "o");
    give_xattr("d/trusted", "trusted.kept", "k");
    give_xattr("d/trusted", "trusted.overlay.opaque", "y");
    old("d/trusted");
    expect_entry("trusted", LATER, "100644 0:0 size 1 device 0:0 time 0.0 trusted.kept=k");
  }
  give_xattr("d", own_xattr("empty"), "");
  old("d");
  snprintf(want, sizeof want, "40755 0:0 size 0 device 0:0 time 0.0 %s=", own_xattr("empty"));
  expect_entry(".", LATER, want);
  /* Of the link itself, which has none. */
  ck_assert_int_eq(symlink("file", at("d/link")), 0);
  old("d/link");
  expect_entry("link", LATER, "120777 0:0 size 0 device 0:0 time 0.0 ->file");
}
END_TEST

START_TEST(test_socket)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  make_dir("d", 0755);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%.90s", at("d/socket"));
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  expect_errno(call_read("socket", LATER), "entry_read of a socket", ENOTSUP);
  expect_errno(call_read("gone", LATER), "entry_read of what is not there", ENOENT);
  close(fd);
}
END_TEST

void
diff_tests(void)
{
  student_test("4.5 entry_read of files, directories, devices", test_kinds);
  student_test("4.5 entry_read of links", test_links);
  student_test("4.5 entry_read gives whole seconds, none later than the newest", test_times);
  student_test("4.5 entry_read gives sorted attributes, and none of the overlay's", test_xattrs);
  student_test("4.5 entry_read refuses sockets, and what is not there", test_socket);
  diff_mark_tests();
  diff_pack_tests();
  diff_bytes_tests();
  diff_tree_tests();
  diff_deep_tests();
}
