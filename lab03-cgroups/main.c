/* main.c - cgrun, the tool: its commands. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "start.h"

static const char usage[] =
    "usage: cgrun run [OPTION]... [--] PROGRAM [ARG...]\n"
    "       cgrun stat [--json] NAME    what the group uses, and may use\n"
    "       cgrun watch [--json] NAME   the same, until it ends\n"
    "       cgrun freeze NAME | thaw NAME | kill NAME | rm NAME\n"
    "       cgrun list [--json]\n"
    "\n"
    "  run      run PROGRAM in a control group of its own\n"
    "    --memory 64M         kill who needs more (K, M, G, T; max: no limit)\n"
    "    --memory-high 48M    slow down who needs more\n"
    "    --swap 0             so much swap besides\n"
    "    --cpus 1.5           so much CPU time per time, as of 1.5 CPUs\n"
    "    --cpu-weight 100     its share where CPUs are short, 1 to 10000\n"
    "    --pids 100           so many processes and threads\n"
    "    --io DEV:rbps=1M,wiops=100   bytes and operations per second, of a disk\n"
    "    --cpuset 0-1         only on these CPUs\n"
    "    --name NAME          the group is called so, for the other commands\n"
    "  freeze   stop all in the group where they stand; thaw lets them go on\n"
    "  kill     kill all in the group\n"
    "  rm       remove a group that nobody uses\n";

/* ---- where groups can be ---- */

const char *
how_to_get_controllers(void)
{
  static char text[512];
  bool hybrid = access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0 ||
                access("/sys/fs/cgroup/memory", F_OK) == 0;
  snprintf(text, sizeof text, " (%s)",
           hybrid ? "this system gives its controllers to cgroup v1, which cgrun does "
                    "not use: boot with systemd.unified_cgroup_hierarchy=1, or try it in "
                    "`make vm`"
           : geteuid() == 0
               ? "the group above does not hand it on: see its cgroup.controllers, or try "
                 "it in `make vm`"
               : "it was not delegated to you: systemd-run --user --scope "
                 "--property=Delegate=yes cgrun ..., or sudo, or `make vm`");
  return text;
}

/* What to do when there is no place for groups. */
static const char *
how_to_get_a_place(int error)
{
  switch (error) {
  case ENOENT:
    return " (this system has cgroup v1 only, or none: boot with "
           "systemd.unified_cgroup_hierarchy=1, or try it in `make vm`)";
  case EXDEV:
    return " (a container shows you groups from outside of it: start it with "
           "--cgroupns=private, or try it in `make vm`)";
  case EACCES:
    return " (no group was delegated to you: systemd-run --user --scope "
           "--property=Delegate=yes cgrun ..., or sudo, or `make vm`)";
  case EBUSY:
    return " (move these processes into a group further down, by writing their numbers "
           "to its cgroup.procs)";
  default: return "";
  }
}

int
open_place(void)
{
  struct cgroup_here here;
  if (cgroup_find("/proc/self", &here) < 0)
    return complain_with(unfinished() ? "" : how_to_get_a_place(errno)), -1;
  /* From inside a group of ours, the place would be beside it, out of its limits. */
  if (strstr(here.own, "/" PREFIX)) {
    refuse(EBUSY, "we are in a group of cgrun ourselves, %s; one beside it would get "
           "around its limits", here.own);
    return complain(), -1;
  }
  int place = cgroup_place(&here);
  if (place < 0)
    complain_with(unfinished() ? "" : how_to_get_a_place(errno));
  return place;
}

/* Open the group NAME for a command. Returns a descriptor, or -1 when it has said
 * why. */
