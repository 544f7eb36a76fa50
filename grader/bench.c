/* bench.c - how long do our programs take, and how long do others for the same?
 *
 * A command is timed as a whole, from fork(2) to wait4(2). Ours and the peer's
 * take turns, so that what else the machine does at the moment hits both, and
 * the median of all runs counts, which a few unlucky ones do not move.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "list.h"

enum { MOST_RUNS = 101, PEERS = 3, NOT_FOUND = 127,
       PATIENCE = 8000 /* ms for a line */ };

/* One command, and what its runs took. */
struct command {
  const char *name;        /* as the table has it; NULL: no such command */
  const char *const *argv; /* ends with NULL, as execvp(3) wants it */
  double ms[MOST_RUNS];    /* from start to exit */
  double mib[MOST_RUNS];   /* memory of its largest process */
  int status;              /* exit status of the latest run */
  const char *cwd;         /* the directory to run it in; NULL: ours */
};

/* One comparison. */
struct line {
  const char *what;        /* as the table has it */
  struct command ours;
  struct command peers[PEERS]; /* the first that works is the peer ... */
  bool every;              /* ... or every one that works */
  int runs;                /* at most */
  double goal;             /* ms; 0: nobody has set one */
  double ratio;            /* to the first peer, at most; 0: nobody has set one */
  const char *fresh;       /* a folder that is empty before each run; or NULL */
  bool root_only;          /* as is chroot(2) */
  const char *needs;       /* a file that prepare could not make if it is missing; or NULL */
};

static char temp[64];    /* a folder for all that is written */
static char root[80];    /* TEMP/root, a root directory */
static char build[80];   /* BUILD=TEMP/build, for make(1) */
static char tree[80];    /* TEMP/tree, for what is unpacked */
static struct list copy; /* the command line of cp(1) */
static char flags[16] = "-fpmuin"; /* of unshare(1) */
static volatile sig_atomic_t stopped;

#define COMMAND(NAME, ...)                                                     \
  {.name = (NAME), .argv = (const char *const[]){__VA_ARGS__, NULL}}
#define JAIL "build/solution/lab01/jail"
#define NSRUN "build/solution/lab02/nsrun"
#define CGRUN "build/solution/lab03/cgrun"

/* By hand, in the shell: a group, true in it, and the group is gone. */
#define BY_HAND                                                                \
  "d=/sys/fs/cgroup; [ -e $d/cgroup.procs ] || d=$d/unified; d=$d/onggi-bench-$$; " \
  "mkdir $d && (echo 0 >$d/cgroup.procs && exec /bin/true); rmdir $d"

/* A real image of four layers, and what changed in it: grader/bench-image.sh. */
#define IMAGE "build/bench"
#define IMG "build/solution/lab04/img"
#define UNTAR "for i in 1 2 3 4; do tar -C \"$0\" -xzf " IMAGE "/$i.tar.gz || exit; done"
#define BUILDAH                                                                \
  "b='buildah --root '$PWD/" IMAGE "/buildah' --runroot '$PWD/" IMAGE "/buildah-run' "  \
  "--storage-driver overlay'; date +%N >$($b mount bench)/stamp && $b commit -q bench bench"

enum { INTO_ROOT = 4 /* the line that prepare completes */ };

