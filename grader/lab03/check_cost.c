/* check_cost.c - 3.4: numbers agree with programs of known cost. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check_lab03.h"
#include "look.h"
#include "usage.h"

/* A process in a group, and what it is to do there. */
struct program {
  const char *group;
  double seconds;           /* of processor time to use, or 0 */
  size_t bytes;             /* of memory to use, or 0 */
  int forks;                /* children to start; they wait */
  volatile double used;     /* seconds of processor time used since it was there */
  volatile int refused;     /* children that it could not have */
  volatile bool done;       /* and waits */
  volatile bool give_back;  /* an order: give the memory back */
};

static double
cpu_time(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void __attribute__((noreturn))
be_program(struct program *p)
{
  die_with_parent();
  set_knob(p->group, "cgroup.procs", "0");
  double start = cpu_time();
  while (cpu_time() < start + p->seconds)
    ;
  char *memory = mmap(NULL, p->bytes + 1, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < p->bytes; i += 4096)
    memory[i] = 1;
  for (int i = 0; i < p->forks; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      die_with_parent();
      for (;;)
        pause();
    }
    p->refused += pid < 0;
  }
  p->used = cpu_time() - start;
  p->done = true;
  while (!p->give_back)
    usleep(1000);
  munmap(memory, p->bytes + 1);
  p->give_back = false;
  for (;;)
    pause();
}

/* Start it, and wait until it has done that. */
static void
start_program(struct program *p)
{
  fflush(NULL);
  if (fork() == 0)
    be_program(p);
  ck_assert_msg(AWAIT(p->done), "the test's program in the group does not get there");
}

/* A number of the group as the test itself reads it: behind `key`, or the only one. */
static uint64_t
kernel_says(const char *group, const char *file, const char *key)
{
  const char *text = in_dir(group, file), *found = text;
  char start[64];
  snprintf(start, sizeof start, "%s ", key ?: "");
  while (key && found && strncmp(found, start, strlen(start)) != 0) {
    found = strchr(found, '\n');
    found = found ? found + 1 : NULL;
  }
  ck_assert_msg(found != NULL, "the test finds no %s in %s", key, file);
  return strtoull(found + (key ? strlen(start) : 0), NULL, 10);
}

START_TEST(test_cpu)
{
  struct program *p = shared(sizeof *p);
  *p = (struct program){.group = make_group("usage-"), .seconds = 0.1};
  start_program(p);
  uint64_t before = kernel_says(p->group, "cpu.stat", "usage_usec");
  uint64_t user = kernel_says(p->group, "cpu.stat", "user_usec");
  const struct cgroup_usage *u = usage_of(p->group);
  uint64_t after = kernel_says(p->group, "cpu.stat", "usage_usec");
  EXPECT(before <= u->cpu_usage && u->cpu_usage <= after, "usage->cpu_usage is between what "
         "cpu.stat says before the call, and after it", "%" PRIu64 " <= %s <= %" PRIu64,
         before, number_text(u->cpu_usage), after);
  EXPECT(u->cpu_usage > 0.09e6 && u->cpu_usage < p->used * 1e6 + 0.1e6, "a program that has "
         "used 0.1 s of processor time in the group costs so much there: cpu_usage of about "
         "100000", "%s", number_text(u->cpu_usage));
  EXPECT(u->cpu_user >= user && u->cpu_user + u->cpu_system <= u->cpu_usage + 1000,
         "cpu_user and cpu_system are the parts of cpu_usage", "%s and %s of %s",
         number_text(u->cpu_user), number_text(u->cpu_system), number_text(u->cpu_usage));
  groups_remove();
}
END_TEST

START_TEST(test_throttled)
{
  struct program *p = shared(sizeof *p);
  need_controllers("cpu");
  set_knob(GROUPS_TOP, "cgroup.subtree_control", "+cpu");
  *p = (struct program){.group = make_group("usage-"), .seconds = 0.1};
  set_knob(p->group, "cpu.max", "10000 100000");
  start_program(p);
  const struct cgroup_usage *u = usage_of(p->group);
  EXPECT(u->cpu_throttles >= 1 && u->cpu_throttles < 1000, "who uses 0.1 s, 10 ms in each "
         "period, has to wait in 9 periods, or some fewer where others compute: cpu_throttles", "%s",
         number_text(u->cpu_throttles));
  EXPECT(u->cpu_throttled >= 20000 && u->cpu_throttled < 60000000, "he waits about 90 ms in "
         "each: cpu_throttled in microseconds, 810000 or somewhat less", "%s",
         number_text(u->cpu_throttled));
  groups_remove();
}
END_TEST

START_TEST(test_memory)
{
  enum { MIB = 1 << 20 };
  struct program *p = shared(sizeof *p);
  need_controllers("memory");
  set_knob(GROUPS_TOP, "cgroup.subtree_control", "+memory");
  *p = (struct program){.group = make_group("usage-"), .bytes = 40 * MIB};
  start_program(p);
  const struct cgroup_usage *u = usage_of(p->group);
  EXPECT(u->memory_current >= 40 * MIB && u->memory_current < 60 * MIB, "a program that has "
         "touched 40 MiB costs so much: memory_current from 41943040 to 62914560", "%s",
         number_text(u->memory_current));
  EXPECT(u->oom_kills == 0, "nobody was killed: oom_kills is 0", "%s",
         number_text(u->oom_kills));
  p->give_back = true;
  AWAIT(!p->give_back);
  u = usage_of(p->group);
  EXPECT(u->memory_current < 20 * MIB, "when it has given that back, memory_current is less "
         "than 20971520", "%s", number_text(u->memory_current));
  EXPECT(u->memory_peak == CGROUP_NONE || (u->memory_peak >= 40 * MIB &&
         u->memory_peak < 60 * MIB), "memory_peak remembers it", "%s",
         number_text(u->memory_peak));
  groups_remove();
}
END_TEST

START_TEST(test_pids)
{
  struct program *p = shared(sizeof *p);
  need_controllers("pids");
  set_knob(GROUPS_TOP, "cgroup.subtree_control", "+pids");
  *p = (struct program){.group = make_group("usage-"), .forks = 7};
  set_knob(p->group, "pids.max", "5");
  start_program(p);
  ck_assert_int_eq(p->refused, 3);
  const struct cgroup_usage *u = usage_of(p->group);
  EXPECT(u->pids_current == 5, "a program and 4 children are 5 processes: pids_current", "%s",
         number_text(u->pids_current));
  EXPECT(u->pids_refused == 3, "3 more it could not have: pids_refused", "%s",
         number_text(u->pids_refused));
  groups_remove();
}
END_TEST

void
cost_tests(void)
{
  student_test("3.4 processor time agrees with a program of known cost", test_cpu);
  student_test("3.4 waiting for the quota agrees with a program of known cost",
               test_throttled);
  student_test("3.4 memory agrees with a program of known cost", test_memory);
  student_test("3.4 processes agree with a program of known cost", test_pids);
}
