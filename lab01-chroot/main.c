/* main.c - given: the command-line tool `jail`. It reads the command line,
 * calls what you write in the order that works, and says what went wrong. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"
#include "start.h"

/* Exit statuses of our own, as env(1), chroot(1) and Docker have them. */
enum { TOOL_FAILED = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

static const char usage[] =
    "usage: jail add ROOT PROGRAM...\n"
    "       jail furnish ROOT\n"
    "       jail run [--user UID[:GID]] [--keep-cap CAP]... [--env K=V]...\n"
    "                [--cwd DIR] ROOT [--] PROGRAM [ARG...]\n"
    "       jail escape [--by chroot|fd] ROOT [--] [PROGRAM [ARG...]]\n"
    "\n"
    "  add      copy programs into ROOT with all they need to run; a directory\n"
    "           is copied whole\n"
    "  furnish  give ROOT device files, /tmp, and names for users\n"
    "  run      run PROGRAM with ROOT as its root directory\n"
    "  escape   get out of ROOT, a jail without a seal (\"/\" if already in\n"
    "           one), and run PROGRAM, or else /bin/sh, outside\n";

/* What to do about the latest failure, where we know; "" where not. */
static const char *
advice(void)
{
  if (errno == EPERM && strstr(failure(), "chroot"))
    return " (this needs CAP_SYS_CHROOT: run it as root, or inside `make "
           "cage`)";
  if (errno == EPERM && strstr(failure(), "become"))
    return " (this needs root: run it as root, or inside `make cage`)";
  if (errno == EINVAL && strstr(failure(), "become"))
    return " (that number is not mapped in this user namespace: see "
           "/proc/self/uid_map)";
  return "";
}

/* Print the latest failure. Returns the exit status that goes with it. */
static int
complain(void)
{
  fprintf(stderr, "jail: %s%s\n", failure(), advice());
  return TOOL_FAILED;
}

static int
misused(const char *what, const char *about)
{
  fprintf(stderr, "jail: %s%s\n%s", what, about, usage);
  return TOOL_FAILED;
}

static int
open_root(const char *root)
{
  int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return refuse(ENOENT, "%s: no such directory (run: mkdir %s)", root, root);
  return fd < 0 ? fail("open the root directory %s", root) : fd;
}

/* ---- add ---- */

/* The absolute path of a program named on the command line, looked up in PATH
 * if the name has no slash. */
static int
find_program(const char *name, char *path, size_t size)
{
  if (strchr(name, '/')) {
    char cwd[PATH_MAX] = "";
    if (name[0] != '/' && !getcwd(cwd, sizeof cwd))
      return fail("my current directory");
    snprintf(path, size, "%s%s%s", cwd, cwd[0] ? "/" : "", name);
    return access(path, F_OK) < 0 ? fail("%s", name) : 0;
  }
  const char *dirs = getenv("PATH");
  for (const char *d = dirs ? dirs : "/usr/bin:/bin"; *d;) {
    int n = strcspn(d, ":");
    struct stat st;
    snprintf(path, size, "%.*s/%s", n, d, name);
    if (path[0] == '/' && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
        access(path, X_OK) == 0)
      return 0;
    d += n + (d[n] == ':');
  }
  return refuse(ENOENT, "%s: no such program in PATH", name);
}

/* A program that was found by its name alone may lie where nobody looks inside. */
static void
note_path(const char *name, const char *path)
{
  char dir[PATH_MAX];
  snprintf(dir, sizeof dir, ":%.*s:", (int)(strrchr(path, '/') - path), path);
  if (!strchr(name, '/') && !strstr(":" INSIDE_PATH ":", dir))
    fprintf(stderr, "jail: %s is %s, which is not in the PATH inside (run it by "
            "that path)\n", name, path);
}

/* Does the file start like an ELF file? */
static bool
is_elf(const char *path)
{
  autoclose int fd = open_regular(path);
  autofree char *magic = fd < 0 ? NULL : read_at(fd, 0, SELFMAG);
  return magic && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static int
add_program(int root, const char *path)
{
  autolist struct list paths = {0};
  if (needs(path, &paths) < 0)
    return -1;
  for (size_t i = 0; i < paths.count; i++)
    if (copy_in(root, paths.items[i]) < 0)
      return -1;
  return copy_in(root, path);
}

static int add_root; /* for add_entry: nftw(3) has no argument for its caller */

/* One entry of a directory that is copied whole. ELF files (a language's loadable
 * modules, say) get what they need. What cannot be copied, a socket or a link to
 * nowhere, is named and left out. */
static int
add_entry(const char *path, const struct stat *entry, int type,
          struct FTW *ftw)
{
  (void)ftw;
  struct stat st;
  if (type == FTW_DNR) {
    errno = EACCES;
    return fail("read the directory %s", path);
  }
  bool gone = stat(path, &st) < 0;
  if (gone || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))) {
    fprintf(stderr, "jail: left out: %s: %s\n", path,
            gone ? strerror(errno) : "neither a file nor a directory");
    return 0;
  }
  if (S_ISREG(entry->st_mode) && is_elf(path)) {
    if (add_program(add_root, path) == 0)
      return 0;
    if (unfinished())
      return -1;
    fprintf(stderr, "jail: copied without its libraries: %s\n", failure());
  }
  return copy_in(add_root, path);
}

