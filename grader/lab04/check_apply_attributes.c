/* check_apply_attributes.c - 4.3: entry_attributes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check_apply.h"
#include "store.h"

static const struct timespec some_time = {.tv_sec = 1700000000, .tv_nsec = 123456789};

/* Give "root/x" attributes. */
static const struct answer *
give(const struct entry *entry)
{
  struct apply_order order = {.root = at("root"), .name = "x", .entry = *entry};
  order.entry.path = "x";
  const struct answer *answer = call_attributes(&order);
  EXPECT(apply_result()->descriptors == 0, "entry_attributes leaves no descriptor open", "%d "
         "are", apply_result()->descriptors);
  return answer;
}

static void
expect_owner(const char *path, uid_t uid, gid_t gid)
{
  struct stat st = look(path);
  EXPECT(st.st_uid == uid && st.st_gid == gid, "the owner is the entry's", "%s belongs to "
         "%u:%u, not to %u:%u", path, st.st_uid, st.st_gid, uid, gid);
}

static void
expect_mode(const char *path, mode_t mode, const char *why)
{
  mode_t is = look(path).st_mode & 07777;
  EXPECT(is == mode, why, "%s has the mode %04o, not %04o", path, is, mode);
}

/* The value of an extended attribute of "root/x", or "(why not)". */
static const char *
value_of(const char *name)
{
  static char value[256];
  ssize_t size = lgetxattr(at("root/x"), name, value, sizeof value - 1);
  if (size < 0)
    snprintf(value, sizeof value, "(%s)", strerrorname_np(errno));
  else
    value[size] = '\0';
  return value;
}

/* An extended attribute that can be set here: user.NAME or trusted.NAME. A tmpfs has the
 * former since Linux 6.6 only, and the latter only root may set. */
static char *
attribute(const char *name)
{
  static char names[8][32];
  static int next;
  const char *file = make_text("probe", "", 0600);
  char *full = names[next++ % 8];
  snprintf(full, sizeof *names, "user.%s", name);
  if (lsetxattr(file, full, "1", 1, 0) < 0)
    snprintf(full, sizeof *names, "trusted.%s", name);
  if (lsetxattr(file, full, "1", 1, 0) < 0)
    student_cannot("files cannot have extended attributes in /tmp here (mend it: a kernel of 6.6 "
                   "or newer; or run the grader as root, or in the VM)");
  unlink(file);
  return full;
}

START_TEST(test_mode)
{
  static const mode_t modes[] = {0644, 0000, 0755, 04755, 02755, 01777, 07777, 0444};
  make_dir("root", 0755);
  make_text("root/x", "text", 0600);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    struct entry entry = {.mode = S_IFREG | modes[i], .mtime = some_time};
    expect_success(give(&entry), "entry_attributes");
    expect_mode("x", modes[i], "the mode is the entry's, whatever the umask is, with set-user-ID, "
                "set-group-ID and sticky bit");
    expect_mtime("x", some_time, "the mtime is the entry's, to the nanosecond");
  }
  expect_text("x", "text", "what is in the file stays");
}
END_TEST

START_TEST(test_owner)
{
  need_owners();
  make_dir("root", 0755);
  make_text("root/x", "text", 0600);
  struct entry entry = {.mode = S_IFREG | 06755, .uid = 1234, .gid = 2345, .mtime = some_time};
  expect_success(give(&entry), "entry_attributes");
  expect_owner("x", 1234, 2345);
  expect_mode("x", 06755, "set-user-ID and set-group-ID are there although the owner was "
              "changed, too");
  entry = (struct entry){.mode = S_IFREG | 0640, .uid = 3, .gid = 4, .mtime = some_time};
  expect_success(give(&entry), "entry_attributes");
  expect_owner("x", 3, 4);
  expect_mtime("x", some_time, "the mtime is the entry's");
}
END_TEST

START_TEST(test_no_owners)
{
  make_dir("root", 0755);
  make_text("root/x", "text", 0600);
  struct apply_order order = {.root = at("root"), .name = "x", .no_owners = true,
                              .entry = {.path = "x", .mode = S_IFREG | 04755, .uid = 1234,
                                        .gid = 2345, .mtime = some_time}};
  expect_success(call_attributes(&order), "entry_attributes with no_owners");
  expect_owner("x", geteuid(), getegid());
  expect_mode("x", 04755, "with no_owners the mode is still the entry's");
}
END_TEST

