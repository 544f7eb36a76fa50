/* check_limit.c - 3.2, one function at a time; and whether the kernel then holds
 * processes to the limits. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_lab03.h"
#include "look.h"
#include "writes.h"

/* ---- parse_bytes, parse_cpus, parse_count ---- */

/* A text, and what it means. */
struct text {
  const char *text;
  uint64_t value; /* with `error` 0 */
  int error;      /* 0, or errno */
};

/* What came of it. */
struct parsed {
  int result, error;
  uint64_t value;
  bool message; /* it has left one */
};

enum { BYTES, CPUS, COUNT };

/* For the body: parse all of them, in one process. */
struct parsing {
  int what;                 /* BYTES and so on */
  uint64_t least, most;     /* for COUNT */
  const struct text *texts; /* count of them */
  size_t count;
  struct parsed parsed[128];
};

static void
parse(struct answer *a, const void *arg)
{
  struct parsing *p = (struct parsing *)arg;
  const char *(*message)(void) = student_symbol("failure");
  for (size_t i = 0; i < p->count; i++) {
    struct parsed *to = &p->parsed[i];
    const char *text = p->texts[i].text;
    to->value = 0xdeadbeef;
    errno = i % 2 ? ERANGE : 0; /* from somebody before */
    int result = p->what == BYTES  ? STUDENT(parse_bytes)(text, &to->value)
                 : p->what == CPUS ? STUDENT(parse_cpus)(text, &to->value)
                                   : STUDENT(parse_count)(text, p->least,
                                                          p->most, &to->value);
    to->error = errno;
    to->message = result == 0 || *message();
    to->result = result;
  }
  student_answer(a, 0);
}

static const char *
error_text(int error)
{
  return strerrorname_np(error) ?: "0";
}

static void
expect_text(const char *function, const struct text *text,
            const struct parsed *got)
{
  char expected[256], value[64];
  snprintf(value, sizeof value,
           text->value == CGROUP_MAX ? "CGROUP_MAX" : "%" PRIu64, text->value);
  if (text->error)
    snprintf(expected, sizeof expected, "%s(\"%s\") returns -1 with %s",
             function, text->text, error_text(text->error));
  else
    snprintf(expected, sizeof expected, "%s(\"%s\") returns 0, and gives %s",
             function, text->text, value);
  if (got->result == 0)
    EXPECT(!text->error && got->value == text->value, expected,
           "0, and %" PRIu64, got->value);
  else
    EXPECT(got->result == -1 && got->error == text->error, expected,
           "%d with %s", got->result, error_text(got->error));
  EXPECT(got->message, "what fails leaves a message, with fail() or refuse()",
         "none after %s", expected);
}

static void
expect_texts(int what, uint64_t least, uint64_t most, const struct text *texts,
             size_t count)
{
  static const char *const names[] = {"parse_bytes", "parse_cpus",
                                      "parse_count"};
  struct parsing *p = shared(sizeof *p);
  char function[128];
  *p = (struct parsing){.what = what,
                        .least = least,
                        .most = most,
                        .texts = texts,
                        .count = count};
  snprintf(function, sizeof function, "%s", names[what]);
  if (what == COUNT)
    snprintf(function, sizeof function,
             "parse_count, from %" PRIu64 " to %" PRIu64 ", ", least, most);
  student_call(parse, p);
  for (size_t i = 0; i < count; i++)
    expect_text(function, &texts[i], &p->parsed[i]);
}
#define EXPECT_TEXTS(what, least, most, texts)                                 \
  expect_texts(what, least, most, texts, sizeof texts / sizeof *texts)

START_TEST(test_bytes)
{
  static const struct text texts[] = {
      {"64M", 67108864, 0},
      {"0", 0, 0},
      {"1", 1, 0},
      {"4096", 4096, 0},
      {"1K", 1024, 0},
      {"3k", 3072, 0},
      {"5m", 5242880, 0},
      {"2G", UINT64_C(2) << 30, 0},
      {"7g", UINT64_C(7) << 30, 0},
      {"3T", UINT64_C(3) << 40, 0},
      {"1t", UINT64_C(1) << 40, 0},
      {"0K", 0, 0},
      {"010", 10, 0},
      {"000000000000000000000000001", 1, 0},
      {"max", CGROUP_MAX, 0},
      {"123456789012", UINT64_C(123456789012), 0},
  };
  EXPECT_TEXTS(BYTES, 0, 0, texts);
}
END_TEST