static struct line lines[] = {
    {.what = "lab01, clean build", .runs = 5, .goal = 2000, .fresh = build + 6,
     .ours = COMMAND("make", "make", "-s", "lab01", "SOLUTION=1", build)},
    {.what = "lab01, its grade", .runs = 3, .goal = 10000,
     .ours = COMMAND("grade", "build/grader/grade", "--solution", "--build",
                     "build/solution/lab01", "--results", temp, "lab01")},
    {.what = "true in a root", .runs = MOST_RUNS, .root_only = true,
     .ours = COMMAND("jail run", JAIL, "run", root, "/bin/true"),
     .peers = {COMMAND("chroot", "chroot", root, "/bin/true")}},
    {.what = "true in a container", .runs = MOST_RUNS, .root_only = true,
     .every = true, .ratio = 1.3,
     .ours = COMMAND("nsrun run --root", NSRUN, "run", "--root", root, "/bin/true"),
     .peers = {COMMAND("floor", "build/grader/floor", root, "/bin/true"),
               COMMAND("unshare", "unshare", "--fork", "--pid", "--mount", "--uts",
                       "--ipc", "--net", "/bin/true"),
               COMMAND("bwrap", "bwrap", "--unshare-all", "--bind", root, "/",
                       "--proc", "/proc", "--dev", "/dev", "/bin/true")}},
    [INTO_ROOT] = {.what = "bash into a new root", .runs = 51, .fresh = root,
     .ours = COMMAND("jail add", JAIL, "add", root, "bash"),
     .peers = {{.name = "cp -aL --parents", .cwd = "/"}}}, /* see prepare */
    {.what = "true in a cage", .runs = 51,
     .ours = COMMAND("cage", "build/grader/cage", "true"),
     .peers = {COMMAND("bwrap", "bwrap", "--dev-bind", "/", "/",
                       "--unshare-all", "true"),
               COMMAND("unshare", "unshare", flags, "--mount-proc", "true")}},
    {.what = "lab02, clean build", .runs = 5, .goal = 2000, .fresh = build + 6,
     .ours = COMMAND("make", "make", "-s", "lab02", "SOLUTION=1", build)},
    {.what = "lab02, its grade", .runs = 3,
     .ours = COMMAND("grade", "build/grader/grade", "--solution", "--build",
                     "build/solution/lab02", "--results", temp, "lab02")},
    {.what = "true in a group", .runs = MOST_RUNS, .root_only = true,
     .ours = COMMAND("cgrun run", CGRUN, "run", "/bin/true"),
     .peers = {COMMAND("sh: mkdir, echo", "sh", "-c", BY_HAND)}},
    {.what = "lab03, clean build", .runs = 5, .goal = 2000, .fresh = build + 6,
     .ours = COMMAND("make", "make", "-s", "lab03", "SOLUTION=1", build)},
    {.what = "lab03, its grade here", .runs = 3,
     /* Where controllers are missing, it cannot be whole: exit status 1. */
     .ours = COMMAND("grade", "sh", "-c", "build/grader/grade --solution --no-vm --build "
                     "build/solution/lab03 --results \"$0\" lab03; [ $? -le 1 ]", temp)},
    {.what = "lab04, clean build", .runs = 3, .goal = 4000, .fresh = build + 6,
     .ours = COMMAND("make", "make", "-s", "lab04", "SOLUTION=1", build)},
    {.what = "lab04, its grade", .runs = 3,
     .ours = COMMAND("grade", "build/grader/grade", "--solution", "--no-vm", "--build",
                     "build/solution/lab04", "--results", temp, "lab04")},
    {.what = "four layers unpacked", .runs = 9, .root_only = true, .every = true,
     .ratio = 0.6, .fresh = tree, .needs = IMAGE "/done",
     .ours = COMMAND("img unpack", IMG, "--store", IMAGE "/store", "unpack", "bench", tree),
     .peers = {COMMAND("tar -xzf", "sh", "-c", UNTAR, tree),
               COMMAND("umoci raw unpack", "umoci", "raw", "unpack", "--image",
                       IMAGE "/store:bench", tree)}},
    {.what = "a layer committed", .runs = 5, .root_only = true, .every = true, .ratio = 1,
     .needs = IMAGE "/buildah",
     .ours = COMMAND("img commit", "sh", "-c", "date +%N >" IMAGE "/mnt/srv/stamp && exec "
                     IMG " --store " IMAGE "/store commit " IMAGE "/mnt changed"),
     .peers = {COMMAND("buildah commit", "sh", "-c", BUILDAH)}},
    {.what = "true in the VM", .runs = 3, .goal = 10000,
     .ours = COMMAND("vm", "build/grader/vm", "--", "true")},
};

static double
now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int
remove_below(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)type;
  return ftw->level > 0 ? remove(path) : 0;
}

/* Run a command, which can neither read nor say anything. The child starts as
 * our copy, so its memory is never less than ours alone (getrusage(2)). */
static void
run(struct command *command, int i, const char *fresh)
{
  struct rusage usage;
  int status;
  if (fresh)
    nftw(fresh, remove_below, 16, FTW_DEPTH | FTW_PHYS);
  double start = now();
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
      dup2(null, fd);
    if (!command->cwd || chdir(command->cwd) == 0)
      execvp(command->argv[0], (char *const *)command->argv);
    _exit(NOT_FOUND);
  }
  command->status = -1;
  if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
    return;
  command->ms[i] = now() - start;
  command->mib[i] = usage.ru_maxrss / 1024.0;
  command->status =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Put ours and the peers that we compare with into `all`: the first that works, or
 * every one; each that does not is named. Returns how many they are. */
static int
choose(struct line *line, struct command **all)
{
  int count = 0;
  all[count++] = &line->ours;
  for (int i = 0; i < PEERS && line->peers[i].name; i++) {
    struct command *peer = &line->peers[i];
    run(peer, 0, line->fresh);
    if (peer->status == 0)
      all[count++] = peer;
    else
      printf("%-22s%s %s\n", line->what, peer->name,
             peer->status == NOT_FOUND ? "is missing" : "does not work here");
    if (count > 1 && !line->every)
      break;
  }
  return count;
}

/* Run all of them by turns. Returns how often; 0 if one failed. */
static int
measure(struct line *line, struct command **all, int commands)
{
  double end = now() + PATIENCE;
  int count = 0;
  do
    for (int i = 0; i < commands; i++) {
      run(all[i], count, line->fresh);
      if (all[i]->status)
        return 0;
    }
  while (++count < line->runs && now() < end);
  return count;
}

