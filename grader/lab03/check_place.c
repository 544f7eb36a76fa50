/* check_place.c - 3.1, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_lab03.h"
#include "look.h"
#include "writes.h"

static char mark[16]; /* of this run: letters that nobody knows beforehand */

static void
make_mark(void)
{
  unsigned char bytes[8];
  ck_assert_int_eq(getentropy(bytes, sizeof bytes), 0);
  for (size_t i = 0; i < sizeof bytes; i++)
    mark[i] = 'a' + bytes[i] % 26;
}

/* ---- cgroup_find ---- */

/* Files of a process as the kernel would write them, and what is to be found in
 * them. "@" stands for `mark`. */
struct proc {
  const char *what;      /* for the message */
  const char *cgroup;    /* the lines of /proc/PID/cgroup */
  const char *mountinfo; /* of /proc/PID/mountinfo */
  int error;             /* 0, or errno */
  const char *top, *own; /* with 0 */
};

#define PROC                                                                   \
  "22 29 0:20 / /proc rw,nosuid,nodev,noexec,relatime shared:14 - proc proc "  \
  "rw\n"
#define V2(root, top)                                                          \
  "31 24 0:27 " root " " top                                                   \
  " rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 "                       \
  "cgroup2 rw,nsdelegate,memory_recursiveprot\n"
#define V1                                                                     \
  "40 24 0:30 / /sys/fs/cgroup ro,nosuid shared:8 - tmpfs tmpfs ro,mode=755\n" \
  "41 40 0:31 / /sys/fs/cgroup/cgroup2 rw shared:17 - cgroup cgroup2 "         \
  "rw,memory\n"                                                                \
  "42 40 0:32 / /sys/fs/cgroup/cpu,cpuacct rw shared:18 - cgroup cgroup "      \
  "rw,cpu,"                                                                    \
  "cpuacct\n"

static const struct proc procs[] = {
    {"an ordinary system", "0::/user.slice/@.scope\n",
     PROC V2("/", "/sys/fs/cgroup"), 0, "/sys/fs/cgroup",
     "/sys/fs/cgroup/user.slice/@.scope"},
    {"a process in the root of all groups", "0::/\n", PROC V2("/", "/mnt/@"), 0,
     "/mnt/@", "/mnt/@"},
    {"lines of v1 before, one of them with \"0::\" in its path",
     "10:memory:/x/0::/wrong\n1:name=systemd:/wrong\n0::/right/@\n",
     PROC V1 V2("/", "/sys/fs/cgroup/unified"), 0, "/sys/fs/cgroup/unified",
     "/sys/fs/cgroup/unified/right/@"},
    {"a line of v1 without controllers before", "10::/wrong\n0::/right/@\n",
     PROC V2("/", "/sys/fs/cgroup"), 0, "/sys/fs/cgroup",
     "/sys/fs/cgroup/right/@"},
    {"a group with colons in its name", "0::/a:b/0::c/@:\n",
     V2("/", "/sys/fs/cgroup"), 0, "/sys/fs/cgroup",
     "/sys/fs/cgroup/a:b/0::c/@:"},
    {"a mount without and one with several of the optional fields (shared:N "
     "and the like)",
     "0::/x@\n",
     "30 24 0:26 / /a rw - ext4 cgroup2 rw\n"
     "31 24 0:27 / /g rw shared:5 master:2 propagate_from:1 - cgroup2 none "
     "rw\n",
     0, "/g", "/g/x@"},
    {"a mount of a part of the tree", "0::/a/@/x\n", V2("/a", "/g"), 0, "/g",
     "/g/@/x"},
    {"a space in the path of the mount, which mountinfo writes as \\040",
     "0::/x@\n", V2("/", "/my\\040groups\\011@"), 0, "/my groups\t@",
     "/my groups\t@/x@"},
    {"a mount of a part of the tree, with a space and a backslash in names, "
     "which "
     "mountinfo writes as \\040 and \\134",
     "0::/my part\\040/@/x y\\040\n", V2("/my\\040part\\134040", "/g"), 0, "/g",
     "/g/@/x y\\040"},
    {"a mount of a part of the tree, which is our own group", "0::/a/@\n",
     V2("/a/@", "/sys/fs/cgroup"), 0, "/sys/fs/cgroup", "/sys/fs/cgroup"},
    {"two mounts, the first of another part", "0::/a/@/x\n",
     V2("/b", "/first") V2("/a", "/second") V2("/", "/third"), 0, "/second",
     "/second/@/x"},
    {"two mounts, the first of a part whose name is the beginning of ours",
     "0::/@b/x\n", V2("/@", "/first") V2("/@b", "/second"), 0, "/second",
     "/second/x"},
    {"a mount at a path with \"cgroup2\" in it before, of another file system",
     "0::/@\n",
     "30 24 0:26 / /cgroup2 rw shared:1 - tmpfs cgroup2 rw\n" V2("/", "/g"), 0,
     "/g", "/g/@"},
    {"a name that begins with two dots", "0::/..@/x\n", V2("/", "/g"), 0, "/g",
     "/g/..@/x"},
    {"v1 only", "2:memory:/a\n1:name=systemd:/a\n", PROC V1, ENOENT, NULL,
     NULL},
    {"v2 in the kernel, but not mounted", "2:memory:/a\n0::/a\n", PROC V1,
     ENOENT, NULL, NULL},
    {"a mount of another part alone", "0::/a/@\n", V2("/b", "/g"), EXDEV, NULL,
     NULL},
    {"a mount of a part whose name is the beginning of ours", "0::/@b\n",
     V2("/@", "/g"), EXDEV, NULL, NULL},
    {"a group above the root of the cgroup namespace", "0::/../@\n",
     V2("/", "/sys/fs/cgroup"), EXDEV, NULL, NULL},
    {"a mount from above the root of the cgroup namespace", "0::/@\n",
     V2("/..", "/g"), EXDEV, NULL, NULL},
};