START_TEST(test_bytes_refused)
{
  static const struct text texts[] = {
      {"99999999999999999999Q", 0, EINVAL},
      {"", 0, EINVAL},        {"12Q", 0, EINVAL},  {"5KK", 0, EINVAL},
      {"5 ", 0, EINVAL},      {" 5", 0, EINVAL},   {"\t5", 0, EINVAL},
      {"5\n", 0, EINVAL},     {"5 K", 0, EINVAL},  {"+5", 0, EINVAL},
      {"-5", 0, EINVAL},      {"-0", 0, EINVAL},   {"-1K", 0, EINVAL},
      {"0x10", 0, EINVAL},    {"1.5G", 0, EINVAL}, {"1,5G", 0, EINVAL},
      {"1e3", 0, EINVAL},     {"K", 0, EINVAL},    {"K5", 0, EINVAL},
      {"5KB", 0, EINVAL},     {"5KiB", 0, EINVAL}, {"5B", 0, EINVAL},
      {"MAX", 0, EINVAL},     {"Max", 0, EINVAL},  {"max ", 0, EINVAL},
      {"maximum", 0, EINVAL}, {"ma", 0, EINVAL},   {"5max", 0, EINVAL},
      {"maxK", 0, EINVAL},    {"half", 0, EINVAL},
  };
  EXPECT_TEXTS(BYTES, 0, 0, texts);
}
END_TEST

START_TEST(test_bytes_range)
{
  static const struct text texts[] = {
      {"9223372036854775807", INT64_MAX, 0},
      {"9223372036854775808", 0, ERANGE},
      {"8388607T", UINT64_C(8388607) << 40, 0},
      {"8388608T", 0, ERANGE},
      {"9007199254740991K", UINT64_C(9007199254740991) << 10, 0},
      {"9007199254740992K", 0, ERANGE},
      {"8796093022208M", 0, ERANGE},
      {"8589934592G", 0, ERANGE},
      {"16777216T", 0, ERANGE},
      {"16777217T", 0, ERANGE},
      {"18014398509481985K", 0, ERANGE},
      {"18446744073709551614", 0, ERANGE},
      {"18446744073709551615", 0, ERANGE},
      {"18446744073709551616", 0, ERANGE},
      {"18446744073709551617", 0, ERANGE},
      {"36893488147419103233", 0, ERANGE},
      {"99999999999999999999999999999999999999999", 0, ERANGE},
      {"99999999999999999999999999999999999999999K", 0, ERANGE},
  };
  EXPECT_TEXTS(BYTES, 0, 0, texts);
}
END_TEST

START_TEST(test_cpus)
{
  static const struct text texts[] = {
      {"2", 200000, 0},
      {"1.5", 150000, 0},
      {"0.05", 5000, 0},
      {"1.05", 105000, 0},
      {"0.5", 50000, 0},
      {"00.5", 50000, 0},
      {"1.0", 100000, 0},
      {"0.01", 1000, 0},
      {"0.01000", 1000, 0},
      {"1.00001", 100001, 0},
      {"1.12345", 112345, 0},
      {"100000", UINT64_C(10000000000), 0},
      {"100000.00000", UINT64_C(10000000000), 0},
      {"99999.99999", UINT64_C(9999999999), 0},
      {"max", CGROUP_MAX, 0},
  };
  EXPECT_TEXTS(CPUS, 0, 0, texts);
}
END_TEST

START_TEST(test_cpus_exact)
{
  /* As doubles, most of these are a bit less than what they say. */
  static const struct text texts[] = {
      {"1.1", 110000, 0},    {"0.57", 57000, 0},
      {"0.29", 29000, 0},    {"0.58", 58000, 0},
      {"1.13", 113000, 0},   {"2.01", 201000, 0},
      {"4.35", 435000, 0},   {"0.56999", 56999, 0},
      {"0.28999", 28999, 0}, {"1.09999", 109999, 0},
      {"64.1", 6410000, 0},  {"1024.00007", 102400007, 0},
  };
  EXPECT_TEXTS(CPUS, 0, 0, texts);
}
END_TEST

