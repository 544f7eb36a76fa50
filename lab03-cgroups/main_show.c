/* main_show.c - numbers of a group, for people and for programs. Given. */
#include "main.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"

/* What there is to show of one group. */
struct view {
  const char *name;
  struct cgroup_usage usage;
  struct cgroup_usage before;  /* at the last redraw, for rates */
  int64_t time, time_before;   /* of both; milliseconds, 0: there is none */
  uint64_t memory_max, swap_max, pids_max; /* limits; CGROUP_NONE: not here */
  uint64_t cpu_quota;          /* microseconds per CPU_PERIOD */
  uint64_t populated, frozen;
};

/* ---- reading ---- */

/* Without its controller there is no such file, and the limit is not known. */
static int
read_limit(int group, const char *name, uint64_t *value)
{
  char text[KNOB_SIZE];
  *value = CGROUP_NONE;
  if (knob_read(group, name, text) < 0)
    return errno == ENOENT ? 0 : -1;
  if (strncmp(text, "max", 3) == 0)
    *value = CGROUP_MAX;
  else
    sscanf(text, "%" SCNu64, value);
  return 0;
}

/* cpu.max is "QUOTA PERIOD". */
static int
read_quota(int group, uint64_t *value)
{
  char text[KNOB_SIZE];
  uint64_t quota, period;
  *value = CGROUP_NONE;
  if (knob_read(group, "cpu.max", text) < 0)
    return errno == ENOENT ? 0 : -1;
  bool limited = sscanf(text, "%" SCNu64 " %" SCNu64, &quota, &period) == 2 && period > 0;
  *value = limited ? quota * CPU_PERIOD / period : CGROUP_MAX;
  return 0;
}

static int
look(int group, struct view *view)
{
  view->before = view->usage;
  view->time_before = view->time;
  view->time = clock_ms();
  if (read_limit(group, "memory.max", &view->memory_max) < 0 ||
      read_limit(group, "memory.swap.max", &view->swap_max) < 0 ||
      read_limit(group, "pids.max", &view->pids_max) < 0 ||
      read_quota(group, &view->cpu_quota) < 0 || cgroup_usage(group, &view->usage) < 0 ||
      cgroup_key(group, "cgroup.events", "populated", &view->populated) < 0)
    return -1;
  return cgroup_key(group, "cgroup.events", "frozen", &view->frozen);
}

static const char *
state(const struct view *view)
{
  return view->populated == 0 ? "empty" : view->frozen == 1 ? "frozen" : "running";
}

/* ---- for people ---- */

/* Bytes as 12.5M, or "max", or "-" where nothing is known. Valid until 8 more. */
static const char *
bytes(uint64_t value)
{
  static char texts[8][32];
  static unsigned next;
  char *text = texts[next++ % 8];
  double n = value;
  const char *unit = "BKMGTPE";
  if (value == CGROUP_MAX || value == CGROUP_NONE)
    return value == CGROUP_MAX ? "max" : "-";
  for (; n >= 1024; unit++)
    n /= 1024;
  snprintf(text, sizeof *texts, *unit == 'B' || n >= 100 ? "%.0f%c" : "%.1f%c", n, *unit);
  return text;
}

static const char *
count(uint64_t value)
{
  static char texts[8][32];
  static unsigned next;
  char *text = texts[next++ % 8];
  if (value == CGROUP_MAX || value == CGROUP_NONE)
    return value == CGROUP_MAX ? "max" : "-";
  snprintf(text, sizeof *texts, "%" PRIu64, value);
  return text;
}

/* Microseconds as 1.234s. */
static const char *
seconds(uint64_t value)
{
  static char texts[8][32];
  static unsigned next;
  char *text = texts[next++ % 8];
  if (value == CGROUP_NONE)
    return "-";
  snprintf(text, sizeof *texts, "%.3fs", value / 1e6);
  return text;
}

/* CPU_PERIOD as 1 CPU. */
static const char *
cpus(uint64_t quota)
{
  static char text[32];
  if (quota == CGROUP_MAX || quota == CGROUP_NONE)
    return quota == CGROUP_MAX ? "max" : "-";
  snprintf(text, sizeof text, "%.5g CPUs", (double)quota / CPU_PERIOD);
  return text;
}

/* [#####-----] of what may be used; nothing without a limit. */
static const char *
bar(double used, uint64_t limit)
{
  enum { WIDTH = 20 };
  static char text[512];
  if (limit == CGROUP_MAX || limit == CGROUP_NONE || limit == 0)
    return "";
  double part = used / (double)limit;
  part = part > 99 ? 99 : part;
  int full = part >= 1 ? WIDTH : part <= 0 ? 0 : (int)(part * WIDTH + 0.5);
  snprintf(text, sizeof text, "[%.*s%.*s] %3.0f%%", full, "####################",
           WIDTH - full, "--------------------", part * 100);
  return text;
}

