/* check_freeze.c - 3.6: cgroup_freeze. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "life.h"
#include "proc.h"

enum { LONG = 20000, SHORT = 200 /* milliseconds */ };

static void
call_freeze(struct answer *a, const void *arg)
{
  const struct kill_order *order = arg;
  student_answer(a, STUDENT(cgroup_freeze)(open_group(order), order->frozen, order->timeout));
}

void
freeze_group(const char *group, bool frozen, const char *call)
{
  struct kill_order *order = kill_order(group, LONG);
  order->frozen = frozen;
  expect_success(student_call(call_freeze, order), call);
}

struct family
make_family(void)
{
  struct family family = {.top = make_group("t-"), .ticks = life_shared(4096)};
  family.near = make_below(family.top, "near");
  family.far = make_below(make_below(family.top, "way"), "far");
  family.pids[0] = put_ticker(family.top, &family.ticks[0]);
  family.pids[1] = put_ticker(family.near, &family.ticks[1]);
  family.pids[2] = put_ticker(family.far, &family.ticks[2]);
  return family;
}

const char *const family_places[] = {"in the group itself", "in a group below it",
                                     "two groups below it"};

/* None of them counts on. */
static void
expect_standing(const struct family *family)
{
  unsigned before[3];
  for (int i = 0; i < 3; i++)
    before[i] = family->ticks[i];
  usleep(50000);
  for (int i = 0; i < 3; i++)
    EXPECT(family->ticks[i] == before[i], "when cgroup_freeze has returned, no process "
           "runs any more", "one %s does", family_places[i]);
}

START_TEST(test_freeze)
{
  struct family family = make_family();
  for (int round = 0; round < 2; round++) {
    freeze_group(family.top, true, "cgroup_freeze(true)");
    expect_standing(&family);
    EXPECT(life_event(family.top, "frozen 1"), "cgroup.events says frozen 1", "%s",
           in_dir(family.top, "cgroup.events"));
    freeze_group(family.top, true, "cgroup_freeze(true) of a group that is frozen");
    freeze_group(family.top, false, "cgroup_freeze(false)");
    for (int i = 0; i < 3; i++) {
      unsigned before = family.ticks[i];
      EXPECT(LIFE_AWAIT(family.ticks[i] != before), "after cgroup_freeze(false) all go on",
             "one %s does not", family_places[i]);
    }
    freeze_group(family.top, false, "cgroup_freeze(false) of a group that is not frozen");
  }
  groups_remove();
}
END_TEST

START_TEST(test_freeze_only)
{
  volatile unsigned *ticks = life_shared(4096);
  const char *group = make_group("t-"), *other = make_group("t-");
  put_ticker(group, &ticks[0]);
  put_ticker(other, &ticks[1]);
  freeze_group(group, true, "cgroup_freeze(true)");
  unsigned before = ticks[1];
  EXPECT(LIFE_AWAIT(ticks[1] != before), "a process of another group runs on", "it stands");
  groups_remove();
}
END_TEST

START_TEST(test_freeze_empty)
{
  const char *group = make_group("t-");
  freeze_group(group, true, "cgroup_freeze(true) of a group without processes");
  EXPECT(life_event(group, "frozen 1"), "a group without processes is frozen, too", "%s",
         in_dir(group, "cgroup.events"));
  freeze_group(group, false, "cgroup_freeze(false) of a group without processes");
  EXPECT(life_event(group, "frozen 0"), "a group without processes is thawed, too", "%s",
         in_dir(group, "cgroup.events"));
  groups_remove();
}
END_TEST

START_TEST(test_freeze_sleeps)
{
  const char *group = make_group("t-");
  struct awkward slow = put_unfreezable(group);
  struct apart *apart = life_shared(sizeof *apart);
  struct kill_order *order = kill_order(group, LONG);
  order->frozen = true;
  *apart = (struct apart){.body = call_freeze, .arg = order};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_AWAIT(strcmp(in_dir(group, "cgroup.freeze"), "1\n") == 0 || is_back(apart)),
         "cgroup_freeze orders the kernel to freeze", "cgroup.freeze is still %s",
         in_dir(group, "cgroup.freeze"));
  long used = life_cpu_ms(apart->pid), runs = runs_of(apart->pid);
  usleep(400000);
  used = life_cpu_ms(apart->pid) - used;
  runs = runs_of(apart->pid) - runs;
  EXPECT(!is_back(apart), "cgroup_freeze returns when the group is frozen, and not before", "it "
         "returned while cgroup.events said frozen 0");
  EXPECT(used <= 20 && runs <= 300, "cgroup_freeze sleeps until the kernel wakes it", "in 400 ms "
         "it ran %ld times, %ld ms in all", runs, used);
  release(&slow);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_freeze returns when the group is frozen", "it "
         "still waits; cgroup.events: %s", in_dir(group, "cgroup.events"));
  student_end(pid);
  groups_remove();
}
END_TEST