START_TEST(test_cpus_refused)
{
  static const struct text texts[] = {
      {"", 0, EINVAL},      {".5", 0, EINVAL},       {"5.", 0, EINVAL},
      {".", 0, EINVAL},     {"1.123456", 0, EINVAL}, {"1.000000", 0, EINVAL},
      {"1.5.1", 0, EINVAL}, {"1..5", 0, EINVAL},     {"1,5", 0, EINVAL},
      {"+1", 0, EINVAL},    {"-1", 0, EINVAL},       {"1.-5", 0, EINVAL},
      {"1.+5", 0, EINVAL},  {"1. 5", 0, EINVAL},     {" 1", 0, EINVAL},
      {"1 ", 0, EINVAL},    {"1.5 ", 0, EINVAL},     {"1.5K", 0, EINVAL},
      {"1K", 0, EINVAL},    {"1e2", 0, EINVAL},      {"0x1", 0, EINVAL},
      {"inf", 0, EINVAL},   {"nan", 0, EINVAL},      {"MAX", 0, EINVAL},
      {"max.5", 0, EINVAL}, {"50%", 0, EINVAL},
  };
  EXPECT_TEXTS(CPUS, 0, 0, texts);
}
END_TEST

START_TEST(test_cpus_range)
{
  static const struct text texts[] = {
      {"0", 0, ERANGE},
      {"0.0", 0, ERANGE},
      {"0.00000", 0, ERANGE},
      {"0.00999", 0, ERANGE},
      {"0.001", 0, ERANGE},
      {"100000.00001", 0, ERANGE},
      {"100001", 0, ERANGE},
      {"100000.1", 0, ERANGE},
      {"184467440737095", 0, ERANGE},
      {"184467440737096", 0, ERANGE},
      {"184467440738095.51616", 0, ERANGE},
      {"18446744073709551616", 0, ERANGE},
      {"18446744073709551617", 0, ERANGE},
      {"18446744073709551617.5", 0, ERANGE},
      {"99999999999999999999999999999999", 0, ERANGE},
  };
  EXPECT_TEXTS(CPUS, 0, 0, texts);
}
END_TEST

START_TEST(test_count)
{
  static const struct text weights[] = {
      {"1", 1, 0},
      {"100", 100, 0},
      {"10000", 10000, 0},
      {"0100", 100, 0},
      {"max", CGROUP_MAX, 0},
      {"0", 0, ERANGE},
      {"10001", 0, ERANGE},
      {"4294967297", 0, ERANGE},
      {"18446744073709551617", 0, ERANGE},
      {"99999999999999999999999999999", 0, ERANGE},
      {"", 0, EINVAL},
      {"+1", 0, EINVAL},
      {"-1", 0, EINVAL},
      {"-18446744073709551615", 0, EINVAL},
      {" 1", 0, EINVAL},
      {"1 ", 0, EINVAL},
      {"1K", 0, EINVAL},
      {"0x10", 0, EINVAL},
      {"1.5", 0, EINVAL},
      {"MAX", 0, EINVAL},
      {"max1", 0, EINVAL},
      {"many", 0, EINVAL},
  };
  static const struct text few[] = {{"0", 0, 0}, {"5", 5, 0}, {"6", 0, ERANGE}};
  static const struct text one[] = {
      {"6", 0, ERANGE}, {"7", 7, 0}, {"8", 0, ERANGE}, {"0", 0, ERANGE}};
  EXPECT_TEXTS(COUNT, 1, 10000, weights);
  EXPECT_TEXTS(COUNT, 0, 5, few);
  EXPECT_TEXTS(COUNT, 7, 7, one);
}
END_TEST

