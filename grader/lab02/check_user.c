/* check_user.c - 2.4, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_lab02.h"
#include "process.h"

/* ---- user_map ---- */

/* For bodies: whom to map how. */
struct mapping {
  struct id_maps maps;
  bool unprivileged;     /* without the capabilities that it takes */
  bool two_groups;       /* user 1000, whose group is 1001, and effectively 1002 */
  bool sibling;          /* another child of ours has ended before */
  const char *path;      /* where newuidmap and newgidmap are; NULL: anywhere */
  volatile pid_t child;  /* in the new user namespace */
};

static void
map_child(struct answer *a, const void *arg)
{
  struct mapping *mapping = (struct mapping *)arg;
  /* Number 0 is special: who has not CAP_SETFCAP may give it to nobody, not
   * even if it is his own (user_namespaces(7)). */
  if (mapping->unprivileged)
    give_up_capabilities(CAP_SETFCAP);
  if (mapping->path)
    setenv("PATH", mapping->path, 1);
  /* Another user's /proc is his own only if he may be looked at. */
  if (mapping->two_groups &&
      (setresgid(1001, 1002, 1001) < 0 || setresuid(1000, 1000, 1000) < 0 ||
       prctl(PR_SET_DUMPABLE, 1L) < 0))
    _exit(99);
  if (mapping->sibling) {
    pid_t pid = fork();
    if (pid == 0)
      _exit(3);
    waitid(P_PID, pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
  }
  mapping->child = make_process(CLONE_NEWUSER, 0);
  if (mapping->child < 0)
    _exit(99);
  student_answer(a, STUDENT(user_map)(mapping->child, &mapping->maps));
}

/* Maps as text: "INSIDE OUTSIDE COUNT", more of them behind commas. Valid until
 * 8 more have been asked for. */
static char *
next_text(void)
{
  static char texts[8][1024];
  static int next;
  return texts[next++ % 8];
}

static const char *
wanted_text(const struct id_map *maps, size_t count)
{
  char *text = next_text();
  size_t n = 0;
  *text = '\0';
  for (size_t i = 0; i < count; i++)
    n += snprintf(text + n, 1024 - n, "%s%u %u %u", i ? ", " : "", maps[i].inside,
                  maps[i].outside, maps[i].count);
  return text;
}

static const char *
map_text(pid_t pid, const char *name)
{
  char path[64], *text = next_text();
  unsigned inside, outside, count;
  size_t n = 0;
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  FILE *file = fopen(path, "re");
  *text = '\0';
  while (file && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3)
    n += snprintf(text + n, 1024 - n, "%s%u %u %u", n ? ", " : "", inside, outside,
                  count);
  if (file)
    fclose(file);
  return text;
}

/* "allow" or "deny". */
static const char *
setgroups_of(pid_t pid)
{
  char path[64], *text = next_text();
  snprintf(path, sizeof path, "/proc/%d/setgroups", pid);
  snprintf(text, 1024, "%s", contents(path));
  text[strcspn(text, "\n")] = '\0';
  return text;
}

/* Let user_map map a child, and compare with what /proc shows from outside. */
static void
expect_maps(struct mapping *mapping, const char *setgroups)
{
  pid_t pid = student_start(map_child, mapping);
  expect_success(student_said(), mapping->two_groups ? "user_map, for a caller "
                 "whose effective group is another than his real one," : "user_map");
  const char *got = map_text(mapping->child, "uid_map");
  const char *expected = wanted_text(mapping->maps.uid, mapping->maps.uids);
  EXPECT(strcmp(got, expected) == 0, "/proc/PID/uid_map holds what was asked for "
         "(INSIDE OUTSIDE COUNT)", "%s, not %s", got, expected);
  got = map_text(mapping->child, "gid_map");
  expected = wanted_text(mapping->maps.gid, mapping->maps.gids);
  EXPECT(strcmp(got, expected) == 0, "/proc/PID/gid_map holds what was asked for "
         "(INSIDE OUTSIDE COUNT)", "%s, not %s", got, expected);
  got = setgroups_of(mapping->child);
  EXPECT(strcmp(got, setgroups) == 0, "setgroups is denied where there is no other "
         "way to the group map, and only there", "/proc/PID/setgroups says %s, not "
         "%s", got, setgroups);
  student_end(pid);
  end_process(mapping->child);
}

START_TEST(test_map_own)
{
  struct mapping *mapping = shared(sizeof *mapping);
  mapping->maps = (struct id_maps){
      .uid = {{0, 0, 1}}, .gid = {{0, 0, 1}}, .uids = 1, .gids = 1};
  /* Nobody can help: what may be done without privilege must do. */
  mapping->unprivileged = true;
  mapping->path = make_dir("empty", 0755);
  expect_maps(mapping, "deny");
  mapping->maps.uid[0].inside = 7;
  expect_maps(mapping, "deny");
}
END_TEST

START_TEST(test_map_effective)
{
  struct mapping *mapping = shared(sizeof *mapping);
  need_other_users();
  mapping->two_groups = true;
  mapping->path = make_dir("empty", 0755);
  mapping->maps = (struct id_maps){
      .uid = {{1000, 0, 1}}, .gid = {{1002, 0, 1}}, .uids = 1, .gids = 1};
  expect_maps(mapping, "deny");
}
END_TEST

START_TEST(test_map_privileged)
{
  struct mapping *mapping = shared(sizeof *mapping);
  unsigned some = 1000 + getpid();
  mapping->path = make_dir("empty", 0755);
  mapping->maps = (struct id_maps){
      .uid = {{0, 0, 1}}, .gid = {{0, 0, 1}}, .uids = 1, .gids = 1};
  expect_maps(mapping, setgroups_of(getpid()));

  need_other_users();
  mapping->maps = (struct id_maps){
      .uid = {{some, 0, 1}, {20000, 1, 500}},
      .gid = {{some + 1, 5, 1}, {100, 0, 3}, {30000, 1000, 20000}},
      .uids = 2, .gids = 3};
  expect_maps(mapping, "allow");
  mapping->maps.uids = mapping->maps.gids = ID_MAPS;
  for (unsigned i = 0; i < ID_MAPS; i++) {
    mapping->maps.uid[i] = (struct id_map){20000 + 2 * i, 4000000000 + 2 * i, 1};
    mapping->maps.gid[i] = (struct id_map){30000 + 9 * i, 4100000000 + 9 * i, 9};
  }
  expect_maps(mapping, "allow");
}
END_TEST

/* A directory with a newuidmap and a newgidmap that write down how they are
 * called, and end with this exit status. */
static const char *
make_helpers(int status)
{
  char text[512];
  const char *path = make_dir("bin", 0755);
  snprintf(text, sizeof text, "#!/bin/sh\necho ${0##*/} \"$@\" >>%s\nexit %d\n",
           at("calls"), status);
  make_text("bin/newuidmap", text, 0755);
  make_text("bin/newgidmap", text, 0755);
  make_text("calls", "", 0666);
  return path;
}

/* Let user_map map a child with the help of make_helpers(0), and compare how they
 * were called: "newuidmap PID" and `uids`, "newgidmap PID" and `gids`. */
static void
expect_helpers(struct mapping *mapping, const char *call, const char *uids,
               const char *gids)
{
  char expected[256], got[256];
  pid_t pid = student_start(map_child, mapping);
  expect_success(student_said(), call);
  snprintf(expected, sizeof expected, "newuidmap %d %s newgidmap %d %s",
           mapping->child, uids, mapping->child, gids);
  snprintf(got, sizeof got, "%s", contents(at("calls")));
  for (char *c = got; *c; c++)
    if (*c == '\n')
      *c = c[1] ? ' ' : '\0';
  EXPECT(strcmp(got, expected) == 0, "what an ordinary user may not write himself, "
         "newuidmap and newgidmap are asked for, once each: PID, and INSIDE OUTSIDE "
         "COUNT of each map", "\"%s\", not \"%s\"", got, expected);
  const char *setgroups = setgroups_of(mapping->child);
  EXPECT(strcmp(setgroups, setgroups_of(getpid())) == 0, "setgroups is denied "
         "where there is no other way to the group map, and only there", "%s",
         setgroups);
  student_end(pid);
  end_process(mapping->child);
}

START_TEST(test_map_helpers)
{
  static const char call[] = "user_map, with helpers that agree to everything,";
  struct mapping *mapping = shared(sizeof *mapping);
  mapping->unprivileged = true;
  mapping->path = make_helpers(0);
  mapping->maps = (struct id_maps){
      .uid = {{0, 0, 1}, {4000000000, 1, 65000}},
      .gid = {{0, 0, 1}, {30000, 1, 4}, {40000, 5, 4000}},
      .uids = 2, .gids = 3};
  expect_helpers(mapping, call, "0 0 1 1 4000000000 65000",
                 "0 0 1 1 30000 4 5 40000 4000");
}
END_TEST

/* One map, and yet not what the caller may write himself. */
START_TEST(test_map_one)
{
  struct mapping *mapping = shared(sizeof *mapping);
  mapping->unprivileged = true;
  mapping->path = make_helpers(0);
  mapping->maps = (struct id_maps){
      .uid = {{20000, 0, 1}}, .gid = {{30000, 0, 1}}, .uids = 1, .gids = 1};
  expect_helpers(mapping, "user_map of one number, not the caller's own,",
                 "0 20000 1", "0 30000 1");
  ck_assert_int_eq(truncate(at("calls"), 0), 0);
  mapping->maps = (struct id_maps){
      .uid = {{0, 0, 5}}, .gid = {{0, 0, 6}}, .uids = 1, .gids = 1};
  expect_helpers(mapping, "user_map of several numbers, his own among them,",
                 "0 0 5", "0 0 6");
}
END_TEST

START_TEST(test_map_sibling)
{
  struct mapping *mapping = shared(sizeof *mapping);
  mapping->unprivileged = true;
  mapping->sibling = true;
  mapping->path = make_helpers(0);
  mapping->maps = (struct id_maps){
      .uid = {{20000, 0, 9}}, .gid = {{30000, 0, 9}}, .uids = 1, .gids = 1};
  expect_helpers(mapping, "user_map of a caller who has another child, which has "
                 "ended before,", "0 20000 9", "0 30000 9");
}
END_TEST

/* Let user_map refuse, and see that nothing was mapped. */
static void
expect_no_map(struct mapping *mapping, const char *call, int error)
{
  pid_t pid = student_start(map_child, mapping);
  struct answer a = *student_said();
  char got[256];
  snprintf(got, sizeof got, "%s", map_text(mapping->child, "uid_map"));
  student_end(pid);
  end_process(mapping->child);
  expect_errno(&a, call, error);
  EXPECT(*got == '\0', "a map that is refused leaves uid_map empty", "%s", got);
}

START_TEST(test_map_refused)
{
  struct mapping *mapping = shared(sizeof *mapping);
  mapping->maps = (struct id_maps){
      .uid = {{0, 0, 1}, {0, 5, 1}}, .gid = {{0, 0, 1}}, .uids = 2, .gids = 1};
  expect_no_map(mapping, "user_map(two maps that overlap)", EINVAL);
  mapping->maps.uids = 1;
  mapping->maps.uid[0].count = 0;
  expect_no_map(mapping, "user_map(a map of 0 numbers)", EINVAL);

  mapping->maps.uids = 0;
  expect_no_map(mapping, "user_map(no maps at all)", EINVAL);

  mapping->unprivileged = true;
  mapping->maps = (struct id_maps){
      .uid = {{0, 0, 1}, {20000, 1, 10}}, .gid = {{0, 0, 1}, {20000, 1, 10}},
      .uids = 2, .gids = 2};
  mapping->path = make_dir("empty", 0755);
  expect_no_map(mapping, "user_map of other numbers, without privilege and without "
                "newuidmap,", ENOENT);
  mapping->path = make_helpers(1);
  expect_no_map(mapping, "user_map of other numbers, which newuidmap refuses,",
                EPERM);
}
END_TEST

/* ---- user_become_root ---- */

/* For bodies: who the child shall be. */
struct identity {
  const char *uid_map, *gid_map;
  bool deny;    /* setgroups(2) */
  bool groups;  /* be in some groups before */
};

static void
write_to(pid_t pid, const char *name, const char *text)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) {
    perror(path);
    _exit(99);
  }
  close(fd);
}