/* The text with `mark` for each "@". */
static const char *
marked(char *to, size_t size, const char *text)
{
  size_t n = 0;
  for (; *text && n + 1 < size; text++)
    n += snprintf(to + n, size - n, "%.*s", *text == '@' ? 8 : 1,
                  *text == '@' ? mark : text);
  to[n < size ? n : size - 1] = '\0';
  return to;
}

static void
find(struct answer *a, const void *arg)
{
  struct cgroup_here here;
  memset(&here, '?', sizeof here);
  int value = STUDENT(cgroup_find)(arg, &here);
  student_answer(a, value);
  if (value == 0)
    snprintf(a->text, sizeof a->text, "%.*s\n%.*s", PATH_MAX - 1, here.top,
             PATH_MAX - 1, here.own);
}

/* A directory like /proc/PID, and cgroup_find in it. */
static const struct answer *
find_in(const char *cgroup, const char *mountinfo)
{
  static unsigned count;
  char name[64], file[80];
  snprintf(name, sizeof name, "proc%u%s", count++, mark);
  const char *dir = make_dir(name, 0755);
  snprintf(file, sizeof file, "%s/cgroup", name);
  make_text(file, cgroup, 0444);
  snprintf(file, sizeof file, "%s/mountinfo", name);
  make_text(file, mountinfo, 0444);
  return student_call(find, dir);
}

static void
expect_proc(const struct proc *proc)
{
  char cgroup[512], mountinfo[2048], top[512], own[512], call[256],
      wanted[1100];
  const struct answer *a =
      find_in(marked(cgroup, sizeof cgroup, proc->cgroup),
              marked(mountinfo, sizeof mountinfo, proc->mountinfo));
  snprintf(call, sizeof call, "cgroup_find (%s)", proc->what);
  if (proc->error) {
    expect_errno(a, call, proc->error);
    return;
  }
  expect_success(a, call);
  snprintf(wanted, sizeof wanted, "%s\n%s", marked(top, sizeof top, proc->top),
           marked(own, sizeof own, proc->own));
  EXPECT(strcmp(a->text, wanted) == 0, call, "top and own: %s; not %s", a->text,
         wanted);
}

static void
expect_procs(bool failing)
{
  make_mark();
  for (size_t i = 0; i < sizeof procs / sizeof *procs; i++)
    if (failing == (procs[i].error != 0))
      expect_proc(&procs[i]);
}

START_TEST(test_find) { expect_procs(false); }
END_TEST

START_TEST(test_find_fails)
{
  expect_procs(true);
  expect_errno(student_call(find, at("nowhere")),
               "cgroup_find (in a directory that is "
               "not there)",
               ENOENT);
}
END_TEST

START_TEST(test_find_long)
{
  char own[3600] = "", cgroup[3700], mountinfo[12000], wanted[4000];
  static char layers[6000]; /* the options of an overlay are as long as that */
  make_mark();
  while (strlen(own) < 3300) {
    size_t n = strlen(own);
    snprintf(own + n, sizeof own - n, "/%s%0230d", mark, 7);
  }
  memset(layers, 'l', sizeof layers - 1);
  snprintf(cgroup, sizeof cgroup, "4:memory:/\n0::%s/x\n", own);
  snprintf(
      mountinfo, sizeof mountinfo,
      "20 1 0:5 / / rw shared:1 - overlay overlay "
      "rw,lowerdir=%s\n31 24 0:27 %s /g rw shared:9 - cgroup2 cgroup2 rw\n",
      layers, own);
  const struct answer *a = find_in(cgroup, mountinfo);
  expect_success(a, "cgroup_find (lines of thousands of bytes)");
  EXPECT(strcmp(a->text, "/g\n/g/x") == 0,
         "cgroup_find (lines of thousands of bytes) "
         "finds /g and /g/x",
         "%s", a->text);

  snprintf(mountinfo, sizeof mountinfo,
           "20 1 0:5 / / rw shared:1 - overlay overlay "
           "rw,lowerdir=%s\n" V2("/", "/g"),
           layers);
  snprintf(wanted, sizeof wanted, "/g\n/g%s/x", own);
  a = find_in(cgroup, mountinfo);
  expect_success(a, "cgroup_find (a path of thousands of bytes)");
  EXPECT(strcmp(a->text, wanted) == 0,
         "cgroup_find (a path of thousands of bytes) "
         "finds all of it",
         "%zu bytes, not %zu: %.200s...", strlen(a->text), strlen(wanted),
         a->text);
}
END_TEST