/* Numbers of this run, that stand in no table of answers. */
START_TEST(test_own_numbers)
{
  unsigned random[3];
  char bytes[32], cpus[32], count[32];
  ck_assert_int_eq(getentropy(random, sizeof random), 0);
  uint64_t n = 1 + random[0] % 1000000, quota = 1000 + random[1] % 10000000;
  uint64_t processes = 1 + random[2] % 10000;
  snprintf(bytes, sizeof bytes, "%" PRIu64 "M", n);
  snprintf(cpus, sizeof cpus, "%" PRIu64 ".%05" PRIu64, quota / 100000, quota % 100000);
  snprintf(count, sizeof count, "%" PRIu64, processes);
  const struct text of_bytes[] = {{bytes, n << 20, 0}};
  const struct text of_cpus[] = {{cpus, quota, 0}};
  const struct text of_count[] = {{count, processes, 0}};
  EXPECT_TEXTS(BYTES, 0, 0, of_bytes);
  EXPECT_TEXTS(CPUS, 0, 0, of_cpus);
  EXPECT_TEXTS(COUNT, 1, 10000, of_count);
}
END_TEST

/* ---- cgroup_limit, on directories that look like groups ---- */

#define NONE CGROUP_NO_LIMITS

/* For bodies. */
struct order {
  const char *group; /* its directory */
  struct cgroup_limits limits;
};