START_TEST(test_dir)
{
  make_dir("root", 0755);
  make_dir("root/x", 0700);
  make_text("root/x/file", "text", 0644);
  struct entry entry = {.mode = S_IFDIR | 03775, .mtime = some_time};
  expect_success(give(&entry), "entry_attributes of a directory");
  expect_mode("x", 03775, "the mode of a directory is the entry's");
  expect_mtime("x", some_time, "the mtime of a directory is the entry's");
  struct apply_order order = {.root = at("root"), .name = ".",
                              .entry = {.path = ".", .mode = S_IFDIR | 0711, .mtime = some_time}};
  expect_success(call_attributes(&order), "entry_attributes of the root itself, \".\",");
  expect_mode(".", 0711, "the mode of the root is the entry's");
  expect_mtime(".", some_time, "the mtime of the root is the entry's");
}
END_TEST

/* Of a link itself, and nothing of what it leads to. */
START_TEST(test_link)
{
  make_dir("root", 0755);
  make_canaries();
  ck_assert_int_eq(symlink(at("outside/file"), at("root/x")), 0);
  struct entry entry = {.mode = S_IFLNK | 0777, .link = (char *)at("outside/file"),
                        .mtime = some_time};
  expect_success(give(&entry), "entry_attributes of a link");
  expect_canaries("after entry_attributes of a link that leads out");
  expect_mtime("x", some_time, "the mtime of a link is the entry's");
  ck_assert_int_eq(unlink(at("root/x")), 0);
  ck_assert_int_eq(symlink("nowhere", at("root/x")), 0);
  expect_success(give(&entry), "entry_attributes of a link that leads to nothing");
  expect_mtime("x", some_time, "the mtime of a link is the entry's");
}
END_TEST

START_TEST(test_link_owner)
{
  need_owners();
  make_dir("root", 0755);
  make_canaries();
  ck_assert_int_eq(symlink(at("outside/file"), at("root/x")), 0);
  struct entry entry = {.mode = S_IFLNK | 0777, .link = (char *)at("outside/file"), .uid = 1234,
                        .gid = 2345, .mtime = some_time};
  expect_success(give(&entry), "entry_attributes of a link");
  expect_owner("x", 1234, 2345);
  expect_canaries("after entry_attributes of a link that leads out");
}
END_TEST

START_TEST(test_hard)
{
  make_dir("root", 0755);
  make_text("root/x", "text", 0640);
  struct timespec old = make_old("x");
  struct entry entry = {.mode = 0777, .hard = true, .link = "y", .uid = 77, .gid = 77,
                        .mtime = some_time};
  expect_success(give(&entry), "entry_attributes of a hard link");
  expect_mode("x", 0640, "a hard link has its mode already");
  expect_mtime("x", old, "a hard link has its mtime already");
  expect_owner("x", geteuid(), getegid());
}
END_TEST

/* ---- extended attributes ---- */

START_TEST(test_xattrs)
{
  const char *word = random_word();
  make_dir("root", 0755);
  make_text("root/x", "text", 0600);
  struct xattr xattrs[] = {{attribute("onggi"), (char *)word, strlen(word)},
                           {attribute("empty"), "", 0},
                           {attribute("bytes"), "\0\1", 2}};
  struct entry entry = {.mode = S_IFREG | 0444, .mtime = some_time, .xattrs = xattrs,
                        .xattr_count = 3};
  expect_success(give(&entry), "entry_attributes with extended attributes");
  EXPECT(strcmp(value_of(attribute("onggi")), word) == 0, "extended attributes are the entry's",
         "%s is \"%s\"", attribute("onggi"), value_of(attribute("onggi")));
  EXPECT(strcmp(value_of(attribute("empty")), "") == 0, "an extended attribute may be empty",
         "%s is \"%s\"", attribute("empty"), value_of(attribute("empty")));
  char bytes[8];
  ssize_t size = lgetxattr(at("root/x"), attribute("bytes"), bytes, sizeof bytes);
  EXPECT(size == 2 && memcmp(bytes, "\0\1", 2) == 0, "an extended attribute may have a NUL in it",
         "one of 2 bytes has %zd", size);
  expect_mode("x", 0444, "the mode is the entry's");
  expect_mtime("x", some_time, "the mtime is the entry's");
  EXPECT(apply_result()->left_out == 0, "nothing is left out", "left_out is %u",
         apply_result()->left_out);
}
END_TEST

/* What setcap cap_net_raw=ep leaves. */
static const struct vfs_cap_data net_raw = {
    .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
    .data = {{.permitted = 1 << CAP_NET_RAW}},
};