/* `root_path` is where `root` is. If that is inside the directory, the copy would
 * be copied, and the copy of the copy. */
static int
add_directory(int root, const char *root_path, const char *path)
{
  autofree char *real_root = realpath(root_path, NULL);
  autofree char *real = realpath(path, NULL);
  if (!real_root || !real)
    return fail("%s or %s", root_path, path);
  size_t n = strcmp(real, "/") == 0 ? 0 : strlen(real);
  if (strncmp(real_root, real, n) == 0 &&
      (real_root[n] == '/' || real_root[n] == '\0'))
    return refuse(EINVAL, "%s: holds the root %s itself (give its parts one by "
                  "one)", path, root_path);
  add_root = root;
  return nftw(path, add_entry, 16, FTW_PHYS);
}

static int
add(int argc, char **argv)
{
  static const char *const also[] = {"/bin", "/sbin", "/lib",
                                     "/etc/ld.so.cache"};
  if (argc < 3)
    return misused("add: ROOT or PROGRAM is missing", "");
  autoclose int root = open_root(argv[1]);
  if (root < 0)
    return complain();
  for (int i = 2; i < argc; i++) {
    char path[2 * PATH_MAX];
    struct stat st;
    if (find_program(argv[i], path, sizeof path) < 0)
      return complain();
    note_path(argv[i], path);
    int bad = stat(path, &st) == 0 && S_ISDIR(st.st_mode)
                  ? add_directory(root, argv[1], path)
                  : add_program(root, path);
    if (bad)
      return complain();
  }
  /* Where the host has /bin as a link to usr/bin, programs go by both names. And
   * the loader reads its cache for libraries outside the system's directories. */
  for (size_t i = 0; i < sizeof also / sizeof *also; i++)
    if (access(also[i], F_OK) == 0 && copy_in(root, also[i]) < 0)
      return complain();
  return 0;
}

/* ---- furnish ---- */

static int
furnish_root(int argc, char **argv)
{
  if (argc != 2)
    return misused("furnish: takes one ROOT", "");
  autoclose int root = open_root(argv[1]);
  return root < 0 || furnish(root) < 0 ? complain() : 0;
}

/* ---- run ---- */

/* What `jail run` was asked for. */
struct options {
  uid_t uid;             /* --user */
  gid_t gid;
  cap_value_t keep[64];  /* --keep-cap */
  int count;             /* how many of them */
  const char *cwd;       /* --cwd, inside the root */
};

static int
read_id(const char *text, const char **end, uid_t *id)
{
  errno = 0;
  unsigned long value = strtoul(text, (char **)end, 10);
  if (*end == text || text[0] < '0' || text[0] > '9' || errno ||
      value >= (uid_t)-1)
    return -1;
  *id = value;
  return 0;
}

static int
read_user(const char *text, struct options *o)
{
  const char *end;
  if (read_id(text, &end, &o->uid) < 0)
    return -1;
  o->gid = o->uid;
  if (*end == ':' && read_id(end + 1, &end, &o->gid) < 0)
    return -1;
  return *end ? -1 : 0;
}

/* A capability by name, with "cap_" in front or not. */
static int
read_capability(const char *text, struct options *o)
{
  char name[64];
  snprintf(name, sizeof name, "%s%s",
           strncasecmp(text, "cap_", 4) == 0 ? "" : "cap_", text);
  cap_value_t value;
  if (cap_from_name(name, &value) < 0)
    return -1;
  for (int i = 0; i < o->count; i++)
    if (o->keep[i] == value)
      return 0;
  o->keep[o->count++] = value;
  return 0;
}

static pid_t program; /* the child, for forward() */

/* Whoever stops the tool means the program. */
static void
forward(int signal)
{
  kill(program, signal);
}

/* Say why the program could not be executed. */
static int
explain(int status, const char *root, const char *name)
{
  if (unfinished())
    return complain();
  if (status == NOT_FOUND && access(name, F_OK) == 0)
    fprintf(stderr, "jail: %s: is there, but its interpreter or dynamic loader "
            "is not (run: jail add %s %s)\n", name, root, name);
  else if (status == NOT_FOUND)
    fprintf(stderr, "jail: %s: no such program in %s (run: jail add %s %s)\n",
            name, root, root, name);
  else
    fprintf(stderr, "jail: %s\n", failure());
  return status;
}

/* In the child: enter, drop, seal, exec. Each step takes away what the one
 * before it needed. A step that is not written yet is left out, so that the
 * others can be tried. */