static void
limit(struct answer *a, const void *arg)
{
  const struct order *order = arg;
  int group = open(order->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  student_answer(a, STUDENT(cgroup_limit)(group, &order->limits));
}

static const char *
fake_group(const char *name)
{
  const char *const files[][2] = {{"memory.max", "max\n"},
                                  {"memory.high", "max\n"},
                                  {"memory.swap.max", "max\n"},
                                  {"memory.low", "0\n"},
                                  {"cpu.max", "max 100000\n"},
                                  {"cpu.weight", "100\n"},
                                  {"cpu.weight.nice", "0\n"},
                                  {"pids.max", "max\n"},
                                  {"cpuset.cpus", "\n"},
                                  {"cpuset.mems", "\n"},
                                  {"io.max", ""},
                                  {"io.weight", "default 100\n"},
                                  {"cgroup.procs", ""},
                                  {"cgroup.subtree_control", ""},
                                  {NULL, NULL}};
  return make_fake(name, files);
}

/* One limit, or some, and what is to be written. */
static void
expect_written(const char *what, struct cgroup_limits limits,
               const char *wanted)
{
  static int count;
  char name[32], expected[512], call[160];
  snprintf(name, sizeof name, "group%d", count++);
  struct order order = {fake_group(name), limits};
  snprintf(call, sizeof call, "cgroup_limit (%s)", what);
  const struct answer *a = record_call(order.group, limit, &order);
  expect_success(a, call);
  snprintf(expected, sizeof expected, "%s writes %s", call, wanted);
  EXPECT(strcmp(writes_text(), wanted) == 0, expected, "%s", writes_text());
}

START_TEST(test_limit_nothing)
{
  expect_written("nothing is asked for", (struct cgroup_limits)NONE, "nothing");
}
END_TEST

START_TEST(test_limit_each)
{
  struct cgroup_limits none = NONE, l;
  char wanted[64];
  unsigned random;
  ck_assert_int_eq(getentropy(&random, sizeof random), 0);
  unsigned mine = 1 + random % 10000;
#define EXPECT_ONE(field, value, file, format)                                 \
  l = none;                                                                    \
  l.field = (value);                                                           \
  snprintf(wanted, sizeof wanted, file ": " format, (uint64_t)(value));        \
  expect_written(#field, l, wanted)
  EXPECT_ONE(memory_max, UINT64_C(4096) * mine, "memory.max", "%" PRIu64);
  EXPECT_ONE(memory_max, INT64_MAX, "memory.max", "%" PRIu64);
  EXPECT_ONE(memory_high, UINT64_C(4096) * mine, "memory.high", "%" PRIu64);
  EXPECT_ONE(swap_max, UINT64_C(4096) * mine, "memory.swap.max", "%" PRIu64);
  EXPECT_ONE(cpu_quota, 1000 + mine, "cpu.max", "%" PRIu64 " 100000");
  EXPECT_ONE(cpu_quota, UINT64_C(10000000000), "cpu.max", "%" PRIu64 " 100000");
  EXPECT_ONE(cpu_weight, mine, "cpu.weight", "%" PRIu64);
  EXPECT_ONE(pids_max, mine, "pids.max", "%" PRIu64);
#undef EXPECT_ONE
  l = none;
  l.cpuset = "0-1,3";
  expect_written("cpuset", l, "cpuset.cpus: 0-1,3");
}
END_TEST

START_TEST(test_limit_zero)
{
  struct cgroup_limits l = NONE;
  l.swap_max = 0;
  expect_written("swap_max 0, which is a limit", l, "memory.swap.max: 0");
  l = (struct cgroup_limits)NONE;
  l.memory_high = 0;
  expect_written("memory_high 0, which is a limit", l, "memory.high: 0");
}
END_TEST

START_TEST(test_limit_max)
{
  struct cgroup_limits none = NONE, l;
#define EXPECT_MAX(field, file)                                                \
  l = none;                                                                    \
  l.field = CGROUP_MAX;                                                        \
  expect_written(#field " CGROUP_MAX", l, file)
  EXPECT_MAX(memory_max, "memory.max: max");
  EXPECT_MAX(memory_high, "memory.high: max");
  EXPECT_MAX(swap_max, "memory.swap.max: max");
  EXPECT_MAX(pids_max, "pids.max: max");
  EXPECT_MAX(cpu_quota, "cpu.max: max 100000");
  EXPECT_MAX(cpu_weight, "cpu.weight: 100");
#undef EXPECT_MAX
}
END_TEST

START_TEST(test_limit_io)
{
  struct cgroup_limits l = NONE;
  /* Behind the last one there is something that nobody asks for. */
  static const char *const lines[] = {"8:0 rbps=1048576 wiops=100",
                                      "8:16 wbps=max", "259:0 riops=7",
                                      "9:9 rbps=1"};
  for (size_t i = 0; i < 4; i++)
    l.io[i] = lines[i];
  expect_written("no device, as `ios` says", l, "nothing");
  l.ios = 1;
  expect_written("one device", l, "io.max: 8:0 rbps=1048576 wiops=100");
  l.ios = 3;
  expect_written("three devices, each an order of its own to the kernel", l,
                 "io.max: 259:0 riops=7, io.max: 8:0 rbps=1048576 wiops=100, "
                 "io.max: 8:16 wbps=max");
}
END_TEST

/* All of them at once. */
static const struct cgroup_limits all_limits = {.memory_max = 67108864,
                                                .memory_high = 50331648,
                                                .swap_max = 4096,
                                                .cpu_quota = 50000,
                                                .cpu_weight = 300,
                                                .pids_max = 20,
                                                .cpuset = "0",
                                                .io = {"8:0 rbps=5"},
                                                .ios = 1};

START_TEST(test_limit_all)
{
  expect_written(
      "all of them", all_limits,
      "cpu.max: 50000 100000, cpu.weight: 300, cpuset.cpus: 0, io.max: 8:0 "
      "rbps=5, "
      "memory.high: 50331648, memory.max: 67108864, memory.swap.max: 4096, "
      "pids.max: 20");
}
END_TEST

/* The limits that are written to one file, and no others. */
static struct cgroup_limits
only(const char *file)
{
  struct cgroup_limits l = NONE;
  const struct cgroup_limits *all = &all_limits;
  if (strcmp(file, "memory.max") == 0)
    l.memory_max = all->memory_max;
  if (strcmp(file, "memory.high") == 0)
    l.memory_high = all->memory_high;
  if (strcmp(file, "memory.swap.max") == 0)
    l.swap_max = all->swap_max;
  if (strcmp(file, "cpu.max") == 0)
    l.cpu_quota = all->cpu_quota;
  if (strcmp(file, "cpu.weight") == 0)
    l.cpu_weight = all->cpu_weight;
  if (strcmp(file, "pids.max") == 0)
    l.pids_max = all->pids_max;
  if (strcmp(file, "cpuset.cpus") == 0)
    l.cpuset = all->cpuset;
  if (strcmp(file, "io.max") == 0) {
    l.io[0] = all->io[0];
    l.ios = 1;
  }
  return l;
}

START_TEST(test_limit_fails)
{
  static const char *const files[] = {
      "memory.max", "memory.high", "memory.swap.max", "cpu.max",
      "cpu.weight", "pids.max",    "cpuset.cpus",     "io.max"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char name[32], call[128], path[64];
    snprintf(name, sizeof name, "full%zu", i);
    snprintf(path, sizeof path, "full%zu/%s", i, files[i]);
    struct order order = {fake_group(name), only(files[i])};
    /* Every write(2) to it fails (full(4)). */
    ck_assert_int_eq(unlink(at(path)), 0);
    ck_assert_int_eq(symlink("/dev/full", at(path)), 0);
    snprintf(call, sizeof call,
             "cgroup_limit, when the write to %s is refused,", files[i]);
    expect_errno(student_call(limit, &order), call, ENOSPC);

    ck_assert_int_eq(unlink(at(path)), 0);
    snprintf(call, sizeof call, "cgroup_limit, when there is no %s,", files[i]);
    expect_errno(student_call(limit, &order), call, ENOENT);
    EXPECT(access(at(path), F_OK) < 0, "cgroup_limit makes no files",
           "it has made %s", files[i]);
  }
}
END_TEST

/* ---- on real groups ---- */

/* A real group that has these controllers. */
static const char *
group_with(const char *controllers)
{
  char words[128], order[64], *save = NULL;
  need_controllers(controllers);
  snprintf(words, sizeof words, "%s", controllers);
  for (char *word = strtok_r(words, " ", &save); word;
       word = strtok_r(NULL, " ", &save)) {
    snprintf(order, sizeof order, "+%s", word);
    set_knob(GROUPS_TOP, "cgroup.subtree_control", order);
  }
  return make_group("limit");
}

static void
set_limits(const char *group, struct cgroup_limits limits)
{
  struct order order = {group, limits};
  expect_success(student_call(limit, &order),
                 "cgroup_limit of a group of the kernel's");
}

static void
expect_knob(const char *group, const char *name, const char *wanted)
{
  char expected[256], got[256];
  snprintf(got, sizeof got, "%s", in_dir(group, name));
  got[strcspn(got, "\n")] = '\0';
  snprintf(expected, sizeof expected,
           "the kernel's own %s after cgroup_limit: %s", name, wanted);
  EXPECT(strcmp(got, wanted) == 0, expected, "%s", got);
}

START_TEST(test_not_enabled)
{
  struct order order = {make_group("limit"), only("pids.max")};
  expect_errno(student_call(limit, &order),
               "cgroup_limit of a group without the controller", ENOENT);
  groups_remove();
}
END_TEST

START_TEST(test_kernel_has_it)
{
  const char *group = group_with("memory cpu pids cpuset");
  struct cgroup_limits l = all_limits;
  l.ios = 0;
  /* A kernel without swap has none to limit. */
  bool swap = in_dir(group, "memory.swap.max")[0] != '(';
  if (!swap)
    l.swap_max = CGROUP_NONE;
  set_limits(group, l);
  expect_knob(group, "memory.max", "67108864");
  expect_knob(group, "memory.high", "50331648");
  if (swap)
    expect_knob(group, "memory.swap.max", "4096");
  expect_knob(group, "cpu.max", "50000 100000");
  expect_knob(group, "cpu.weight", "300");
  expect_knob(group, "pids.max", "20");
  expect_knob(group, "cpuset.cpus", "0");

  l = (struct cgroup_limits){.memory_max = CGROUP_MAX,
                             .memory_high = CGROUP_MAX,
                             .swap_max = swap ? CGROUP_MAX : CGROUP_NONE,
                             .cpu_quota = CGROUP_MAX,
                             .cpu_weight = CGROUP_MAX,
                             .pids_max = CGROUP_MAX};
  set_limits(group, l);
  expect_knob(group, "memory.max", "max");
  expect_knob(group, "memory.high", "max");
  if (swap)
    expect_knob(group, "memory.swap.max", "max");
  expect_knob(group, "cpu.max", "max 100000");
  expect_knob(group, "cpu.weight", "100");
  expect_knob(group, "pids.max", "max");
  expect_knob(group, "cpuset.cpus", "0");
  groups_remove();
}
END_TEST

START_TEST(test_kernel_refuses)
{
  const char *group = group_with("io pids");
  struct order order = {group, only("io.max")};
  order.limits.io[0] = "4095:7 rbps=1048576";
  expect_errno(student_call(limit, &order),
               "cgroup_limit of a device that is not there", ENODEV);
  order.limits = only("pids.max");
  order.limits.pids_max = UINT64_C(1) << 40;
  expect_errno(student_call(limit, &order),
               "cgroup_limit of more processes than there can be", EINVAL);
  groups_remove();
}
END_TEST

/* ---- do the limits hold? ---- */

/* Start the probe in a group of the kernel's. What it prints can be read from *out.
 * NULL ends its arguments. */
static pid_t
probe_in(const char *group, FILE **out, ...)
{
  char file[PATH_MAX], *argv[8] = {getenv("PROBE")};
  int ends[2];
  va_list args;
  va_start(args, out);
  for (size_t i = 1; i < 7 && (argv[i] = va_arg(args, char *)); i++)
    ;
  va_end(args);
  snprintf(file, sizeof file, "%s/cgroup.procs", group);
  ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1 || dup2(ends[1], 1) < 0)
      _exit(98);
    execv(argv[0], argv);
    _exit(97);
  }
  close(ends[1]);
  *out = fdopen(ends[0], "r");
  return pid;
}

/* The next line that the probe prints, "" at the end. Valid until the next call. */
static const char *
next_line(FILE *out)
{
  static char line[128];
  if (!fgets(line, sizeof line, out))
    *line = '\0';
  line[strcspn(line, "\n")] = '\0';
  return line;
}

/* The number behind KEY in a file of the group; -1 if there is none. */
static long long
key_of(const char *group, const char *name, const char *key)
{
  char text[4096], *save = NULL;
  size_t n = strlen(key);
  snprintf(text, sizeof text, "%s", in_dir(group, name));
  for (char *line = strtok_r(text, "\n", &save); line;
       line = strtok_r(NULL, "\n", &save))
    if (strncmp(line, key, n) == 0 && line[n] == ' ')
      return atoll(line + n);
  return -1;
}

START_TEST(test_memory_holds)
{
  const char *group = group_with("memory");
  struct cgroup_limits l = NONE;
  FILE *out;
  int status;
  l.memory_max = 32 << 20;
  l.swap_max = in_dir(group, "memory.swap.max")[0] == '(' ? CGROUP_NONE : 0;
  set_limits(group, l);
  pid_t pid = probe_in(group, &out, "take", "8", NULL);
  EXPECT(strcmp(next_line(out), "ready") == 0,
         "who takes 8 MiB of 32 MiB has them", "%s",
         in_dir(group, "memory.events"));
  end_process(pid);
  fclose(out);
  pid = probe_in(group, &out, "take", "200", NULL);
  EXPECT(*next_line(out) == '\0',
         "who takes 200 MiB of 32 MiB does not get them", "he does");
  fclose(out);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
         "the kernel kills who takes 200 MiB "
         "of 32 MiB",
         "status %d", status);
  EXPECT(key_of(group, "memory.events", "oom_kill") == 1,
         "memory.events says oom_kill 1", "%lld",
         key_of(group, "memory.events", "oom_kill"));
  groups_remove();
}
END_TEST