/* CPU time per time since the last look, in the unit of cpu_quota. */
static double
cpu_rate(const struct view *view)
{
  int64_t ms = view->time - view->time_before;
  return view->time_before && ms > 0 && view->usage.cpu_usage >= view->before.cpu_usage
             ? (view->usage.cpu_usage - view->before.cpu_usage) / (ms * 1000.0) * CPU_PERIOD
             : 0;
}

static void
print_pressure(const char *name, const struct cgroup_pressure *pressure)
{
  if (pressure->some10 < 0)
    printf("  waiting for %-9s-\n", name);
  else
    printf("  waiting for %-9s%5.2f%% of the last 10 s; %s in all\n", name,
           pressure->some10, seconds(pressure->some_total));
}

/* The table, 9 lines. With bars for who watches. `end` ends a line. */
enum { TABLE_LINES = 9 };
static void
print_table(const struct view *view, bool bars)
{
  const struct cgroup_usage *u = &view->usage;
  printf("%s: %s\n", view->name, state(view));
  printf("  %-9s%-10s%-11s%-28s%s\n", "", "now", "limit", bars ? "" : "more",
         bars ? "more" : "");
#define ROW(name, now, limit, used, max, format, ...)                                \
  printf("  %-9s%-10s%-11s", name, now, limit);                                     \
  if (bars)                                                                          \
    printf("%-28s", bar(used, max));                                                 \
  printf(format "\n", __VA_ARGS__)
  ROW("memory", bytes(u->memory_current), bytes(view->memory_max), u->memory_current,
      view->memory_max, "peak %s, killed %s", bytes(u->memory_peak), count(u->oom_kills));
  ROW("swap", bytes(u->swap_current), bytes(view->swap_max), u->swap_current, view->swap_max,
      "%s", "");
  ROW("cpu", seconds(u->cpu_usage), cpus(view->cpu_quota), cpu_rate(view), view->cpu_quota,
      "user %s, system %s, throttled %s in %s periods", seconds(u->cpu_user),
      seconds(u->cpu_system), seconds(u->cpu_throttled), count(u->cpu_throttles));
  ROW("pids", count(u->pids_current), count(view->pids_max), u->pids_current,
      view->pids_max, "refused %s", count(u->pids_refused));
#undef ROW
  print_pressure("CPU", &u->cpu);
  print_pressure("memory", &u->memory);
  printf("  waiting for I/O      ");
  if (u->io.some10 < 0)
    printf("-");
  else
    printf("%5.2f%% of the last 10 s; %s in all", u->io.some10, seconds(u->io.some_total));
  printf("; read %s, written %s\n", bytes(u->io_read), bytes(u->io_written));
}

/* ---- for programs ---- */

/* "NAME": 12, or null, or "max". */
static void
put(const char *name, uint64_t value, const char *behind)
{
  if (value == CGROUP_NONE)
    printf("\"%s\": null%s", name, behind);
  else if (value == CGROUP_MAX)
    printf("\"%s\": \"max\"%s", name, behind);
  else
    printf("\"%s\": %" PRIu64 "%s", name, value, behind);
}

static void
put_pressure(const char *name, const struct cgroup_pressure *pressure, const char *behind)
{
  printf("\"%s\": {\"some_avg10\": ", name);
  if (pressure->some10 < 0)
    printf("null, ");
  else
    printf("%.2f, ", pressure->some10);
  put("some_usec", pressure->some_total, ", ");
  put("full_usec", pressure->full_total, "");
  printf("}%s", behind);
}

/* One object on one line. A NAME has no character that JSON would quote. */
static void
print_json(const struct view *view, const char *event)
{
  const struct cgroup_usage *u = &view->usage;
  printf("{\"name\": \"%s\", \"state\": \"%s\", ", view->name, state(view));
  if (event)
    printf("\"event\": \"%s\", ", event);
  printf("\"memory\": {");
  put("current", u->memory_current, ", ");
  put("peak", u->memory_peak, ", ");
  put("max", view->memory_max, ", ");
  put("oom_kill", u->oom_kills, "}, \"swap\": {");
  put("current", u->swap_current, ", ");
  put("max", view->swap_max, "}, \"cpu\": {");
  put("usage_usec", u->cpu_usage, ", ");
  put("user_usec", u->cpu_user, ", ");
  put("system_usec", u->cpu_system, ", ");
  put("throttled_usec", u->cpu_throttled, ", ");
  put("nr_throttled", u->cpu_throttles, ", ");
  put("quota_usec", view->cpu_quota, ", ");
  printf("\"period_usec\": %d}, \"pids\": {", CPU_PERIOD);
  put("current", u->pids_current, ", ");
  put("max", view->pids_max, ", ");
  put("refused", u->pids_refused, "}, \"io\": {");
  put("rbytes", u->io_read, ", ");
  put("wbytes", u->io_written, "}, \"pressure\": {");
  put_pressure("cpu", &u->cpu, ", ");
  put_pressure("memory", &u->memory, ", ");
  put_pressure("io", &u->io, "}}\n");
}