static int
become(const char *root, const struct options *o, char **argv)
{
  if (root_enter(root, o->cwd) < 0)
    return complain();
  if (drop_privileges(o->uid, o->gid, o->keep, o->count) < 0 &&
      (complain(), !unfinished()))
    return TOOL_FAILED;
  /* Losing privileges clears the wish to die with the parent. */
  if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL) < 0) {
    fail("ask to die with the parent");
    return complain();
  }
  if (seal() < 0 && (complain(), !unfinished()))
    return TOOL_FAILED;
  return explain(program_exec(argv), root, argv[0]);
}

static int
run(int argc, char **argv)
{
  static const struct option names[] = {
      {"user", required_argument, NULL, 'u'},
      {"keep-cap", required_argument, NULL, 'k'},
      {"env", required_argument, NULL, 'e'},
      {"cwd", required_argument, NULL, 'c'},
      {0},
  };
  struct options o = {.uid = getuid(), .gid = getgid(), .cwd = "/"};
  fresh_environment();
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;) {
    if (c == '?')
      return misused("run: see above", "");
    if (c == 'u' && read_user(optarg, &o) < 0)
      return misused("run: --user takes numbers, UID or UID:GID, not ", optarg);
    if (c == 'k' && read_capability(optarg, &o) < 0)
      return misused("run: --keep-cap takes a name of capabilities(7), not ",
                     optarg);
    if (c == 'e' && (optarg[0] == '=' || !strchr(optarg, '=')))
      return misused("run: --env takes NAME=VALUE, not ", optarg);
    if (c == 'e')
      putenv(optarg);
    if (c == 'c')
      o.cwd = optarg;
  }
  argv += optind;
  if (!argv[0])
    return misused("run: ROOT is missing", "");
  const char *root = *argv++;
  if (argv[0] && strcmp(argv[0], "--") == 0)
    argv++;
  if (!argv[0])
    return misused("run: PROGRAM is missing", "");
  autoclose int check = open_root(root);
  if (check < 0 || check_standard_streams() < 0)
    return complain();

  /* Block what we forward until the child has a number. */
  sigset_t forwarded, before;
  sigemptyset(&forwarded);
  sigaddset(&forwarded, SIGTERM);
  sigaddset(&forwarded, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &forwarded, &before) < 0) {
    fail("block signals");
    return complain();
  }
  pid_t parent = getpid();
  program = fork();
  if (program < 0) {
    fail("fork");
    return complain();
  }
  if (program == 0) {
    if (sigprocmask(SIG_SETMASK, &before, NULL) < 0 ||
        prctl(PR_SET_PDEATHSIG, (long)SIGKILL) < 0) {
      fail("unblock signals and ask to die with the parent");
      _exit(complain());
    }
    if (getppid() != parent)
      _exit(TOOL_FAILED); /* it died before we asked to die with it */
    _exit(become(root, &o, argv));
  }
  /* Ctrl-C goes to the program as well as to us; it decides. */
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  struct sigaction action = {.sa_handler = forward};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  sigprocmask(SIG_SETMASK, &before, NULL);
  int status = program_wait(program);
  return status < 0 ? complain() : status;
}

/* ---- escape ---- */

/* Enter ROOT the careless way: as root, with a descriptor left open. Then break
 * out. In "/" there is nothing to enter; that is how to try the attack from
 * inside `jail run`. */
static int
escape(int argc, char **argv)
{
  static const struct option names[] = {
      {"by", required_argument, NULL, 'b'},
      {0},
  };
  static char *const shell[] = {"/bin/sh", NULL};
  const char *by = "chroot";
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;) {
    if (c == '?' || (strcmp(optarg, "chroot") != 0 && strcmp(optarg, "fd") != 0))
      return misused("escape: --by takes chroot or fd", "");
    by = optarg;
  }
  argv += optind;
  if (!argv[0])
    return misused("escape: ROOT is missing", "");
  const char *root = *argv++;
  if (argv[0] && strcmp(argv[0], "--") == 0)
    argv++;
  bool inside = strcmp(root, "/") == 0;
  bool by_fd = strcmp(by, "fd") == 0;
  /* The careless part: no O_CLOEXEC, and nobody closes it. */
  if (!inside && by_fd && open(".", O_RDONLY | O_DIRECTORY) < 0) {
    fail("open the current directory");
    return complain();
  }
  if (!inside && root_enter(root, "/") < 0)
    return complain();
  if ((by_fd ? escape_fd() : escape_chroot()) < 0)
    return complain();
  char *const *command = argv[0] ? argv : shell;
  int status = program_exec(command);
  fprintf(stderr, "jail: outside, but: %s\n", failure());
  return status;
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
  } commands[] = {
      {"add", add}, {"furnish", furnish_root}, {"run", run}, {"escape", escape},
  };
  if (argc >= 2 && (strcmp(argv[1], "--help") == 0 ||
                    strcmp(argv[1], "help") == 0)) {
    fputs(usage, stdout);
    return 0;
  }
  if (start_clean() < 0)
    return complain();
  for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0)
      return commands[i].run(argc - 1, argv + 1);
  return argc < 2 ? misused("a command is missing", "")
                  : misused("no such command: ", argv[1]);
}