static void
become_root(struct answer *a, const void *arg)
{
  const struct identity *identity = arg;
  static const gid_t groups[] = {5, 6, 27};
  int go[2], status;
  pid_t self = getpid();
  char byte;
  if (pipe2(go, O_CLOEXEC) < 0 || (identity->groups && setgroups(3, groups) < 0))
    _exit(99);
  pid_t pid = fork(); /* somebody outside, who maps us */
  if (pid == 0) {
    if (read(go[0], &byte, 1) != 1)
      _exit(99);
    if (identity->deny)
      write_to(self, "setgroups", "deny");
    write_to(self, "uid_map", identity->uid_map);
    write_to(self, "gid_map", identity->gid_map);
    _exit(0);
  }
  if (unshare(CLONE_NEWUSER) < 0 || write(go[1], "g", 1) != 1 ||
      waitpid(pid, &status, 0) != pid || status != 0)
    _exit(99);
  student_answer(a, STUDENT(user_become_root)());
}

/* All four numbers in a field of /proc/PID/status are this one. */
static void
expect_ids(pid_t pid, const char *field, unsigned number)
{
  char expected[64], got[256];
  snprintf(expected, sizeof expected, "%u\t%u\t%u\t%u", number, number, number,
           number);
  snprintf(got, sizeof got, "%s", status_text(pid, field));
  EXPECT(strcmp(got, expected) == 0, "number 0 inside, real, effective, saved and "
         "for files, of user and group, as /proc/PID/status shows it from outside",
         "%s: %s, not %s", field, got, expected);
}