/* ---- the commands ---- */

/* All that was printed has arrived? */
static int
printed(void)
{
  if (fflush(stdout) == 0)
    return 0;
  fail("print");
  return complain();
}

int
show_stat(int group, const char *name, bool json)
{
  struct view view = {.name = name};
  if (look(group, &view) < 0)
    return complain();
  if (json)
    print_json(&view, NULL);
  else
    print_table(&view, false);
  return printed();
}

/* Say what has happened, a line (or an object) each. */
static void
print_events(const struct view *view, unsigned happened, double since, bool json)
{
  static const struct { unsigned bit; const char *name, *text; } events[] = {
      {WATCH_OOM, "oom", "out of memory: the kernel has killed a process"},
      {WATCH_POPULATED, "populated", "it has processes"},
      {WATCH_EMPTY, "empty", "its last process has ended"},
      {WATCH_FROZEN, "frozen", "it is frozen"},
      {WATCH_THAWED, "thawed", "it goes on"},
      {WATCH_GONE, "gone", "it was removed"},
  };
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
    if (!(happened & events[i].bit))
      continue;
    if (json)
      print_json(view, events[i].name);
    else
      printf("%9.3fs  %s: %s\n", since, view->name, events[i].text);
  }
}

int
show_watch(int group, const char *name, bool json)
{
  struct cgroup_watch watch;
  struct view view = {.name = name};
  bool redraw = !json && isatty(1);
  int64_t start = clock_ms();
  unsigned happened = 0;
  if (step(cgroup_watch_start(group, &watch)) != DONE)
    return TOOL_FAILED;
  bool drawn = false;
  while (!(happened & WATCH_GONE)) {
    /* It may have gone since the last event; then the next one says so. */
    if (look(group, &view) < 0 && errno != ENODEV && errno != ENOENT)
      break;
    if (redraw && drawn)
      printf("\033[%dA\033[J", TABLE_LINES);
    print_events(&view, happened, (clock_ms() - start) / 1000.0, json);
    if (redraw)
      print_table(&view, true);
    drawn = true;
    if (fflush(stdout) != 0)
      break;
    /* The kernel wakes nobody when a group is removed; and only an empty one can be. */
    int timeout = view.populated == 0 ? 100 : 1000;
    if (cgroup_watch_next(&watch, -1, timeout, &happened) < 0)
      break;
  }
  bool gone = happened & WATCH_GONE;
  if (gone)
    print_events(&view, happened, (clock_ms() - start) / 1000.0, json);
  else
    complain();
  cgroup_watch_end(&watch);
  return gone ? printed() : TOOL_FAILED;
}

/* Is nobody's claim on this group? Then *dead. Returns 0, or -1 with errno. */
static int
look_for_claim(int group, bool *dead)
{
  *dead = flock(group, LOCK_SH | LOCK_NB) == 0;
  if (!*dead)
    return errno == EWOULDBLOCK ? 0 : fail("look for a claim on the group");
  return flock(group, LOCK_UN) < 0 ? fail("unlock the group") : 0;
}

static void
print_line(const struct view *view, bool dead)
{
  printf("%-20s %-9s %9s %9s %11s %6s\n", view->name, dead ? "left over" : state(view),
         bytes(view->usage.memory_current), bytes(view->memory_max),
         seconds(view->usage.cpu_usage), count(view->usage.pids_current));
}

/* One of the groups in `place`. Returns 0, or -1 with a failure. That it goes meanwhile
 * is none. */
static int
list_one(int place, const char *directory, bool json)
{
  struct view view = {.name = directory + strlen(PREFIX)};
  bool dead;
  autoclose int group = openat(place, directory,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (group < 0)
    fail("open the group %s", view.name);
  if (group < 0 || look(group, &view) < 0 || look_for_claim(group, &dead) < 0)
    return errno == ENOENT || errno == ENODEV ? 0 : -1;
  if (json)
    print_json(&view, NULL);
  else
    print_line(&view, dead);
  return 0;
}

int
show_list(int place, bool json)
{
  autoclose int copy = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  struct dirent *e;
  int status = 0;
  if (!dir)
    return fail("read the place of groups"), complain();
  take_fd(&copy);
  if (!json)
    printf("%-20s %-9s %9s %9s %11s %6s\n", "NAME", "STATE", "MEMORY", "LIMIT", "CPU TIME",
           "PIDS");
  while (errno = 0, (e = readdir(dir)))
    if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0 &&
        check_name(e->d_name + strlen(PREFIX)) == 0 &&
        step(list_one(place, e->d_name, json)) != DONE)
      status = TOOL_FAILED;
  if (errno)
    status = (fail("read the place of groups"), complain());
  closedir(dir);
  return printed() ? TOOL_FAILED : status;
}