START_TEST(test_capability)
{
  need_owners();
  make_dir("root", 0755);
  make_text("probe", "", 0600);
  if (lsetxattr(at("probe"), "security.capability", &net_raw, sizeof net_raw, 0) < 0)
    student_cannot("files cannot be given capabilities in /tmp here (mend it: run the grader in "
                   "the VM)");
  make_text("root/x", "text", 0600);
  struct xattr xattr = {"security.capability", (void *)&net_raw, sizeof net_raw};
  struct entry entry = {.mode = S_IFREG | 04755, .uid = 1234, .gid = 2345, .mtime = some_time,
                        .xattrs = &xattr, .xattr_count = 1};
  expect_success(give(&entry), "entry_attributes with security.capability");
  struct vfs_ns_cap_data got = {0};
  ssize_t size = lgetxattr(at("root/x"), "security.capability", &got, sizeof got);
  EXPECT(size >= (ssize_t)sizeof net_raw && got.data[0].permitted == 1 << CAP_NET_RAW, "a file "
         "has the capabilities of the entry, although its owner was changed, too", "it has %s",
         size < 0 ? "none" : "others");
  expect_mode("x", 04755, "the mode is the entry's");
  expect_owner("x", 1234, 2345);
}
END_TEST

START_TEST(test_xattr_link)
{
  bool trusted = lsetxattr(make_text("probe", "", 0600), "trusted.onggi", "1", 1, 0) == 0;
  make_dir("root", 0755);
  make_canaries();
  ck_assert_int_eq(symlink(at("outside/file"), at("root/x")), 0);
  struct xattr xattr = {"trusted.onggi", "of the link", 11};
  struct entry entry = {.mode = S_IFLNK | 0777, .link = (char *)at("outside/file"),
                        .mtime = some_time, .xattrs = &xattr, .xattr_count = 1};
  expect_success(give(&entry), "entry_attributes of a link with an extended attribute");
  char value[16];
  EXPECT(lgetxattr(at("outside/file"), "trusted.onggi", value, sizeof value) < 0, "an extended "
         "attribute of a link is not set on what it leads to", "it is there");
  if (trusted)
    EXPECT(strcmp(value_of("trusted.onggi"), "of the link") == 0, "an extended attribute of a "
           "link is set on the link itself", "there it is \"%s\"", value_of("trusted.onggi"));
  else
    EXPECT(apply_result()->left_out == 1, "left_out counts an attribute that only root may set",
           "it is %u", apply_result()->left_out);
  expect_canaries("after entry_attributes of a link that leads out");
}
END_TEST

START_TEST(test_xattr_overlay)
{
  static const char *const names[] = {"trusted.overlay.opaque", "user.overlay.opaque",
                                      "trusted.overlay.redirect", "user.overlay.whiteout"};
  make_dir("root", 0755);
  make_dir("root/x", 0755);
  for (int i = 0; i < 4; i++) {
    struct xattr xattr = {(char *)names[i], "y", 1};
    struct entry entry = {.mode = S_IFDIR | 0755, .mtime = some_time, .xattrs = &xattr,
                          .xattr_count = 1};
    char call[100];
    snprintf(call, sizeof call, "entry_attributes with %s", names[i]);
    expect_errno(give(&entry), call, EPERM);
    EXPECT(value_of(names[i])[0] == '(', "an attribute of overlayfs is never set", "%s is \"%s\"",
           names[i], value_of(names[i]));
  }
}
END_TEST

/* What the file system does not take is counted, and the rest goes on. */
START_TEST(test_xattr_left_out)
{
  bool trusted = lsetxattr(make_text("probe", "", 0600), "trusted.onggi", "1", 1, 0) == 0;
  make_dir("root", 0755);
  make_text("root/x", "text", 0600);
  struct xattr xattrs[] = {{"nowhere.onggi", "1", 1}, {"trusted.other", "2", 1},
                           {attribute("onggi"), "3", 1}, {"unknown", "4", 1}};
  struct entry entry = {.mode = S_IFREG | 0641, .mtime = some_time, .xattrs = xattrs,
                        .xattr_count = 4};
  expect_success(give(&entry), "entry_attributes with attributes that the file system refuses");
  unsigned wanted = trusted ? 2 : 3;
  EXPECT(apply_result()->left_out == wanted, "left_out counts the attributes that were refused",
         "of %u it has counted %u", wanted, apply_result()->left_out);
  EXPECT(strcmp(value_of(attribute("onggi")), "3") == 0, "those behind them are set", "%s "
         "is \"%s\"", attribute("onggi"), value_of(attribute("onggi")));
  EXPECT(!trusted || strcmp(value_of("trusted.other"), "2") == 0, "root can set trusted.*",
         "trusted.other is \"%s\"", value_of("trusted.other"));
  expect_mode("x", 0641, "the mode is the entry's");
  expect_mtime("x", some_time, "the mtime is the entry's");
}
END_TEST