/* ---- descriptors ---- */

/* The flags of a descriptor of a process; see proc(5), "fdinfo". */
static unsigned
flags_of(pid_t pid, int fd)
{
  char path[64];
  unsigned flags = 0;
  snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
  FILE *file = fopen(path, "re");
  for (char line[128]; file && fgets(line, sizeof line, file);)
    sscanf(line, "flags: %o", &flags);
  if (file)
    fclose(file);
  return flags;
}

/* How many descriptors a process has of files whose paths begin so. */
static int
count_open(pid_t pid, const char *below)
{
  int count = 0;
  for (int fd = 0; fd < 64; fd++) {
    char name[16];
    snprintf(name, sizeof name, "fd/%d", fd);
    count += strncmp(proc_link(pid, name), below, strlen(below)) == 0;
  }
  return count;
}

/* The call has returned a descriptor of this directory, and no other one of any
 * below `below` is open. Ends the student's process. */
static void
expect_descriptor(pid_t pid, const char *call, const char *path,
                  const char *below)
{
  char file[64], wanted[PATH_MAX + 128];
  struct stat got, want;
  const struct answer *a = student_said();
  if (a->value == SAID_NOTHING)
    expect_success(a, call); /* which says how it ended */
  snprintf(wanted, sizeof wanted, "%s returns a descriptor of %s", call, path);
  EXPECT(a->value >= 0, wanted, "%d, \"%s\"", a->value, a->text);
  snprintf(file, sizeof file, "/proc/%d/fd/%d", pid, a->value);
  EXPECT(stat(file, &got) == 0 && stat(path, &want) == 0 &&
             got.st_ino == want.st_ino && got.st_dev == want.st_dev,
         wanted, "%d, and that is %s", a->value, target(file));
  unsigned flags = flags_of(pid, a->value);
  snprintf(wanted, sizeof wanted,
           "what %s returns is close-on-exec (O_CLOEXEC)", call);
  EXPECT(flags & O_CLOEXEC, wanted, "it is not");
  snprintf(wanted, sizeof wanted,
           "what %s returns is opened to read, not as a place "
           "only",
           call);
  EXPECT(!(flags & O_PATH), wanted,
         "it has O_PATH: cgroup_claim could not lock it");
  snprintf(wanted, sizeof wanted, "%s leaves no other descriptor open", call);
  int count = count_open(pid, below);
  EXPECT(count == 1, wanted, "there are %d below %s", count, below);
  student_end(pid);
}

/* ---- cgroup_place ---- */

/* A directory that looks like a group. `procs` is who is in it. That there is
 * somebody below it, cgroup.events says of all of them. */
static const char *
fake_group(const char *name, const char *procs)
{
  const char *const files[][2] = {
      {"cgroup.procs", procs},
      {"cgroup.controllers", "cpuset cpu io memory pids\n"},
      {"cgroup.subtree_control", ""},
      {"cgroup.events", "populated 1\nfrozen 0\n"},
      {NULL, NULL}};
  return make_fake(name, files);
}

/* A chain of them, top/a/b, below scratch(). */
struct chain {
  const char *top, *a, *b;
};

static struct chain
make_chain(const char *top_procs, const char *a_procs, const char *b_procs)
{
  make_mark();
  /* It is not the end of the way that is above it. */
  fake_group("over", "");
  return (struct chain){fake_group("over/top", top_procs),
                        fake_group("over/top/a", a_procs),
                        fake_group("over/top/a/b", b_procs)};
}

/* For bodies. */
struct wanted_place {
  const char *top, *own;
  bool unprivileged; /* file permissions count for us */
};

static void
find_place(struct answer *a, const void *arg)
{
  const struct wanted_place *wanted = arg;
  struct cgroup_here here;
  snprintf(here.top, sizeof here.top, "%s", wanted->top);
  snprintf(here.own, sizeof here.own, "%s", wanted->own);
  if (wanted->unprivileged)
    give_up_capabilities();
  student_answer(a, STUDENT(cgroup_place)(&here));
}

/* cgroup_place from `own` upwards finds `place`; NULL: fails with `error`. */
static void
expect_place(const char *what, const char *top, const char *own,
             bool unprivileged, const char *place, int error)
{
  struct wanted_place wanted = {top, own, unprivileged};
  char call[256];
  snprintf(call, sizeof call, "cgroup_place (%s)", what);
  if (place)
    expect_descriptor(student_start(find_place, &wanted), call, place,
                      scratch());
  else
    expect_errno(student_call(find_place, &wanted), call, error);
}

START_TEST(test_place_free)
{
  struct chain c = make_chain("", "", "");
  expect_place("no process in our own group", c.top, c.b, false, c.b, 0);
  expect_place("our own is the top, and free", c.top, c.top, false, c.top, 0);
}
END_TEST

START_TEST(test_place_up)
{
  struct chain c = make_chain("", "", "4711\n");
  expect_place(
      "processes in our own group, none in the one above, though below it",
      c.top, c.b, false, c.a, 0);
  make_text("over/top/a/cgroup.procs", "1\n2\n", 0644);
  expect_place("processes in our own and in the one above", c.top, c.b, false,
               c.top, 0);
}
END_TEST

