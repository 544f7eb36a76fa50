/* check_sweep.c - 3.7: cgroup_sweep, and all functions of clean.c together. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "clean.h"
#include "life.h"

static void
call_sweep(struct answer *a, const void *arg)
{
  const struct clean_order *order = arg;
  student_answer(a, STUDENT(cgroup_sweep)(open_or_end(order->place), order->name));
}

START_TEST(test_sweep)
{
  const char *place = make_group("t-"), *empty = make_below(place, "run-a");
  const char *used = make_below(place, "run-b"), *deep = make_below(used, "below");
  const char *whole = make_below(place, "run-"), *taken = make_below(place, "run-c");
  const char *others = make_below(place, "ran-d"), *inner = make_below(others, "run-e");
  const char *inside = make_below(place, "no-run-f");
  pid_t in = put_process(used), below = put_process(deep), safe = put_process(taken);
  autoclose int claim = open_dir(taken);
  ck_assert_int_eq(flock(claim, LOCK_EX), 0);
  const struct answer *a = student_call(call_sweep, clean_order(place, "run-"));
  EXPECT(life_is_there(taken) && !life_is_gone(safe), "a group that is claimed stays, and what "
         "runs in it", "%s", life_is_there(taken) ? "its process was killed" : "it was removed");
  EXPECT(life_is_there(others) && life_is_there(inside), "a group whose name "
         "begins otherwise stays", "it was removed");
  EXPECT(life_is_there(inner), "only groups right in the place are looked at", "one further down "
         "was removed");
  EXPECT(!life_is_there(empty), "a group that nobody has claimed is removed", "it is still there");
  EXPECT(!life_is_there(used) && life_is_gone(in) && life_is_gone(below), "a group that nobody "
         "has claimed is removed with its processes and those of groups below it", "it is still "
         "there");
  EXPECT(!life_is_there(whole), "a group whose name is just the prefix is removed, too", "it is "
         "still there");
  EXPECT(a->value == 3, "cgroup_sweep returns how many it has removed: 3", "%d (%s)", a->value,
         a->text);
  a = student_call(call_sweep, clean_order(place, "run-"));
  EXPECT(a->value == 0, "cgroup_sweep returns 0 when there is nothing more to remove", "%d (%s)",
         a->value, a->text);
  groups_remove();
}
END_TEST

/* Which one comes first to who reads the directory? */
static const char *
first_below(const char *place)
{
  static char path[4096];
  DIR *dir = opendir(place);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_type == DT_DIR && e->d_name[0] != '.') {
      snprintf(path, sizeof path, "%s/%s", place, e->d_name);
      break;
    }
  closedir(dir);
  return path;
}

START_TEST(test_sweep_stubborn)
{
  const char *place = make_group("t-");
  char inner[4200];
  for (char name[] = "run-a"; name[4] <= 'f'; name[4]++)
    make_below(place, name);
  /* rmdir(2) refuses a directory that something is mounted on. */
  const char *stubborn = first_below(place);
  snprintf(inner, sizeof inner, "%s/inner", stubborn);
  ck_assert(mkdir(inner, 0755) == 0 && mount(inner, inner, NULL, MS_BIND, NULL) == 0);
  const struct answer *a = student_call(call_sweep, clean_order(place, "run-"));
  int left = 0;
  char path[4200];
  for (char name = 'a'; name <= 'f'; name++) {
    snprintf(path, sizeof path, "%s/run-%c", place, name);
    left += life_is_there(path);
  }
  umount2(inner, MNT_DETACH);
  EXPECT(left == 1, "a group that cannot be removed does not keep cgroup_sweep from the others",
         "of 6 groups %d are still there", left);
  expect_errno(a, "cgroup_sweep, when one of the groups cannot be removed,", EBUSY);
  groups_remove();
}
END_TEST

