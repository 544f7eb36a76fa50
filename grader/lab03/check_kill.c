/* check_kill.c - 3.6: cgroup_kill. Without cgroup.kill: check_fallback.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "life.h"

struct kill_order *
kill_order(const char *path, int timeout)
{
  struct kill_order *order = life_shared(sizeof *order);
  snprintf(order->path, sizeof order->path, "%s", path);
  order->timeout = timeout;
  return order;
}

int
open_group(const struct kill_order *order)
{
  int group = open(order->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (group < 0)
    _exit(98);
  return group;
}

void
call_kill(struct answer *a, const void *arg)
{
  const struct kill_order *order = arg;
  student_answer(a, STUDENT(cgroup_kill)(open_group(order), order->timeout));
}

enum { LONG = 20000, SHORT = 200 /* milliseconds */ };

START_TEST(test_kill)
{
  struct family family = make_family();
  const char *other = make_group("t-");
  pid_t neighbour = put_process(other);
  expect_success(student_call(call_kill, kill_order(family.top, LONG)), "cgroup_kill");
  for (int i = 0; i < 3; i++)
    EXPECT(life_is_gone(family.pids[i]), "when cgroup_kill has returned, no process lives any "
           "more", "one %s does", family_places[i]);
  EXPECT(!life_is_gone(neighbour), "a process of another group lives on", "it was killed");
  int status;
  waitpid(family.pids[0], &status, 0);
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "what ends them is SIGKILL, which "
         "nobody can ignore", "status %d", status);
  groups_remove();
}
END_TEST

/* Start cgroup_kill on the undying one, and wait until that is dying. */
static pid_t
start_kill(struct apart *apart, const char *group, const struct awkward *undying, int timeout)
{
  *apart = (struct apart){.body = call_kill, .arg = kill_order(group, timeout),
                          .disturbed = true};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_AWAIT(is_dying(undying) || is_back(apart)), "cgroup_kill kills the process of the "
         "group", "it lives");
  return pid;
}

START_TEST(test_kill_waits)
{
  const char *group = make_group("t-");
  struct awkward undying = put_undying(make_below(group, "below"));
  struct apart *apart = life_shared(sizeof *apart);
  pid_t pid = start_kill(apart, group, &undying, LONG);
  usleep(200000);
  const struct answer *a = student_said();
  EXPECT(!is_back(apart), "cgroup_kill returns when there is no process any more, and not "
         "before, though signals arrive meanwhile", "it returned %d while one was still dying "
         "(%s)", a->value, a->text);
  release(&undying);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_kill returns when there is no process any more "
         "but a zombie", "it still waits; cgroup.events: %s", in_dir(group, "cgroup.events"));
  expect_success(a, "cgroup_kill");
  student_end(pid);
  groups_remove();
}
END_TEST

START_TEST(test_kill_timeout)
{
  const char *group = make_group("t-");
  struct awkward undying = put_undying(group);
  struct apart *apart = life_shared(sizeof *apart);
  pid_t pid = start_kill(apart, group, &undying, SHORT);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_kill gives up after 200 ms if a process does not "
         "die", "it still waits");
  expect_errno(student_said(), "cgroup_kill, when a process has not died within 200 ms,",
               ETIMEDOUT);
  student_end(pid);
  release(&undying);
  groups_remove();
}
END_TEST

START_TEST(test_kill_removed_meanwhile)
{
  const char *group = make_group("t-");
  struct awkward undying = put_undying(group);
  struct apart *apart = life_shared(sizeof *apart);
  pid_t pid = start_kill(apart, group, &undying, LONG);
  /* While the function stands still, the group becomes empty, and goes. */
  usleep(20000);
  kill(apart->pid, SIGSTOP);
  LIFE_AWAIT(life_state(apart->pid) == 'T' || is_back(apart));
  release(&undying);
  ck_assert(LIFE_AWAIT(life_event(group, "populated 0")));
  ck_assert(LIFE_AWAIT(rmdir(group) == 0));
  kill(apart->pid, SIGCONT);
  EXPECT(LIFE_SOON(is_back(apart)), "cgroup_kill returns when somebody else has removed the "
         "group", "it still waits");
  expect_success(student_said(), "cgroup_kill of a group that somebody else removes meanwhile");
  student_end(pid);
  groups_remove();
}
END_TEST