START_TEST(test_place_root)
{
  struct chain c = make_chain("1\n2\n", "3\n", "4\n");
  expect_place("processes everywhere, and the top is not the root of all",
               c.top, c.b, false, NULL, EBUSY);
  ck_assert_int_eq(unlink(at("over/top/cgroup.events")), 0);
  expect_place(
      "processes everywhere, and the top is the root of all: it has no "
      "cgroup.events",
      c.top, c.b, false, c.top, 0);
  expect_place("our own is the root of all", c.top, c.top, false, c.top, 0);
}
END_TEST

START_TEST(test_place_within)
{
  struct chain c = make_chain("1\n", "2\n", "3\n");
  expect_place("the group above the top is free, but no business of ours",
               c.top, c.b, false, NULL, EBUSY);
  expect_place("our own is the top, with processes", c.top, c.top, false, NULL,
               EBUSY);
}
END_TEST

START_TEST(test_place_writable)
{
  static const struct {
    const char *name;
    mode_t not, again;
  } files[] = {{"over/top/a", 0555, 0755},
               {"over/top/a/cgroup.procs", 0444, 0644},
               {"over/top/a/cgroup.subtree_control", 0444, 0644}};
  struct chain c = make_chain("", "", "3\n");
  expect_place("the one above is free, and all may be written", c.top, c.b,
               true, c.a, 0);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char what[128];
    snprintf(what, sizeof what, "we may not write to %s, nor to more than that",
             files[i].name + strlen("over/"));
    ck_assert_int_eq(chmod(at(files[i].name), files[i].not ), 0);
    expect_place(what, c.top, c.b, true, c.top, 0);
    ck_assert_int_eq(chmod(at(files[i].name), files[i].again), 0);
  }
}
END_TEST

START_TEST(test_place_fails)
{
  struct chain c = make_chain("", "", "3\n");
  chmod(at("over/top/cgroup.procs"), 0444);
  chmod(at("over/top/a/cgroup.procs"), 0444);
  expect_place("our own has processes, and we may not write to those above",
               c.top, c.b, true, NULL, EBUSY);
  chmod(at("over/top/a/b/cgroup.procs"), 0444);
  expect_place("we may write to none", c.top, c.b, true, NULL, EACCES);
  make_text("over/top/a/b/cgroup.procs", "", 0444);
  chmod(at("over/top/a/b/cgroup.procs"), 0444);
  expect_place("we may write to none, and our own is free", c.top, c.b, true,
               NULL, EACCES);
}
END_TEST

START_TEST(test_place_real)
{
  char below[PATH_MAX];
  const char *group = make_group("place");
  snprintf(below, sizeof below, "%s/in", group);
  ck_assert_int_eq(mkdir(below, 0755), 0);
  put_process(below);
  struct wanted_place wanted = {GROUPS_TOP, below, false};
  expect_descriptor(student_start(find_place, &wanted),
                    "cgroup_place (of the kernel's own "
                    "groups: processes in ours, none in the one above)",
                    group, GROUPS_TOP);
  put_process(group);
  wanted.top = group;
  expect_errno(student_call(find_place, &wanted),
               "cgroup_place (of the kernel's own groups: "
               "processes in ours and in the top above)",
               EBUSY);
  groups_remove();
}
END_TEST

/* ---- cgroup_enable ---- */

/* For bodies: a group, or the place for one. */
struct order {
  const char *group;          /* its directory */
  const char *path;           /* for cgroup_create and cgroup_remove */
  const char *controllers[4]; /* NULL ends them */
  unsigned user;  /* be this one, in the group `in`; 0: stay who we are */
  const char *in; /* our own group then, a directory; or NULL */
};

static void
enable(struct answer *a, const void *arg)
{
  const struct order *order = arg;
  int group = open(order->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  student_answer(a, STUDENT(cgroup_enable)(group, order->controllers));
}

/* A controller of which the kernel says EBUSY if there are processes ("threaded"
 * ones may be beside processes for a while). The test cannot run without. */
static const char *
a_controller(void)
{
  static const char *const names[] = {"memory", "hugetlb", "io"};
  char have[4200];
  snprintf(have, sizeof have, " %s", in_dir(GROUPS_TOP, "cgroup.controllers"));
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *found = strstr(have, names[i]);
    if (found && found[-1] == ' ')
      return names[i];
  }
  need_controllers("memory"); /* which says so */
  return NULL;
}

/* Let the groups below this one have the controller; the test does it. */
static void
hand_on(const char *path, const char *controller)
{
  char order[64];
  snprintf(order, sizeof order, "+%s", controller);
  set_knob(path, "cgroup.subtree_control", order);
}

/* A real group that has the controller. */
static const char *
group_with(const char *controller)
{
  const char *group = make_group("enable");
  hand_on(GROUPS_TOP, controller);
  return group;
}

