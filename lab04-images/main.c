/* main.c - img, the tool: its commands. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "list.h"
#include "start.h"
#include "userns.h"

static const char usage[] =
    "usage: img [--store DIR] [--quiet] COMMAND ...\n"
    "\n"
    "  import DIR|TAR NAME        a root filesystem becomes an image of one layer\n"
    "  list | inspect NAME | history NAME      what there is (--json)\n"
    "  config NAME [OPTION]...    how it is run\n"
    "    --env K=V  --label K=V  --port 80/tcp  --volume /data    as often as you like\n"
    "    --entrypoint WORD...  --cmd WORD...    words in one argument, or a JSON array\n"
    "    --workdir /DIR  --user USER[:GROUP]\n"
    "  unpack NAME DIR            all layers into one directory\n"
    "  mount NAME DIR [--rw]      the layers unpacked once, and stacked\n"
    "  umount DIR                 and what was written there is gone\n"
    "  commit DIR NAME            what was written there becomes a new layer\n"
    "  diff A B                   what differs between images, or directories\n"
    "  save NAME FILE | load FILE    an archive that other tools read\n"
    "  pull REF | push REF [NAME]    from and to a registry (--auth FILE: NAME:PASSWORD)\n"
    "  rm NAME... | gc | verify [NAME]    forget names; remove what no name needs; check\n"
    "  unshare [PROGRAM [ARG]...] a shell in an ordinary user's user namespace\n"
    "\n"
    "  --devices                  unpack, mount: make device nodes, too\n"
    "  --gzip | --zstd            import, commit: compress the layer\n"
    "  --platform linux/arm64     instead of this machine's\n"
    "  --name NAME                load, pull: call it so\n"
    "\n"
    "The store is an OCI image layout: --store, or $IMG_STORE, or /var/lib/onggi for\n"
    "root, or ~/.local/share/onggi.\n";

/* ---- who we are ---- */

/* Has this process got the privileges of root, at least in a user namespace? */
static bool
is_root(void)
{
  return geteuid() == 0;
}

/* Files of an image belong to many users, and an ordinary user is one: but he is root
 * of a user namespace, with the numbers that are set aside for him. */
static int
become_root(void)
{
  return is_root() ? 0 : userns_enter();
}