START_TEST(test_sweep_holds)
{
  const char *place = make_group("t-"), *group = make_below(place, "run-a");
  struct awkward undying = put_undying(group);
  struct apart *apart = life_shared(sizeof *apart);
  *apart = (struct apart){.body = call_sweep, .arg = clean_order(place, "run-")};
  pid_t pid = start_apart(apart);
  EXPECT(LIFE_AWAIT(is_dying(&undying) || is_back(apart)), "cgroup_sweep kills what runs in a "
         "group that nobody has claimed", "it lives");
  EXPECT(!is_free(group, LOCK_EX), "cgroup_sweep holds the claim until the group is gone, so that "
         "nobody takes it meanwhile", "while its process dies, the group can be claimed");
  release(&undying);
  EXPECT(LIFE_AWAIT(is_back(apart)), "cgroup_sweep returns", "it does not");
  const struct answer *a = student_said();
  EXPECT(a->value == 1 && !life_is_there(group), "cgroup_sweep removes the group when its process "
         "has died, and returns 1", "%d (%s)", a->value, a->text);
  student_end(pid);
  groups_remove();
}
END_TEST

/* One sweeps without end, the other makes groups and claims them. */
struct race {
  struct clean_order order;
  volatile int claimed, late;  /* claims that were had, and that came too late */
  volatile int lost;           /* groups that were had, and removed all the same */
};

static void
run_race(struct answer *a, const void *arg)
{
  struct race *race = (struct race *)arg;
  int place = open_or_end(race->order.place);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    for (;;)
      STUDENT(cgroup_sweep)(place, race->order.name);
  }
  for (int i = 0; i < 200; i++) {
    char name[4200];
    snprintf(name, sizeof name, "%s%d", race->order.name, i);
    mkdirat(place, name, 0755);
    autoclose int group = openat(place, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group < 0 || STUDENT(cgroup_claim)(group) < 0) {
      race->late++;
      continue;
    }
    race->claimed++;
    usleep(500);
    race->lost += faccessat(place, name, F_OK, 0) < 0;
  }
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  student_answer(a, 0);
}

START_TEST(test_sweep_race)
{
  struct race *race = life_shared(sizeof *race);
  race->order = *clean_order(make_group("t-"), "run-");
  student_call(run_race, race);
  EXPECT(race->lost == 0, "a group whose claim was had is not swept away", "%d of %d were",
         race->lost, race->claimed);
  EXPECT(race->claimed > 0, "of 200 new groups some are claimed before a sweep comes", "none");
  groups_remove();
}
END_TEST

/* All of it, again and again: how many descriptors more are open then? */
static void
count_leaks(struct answer *a, const void *arg)
{
  const struct clean_order *order = arg;
  int place = open_or_end(order->place), before = life_descriptors();
  autoclose int taken = openat(place, "run-taken", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  flock(taken, LOCK_EX);
  for (int i = 0; i < 5; i++) {
    mkdirat(place, "run-a", 0755);
    mkdirat(place, "run-a/b", 0755);
    STUDENT(cgroup_sweep)(place, "run-");
    STUDENT(cgroup_remove_tree)(place, "run-a");
    autoclose int group = openat(place, "run-taken", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    STUDENT(cgroup_claim)(group);
  }
  student_answer(a, life_descriptors() - before - 1);
}

START_TEST(test_clean_descriptors)
{
  const char *place = make_group("t-");
  make_below(place, "run-taken");
  const struct answer *a = student_call(count_leaks, clean_order(place, ""));
  EXPECT(a->value == 0, "cgroup_sweep, cgroup_remove_tree and cgroup_claim close what they open",
         "after 15 calls %d descriptors more are open", a->value);
  groups_remove();
}
END_TEST

void
sweep_tests(void)
{
  student_test("3.7 sweep removes what is nobody's, and no more", test_sweep);
  student_test("3.7 sweep goes on when one cannot be removed", test_sweep_stubborn);
  student_test("3.7 sweep holds the claim until the group is gone", test_sweep_holds);
  student_test("3.7 sweep never removes what was claimed", test_sweep_race);
  student_test("3.7 remove_tree, claim and sweep leave no descriptor open",
               test_clean_descriptors);
}