static int
compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double
median(double *values, int count)
{
  qsort(values, count, sizeof *values, compare);
  return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static bool
print_goal(const char *format, double goal, double value)
{
  if (goal == 0)
    return true;
  printf(format, goal);
  printf("%s", value <= goal ? "met" : "missed");
  return value <= goal;
}

/* Measure a line and print it. Returns whether it ran and met its goals. */
static bool
do_line(struct line *line)
{
  if (line->root_only && geteuid() != 0)
    return printf("%-22sleft out: it takes root\n", line->what) > 0;
  if (line->needs && access(line->needs, F_OK) < 0)
    return printf("%-22sleft out: there is no %s\n", line->what, line->needs) > 0;
  struct command *all[PEERS + 1];
  int commands = choose(line, all);
  int count = measure(line, all, commands);
  double ours = 0;
  bool good = count > 0;
  for (int i = 0; i < commands; i++) {
    if (all[i]->status)
      printf("%-22sfailed: %s\n", line->what, all[i]->name);
    if (count == 0)
      continue;
    double ms = median(all[i]->ms, count);
    printf("%-22s%-17s%9.2f ms %6.1f MiB %4d runs", i ? "" : line->what,
           all[i]->name, ms, median(all[i]->mib, count), count);
    if (i == 0) {
      ours = ms;
      good &= print_goal("  goal %.0f ms: ", line->goal, ms);
    } else {
      printf("  ratio %.2f", ours / ms);
      good &= print_goal("  goal %.2f: ", i == 1 ? line->ratio : 0, ours / ms);
    }
    printf("\n");
  }
  return good;
}

static int
add_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)ftw;
  return type == FTW_F ? list_add(&copy, path + strlen(root)) : 0;
}

/* Make the image, and mount it; in a mount namespace that goes when we go. What it lacks
 * is said by the lines that need it. */
static int
prepare_image(void)
{
  struct command make = COMMAND("", "sh", "grader/bench-image.sh", IMAGE);
  struct command change = COMMAND("", "sh", "grader/bench-image.sh", IMAGE, "changed");
  snprintf(tree, sizeof tree, "%s/tree", temp);
  mkdir(tree, 0755);
  if (geteuid() != 0)
    return 0;
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return fail("make a mount namespace");
  run(&make, 0, NULL);
  if (make.status == 0)
    run(&change, 0, NULL);
  return 0;
}

/* What `jail add` puts into a root for bash is what cp(1) shall copy. */
static int
prepare(void)
{
  struct command add_true = COMMAND("", JAIL, "add", root, "/bin/true");
  struct command *add_bash = &lines[INTO_ROOT].ours;
  struct command *cp = &lines[INTO_ROOT].peers[0];
  struct statvfs fs;
  /* In memory; but container engines let no program run there. */
  bool shm = statvfs("/dev/shm", &fs) == 0 && !(fs.f_flag & ST_NOEXEC);
  snprintf(temp, sizeof temp, "%s/onggi-bench-XXXXXX", shm ? "/dev/shm" : "/tmp");
  if (!mkdtemp(temp))
    return fail("make a folder %s", temp);
  snprintf(build, sizeof build, "BUILD=%s/build", temp);
  snprintf(root, sizeof root, "%s/root", temp);
  mkdir(root, 0755);
  run(add_bash, 0, NULL);
  list_add(&copy, "cp");
  list_add(&copy, "-aL");
  list_add(&copy, "--parents");
  nftw(root, add_file, 16, FTW_PHYS);
  list_add(&copy, root);
  /* Its version 9.1 wants absolute names to be relative to "/", too. */
  cp->argv = (const char *const *)copy.items;
  run(&add_true, 0, NULL);
  return add_bash->status || add_true.status
             ? refuse(ECHILD, "%s add failed (run: make bench)", JAIL) : 0;
}

static void
stop(int signal)
{
  stopped = signal;
}

int
main(void)
{
  signal(SIGINT, stop); /* not before the folder is gone */
  signal(SIGTERM, stop);
  unsetenv("MAKEFLAGS"); /* they are for the make that runs us */
  if (geteuid() != 0)
    snprintf(flags, sizeof flags, "-fpmuinr"); /* with a user namespace */
  bool ready = prepare() == 0 && prepare_image() == 0, good = ready;
  if (!ready)
    fprintf(stderr, "bench: %s\n", failure());
  for (size_t i = 0; ready && i < sizeof lines / sizeof *lines && !stopped; i++)
    good &= do_line(&lines[i]);
  nftw(temp, remove_below, 16, FTW_DEPTH | FTW_PHYS);
  rmdir(temp);
  list_free(&copy);
  return good ? 0 : 1;
}