/* For the first user namespace's root, EPERM is a failure: nothing there is anybody
 * else's to set. In another one it counts. */
static void
body_forbidden(struct answer *a, const void *arg)
{
  static const int calls[] = {SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, 463 /* setxattrat */, -1};
  const struct apply_order *order = arg;
  struct target target = target_of(order);
  int parent = open_directory(order->root);
  forbid(calls, EPERM);
  int bad = STUDENT(entry_attributes)(&target, parent, "x", &order->entry);
  student_answer(a, bad);
  if (bad == 0)
    snprintf(a->text, sizeof a->text, "%u", target.left_out);
}

START_TEST(test_xattr_forbidden)
{
  bool trusted = lsetxattr(make_text("probe", "", 0600), "trusted.onggi", "1", 1, 0) == 0;
  make_dir("root", 0755);
  make_text("root/x", "text", 0600);
  struct xattr xattr = {attribute("onggi"), "3", 1};
  struct apply_order order = {.root = at("root"), .no_owners = true, .entry = {
      .mode = S_IFREG | 0641, .mtime = some_time, .xattrs = &xattr, .xattr_count = 1}};
  const struct answer *a = student_call(body_forbidden, &order);
  if (trusted) /* only in the first one */
    expect_errno(a, "entry_attributes, where root may not set an attribute, in the first user "
                 "namespace,", EPERM);
  else
    EXPECT(a->value == 0 && strcmp(a->text, "1") == 0, "in a user namespace, EPERM for an "
           "attribute counts in left_out", "entry_attributes returns %d (%s)", a->value, a->text);
}
END_TEST

START_TEST(test_xattr_stay)
{
  make_dir("root", 0755);
  make_dir("root/x", 0755);
  ck_assert_int_eq(lsetxattr(at("root/x"), attribute("old"), "1", 1, 0), 0);
  ck_assert_int_eq(lsetxattr(at("root/x"), attribute("older"), "1", 1, 0), 0);
  ck_assert_int_eq(lsetxattr(at("root/x"), attribute("both"), "1", 1, 0), 0);
  struct xattr xattr = {attribute("both"), "2", 1};
  struct entry entry = {.mode = S_IFDIR | 0755, .mtime = some_time, .xattrs = &xattr,
                        .xattr_count = 1};
  expect_success(give(&entry), "entry_attributes of a directory that was there");
  EXPECT(strcmp(value_of(attribute("both")), "2") == 0, "an attribute that the entry names is "
         "the entry's", "it is \"%s\"", value_of(attribute("both")));
  EXPECT(value_of(attribute("old"))[0] == '(' && value_of(attribute("older"))[0] == '(', "an attribute "
         "that the entry does not name goes, when a directory stays", "it is there");
}
END_TEST

void
apply_attribute_tests(void)
{
  student_test("4.3 entry_attributes gives mode and mtime", test_mode);
  student_test("4.3 entry_attributes gives the owner, and set-user-ID after it", test_owner);
  student_test("4.3 entry_attributes with no_owners", test_no_owners);
  student_test("4.3 entry_attributes of directories, and of the root", test_dir);
  student_test("4.3 entry_attributes of a link itself", test_link);
  student_test("4.3 entry_attributes gives the owner of a link itself", test_link_owner);
  student_test("4.3 entry_attributes leaves a hard link as it is", test_hard);
  student_test("4.3 entry_attributes sets extended attributes", test_xattrs);
  student_test("4.3 entry_attributes gives capabilities after the owner", test_capability);
  student_test("4.3 entry_attributes sets a link's extended attributes", test_xattr_link);
  student_test("4.3 entry_attributes refuses those of overlayfs", test_xattr_overlay);
  student_test("4.3 entry_attributes counts what the file system does not take", test_xattr_left_out);
  student_test("4.3 entry_attributes fails where root may not set an attribute",
               test_xattr_forbidden);
  student_test("4.3 entry_attributes removes what a directory had before", test_xattr_stay);
}
