/* check_clean.c - 3.7, one function at a time. cgroup_sweep: check_sweep.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "clean.h"
#include "life.h"

struct clean_order *
clean_order(const char *place, const char *name)
{
  struct clean_order *order = life_shared(sizeof *order);
  snprintf(order->place, sizeof order->place, "%s", place);
  snprintf(order->name, sizeof order->name, "%s", name);
  return order;
}

int
open_or_end(const char *path)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    _exit(98);
  return fd;
}

static void
call_remove_tree(struct answer *a, const void *arg)
{
  const struct clean_order *order = arg;
  student_answer(a, STUDENT(cgroup_remove_tree)(open_or_end(order->place), order->name));
}

/* ---- cgroup_remove_tree ---- */

START_TEST(test_tree)
{
  const char *place = make_group("t-"), *near = make_below(place, "tree");
  const char *other = make_below(make_below(place, "other"), "below"), *deep = near;
  for (int level = 0; level < 8; level++) {
    for (char name[] = "a"; *name <= 'c' && level < 7; ++*name)
      make_below(deep, name);
    deep = make_below(deep, "deeper");
  }
  for (int i = 0; i < 50; i++) {
    char name[16];
    snprintf(name, sizeof name, "wide%d", i);
    make_below(near, name);
  }
  expect_success(student_call(call_remove_tree, clean_order(place, "tree")), "cgroup_remove_tree "
                 "of 8 levels, and 50 groups side by side,");
  EXPECT(!life_is_there(near), "the group is removed with all groups below it", "it is still "
         "there");
  EXPECT(life_is_there(other), "a group beside it stays", "it was removed");
  groups_remove();
}
END_TEST

START_TEST(test_tree_path)
{
  const char *place = make_group("t-"), *a = make_below(place, "a"), *b = make_below(a, "b");
  const char *beside = make_below(a, "c");
  make_below(b, "d");
  expect_success(student_call(call_remove_tree, clean_order(place, "a/b")), "cgroup_remove_tree "
                 "of the path a/b");
  EXPECT(!life_is_there(b), "a/b is removed", "it is still there");
  EXPECT(life_is_there(beside), "only a/b and what is below it is removed", "a/c was, too");
  groups_remove();
}
END_TEST

START_TEST(test_tree_gone)
{
  const char *place = make_group("t-");
  expect_success(student_call(call_remove_tree, clean_order(place, "gone")), "cgroup_remove_tree "
                 "of a group that is gone already");
  expect_success(student_call(call_remove_tree, clean_order(place, "gone/below")),
                 "cgroup_remove_tree of a group below one that is gone already");
  groups_remove();
}
END_TEST

START_TEST(test_tree_busy)
{
  const char *place = make_group("t-"), *tree = make_below(place, "tree");
  const char *below = make_below(tree, "below");
  pid_t pid = put_process(below);
  expect_errno(student_call(call_remove_tree, clean_order(place, "tree")), "cgroup_remove_tree, "
               "with a process in a group below,", EBUSY);
  EXPECT(!life_is_gone(pid), "cgroup_remove_tree kills nobody", "it has killed the process");
  EXPECT(life_count(below) == 1, "the process stays in its group", "cgroup.procs: %s",
         in_dir(below, "cgroup.procs"));
  groups_remove();
}
END_TEST

START_TEST(test_tree_links)
{
  static const char *const places[] = {"elsewhere", "elsewhere/below", "place", "place/tree"};
  for (int i = 0; i < 4; i++)
    make_dir(places[i], 0755);
  ck_assert_int_eq(symlink(at("elsewhere"), at("place/tree/link")), 0);
  ck_assert_int_eq(symlink(at("elsewhere"), at("place/link")), 0);
  student_call(call_remove_tree, clean_order(at("place"), "tree"));
  EXPECT(life_is_there(at("elsewhere/below")), "cgroup_remove_tree does not follow a link that "
         "lies in the group", "a directory behind it was removed");
  student_call(call_remove_tree, clean_order(at("place"), "link"));
  EXPECT(life_is_there(at("elsewhere/below")), "cgroup_remove_tree does not follow a link in "
         "the place of the group", "a directory behind it was removed");
}
END_TEST

/* Two that remove the same, many times. */
struct both {
  struct clean_order order;
  volatile int round;     /* that both may do now */
  volatile int done[2];   /* rounds that each has done */
  volatile int failures;  /* with this */
  volatile int error;     /* errno */
};

static void
remove_both(struct answer *a, const void *arg)
{
  struct both *both = (struct both *)arg;
  int place = open_or_end(both->order.place);
  pid_t pid = fork();
  int self = pid == 0;
  if (self)
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  for (int i = 1; i <= 30; i++) {
    while (both->round < i)
      usleep(50);
    if (STUDENT(cgroup_remove_tree)(place, both->order.name) < 0) {
      both->error = errno;
      both->failures++;
    }
    both->done[self] = i;
    /* Who calls waits for the other before he makes it anew. */
    while (!self && both->done[1] < i)
      usleep(50);
    if (!self && i < 30) {
      char path[8300];
      snprintf(path, sizeof path, "%s/%s", both->order.place, both->order.name);
      mkdir(path, 0755);
      for (char name = 'a'; name < 'k'; name++) {
        snprintf(path, sizeof path, "%s/%s/%c", both->order.place, both->order.name, name);
        mkdir(path, 0755);
      }
      both->round = i + 1;
    }
  }
  if (self)
    _exit(0);
  student_answer(a, 0);
}