/* The group hands on exactly that, as the kernel says. */
static void
expect_hands_on(const char *group, const char *wanted, const char *after)
{
  char expected[512], got[512];
  snprintf(got, sizeof got, "%s", in_dir(group, "cgroup.subtree_control"));
  got[strcspn(got, "\n")] = '\0';
  snprintf(expected, sizeof expected, "cgroup.subtree_control after %s: \"%s\"",
           after, wanted);
  EXPECT(strcmp(got, wanted) == 0, expected, "\"%s\"", got);
}

START_TEST(test_enable_real)
{
  const char *controller = a_controller();
  const char *group = group_with(controller);
  struct order order = {.group = group, .controllers = {controller}};
  expect_success(student_call(enable, &order),
                 "cgroup_enable of a controller that the "
                 "group has");
  expect_hands_on(group, controller, "cgroup_enable");
  expect_success(student_call(enable, &order),
                 "cgroup_enable of one that is enabled "
                 "already");
  order.controllers[0] = NULL;
  expect_success(student_call(enable, &order), "cgroup_enable of none");
  expect_hands_on(group, controller, "cgroup_enable of none");
  groups_remove();
}
END_TEST

/* Each word of what was written to a file is in `words`, and each of those was
 * written: in one write or several, in any order. */
static void
expect_orders(const char *file, const char *words, const char *call)
{
  char got[1024] = " ", wanted[256], expected[512], spaced[280];
  size_t n = 1;
  for (size_t i = 0; i < write_count; i++)
    if (strcmp(writes[i].file, file) == 0 && n < sizeof got)
      n += snprintf(got + n, sizeof got - n, "%s ", writes[i].text);
  snprintf(expected, sizeof expected, "%s writes \"%s\" to %s", call, words,
           file);
  snprintf(wanted, sizeof wanted, "%s", words);
  size_t letters = 0, all = 0;
  for (char *save = NULL, *word = strtok_r(wanted, " ", &save); word;
       word = strtok_r(NULL, " ", &save)) {
    snprintf(spaced, sizeof spaced, " %s ", word);
    EXPECT(strstr(got, spaced), expected, "it writes: %s", writes_text());
    letters += strlen(word);
  }
  for (const char *c = got; *c; c++)
    all += *c != ' ';
  EXPECT(all == letters, expected, "it writes: %s", writes_text());
}

START_TEST(test_enable_text)
{
  make_mark();
  const char *group = fake_group("group", "");
  struct order order = {.group = group, .controllers = {"memory", "pids"}};
  const struct answer *a = record_call(group, enable, &order);
  expect_success(a, "cgroup_enable");
  expect_orders("cgroup.subtree_control", "+memory +pids",
                "cgroup_enable of memory and pids");
  EXPECT(strstr(writes_text(), "cgroup.subtree_control: +") == writes_text(),
         "cgroup_enable writes to nothing else", "%s", writes_text());
  order.controllers[0] = NULL;
  a = record_call(group, enable, &order);
  expect_success(a, "cgroup_enable of no controller");
}
END_TEST