/* Is there more than one user number that files can have? */
static bool
has_numbers(void)
{
  unsigned inside, outside, count = 0, sum = 0;
  FILE *map = fopen("/proc/self/uid_map", "re");
  while (map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
    sum = sum + count < sum ? UINT_MAX : sum + count;
  if (map)
    fclose(map);
  return !map || sum > 1;
}

struct target
how_to_apply(void)
{
  return (struct target){.root = -1, .parent = -1, .devices = wish.devices,
                         .no_owners = !has_numbers()};
}

static int
unshare_command(int count, char **words)
{
  char *shell[] = {getenv("SHELL") ?: "/bin/sh", NULL};
  char **argv = count ? words : shell;
  if (become_root() < 0)
    return complain();
  execvp(argv[0], argv);
  int error = errno;
  fail("%s", argv[0]);
  complain();
  return error == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
}

/* ---- the store ---- */

/* Make the directories above a path. */
static int
make_above(const char *path)
{
  char above[PATH_MAX];
  snprintf(above, sizeof above, "%s", path);
  for (char *slash = above; (slash = strchr(slash + 1, '/'));) {
    *slash = '\0';
    if (mkdir(above, 0755) < 0 && errno != EEXIST)
      return fail("make the directory %s", above);
    *slash = '/';
  }
  return 0;
}

/* Where the store is, if nobody has said. */
static const char *
usual_store(void)
{
  static char path[PATH_MAX];
  const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
  if (getenv("IMG_STORE"))
    return getenv("IMG_STORE");
  if (is_root() && in_first_userns())
    return "/var/lib/onggi";
  if (data && data[0] == '/')
    snprintf(path, sizeof path, "%s/onggi", data);
  else
    snprintf(path, sizeof path, "%s/.local/share/onggi", home ?: "");
  return path;
}

static int
open_store(const char *path, bool create)
{
  if (create && make_above(path) < 0)
    return complain(), -1;
  int store = store_open(path, create);
  if (store < 0)
    complain_with(!unfinished() && errno == ENOENT
                      ? " (there is no store yet: img import, img load or img pull makes one)"
                      : "");
  return store;
}

bool
is_directory(const char *path)
{
  struct stat about;
  return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

int
find_image(int store, const char *name, struct image *image, char called[NAME_MAX + 1])
{
  char latest[NAME_MAX + 1];
  const char *last = strrchr(name, '/') ?: name;
  snprintf(latest, sizeof latest, "%s", name);
  int result = image_resolve(store, name, &wish.platform, image);
  if (result < 0 && errno == ENOENT && !strpbrk(last, ":@") &&
      strlen(name) + sizeof ":latest" <= sizeof latest) {
    autofree char *message = strdup(failure());
    snprintf(latest, sizeof latest, "%s:latest", name);
    result = image_resolve(store, latest, &wish.platform, image);
    if (result < 0 && errno == ENOENT && message)
      refuse(ENOENT, "%s", message);
  }
  if (called)
    memcpy(called, latest, sizeof latest);
  return result;
}

time_t
newest_time(void)
{
  const char *text = getenv("SOURCE_DATE_EPOCH");
  char *end;
  if (!text || !*text)
    return INT64_MAX;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  return errno || *end || value < 0 ? INT64_MAX : value;
}

const char *
human(int64_t bytes)
{
  static char text[4][32];
  static unsigned next;
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = bytes;
  size_t unit = 0;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    unit++;
  }
  char *out = text[next++ % 4];
  snprintf(out, sizeof text[0], unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return out;
}

/* ---- the command line ---- */

/* What a command needs the store to be: one, with all directories that ours has (others'
 * layouts lack some), or made if there is none. */
enum need { ANY, WHOLE, MADE };

/* A command, and what it takes. */
static const struct command {
  const char *name;
  int least, most;      /* words */
  bool root;            /* it works on files of many users */
  enum need need;       /* of the store */
  const enum img_option *takes; /* options, 0 at the end */
  command_fn *act;
} commands[] = {
    {"list", 0, 0, false, ANY, (enum img_option[]){JSON, 0}, list},
    {"inspect", 1, 1, false, ANY, (enum img_option[]){JSON, PLATFORM, 0}, inspect},
    {"history", 1, 1, false, ANY, (enum img_option[]){JSON, PLATFORM, 0}, history},
    {"diff", 2, 2, true, WHOLE, (enum img_option[]){JSON, PLATFORM, DEVICES, 0}, diff},
    {"import", 2, 2, true, MADE, (enum img_option[]){GZIP, ZSTD, PLATFORM, 0}, import},
    {"config", 1, 1, false, WHOLE,
     (enum img_option[]){ENV, LABEL, PORT, VOLUME, ENTRYPOINT, CMD, WORKDIR, USER, PLATFORM, 0},
     config},
    {"commit", 2, 2, true, WHOLE, (enum img_option[]){GZIP, ZSTD, 0}, commit},
    {"unpack", 2, 2, true, ANY, (enum img_option[]){DEVICES, PLATFORM, 0}, unpack},
    {"mount", 2, 2, false, WHOLE, (enum img_option[]){RW, DEVICES, PLATFORM, 0}, mount_image},
    {"umount", 1, 1, false, WHOLE, (enum img_option[]){0}, umount_image},
    {"rm", 1, INT_MAX, false, WHOLE, (enum img_option[]){0}, rm},
    {"gc", 0, 0, true, WHOLE, (enum img_option[]){0}, gc},
    {"verify", 0, 1, false, ANY, (enum img_option[]){PLATFORM, 0}, verify},
    {"save", 2, 2, false, ANY, (enum img_option[]){PLATFORM, 0}, save},
    {"load", 1, 1, false, MADE, (enum img_option[]){NAME, PLATFORM, 0}, load},
    {"pull", 1, 1, false, MADE, (enum img_option[]){NAME, PLATFORM, AUTH, 0}, pull},
    {"push", 1, 2, false, ANY, (enum img_option[]){PLATFORM, AUTH, 0}, push},
};

static int
run_command(const struct command *command, int argc, char **argv, const char *path)
{
  int status = read_options(command->name, command->takes, argc, argv);
  int count = argc - optind;
  if (status)
    return status;
  if (count < command->least || count > command->most)
    return misused(command->name, count < command->least ? ": a word is missing"
                                                         : ": too many words");
  if (command->root && become_root() < 0)
    return complain();
  /* Two directories can be compared without one. */
  bool needless = command->act == diff && is_directory(argv[optind]) &&
                  is_directory(argv[optind + 1]);
  autoclose int store = needless ? -1 : open_store(path, command->need == MADE ||
                          (command->need == WHOLE && access(path, F_OK) == 0));
  return store < 0 && !needless ? TOOL_FAILED
                                : command->act(count, argv + optind, store);
}

/* What was printed may not have got to where it should, say to a full disk. */
static int
said_all(int status)
{
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  fail("write to standard output");
  return status ? status : complain();
}

int
main(int argc, char **argv)
{
  tool_name = "img";
  wish.platform = platform_here();
  const char *path = usual_store();
  bool quiet = false;
  int option;
  if (start_clean() < 0)
    return complain();
  umask(022);
  while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
    if (option == HELP)
      return fputs(usage, stdout), 0;
    else if (option == STORE)
      path = optarg;
    else if (option == QUIET)
      quiet = true;
    else
      return misused("before the command there is only --store and --quiet, not ",
                     argv[optind - 1]);
  }
  argc -= optind;
  argv += optind;
  optind = 0;
  if (argc < 1)
    return misused("a command is missing", "");
  if (strcmp(argv[0], "help") == 0 || (argc > 1 && strcmp(argv[1], "--help") == 0))
    return fputs(usage, stdout), 0;
  if (!quiet && isatty(STDERR_FILENO))
    progress_on();
  if (strcmp(argv[0], "unshare") == 0)
    return unshare_command(argc - 1, argv + 1);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[0], commands[i].name) == 0)
      return said_all(run_command(&commands[i], argc, argv, path));
  return misused("no such command: ", argv[0]);
}