START_TEST(test_tree_both)
{
  struct both *both = life_shared(sizeof *both);
  const char *place = make_group("t-");
  both->order = *clean_order(place, "tree");
  make_below(place, "tree");
  both->round = 1;
  student_call(remove_both, both);
  EXPECT(both->failures == 0, "that somebody else removes the same groups at the same time is no "
         "failure", "%d of 60 calls failed, with %s", both->failures,
         strerrorname_np(both->error));
  groups_remove();
}
END_TEST

/* ---- cgroup_claim ---- */

/* Claim the place. With a name: close the descriptor then. */
static void
call_claim(struct answer *a, const void *arg)
{
  const struct clean_order *order = arg;
  int group = open_or_end(order->place), bad = STUDENT(cgroup_claim)(group);
  student_answer(a, bad);
  if (*order->name && !bad)
    close(group);
}

bool
is_free(const char *group, int how)
{
  autoclose int fd = open_dir(group);
  return flock(fd, how | LOCK_NB) == 0;
}

START_TEST(test_claim)
{
  const char *group = make_group("t-");
  pid_t pid = student_start(call_claim, clean_order(group, ""));
  expect_success(student_said(), "cgroup_claim");
  EXPECT(!is_free(group, LOCK_EX), "a claimed group cannot be claimed once more, by flock(2)",
         "it can be locked");
  EXPECT(!is_free(group, LOCK_SH), "the claim is exclusive: no lock of another kind can be had "
         "beside it", "LOCK_SH can");
  student_end(pid); /* by SIGKILL */
  EXPECT(LIFE_AWAIT(is_free(group, LOCK_EX)), "the claim of a process that was killed is gone",
         "the group is still locked");
  groups_remove();
}
END_TEST

START_TEST(test_claim_close)
{
  const char *group = make_group("t-");
  pid_t pid = student_start(call_claim, clean_order(group, "close"));
  expect_success(student_said(), "cgroup_claim");
  EXPECT(is_free(group, LOCK_EX), "the claim ends when the descriptor is closed", "the group is "
         "still locked");
  student_end(pid);
  groups_remove();
}
END_TEST

START_TEST(test_claim_taken)
{
  const char *group = make_group("t-");
  autoclose int fd = open_dir(group);
  struct apart *apart = life_shared(sizeof *apart);
  ck_assert_int_eq(flock(fd, LOCK_EX), 0);
  *apart = (struct apart){.body = call_claim, .arg = clean_order(group, "")};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_claim of a group that somebody else has claimed "
         "fails at once", "it waits for that one's end");
  expect_errno(student_said(), "cgroup_claim of a group that somebody else has claimed", EBUSY);
  student_end(pid);
  groups_remove();
}
END_TEST

/* By two descriptors, in one process. */
static void
claim_twice(struct answer *a, const void *arg)
{
  const struct clean_order *order = arg;
  int first = open_or_end(order->place), second = open_or_end(order->place);
  if (STUDENT(cgroup_claim)(first) < 0)
    student_answer(a, -2);
  else
    student_answer(a, STUDENT(cgroup_claim)(second));
}

START_TEST(test_claim_twice)
{
  struct apart *apart = life_shared(sizeof *apart);
  *apart = (struct apart){.body = claim_twice, .arg = clean_order(make_group("t-"), "")};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_claim of a group that somebody else has claimed "
         "fails at once", "it waits for that one's end");
  const struct answer *a = student_said();
  EXPECT(a->value != -2, "cgroup_claim returns 0", "it fails, \"%s\"", a->text);
  expect_errno(a, "cgroup_claim by another descriptor of the same process", EBUSY);
  student_end(pid);
  groups_remove();
}
END_TEST

static void
claim_removed(struct answer *a, const void *arg)
{
  const struct clean_order *order = arg;
  int group = open_or_end(order->place);
  if (rmdir(order->place) < 0 || (*order->name && mkdir(order->place, 0755) < 0))
    _exit(97);
  student_answer(a, STUDENT(cgroup_claim)(group));
}

START_TEST(test_claim_removed)
{
  const char *group = make_group("t-");
  expect_errno(student_call(claim_removed, clean_order(group, "")), "cgroup_claim of a group that "
               "was removed", ESTALE);
  ck_assert_int_eq(mkdir(group, 0755), 0);
  expect_errno(student_call(claim_removed, clean_order(group, "anew")), "cgroup_claim of a group "
               "that was removed, when there is another one with its name,", ESTALE);
  groups_remove();
}
END_TEST

void
clean_tests(void)
{
  student_test("3.7 remove_tree removes many levels, and only what is below", test_tree);
  student_test("3.7 remove_tree takes a path", test_tree_path);
  student_test("3.7 remove_tree takes a group that is gone for removed", test_tree_gone);
  student_test("3.7 remove_tree refuses where a process is", test_tree_busy);
  student_test("3.7 remove_tree does not follow links", test_tree_links);
  student_test("3.7 remove_tree and somebody else who removes the same", test_tree_both);
  student_test("3.7 claim is exclusive, and ends with the process", test_claim);
  student_test("3.7 claim ends with the descriptor", test_claim_close);
  student_test("3.7 claim of what is claimed fails at once", test_claim_taken);
  student_test("3.7 claim belongs to the descriptor, not to the process", test_claim_twice);
  student_test("3.7 claim of a group that was removed fails", test_claim_removed);
  sweep_tests();
}