static int
open_group(int place, const char *name)
{
  char directory[sizeof PREFIX + NAME_SIZE];
  if (check_name(name) < 0)
    return complain(), -1;
  snprintf(directory, sizeof directory, PREFIX "%s", name);
  int group = openat(place, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (group < 0 && errno == ENOENT)
    refuse(ENOENT, "there is no group %s (run: cgrun list)", name);
  else if (group < 0)
    fail("open the group %s", name);
  return group < 0 ? (complain(), -1) : group;
}

/* ---- commands on one group ---- */

static int
freeze(int place, int group, const char *name, bool json)
{
  (void)place, (void)name, (void)json;
  return step(cgroup_freeze(group, true, PATIENCE)) == DONE ? 0 : TOOL_FAILED;
}

static int
thaw(int place, int group, const char *name, bool json)
{
  (void)place, (void)name, (void)json;
  return step(cgroup_freeze(group, false, PATIENCE)) == DONE ? 0 : TOOL_FAILED;
}

static int
kill_all(int place, int group, const char *name, bool json)
{
  (void)place, (void)name, (void)json;
  return step(cgroup_kill(group, PATIENCE)) == DONE ? 0 : TOOL_FAILED;
}

static int
rm(int place, int group, const char *name, bool json)
{
  char directory[sizeof PREFIX + NAME_SIZE];
  (void)json;
  snprintf(directory, sizeof directory, PREFIX "%s", name);
  if (cgroup_claim(group) < 0 && errno != ESTALE) {
    if (errno == EBUSY && !unfinished())
      refuse(EBUSY, "the group %s is in use (run: cgrun kill %s)", name, name);
    return complain();
  }
  return step(cgroup_kill(group, PATIENCE)) == DONE &&
                 step(cgroup_remove_tree(place, directory)) == DONE ? 0 : TOOL_FAILED;
}

static int
show(int place, int group, const char *name, bool json)
{
  (void)place;
  return show_stat(group, name, json);
}

static int
watch(int place, int group, const char *name, bool json)
{
  (void)place;
  return show_watch(group, name, json);
}

/* ---- the command line ---- */

static int
run(int argc, char **argv)
{
  int status = read_options(argc, argv);
  if (status)
    return status;
  autoclose int place = open_place();
  return place < 0 ? TOOL_FAILED : run_in_group(place);
}

/* A command on a group: COMMAND [--json] NAME. */
static int
on_group(int argc, char **argv, bool with_json,
         int (*act)(int place, int group, const char *name, bool json))
{
  bool json = with_json && argc > 1 && strcmp(argv[1], "--json") == 0;
  const char *command = argv[0];
  argc -= json;
  argv += json;
  if (argc < 2)
    return misused(command, ": NAME is missing");
  if (argv[1][0] == '-' || argc > 2)
    return misused("no such option, or too many words: ", argc > 2 ? argv[2] : argv[1]);
  if (check_name(argv[1]) < 0)
    return complain();
  autoclose int place = open_place();
  autoclose int group = place < 0 ? -1 : open_group(place, argv[1]);
  return group < 0 ? TOOL_FAILED : act(place, group, argv[1], json);
}

static int
list(int argc, char **argv)
{
  bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
  if (argc > 1 + json)
    return misused("list: takes no ", argv[1 + json]);
  autoclose int place = open_place();
  return place < 0 ? TOOL_FAILED : show_list(place, json);
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *name;
    bool json;
    int (*act)(int place, int group, const char *name, bool json);
  } commands[] = {
      {"stat", true, show},    {"watch", true, watch},       {"freeze", false, freeze},
      {"thaw", false, thaw},   {"kill", false, kill_all},    {"rm", false, rm},
  };
  tool_name = "cgrun";
  if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
    fputs(usage, stdout);
    return 0;
  }
  if (start_clean() < 0)
    return complain();
  if (argc < 2)
    return misused("a command is missing", "");
  if (strcmp(argv[1], "run") == 0)
    return run(argc - 1, argv + 1);
  if (strcmp(argv[1], "list") == 0)
    return list(argc - 1, argv + 1);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0)
      return on_group(argc - 1, argv + 1, commands[i].json, commands[i].act);
  return misused("no such command: ", argv[1]);
}