START_TEST(test_enable_not_there)
{
  make_mark();
  const char *group = fake_group("group", "");
  static const struct {
    const char *have, *want, *named;
  } cases[] = {{"cpuset memory pids\n", "cpu", "cpu"},
               {"cpuacct memory pids\n", "cpu", "cpu"},
               {"xcpu cpux memory pids\n", "cpu", "cpu"},
               {"memory pids\n", "io", "io"},
               {"\n", "pids", "pids"},
               {"", "pids", "pids"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char call[128], expected[160];
    struct order order = {.group = group, .controllers = {cases[i].want}};
    make_text("group/cgroup.controllers", cases[i].have, 0644);
    snprintf(call, sizeof call,
             "cgroup_enable of %s, where only these are: %.*s,", cases[i].want,
             (int)strcspn(cases[i].have, "\n"), cases[i].have);
    const struct answer *a = student_call(enable, &order);
    expect_errno(a, call, ENOTSUP);
    snprintf(expected, sizeof expected, "the message names the controller %s",
             cases[i].named);
    EXPECT(strstr(a->text, cases[i].named), expected, "\"%s\"", a->text);
    EXPECT(*in_dir(group, "cgroup.subtree_control") == '\0',
           "cgroup_enable that fails has "
           "written nothing",
           "%s", in_dir(group, "cgroup.subtree_control"));
  }
  /* The second of two, or the last of three. */
  make_text("group/cgroup.controllers", "memory pids\n", 0644);
  struct order order = {.group = group,
                        .controllers = {"memory", mark, "pids"}};
  const struct answer *a = student_call(enable, &order);
  expect_errno(a, "cgroup_enable of three, of which the second is not there,",
               ENOTSUP);
  EXPECT(strstr(a->text, mark),
         "the message names the controller that is not there",
         "\"%s\", and it was %s", a->text, mark);
}
END_TEST

START_TEST(test_enable_all_or_none)
{
  const char *controller = a_controller();
  const char *group = group_with(controller);
  make_mark();
  struct order order = {.group = group, .controllers = {controller, mark}};
  expect_errno(student_call(enable, &order),
               "cgroup_enable of one that is there, and one "
               "that is not,",
               ENOTSUP);
  expect_hands_on(group, "", "cgroup_enable that failed");
  hand_on(group, controller);
  expect_errno(student_call(enable, &order),
               "cgroup_enable of one that is there, and one "
               "that is not,",
               ENOTSUP);
  expect_hands_on(group, controller,
                  "cgroup_enable that failed, where it was enabled before");
  groups_remove();
}
END_TEST

START_TEST(test_enable_not_handed_on)
{
  char below[PATH_MAX];
  const char *controller = a_controller();
  const char *group = group_with(controller);
  snprintf(below, sizeof below, "%s/below", group);
  ck_assert_int_eq(mkdir(below, 0755), 0);
  struct order order = {.group = below, .controllers = {controller}};
  const struct answer *a = student_call(enable, &order);
  expect_errno(
      a, "cgroup_enable in a group to which the one above hands nothing on",
      ENOTSUP);
  EXPECT(strstr(a->text, controller), "the message names the controller",
         "\"%s\"", a->text);
  groups_remove();
}
END_TEST

START_TEST(test_enable_busy)
{
  const char *controller = a_controller();
  const char *group = group_with(controller);
  put_process(group);
  struct order order = {.group = group, .controllers = {controller}};
  expect_errno(student_call(enable, &order),
               "cgroup_enable in a group with a process in it", EBUSY);
  groups_remove();
}
END_TEST

/* ---- cgroup_create ---- */

static void
create(struct answer *a, const void *arg)
{
  const struct order *order = arg;
  int place = open(order->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int value = STUDENT(cgroup_create)(place, order->path, order->controllers);
  int error = errno;
  close(place);
  errno = error;
  student_answer(a, value);
}

/* The path of something in a directory. Valid until 4 more. */
static const char *
below(const char *dir, const char *name)
{
  static char paths[4][PATH_MAX];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, PATH_MAX, "%s/%s", dir, name);
  return path;
}

static bool
is_there(const char *dir, const char *name)
{
  return access(below(dir, name), F_OK) == 0;
}

START_TEST(test_create_one)
{
  make_mark();
  const char *group = make_group("create");
  struct order order = {.group = group, .path = mark};
  expect_descriptor(student_start(create, &order), "cgroup_create of one group",
                    below(group, mark), GROUPS_TOP);
  expect_errno(student_call(create, &order),
               "cgroup_create of one that is there", EEXIST);
  EXPECT(is_there(group, mark), "the group that was there is there still",
         "it is gone");
  expect_hands_on(group, "", "cgroup_create without controllers");
  groups_remove();
}
END_TEST

START_TEST(test_create_controllers)
{
  const char *controller = a_controller();
  const char *group = group_with(controller);
  make_mark();
  char path[64], middle[64];
  snprintf(path, sizeof path, "a/%s/c", mark);
  snprintf(middle, sizeof middle, "a/%s", mark);
  struct order order = {
      .group = group, .path = path, .controllers = {controller}};
  expect_descriptor(student_start(create, &order),
                    "cgroup_create of a path of three", below(group, path),
                    GROUPS_TOP);
  expect_hands_on(group, controller, "cgroup_create, in the place");
  expect_hands_on(below(group, "a"), controller,
                  "cgroup_create, in the first group on the "
                  "way");
  expect_hands_on(below(group, middle), controller,
                  "cgroup_create, in the last above");
  expect_hands_on(below(group, path), "",
                  "cgroup_create, in the new group itself");
  char have[256];
  snprintf(have, sizeof have, "%s",
           in_dir(below(group, path), "cgroup.controllers"));
  have[strcspn(have, "\n")] = '\0';
  EXPECT(strcmp(have, controller) == 0,
         "the new group has the controller, as its "
         "cgroup.controllers says",
         "\"%s\", not \"%s\"", have, controller);
  groups_remove();
}
END_TEST

/* A place with the groups a and a/b, all fake. */
static const char *
fake_way(void)
{
  make_mark();
  const char *place = fake_group("place", "");
  fake_group("place/a", "");
  fake_group("place/a/b", "");
  return place;
}

START_TEST(test_create_existing)
{
  const char *place = fake_way();
  char path[64], inside[80];
  snprintf(path, sizeof path, "a/b/%s", mark);
  struct order order = {
      .group = place, .path = path, .controllers = {"memory", "cpu"}};
  const struct answer *a = record_call(place, create, &order);
  EXPECT(a->value >= 0,
         "cgroup_create below groups that are there returns a descriptor",
         "%d, \"%s\"", a->value, a->text);
  EXPECT(is_there(place, path),
         "the group is made below the two that were there",
         "it is "
         "not there");
  expect_orders("cgroup.subtree_control", "+memory +cpu",
                "cgroup_create of \"a/b/c\"");
  expect_orders("a/cgroup.subtree_control", "+memory +cpu",
                "cgroup_create of \"a/b/c\"");
  expect_orders("a/b/cgroup.subtree_control", "+memory +cpu",
                "cgroup_create of \"a/b/c\"");
  snprintf(inside, sizeof inside, "a/b/%s/", mark);
  EXPECT(!strstr(writes_text(), inside),
         "nothing is written in the new group itself", "%s", writes_text());
}
END_TEST

START_TEST(test_create_fails_below)
{
  const char *place = fake_way();
  char path[64];
  snprintf(path, sizeof path, "a/b/%s", mark);
  make_text("place/a/b/cgroup.controllers", "cpu pids\n", 0644);
  struct order order = {
      .group = place, .path = path, .controllers = {"memory"}};
  const struct answer *a = student_call(create, &order);
  expect_errno(
      a, "cgroup_create of \"a/b/c\", where a/b has no memory controller,",
      ENOTSUP);
  EXPECT(strstr(a->text, "memory"), "the message names the controller",
         "\"%s\"", a->text);
  EXPECT(!is_there(place, path), "the group that failed is not there", "it is");
  EXPECT(is_there(place, "a/b"), "groups that were there before stay",
         "they are gone");

  order.path = "a/b";
  order.controllers[0] = "cpu";
  expect_errno(student_call(create, &order),
               "cgroup_create of one that is there", EEXIST);
  EXPECT(is_there(place, "a/b"), "groups that were there before stay",
         "they are gone");
}
END_TEST

START_TEST(test_create_takes_back)
{
  make_mark();
  const char *group = make_group("back");
  char first[64], path[96], depth[PATH_MAX];
  snprintf(first, sizeof first, "a%s", mark);
  snprintf(path, sizeof path, "%s/b/c", first);
  snprintf(depth, sizeof depth, "%s/cgroup.max.depth", group);
  for (int deep = 1; deep <= 2; deep++) {
    /* The kernel then makes the first one, or two, and no more. */
    FILE *file = fopen(depth, "we");
    ck_assert(file && fprintf(file, "%d", deep) > 0 && fclose(file) == 0);
    struct order order = {.group = group, .path = path};
    expect_errno(student_call(create, &order),
                 "cgroup_create of \"a/b/c\" where the kernel "
                 "makes no group so deep",
                 EAGAIN);
    EXPECT(!is_there(group, first),
           "no group is left of a path whose end could not be made",
           "%s is there", first);
  }
  ck_assert_int_eq(mkdir(below(group, first), 0755), 0);
  struct order order = {.group = group, .path = path};
  expect_errno(student_call(create, &order),
               "cgroup_create of \"a/b/c\" where a is there, and "
               "the kernel makes no group as deep as c",
               EAGAIN);
  EXPECT(is_there(group, first), "a group that was there before stays",
         "it is gone");
  snprintf(path, sizeof path, "%s/b", first);
  EXPECT(!is_there(group, path), "no group is left that was not there before",
         "%s is there", path);
  groups_remove();
}
END_TEST

START_TEST(test_create_path)
{
  static const char *const bad[] = {"",     "/",    "/x",     "x/",    "x//y",
                                    ".",    "..",   "./x",    "x/.",   "x/./y",
                                    "../x", "x/..", "x/../y", "x/y/.."};
  static const char *const good[] = {"..x", "x..", "...", ".x", "x.y"};
  const char *place = fake_way();
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char call[64];
    struct order order = {.group = place, .path = bad[i]};
    snprintf(call, sizeof call, "cgroup_create(\"%s\")", bad[i]);
    expect_errno(student_call(create, &order), call, EINVAL);
    EXPECT(!is_there(place, "x") && !is_there(scratch(), "x"),
           "cgroup_create with a path that "
           "is refused makes nothing",
           "after %s there is x", call);
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    char expected[64];
    struct order order = {.group = place, .path = good[i]};
    snprintf(expected, sizeof expected,
             "cgroup_create(\"%s\") makes that group", good[i]);
    const struct answer *a = student_call(create, &order);
    EXPECT(a->value >= 0 && is_there(place, good[i]), expected, "%d, \"%s\"",
           a->value, a->text);
  }
}
END_TEST