/* How much of one CPU the group uses, in percent, in the next seconds. */
static double
cpu_percent(const char *group, double seconds)
{
  long long before = key_of(group, "cpu.stat", "usage_usec");
  double start = now();
  usleep(seconds * 1e6);
  long long used = key_of(group, "cpu.stat", "usage_usec") - before;
  return used / 1e4 / (now() - start);
}

START_TEST(test_cpu_holds)
{
  const char *group = group_with("cpu");
  struct cgroup_limits l = NONE;
  FILE *out;
  double percent = 0;
  l.cpu_quota = 50000;
  set_limits(group, l);
  pid_t pid = probe_in(group, &out, "spin", NULL);
  ck_assert_str_eq(next_line(out), "ready");
  /* On a machine that has other things to do, once more. */
  for (int tries = 0; tries < 4 && (percent < 40 || percent > 60); tries++)
    percent = cpu_percent(group, 2);
  EXPECT(percent >= 40 && percent <= 60,
         "a program that spins gets 50 % of one CPU (+-10) with "
         "a quota of 50000, by usage_usec of cpu.stat",
         "%.1f %%", percent);
  EXPECT(key_of(group, "cpu.stat", "nr_throttled") > 0,
         "cpu.stat says that it had to wait", "nr_throttled is %lld",
         key_of(group, "cpu.stat", "nr_throttled"));
  end_process(pid);
  fclose(out);
  groups_remove();
}
END_TEST

