/* main_options.c - what `cgrun run` is asked for. Given. */
#include "main.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fail.h"

struct wish wish = {.limits = CGROUP_NO_LIMITS};

static char io_lines[IO_LIMITS][256]; /* what wish.limits.io points to */

int
check_name(const char *name)
{
  static const char others[] = "-_.";
  size_t n = strlen(name);
  bool good = n > 0 && n < NAME_SIZE && *name != '.';
  for (size_t i = 0; i < n; i++)
    good = good && (isalnum((unsigned char)name[i]) || strchr(others, name[i]));
  return good ? 0
              : refuse(EINVAL, "\"%s\" is no name of a group: 1 to %d letters, digits, "
                       "\"-\", \"_\" and \".\", and no \".\" in front", name, NAME_SIZE - 1);
}

/* A limit of this controller is wanted. */
static void
want(const char *controller)
{
  size_t i = 0;
  while (wish.controllers[i] && strcmp(wish.controllers[i], controller) != 0)
    i++;
  wish.controllers[i] = controller;
}

/* One limit of --io: "rbps=1M". Appends it to `line` as the kernel wants it. */
static int
add_io_limit(char *line, size_t size, const char *word)
{
  static const char *const keys[] = {"rbps", "wbps", "riops", "wiops"};
  const char *equal = strchr(word, '=');
  uint64_t value;
  size_t used = strlen(line);
  bool known = false;
  for (size_t i = 0; equal && i < sizeof keys / sizeof *keys; i++)
    known = known || (strlen(keys[i]) == (size_t)(equal - word) &&
                      strncmp(keys[i], word, equal - word) == 0);
  if (!known)
    return refuse(EINVAL, "--io takes rbps=, wbps=, riops= or wiops=, not \"%s\"", word);
  if (parse_bytes(equal + 1, &value) < 0)
    return -1;
  if (value == 0)
    return refuse(ERANGE, "--io %s: 0 would stop it for ever", word);
  if (value == CGROUP_MAX)
    snprintf(line + used, size - used, " %.*s=max", (int)(equal - word), word);
  else
    snprintf(line + used, size - used, " %.*s=%" PRIu64, (int)(equal - word), word, value);
  return 0;
}

/* --io DEV:LIMIT,LIMIT: DEV is a block device, or MAJOR:MINOR. */
static int
add_io(char *text)
{
  unsigned major, minor;
  struct stat st;
  int n = 0;
  if (wish.limits.ios == IO_LIMITS)
    return refuse(E2BIG, "more than %d times --io", IO_LIMITS);
  char *line = io_lines[wish.limits.ios];
  char *colon = strrchr(text, ':');
  if (!colon)
    return refuse(EINVAL, "--io takes DEV:LIMIT,LIMIT..., not \"%s\"", text);
  *colon = '\0';
  if (sscanf(text, "%u:%u%n", &major, &minor, &n) != 2 || text[n] != '\0') {
    if (stat(text, &st) < 0)
      return fail("--io %s", text);
    if (!S_ISBLK(st.st_mode))
      return refuse(ENOTBLK, "--io %s: that is no block device (see lsblk)", text);
    major = major(st.st_rdev);
    minor = minor(st.st_rdev);
  }
  snprintf(line, sizeof *io_lines, "%u:%u", major, minor);
  for (char *word = strtok(colon + 1, ","); word; word = strtok(NULL, ","))
    if (add_io_limit(line, sizeof *io_lines, word) < 0)
      return -1;
  if (!strchr(line, ' '))
    return refuse(EINVAL, "--io %s: with which limit?", text);
  wish.limits.io[wish.limits.ios++] = line;
  return 0;
}

/* A value that the kernel would take, and that nobody means. */
static int
not_zero(uint64_t value)
{
  return value == 0 ? refuse(ERANGE, "0 is out of range: nothing could run with that") : 0;
}

static int
add_cpuset(const char *text)
{
  wish.limits.cpuset = text;
  return *text && strspn(text, "0123456789,-") == strlen(text)
             ? 0 : refuse(EINVAL, "--cpuset takes numbers of CPUs, as 0-1,3, not \"%s\"",
                          text);
}

static int
set_name(const char *name)
{
  wish.named = true;
  snprintf(wish.name, sizeof wish.name, "%s", name);
  return check_name(name);
}

/* Take one option. Returns 0, or -1 with a failure. */
static int
take(int c, char *value)
{
  struct cgroup_limits *limits = &wish.limits;
  switch (c) {
  case 'm':
    want("memory");
    return parse_bytes(value, &limits->memory_max) < 0
               ? -1 : not_zero(limits->memory_max);
  case 'h':
    want("memory");
    return parse_bytes(value, &limits->memory_high) < 0
               ? -1 : not_zero(limits->memory_high);
  case 's': want("memory"); return parse_bytes(value, &limits->swap_max);
  case 'c': want("cpu"); return parse_cpus(value, &limits->cpu_quota);
  case 'w': want("cpu"); return parse_count(value, 1, 10000, &limits->cpu_weight);
  case 'p': want("pids"); return parse_count(value, 1, 4194304, &limits->pids_max);
  case 'u': want("cpuset"); return add_cpuset(value);
  case 'i': want("io"); return add_io(value);
  default: return set_name(value);
  }
}

int
read_options(int argc, char **argv)
{
  static const struct option names[] = {
      {"memory", required_argument, NULL, 'm'},
      {"memory-high", required_argument, NULL, 'h'},
      {"swap", required_argument, NULL, 's'},
      {"cpus", required_argument, NULL, 'c'},
      {"cpu-weight", required_argument, NULL, 'w'},
      {"pids", required_argument, NULL, 'p'},
      {"cpuset", required_argument, NULL, 'u'},
      {"io", required_argument, NULL, 'i'},
      {"name", required_argument, NULL, 'n'},
      {0},
  };
  unsigned random = 0;
  int c, index = 0;
  optind = 0;
  while ((c = getopt_long(argc, argv, "+:", names, &index)) != -1) {
    if (c == ':')
      return misused("run: a value is missing behind ", argv[optind - 1]);
    if (c == '?')
      return misused("run: no such option: ", argv[optind - 1]);
    if (take(c, optarg) < 0) {
      char option[32];
      snprintf(option, sizeof option, " (in --%s)", names[index].name);
      return complain_with(option);
    }
  }
  wish.argv = argv + optind;
  if (!wish.argv[0])
    return misused("run: PROGRAM is missing", "");
  getentropy(&random, sizeof random);
  if (!wish.named)
    snprintf(wish.name, sizeof wish.name, "%d-%04x", getpid(), random & 0xffff);
  return 0;
}