START_TEST(test_freeze_waits)
{
  const char *group = make_group("t-");
  struct awkward slow = put_unfreezable(group);
  struct apart *apart = life_shared(sizeof *apart);
  struct kill_order *order = kill_order(group, LONG);
  order->frozen = true;
  *apart = (struct apart){.body = call_freeze, .arg = order, .disturbed = true};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_AWAIT(strcmp(in_dir(group, "cgroup.freeze"), "1\n") == 0 || is_back(apart)),
         "cgroup_freeze orders the kernel to freeze", "cgroup.freeze is still %s",
         in_dir(group, "cgroup.freeze"));
  long before = life_cpu_ms(apart->pid);
  usleep(400000);
  const struct answer *a = student_said();
  EXPECT(!is_back(apart), "cgroup_freeze returns when the group is frozen, and not before, "
         "though signals arrive meanwhile", "it returned %d while cgroup.events said "
         "frozen 0 (%s)", a->value, a->text);
  long used = life_cpu_ms(apart->pid) - before;
  EXPECT(used < 80, "cgroup_freeze sleeps while it waits", "in 400 ms it used %ld ms of a "
         "processor", used);
  release(&slow);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_freeze returns when the group is frozen", "it "
         "still waits; cgroup.events: %s", in_dir(group, "cgroup.events"));
  expect_success(a, "cgroup_freeze");
  student_end(pid);
  groups_remove();
}
END_TEST

START_TEST(test_freeze_timeout)
{
  const char *group = make_group("t-");
  struct awkward slow = put_unfreezable(group);
  struct apart *apart = life_shared(sizeof *apart);
  struct kill_order *order = kill_order(group, SHORT);
  order->frozen = true;
  *apart = (struct apart){.body = call_freeze, .arg = order, .disturbed = true};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_freeze gives up after 200 ms if the group is not "
         "frozen by then", "it still waits");
  expect_errno(student_said(), "cgroup_freeze(true) of a group that does not freeze within "
               "200 ms", ETIMEDOUT);
  student_end(pid);
  release(&slow);
  groups_remove();
}
END_TEST

START_TEST(test_thaw_below_frozen)
{
  const char *above = make_group("t-"), *group = make_below(above, "below");
  put_process(group);
  freeze_group(group, true, "cgroup_freeze(true)");
  freeze_group(above, true, "cgroup_freeze(true)");
  struct apart *apart = life_shared(sizeof *apart);
  *apart = (struct apart){.body = call_freeze, .arg = kill_order(group, SHORT)};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_freeze(false) gives up after 200 ms if the group "
         "stays frozen, because the one above it is", "it still waits");
  expect_errno(student_said(), "cgroup_freeze(false) of a group below a frozen one, which stays "
               "frozen,", ETIMEDOUT);
  student_end(pid);
  freeze_group(above, false, "cgroup_freeze(false)");
  EXPECT(LIFE_AWAIT(life_event(group, "frozen 0")), "it goes on when the one above does", "%s",
         in_dir(group, "cgroup.events"));
  groups_remove();
}
END_TEST

START_TEST(test_freeze_fails)
{
  static const char *const files[][2] = {{"cgroup.events", "populated 1\nfrozen 1\n"}, {NULL}};
  struct kill_order *order = kill_order(make_fake("old", files), SHORT);
  order->frozen = true;
  expect_errno(student_call(call_freeze, order), "cgroup_freeze(true) where the kernel has no "
               "cgroup.freeze", ENOENT);
}
END_TEST

void
freeze_tests(void)
{
  student_test("3.6 freeze stops all in a group and below it, and thaw lets them go on",
               test_freeze);
  student_test("3.6 freeze leaves other groups alone", test_freeze_only);
  student_test("3.6 freeze and thaw of a group without processes", test_freeze_empty);
  student_test("3.6 freeze waits until all stand, asleep", test_freeze_waits);
  student_test("3.6 cgroup_freeze sleeps while it waits", test_freeze_sleeps);
  student_test("3.6 freeze gives up after its time", test_freeze_timeout);
  student_test("3.6 thaw gives up where the group above is frozen", test_thaw_below_frozen);
  student_test("3.6 freeze says so where the kernel cannot", test_freeze_fails);
}