START_TEST(test_pids_hold)
{
  const char *group = group_with("pids");
  struct cgroup_limits l = NONE;
  FILE *out;
  l.pids_max = 10;
  set_limits(group, l);
  pid_t pid = probe_in(group, &out, "forks", "50", NULL);
  const char *line = next_line(out);
  EXPECT(strcmp(line, "forks 9 EAGAIN") == 0,
         "with pids_max 10 a program can make 9 children, "
         "and then fork(2) fails with EAGAIN",
         "\"%s\"", line);
  EXPECT(key_of(group, "pids.events", "max") >= 1,
         "pids.events counts the refused fork", "max is %lld",
         key_of(group, "pids.events", "max"));
  end_process(pid);
  fclose(out);
  groups_remove();
}
END_TEST

START_TEST(test_cpuset_holds)
{
  const char *group = group_with("cpuset");
  struct cgroup_limits l = NONE;
  FILE *out;
  char all[256];
  snprintf(all, sizeof all, "%s", in_dir(group, "cpuset.cpus.effective"));
  all[strcspn(all, "\n")] = '\0';
  size_t last = strlen(all);
  while (last > 0 && all[last - 1] != '-' && all[last - 1] != ',')
    last--;
  l.cpuset = all + last;
  set_limits(group, l);
  pid_t pid = probe_in(group, &out, "wait", NULL);
  ck_assert_str_eq(next_line(out), "ready");
  const char *got = status_text(pid, "Cpus_allowed_list");
  EXPECT(strcmp(got, all + last) == 0,
         "a process of the group may run on the last CPU alone, as "
         "Cpus_allowed_list of /proc/PID/status says",
         "%s, not %s, of %s", got, all + last, all);
  end_process(pid);
  fclose(out);
  groups_remove();
}
END_TEST