static void
expect_root(const struct identity *identity, unsigned uid, unsigned gid,
            const char *groups)
{
  pid_t pid = student_start(become_root, identity);
  expect_success(student_said(), "user_become_root");
  expect_ids(pid, "Uid", uid);
  expect_ids(pid, "Gid", gid);
  const char *got = status_text(pid, "Groups");
  EXPECT(strcmp(got, groups) == 0, identity->deny ? "where setgroups is denied, "
         "the groups stay, and that is no failure" : "in no other group afterwards",
         "Groups in /proc/PID/status: \"%s\"", got);
  student_end(pid);
}

START_TEST(test_become_root)
{
  static const struct identity others[] = {
      /* not mapped at all; mapped, but as somebody else */
      {"0 1000 1\n", "0 1001 1\n", false, true},
      {"0 1000 1\n1000 0 1\n", "1000 0 1\n0 1001 1\n", false, true},
  };
  need_other_users();
  for (size_t i = 0; i < 2; i++)
    expect_root(&others[i], 1000, 1001, "");
}
END_TEST

START_TEST(test_become_root_denied)
{
  static const struct identity denied = {"0 1000 1\n", "0 1001 1\n", true, true};
  need_other_users();
  expect_root(&denied, 1000, 1001, "5 6 27");
}
END_TEST

