/* check_drop.c - 1.6, one function at a time. */
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "check_lab01.h"

/* For bodies. */
struct drop {
  const cap_value_t *keep;
  int count;
};

static void
drop(struct answer *a, const void *arg)
{
  const struct drop *d = arg;
  student_answer(a, STUDENT(drop_privileges)(getuid(), getgid(), d->keep,
                                             d->count));
}

/* One line of /proc/PID/status. */
static unsigned long long
status_mask(pid_t pid, const char *field)
{
  char path[64], line[256], name[32];
  unsigned long long mask = ~0ULL, value;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "%31[^:]: %llx", name, &value) == 2 &&
        strcmp(name, field) == 0)
      mask = value;
  if (file)
    fclose(file);
  return mask;
}

static void
expect_sets(const struct drop *d, unsigned long long expected)
{
  static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd",
                                     "CapAmb"};
  pid_t pid = student_start(drop, d);
  expect_success(student_said(), "drop_privileges");
  for (size_t i = 0; i < 5; i++) {
    unsigned long long got = status_mask(pid, sets[i]);
    EXPECT(got == expected, "exactly the kept capabilities in all five sets, "
           "already before the exec", "%s: %016llx, not %016llx", sets[i], got,
           expected);
  }
  EXPECT(status_mask(pid, "NoNewPrivs") == 1, "NoNewPrivs: 1", "%llx",
         status_mask(pid, "NoNewPrivs"));
  student_end(pid);
}

START_TEST(test_drop_all)
{
  struct drop d = {NULL, 0};
  expect_sets(&d, 0);
}
END_TEST

START_TEST(test_drop_but)
{
  static const cap_value_t keep[] = {CAP_KILL, CAP_NET_BIND_SERVICE};
  struct drop d = {keep, 2};
  expect_sets(&d, 1ULL << CAP_KILL | 1ULL << CAP_NET_BIND_SERVICE);
}
END_TEST

static void
drop_without_setuid(struct answer *a, const void *arg)
{
  (void)arg;
  cap_value_t setuid = CAP_SETUID;
  cap_t caps = cap_get_proc();
  cap_set_flag(caps, CAP_EFFECTIVE, 1, &setuid, CAP_CLEAR);
  cap_set_flag(caps, CAP_PERMITTED, 1, &setuid, CAP_CLEAR);
  cap_set_proc(caps);
  cap_free(caps);
  student_answer(a, STUDENT(drop_privileges)(1234, 2345, NULL, 0));
}

START_TEST(test_drop_refused)
{
  const struct answer *a = student_call(drop_without_setuid, NULL);
  EXPECT(a->value == -1, "-1 where the user cannot be changed (the caller has no "
         "CAP_SETUID)", "%d", a->value);
}
END_TEST

void
drop_tests(void)
{
  student_test("1.6 says so if it cannot drop", test_drop_refused);
  student_test("1.6 drops all capabilities", test_drop_all);
  student_test("1.6 drops all capabilities but those to keep", test_drop_but);
}