void
limit_tests(void)
{
  student_test("3.2 parse_bytes reads amounts of memory", test_bytes);
  student_test("3.2 parse_bytes refuses what is no amount", test_bytes_refused);
  student_test("3.2 parse_bytes refuses more than INT64_MAX bytes",
               test_bytes_range);
  student_test("3.2 parse_cpus reads numbers of CPUs", test_cpus);
  student_test("3.2 parse_cpus is exact", test_cpus_exact);
  student_test("3.2 parse_cpus refuses what is no number of CPUs",
               test_cpus_refused);
  student_test("3.2 parse_cpus refuses too few and too many CPUs",
               test_cpus_range);
  student_test("3.2 parse_count reads counts in a range", test_count);
  student_test("3.2 parse_bytes, parse_cpus and parse_count read any number", test_own_numbers);
  student_test("3.2 cgroup_limit writes nothing that nobody asked for",
               test_limit_nothing);
  student_test("3.2 cgroup_limit writes each limit to its file",
               test_limit_each);
  student_test("3.2 cgroup_limit takes 0 for a limit", test_limit_zero);
  student_test("3.2 cgroup_limit takes limits away", test_limit_max);
  student_test("3.2 cgroup_limit writes a line for each device, one by one",
               test_limit_io);
  student_test("3.2 cgroup_limit writes all limits", test_limit_all);
  student_test("3.2 cgroup_limit passes each failure on", test_limit_fails);
  student_test("3.2 cgroup_limit fails without the controller",
               test_not_enabled);
  student_test("3.2 the kernel has the limits that were set",
               test_kernel_has_it);
  student_test("3.2 what the kernel refuses comes out", test_kernel_refuses);
  student_test("3.2 memory_max holds: the hog is killed", test_memory_holds);
  student_test("3.2 cpu_quota holds: a spinning program gets half a CPU",
               test_cpu_holds);
  student_test("3.2 pids_max holds: fork fails at the limit", test_pids_hold);
  student_test("3.2 cpuset holds: only on that CPU", test_cpuset_holds);
}
