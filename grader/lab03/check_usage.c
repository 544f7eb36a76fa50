/* check_usage.c - 3.4: what a group uses. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check_lab03.h"
#include "look.h"
#include "usage.h"

const char *
number_text(uint64_t value)
{
  static char texts[4][32];
  static int next;
  char *text = texts[next++ % 4];
  snprintf(text, sizeof *texts, "%" PRIu64, value);
  return value == CGROUP_NONE ? "CGROUP_NONE" : text;
}

/* ---- cgroup_key ---- */

/* For bodies. */
struct question {
  const char *group, *file, *key;
  bool bare;                   /* without any capability */
  uint64_t value;              /* the answer */
};

static void
ask_key(struct answer *a, const void *arg)
{
  struct question *question = (struct question *)arg;
  int group = open(question->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (question->bare)
    give_up_capabilities();
  question->value = 99;
  student_answer(a, STUDENT(cgroup_key)(group, question->file, question->key,
                                        &question->value));
}

/* What stands behind `key` in a file with this text; NULL: without any file. */
static uint64_t
key_in(const char *text, const char *key)
{
  static int number;
  char name[32];
  const char *const files[][2] = {
      {"cgroup.procs", ""}, {text ? "x.stat" : NULL, text}, {NULL, NULL}};
  struct question *question = shared(sizeof *question);
  snprintf(name, sizeof name, "key%d", number++);
  *question = (struct question){.group = make_fake(name, files), .file = "x.stat", .key = key};
  char call[256];
  snprintf(call, sizeof call, "cgroup_key(..., \"%s\"), %s,", key, text ? "of a file"
           : "where there is no such file");
  expect_success(student_call(ask_key, question), call);
  return question->value;
}

static void
expect_key(const char *text, const char *key, uint64_t expected)
{
  uint64_t got = key_in(text, key);
  char what[128];
  snprintf(what, sizeof what, "the value of \"%s\" in the file below is %s", key,
           number_text(expected));
  EXPECT(got == expected, what, "%s | file: %s", number_text(got), text ?: "(there is none)");
}

#define EVENTS "low 11\nhigh 12\nmax 13\noom 14\noom_kill 15\noom_group_kill 16\n"

START_TEST(test_key)
{
  uint32_t random;
  char text[128];
  getentropy(&random, sizeof random);
  uint64_t value = (1ULL << 34) + random;
  snprintf(text, sizeof text, "first 1\nwanted %" PRIu64 "\nlast 3\n", value);
  expect_key(text, "wanted", value);
  expect_key(text, "first", 1);
  expect_key(text, "last", 3);
  expect_key("populated 0\nfrozen 1\n", "populated", 0);
  expect_key("one 18446744073709551613\n", "one", UINT64_MAX - 2);
}
END_TEST

START_TEST(test_key_alike)
{
  expect_key(EVENTS, "oom", 14);
  expect_key(EVENTS, "oom_kill", 15);
  expect_key(EVENTS, "max", 13);
  expect_key("oom_group_kill 16\noom_kill 15\noom 14\n", "oom", 14);
  expect_key("oom_group_kill 16\noom_kill 15\noom 14\n", "oom_kill", 15);
  expect_key("swap_max 17\nmax 13\n", "max", 13);
  expect_key(EVENTS, "kill", CGROUP_NONE);
  expect_key(EVENTS, "oo", CGROUP_NONE);
}
END_TEST

START_TEST(test_key_none)
{
  struct question *question = shared(sizeof *question);
  const char *const files[][2] = {{"cgroup.procs", ""}, {"x.stat", "a 1\n"}, {NULL, NULL}};
  expect_key(EVENTS, "not_there", CGROUP_NONE);
  expect_key("", "oom", CGROUP_NONE);
  expect_key(NULL, "oom", CGROUP_NONE);
  *question = (struct question){.group = make_fake("secret", files), .file = "x.stat",
                                .key = "a", .bare = true};
  ck_assert_int_eq(chmod(at("secret/x.stat"), 0), 0);
  expect_errno(student_call(ask_key, question), "cgroup_key(a file that may not be read)",
               EACCES);
}
END_TEST

/* ---- cgroup_usage ---- */

/* For bodies. */
struct ask {
  const char *group;           /* path */
  const char *removed;         /* path of a group to be removed when it is open, or NULL */
  bool bare;                   /* without any capability */
  bool no_reading;             /* every read(2) fails with EOPNOTSUPP */
  volatile int fds;            /* more descriptors after it than before */
  struct cgroup_usage usage;   /* the answer */
};

static void
ask_usage(struct answer *a, const void *arg)
{
  static const int reads[] = {SYS_read, SYS_pread64, SYS_readv, SYS_preadv, -1};
  struct ask *ask = (struct ask *)arg;
  int group = open(ask->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fds = count_fds(getpid());
  __typeof__(&cgroup_usage) usage = STUDENT(cgroup_usage);
  if (ask->removed)
    rmdir(ask->removed);
  if (ask->bare)
    give_up_capabilities();
  memset(&ask->usage, 0x5a, sizeof ask->usage);
  if (ask->no_reading)
    forbid_calls(EOPNOTSUPP, reads);
  student_answer(a, usage(group, &ask->usage));
  ask->fds = count_fds(getpid()) - fds;
}

const struct cgroup_usage *
usage_of(const char *group)
{
  static struct ask *ask;
  ask = ask ?: shared(sizeof *ask);
  *ask = (struct ask){.group = group};
  expect_success(student_call(ask_usage, ask), "cgroup_usage");
  EXPECT(ask->fds == 0, "cgroup_usage leaves no descriptor open", "%d", ask->fds);
  return &ask->usage;
}

/* All numbers of struct cgroup_usage: where they lie, and in which file they are. */
#define NUMBER(field) #field, offsetof(struct cgroup_usage, field)
static const struct number {
  const char *name;
  size_t offset;
  const char *file;
} numbers[] = {
    {NUMBER(memory_current), "memory.current"},
    {NUMBER(memory_peak), "memory.peak"},
    {NUMBER(swap_current), "memory.swap.current"},
    {NUMBER(oom_kills), "memory.events"},
    {NUMBER(cpu_usage), "cpu.stat"},
    {NUMBER(cpu_user), "cpu.stat"},
    {NUMBER(cpu_system), "cpu.stat"},
    {NUMBER(cpu_throttled), "cpu.stat"},
    {NUMBER(cpu_throttles), "cpu.stat"},
    {NUMBER(pids_current), "pids.current"},
    {NUMBER(pids_refused), "pids.events"},
    {NUMBER(io_read), "io.stat"},
    {NUMBER(io_written), "io.stat"},
    {NUMBER(cpu.some_total), "cpu.pressure"},
    {NUMBER(cpu.full_total), "cpu.pressure"},
    {NUMBER(memory.some_total), "memory.pressure"},
    {NUMBER(memory.full_total), "memory.pressure"},
    {NUMBER(io.some_total), "io.pressure"},
    {NUMBER(io.full_total), "io.pressure"},
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static uint64_t *
number_in(const struct cgroup_usage *usage, const struct number *number)
{
  return (uint64_t *)((char *)usage + number->offset);
}

/* Everything is as expected. `where` says what kind of group that is. */
static void
expect_usage(const char *group, const struct cgroup_usage *expected, const char *where)
{
  const struct cgroup_usage *got = usage_of(group);
  const struct cgroup_pressure *pressures[][2] = {
      {&expected->cpu, &got->cpu}, {&expected->memory, &got->memory}, {&expected->io, &got->io}};
  char what[256];
  for (size_t i = 0; i < NUMBERS; i++) {
    uint64_t a = *number_in(expected, &numbers[i]), b = *number_in(got, &numbers[i]);
    snprintf(what, sizeof what, "%s: usage->%s, from %s, is %s", where, numbers[i].name,
             numbers[i].file, number_text(a));
    EXPECT(a == b, what, "%s", number_text(b));
  }
  for (size_t i = 0; i < 3; i++) {
    static const char *const names[] = {"cpu", "memory", "io"};
    snprintf(what, sizeof what, "%s: usage->%s.some10, avg10 of \"some\" in %s.pressure (-1: "
             "not known), is %.2f", where, names[i], names[i], pressures[i][0]->some10);
    EXPECT(fabs(pressures[i][0]->some10 - pressures[i][1]->some10) < 1e-6, what, "%f",
           pressures[i][1]->some10);
  }
}

static void
none_of(struct cgroup_usage *usage)
{
  for (size_t i = 0; i < NUMBERS; i++)
    *number_in(usage, &numbers[i]) = CGROUP_NONE;
  usage->cpu.some10 = usage->memory.some10 = usage->io.some10 = -1;
}

/* As sprintf(3), into a text of its own. Valid until 16 more. */
static const char *__attribute__((format(printf, 1, 2)))
text_of(const char *format, ...)
{
  static char texts[16][512];
  static int next;
  char *text = texts[next++ % 16];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof *texts, format, args);
  va_end(args);
  return text;
}

/* The text of a pressure file; `some` is avg10 in hundredths of a percent. */
static const char *
pressure_text(const struct cgroup_pressure *p, unsigned some)
{
  return text_of("some avg10=%u.%02u avg60=77.12 avg300=66.31 total=%" PRIu64 "\n"
                 "full avg10=55.10 avg60=44.20 avg300=33.30 total=%" PRIu64 "\n",
                 some / 100, some % 100, p->some_total, p->full_total);
}

/* A fake group in which every number is another one, and large. Puts them into
 * *usage, too. Returns its path. */
static const char *
make_full(const char *name, struct cgroup_usage *u)
{
  static char path[PATH_MAX];
  unsigned some[3], random[3];
  getentropy(random, sizeof random);
  for (size_t i = 0; i < NUMBERS; i++)
    *number_in(u, &numbers[i]) = (1ULL << 33) + random[0] + 1001 * i;
  for (size_t i = 0; i < 3; i++)
    some[i] = random[i] % 10000;
  u->cpu.some10 = some[0] / 100.0;
  u->memory.some10 = some[1] / 100.0;
  u->io.some10 = some[2] / 100.0;
  const char *const files[][2] = {
      {"cgroup.procs", ""},
      {"memory.current", text_of("%" PRIu64 "\n", u->memory_current)},
      {"memory.peak", text_of("%" PRIu64 "\n", u->memory_peak)},
      {"memory.swap.current", text_of("%" PRIu64 "\n", u->swap_current)},
      {"memory.events", text_of("low 1\nhigh 2\nmax 3\noom 4\noom_kill %" PRIu64 "\n"
                                "oom_group_kill 5\n", u->oom_kills)},
      {"cpu.stat", text_of("usage_usec %" PRIu64 "\nuser_usec %" PRIu64 "\n"
                           "system_usec %" PRIu64 "\nnice_usec 6\nnr_periods 7\n"
                           "nr_throttled %" PRIu64 "\nthrottled_usec %" PRIu64 "\n"
                           "nr_bursts 8\nburst_usec 9\n", u->cpu_usage, u->cpu_user,
                           u->cpu_system, u->cpu_throttles, u->cpu_throttled)},
      {"pids.current", text_of("%" PRIu64 "\n", u->pids_current)},
      {"pids.events", text_of("max %" PRIu64 "\n", u->pids_refused)},
      {"io.stat", text_of("8:16 rbytes=%" PRIu64 " wbytes=%" PRIu64 " rios=10 wios=11 "
                          "dbytes=12 dios=13\n", u->io_read, u->io_written)},
      {"cpu.pressure", pressure_text(&u->cpu, some[0])},
      {"memory.pressure", pressure_text(&u->memory, some[1])},
      {"io.pressure", pressure_text(&u->io, some[2])},
      {NULL, NULL},
  };
  snprintf(path, sizeof path, "%s", make_fake(name, files));
  return path;
}

START_TEST(test_all)
{
  struct cgroup_usage expected;
  const char *group = make_full("full", &expected);
  expect_usage(group, &expected, "a group with all files");
}
END_TEST

START_TEST(test_missing)
{
  const char *const nothing[][2] = {{"cgroup.procs", ""}, {NULL, NULL}};
  struct cgroup_usage full, none;
  none_of(&none);
  expect_usage(make_fake("nothing", nothing), &none, "a group without any of these files");
  /* Each file on its own. */
  const char *group = make_full("full", &full);
  const char *last = "";
  for (size_t i = 0; i < NUMBERS; i++) {
    char path[PATH_MAX], away[PATH_MAX], where[64];
    struct cgroup_usage expected = full;
    if (strcmp(last, numbers[i].file) == 0)
      continue;
    last = numbers[i].file;
    for (size_t j = 0; j < NUMBERS; j++)
      if (strcmp(numbers[j].file, last) == 0)
        *number_in(&expected, &numbers[j]) = CGROUP_NONE;
    if (strcmp(last, "cpu.pressure") == 0)
      expected.cpu.some10 = -1;
    if (strcmp(last, "memory.pressure") == 0)
      expected.memory.some10 = -1;
    if (strcmp(last, "io.pressure") == 0)
      expected.io.some10 = -1;
    snprintf(path, sizeof path, "%s/%s", group, last);
    snprintf(away, sizeof away, "%s/away", scratch());
    snprintf(where, sizeof where, "a group without %s", last);
    ck_assert_int_eq(rename(path, away), 0);
    expect_usage(group, &expected, where);
    ck_assert_int_eq(rename(away, path), 0);
  }
}
END_TEST

/* A group whose io.stat holds this. */
static void
expect_io(const char *text, uint64_t read, uint64_t written)
{
  static int number;
  char name[32], where[512];
  const char *const files[][2] = {{"cgroup.procs", ""}, {"io.stat", text}, {NULL, NULL}};
  struct cgroup_usage expected;
  none_of(&expected);
  expected.io_read = read;
  expected.io_written = written;
  snprintf(name, sizeof name, "io%d", number++);
  snprintf(where, sizeof where, "io.stat is \"%s\"", text);
  for (char *c = where; *c; c++)
    if (*c == '\n')
      *c = ';';
  expect_usage(make_fake(name, files), &expected, where);
}

START_TEST(test_io)
{
  expect_io("8:16 rbytes=1000 wbytes=20 rios=1 wios=2 dbytes=900000 dios=3\n"
            "8:0 rbytes=300 wbytes=4 rios=5 wios=6 dbytes=800000 dios=7\n"
            "254:3 rbytes=50000 wbytes=600000 rios=8 wios=9 dbytes=0 dios=0\n", 51300, 600024);
  expect_io("259:0 rbytes=5000000000 wbytes=6000000000 rios=1 wios=2 dbytes=0 dios=0\n"
            "8:0 rbytes=5000000000 wbytes=6000000000 rios=1 wios=2 dbytes=0 dios=0\n",
            10000000000, 12000000000);
  /* An order of its own, a device without numbers, and keys of a cost model. */
  expect_io("253:0 wios=1 rios=2 wbytes=8 rbytes=4 cost.usage=700 cost.wait=5\n7:0 \n"
            "8:0 dbytes=9 rbytes=32 wbytes=64\n", 36, 72);
  expect_io("", 0, 0);
}
END_TEST

START_TEST(test_pressure)
{
  const char *const files[][2] = {
      {"cgroup.procs", ""},
      {"cpu.pressure", "some avg10=12.34 avg60=2.00 avg300=3.00 total=9876543210\n"},
      {"memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                          "full avg10=9.00 avg60=0.00 avg300=0.00 total=0\n"},
      {"io.pressure", "some avg10=100.00 avg60=50.00 avg300=25.00 total=123\n"
                      "full avg10=99.99 avg60=0.50 avg300=0.25 total=98\n"},
      {NULL, NULL}};
  struct cgroup_usage expected;
  none_of(&expected);
  expected.cpu = (struct cgroup_pressure){12.34, 9876543210, CGROUP_NONE};
  expected.memory = (struct cgroup_pressure){0, 0, 0};
  expected.io = (struct cgroup_pressure){100, 123, 98};
  expect_usage(make_fake("psi", files), &expected, "before Linux 5.13 cpu.pressure has no "
               "line \"full\"");
}
END_TEST

START_TEST(test_no_psi)
{
  const char *const files[][2] = {{"cgroup.procs", ""}, {"cpu.pressure", "-"},
                                  {"memory.pressure", "-"}, {"io.pressure", "-"},
                                  {NULL, NULL}};
  struct ask *ask = shared(sizeof *ask);
  *ask = (struct ask){.group = make_fake("off", files), .no_reading = true};
  expect_success(student_call(ask_usage, ask), "cgroup_usage, where reading a pressure file "
                 "fails with EOPNOTSUPP (the kernel was started with psi=0),");
  EXPECT(ask->usage.cpu.some10 == -1 && ask->usage.io.some10 == -1, "where reading a "
         "pressure file fails with EOPNOTSUPP, some10 is -1: not known", "%f",
         ask->usage.cpu.some10);
  EXPECT(ask->usage.cpu.some_total == CGROUP_NONE && ask->usage.io.full_total == CGROUP_NONE,
         "there the totals are CGROUP_NONE", "%s, %s", number_text(ask->usage.cpu.some_total),
         number_text(ask->usage.io.full_total));
}
END_TEST

START_TEST(test_usage_fails)
{
  static const char *const secrets[] = {"memory.current", "cpu.stat", "io.stat",
                                        "memory.pressure"};
  struct ask *ask = shared(sizeof *ask);
  struct cgroup_usage full;
  char path[PATH_MAX], call[128];
  const char *group = make_full("full", &full);
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    snprintf(path, sizeof path, "%s/%s", group, secrets[i]);
    snprintf(call, sizeof call, "cgroup_usage(a group whose %s may not be read)", secrets[i]);
    ck_assert_int_eq(chmod(path, 0), 0);
    *ask = (struct ask){.group = group, .bare = true};
    expect_errno(student_call(ask_usage, ask), call, EACCES);
    EXPECT(ask->fds == 0, "cgroup_usage leaves no descriptor open when it fails", "%d",
           ask->fds);
    ck_assert_int_eq(chmod(path, 0644), 0);
  }
}
END_TEST

START_TEST(test_removed)
{
  struct ask *ask = shared(sizeof *ask);
  const char *group = make_group("usage-");
  *ask = (struct ask){.group = group, .removed = group};
  expect_errno(student_call(ask_usage, ask), "cgroup_usage(a group that has been removed)",
               ENODEV);
  groups_remove();
}
END_TEST

void
usage_tests(void)
{
  student_test("3.4 cgroup_key finds the number behind a key", test_key);
  student_test("3.4 cgroup_key tells a key from others that look like it", test_key_alike);
  student_test("3.4 cgroup_key says CGROUP_NONE for what is not there", test_key_none);
  student_test("3.4 cgroup_usage reads every number", test_all);
  student_test("3.4 cgroup_usage says CGROUP_NONE for what is not there", test_missing);
  student_test("3.4 cgroup_usage adds up the bytes of all devices", test_io);
  student_test("3.4 cgroup_usage reads pressure with and without \"full\"", test_pressure);
  student_test("3.4 a kernel that does not measure pressure is no failure", test_no_psi);
  student_test("3.4 cgroup_usage fails for what is there and cannot be read",
               test_usage_fails);
  student_test("3.4 cgroup_usage tells that the group has been removed", test_removed);
  cost_tests();
}