START_TEST(test_kill_frozen)
{
  struct family family = make_family();
  freeze_group(family.top, true, "cgroup_freeze(true)");
  expect_success(student_call(call_kill, kill_order(family.top, LONG)), "cgroup_kill of a frozen "
                 "group");
  for (int i = 0; i < 3; i++)
    EXPECT(life_is_gone(family.pids[i]), "processes of a frozen group are killed, too",
           "one %s lives", family_places[i]);
  groups_remove();
}
END_TEST

START_TEST(test_kill_run_away)
{
  const char *group = make_group("t-"), *below = make_below(group, "below");
  volatile unsigned *born = life_shared(4096);
  volatile bool *enough = life_shared(4096);
  for (int i = 0; i < 4; i++)
    put_run_away(i % 2 ? below : group, &born[i], enough);
  expect_success(student_call(call_kill, kill_order(group, LONG)), "cgroup_kill of processes "
                 "that fork without end");
  unsigned before = born[0] + born[1] + born[2] + born[3];
  usleep(50000);
  EXPECT(born[0] + born[1] + born[2] + born[3] == before &&
         life_event(group, "populated 0"), "none of those that fork without end is left",
         "they go on; cgroup.events: %s", in_dir(group, "cgroup.events"));
  *enough = true;
  groups_remove();
}
END_TEST

/* The group is removed before the function is called. */
static void
call_kill_removed(struct answer *a, const void *arg)
{
  const struct kill_order *order = arg;
  int group = open_group(order);
  if (rmdir(order->path) < 0)
    _exit(97);
  student_answer(a, STUDENT(cgroup_kill)(group, order->timeout));
}

START_TEST(test_kill_nobody)
{
  const char *group = make_group("t-");
  expect_success(student_call(call_kill, kill_order(group, LONG)), "cgroup_kill of a group "
                 "without processes");
  expect_success(student_call(call_kill_removed, kill_order(group, LONG)), "cgroup_kill of a "
                 "group that was removed");
  groups_remove();
}
END_TEST

/* Both functions, again and again: how many descriptors more are open then? */
static void
count_leaks(struct answer *a, const void *arg)
{
  struct kill_order order = *(const struct kill_order *)arg;
  int group = open_group(&order), before = life_descriptors();
  for (int i = 0; i < 5; i++) {
    STUDENT(cgroup_freeze)(group, true, order.timeout);
    STUDENT(cgroup_freeze)(group, false, order.timeout);
    STUDENT(cgroup_kill)(group, order.timeout);
  }
  student_answer(a, life_descriptors() - before);
}

START_TEST(test_descriptors)
{
  const struct answer *a = student_call(count_leaks, kill_order(make_group("t-"), LONG));
  EXPECT(a->value == 0, "cgroup_freeze and cgroup_kill close what they open", "after 15 calls "
         "%d descriptors more are open", a->value);
  groups_remove();
}
END_TEST

void
kill_tests(void)
{
  freeze_tests();
  student_test("3.6 kill ends all in a group and below it, and nobody else", test_kill);
  student_test("3.6 kill waits until there is none any more", test_kill_waits);
  student_test("3.6 kill gives up after its time", test_kill_timeout);
  student_test("3.6 kill of a group that somebody removes meanwhile",
               test_kill_removed_meanwhile);
  student_test("3.6 kill ends a frozen group", test_kill_frozen);
  student_test("3.6 kill ends a program that forks without end", test_kill_run_away);
  student_test("3.6 kill of a group without processes, or that is gone", test_kill_nobody);
  student_test("3.6 freeze and kill leave no descriptor open", test_descriptors);
  fallback_tests();
}