START_TEST(test_become_nobody)
{
  static const struct identity neither = {"7 0 1\n", "7 0 1\n", false, false};
  static const struct identity no_user = {"7 0 1\n", "0 0 1\n", false, false};
  static const struct identity no_group = {"0 0 1\n", "7 0 1\n", false, false};
  static const struct identity both = {"0 0 1\n", "0 0 1\n", false, false};
  expect_errno(student_call(become_root, &neither), "user_become_root where 0 is "
               "not mapped", EINVAL);
  expect_errno(student_call(become_root, &no_user), "user_become_root where user 0 "
               "is not mapped", EINVAL);
  expect_errno(student_call(become_root, &no_group), "user_become_root where group "
               "0 is not mapped", EINVAL);
  expect_success(student_call(become_root, &both), "user_become_root");
}
END_TEST

void
user_tests(void)
{
  student_test("2.4 user_map maps the number of the caller without privilege",
               test_map_own);
  student_test("2.4 user_map takes the effective group of the caller for his own",
               test_map_effective);
  student_test("2.4 user_map maps what a privileged caller asks for",
               test_map_privileged);
  student_test("2.4 user_map asks newuidmap and newgidmap for the rest",
               test_map_helpers);
  student_test("2.4 user_map has one number that is not the caller's mapped for him",
               test_map_one);
  student_test("2.4 user_map waits for its helper, not for another child",
               test_map_sibling);
  student_test("2.4 user_map says why it fails", test_map_refused);
  student_test("2.4 user_become_root takes number 0 in every place",
               test_become_root);
  student_test("2.4 user_become_root does without setgroups where it is denied",
               test_become_root_denied);
  student_test("2.4 user_become_root refuses if 0 is nobody", test_become_nobody);
}