/* ---- cgroup_remove ---- */

static void
remove_one(struct answer *a, const void *arg)
{
  const struct order *order = arg;
  int place = open(order->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  student_answer(a, STUDENT(cgroup_remove)(place, order->path));
}

START_TEST(test_remove)
{
  make_mark();
  const char *group = make_group("remove");
  char path[64];
  snprintf(path, sizeof path, "a/%s", mark);
  ck_assert_int_eq(mkdir(below(group, "a"), 0755), 0);
  ck_assert_int_eq(mkdir(below(group, path), 0755), 0);
  struct order order = {.group = group, .path = "a"};
  expect_errno(student_call(remove_one, &order),
               "cgroup_remove of a group with another below "
               "it",
               EBUSY);
  EXPECT(is_there(group, path),
         "cgroup_remove removes one group, and none below it",
         "that one is gone");
  order.path = path;
  expect_success(student_call(remove_one, &order), "cgroup_remove");
  EXPECT(!is_there(group, path), "the group is gone after cgroup_remove",
         "it is there");
  EXPECT(is_there(group, "a"), "the group above it stays", "it is gone");
  expect_success(student_call(remove_one, &order),
                 "cgroup_remove of one that is gone already");
  put_process(below(group, "a"));
  order.path = "a";
  expect_errno(student_call(remove_one, &order),
               "cgroup_remove of a group with a process in "
               "it",
               EBUSY);
  groups_remove();
}
END_TEST

/* ---- an ordinary user ---- */

enum { SOMEBODY = 1000 };

static void
give_to(const char *dir, const char *name)
{
  ck_assert_int_eq(chown(*name ? below(dir, name) : dir, SOMEBODY, SOMEBODY),
                   0);
}

/* cgroup_find, cgroup_place, cgroup_create and cgroup_remove, as an ordinary user
 * in a group. */
static void
use_delegated(struct answer *a, const void *arg)
{
  const struct order *order = arg;
  struct cgroup_here here;
  int procs = open(below(order->in, "cgroup.procs"), O_WRONLY | O_CLOEXEC);
  if (write(procs, "0", 1) != 1 ||
      setresgid(order->user, order->user, order->user) < 0 ||
      setresuid(order->user, order->user, order->user) < 0)
    _exit(99);
  close(procs);
  int value = STUDENT(cgroup_find)("/proc/self", &here);
  int place = value < 0 ? -1 : STUDENT(cgroup_place)(&here);
  value = place < 0
              ? -1
              : STUDENT(cgroup_create)(place, order->path, order->controllers);
  value = value < 0 ? -1
                    : STUDENT(cgroup_create)(place, "gone", order->controllers);
  value = value < 0 ? -1 : STUDENT(cgroup_remove)(place, "gone");
  student_answer(a, value);
}

/* Other users' numbers are to be had here? */
static void
need_other_users(void)
{
  unsigned long long users = 0, outside, count;
  FILE *file = fopen("/proc/self/uid_map", "re");
  while (file && fscanf(file, "%*u %llu %llu", &outside, &count) == 2)
    users += count;
  if (file)
    fclose(file);
  if (users < 65536)
    student_cannot(
        "no other user's number is to be had here (mend it: install newuidmap, "
        "and run: sudo usermod --add-subuids 100000-165535 --add-subgids "
        "100000-165535 YOUR-NAME)");
}

START_TEST(test_delegated)
{
  need_other_users();
  const char *controller = a_controller();
  const char *group = group_with(controller);
  make_mark();
  char own[PATH_MAX], path[64];
  snprintf(own, sizeof own, "%s/session", group);
  ck_assert_int_eq(mkdir(own, 0755), 0);
  static const char *const given[] = {
      "", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"};
  for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
    give_to(group, given[i]);
    give_to(own, given[i]);
  }
  snprintf(path, sizeof path, "%s/x", mark);
  struct order order = {.group = group,
                        .path = path,
                        .controllers = {controller},
                        .user = SOMEBODY,
                        .in = own};
  expect_success(student_call(use_delegated, &order),
                 "3.1 as an ordinary user in a group that "
                 "was delegated to him: find, place, create, remove");
  EXPECT(is_there(group, path),
         "the group is made in the one that was delegated",
         "it is not "
         "there");
  EXPECT(!is_there(group, "gone"), "a group that was made can be removed again",
         "it is there");
  expect_hands_on(below(group, mark), controller,
                  "cgroup_create by an ordinary user");
  groups_remove();
}
END_TEST

void
place_tests(void)
{
  student_test("3.1 cgroup_find finds the mount and our own group in it",
               test_find);
  student_test(
      "3.1 cgroup_find says when there is no cgroup v2, or not our part of it",
      test_find_fails);
  student_test("3.1 cgroup_find reads lines of any length", test_find_long);
  student_test("3.1 cgroup_place takes our own group if nobody is in it",
               test_place_free);
  student_test("3.1 cgroup_place goes up to a group without processes",
               test_place_up);
  student_test(
      "3.1 cgroup_place takes the root of all groups with processes in it",
      test_place_root);
  student_test("3.1 cgroup_place does not go above the top", test_place_within);
  student_test("3.1 cgroup_place takes only what we may write to",
               test_place_writable);
  student_test("3.1 cgroup_place says why there is none", test_place_fails);
  student_test("3.1 cgroup_place finds the place among the kernel's own groups",
               test_place_real);
  student_test("3.1 cgroup_enable hands a controller on", test_enable_real);
  student_test("3.1 cgroup_enable writes an order for each controller",
               test_enable_text);
  student_test("3.1 cgroup_enable names a controller that is not there",
               test_enable_not_there);
  student_test("3.1 cgroup_enable enables all or none",
               test_enable_all_or_none);
  student_test("3.1 cgroup_enable needs the controller from above",
               test_enable_not_handed_on);
  student_test("3.1 cgroup_enable says EBUSY where processes are",
               test_enable_busy);
  student_test("3.1 cgroup_create makes a group", test_create_one);
  student_test("3.1 cgroup_create enables controllers down the path",
               test_create_controllers);
  student_test("3.1 cgroup_create uses groups that are there",
               test_create_existing);
  student_test("3.1 cgroup_create leaves what was there when it fails",
               test_create_fails_below);
  student_test("3.1 cgroup_create takes back what it has made when it fails",
               test_create_takes_back);
  student_test("3.1 cgroup_create refuses a path that does not go down",
               test_create_path);
  student_test("3.1 cgroup_remove removes one group", test_remove);
  student_test("3.1 a delegated group works for an ordinary user",
               test_delegated);
}
