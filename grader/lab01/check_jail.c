/* check_jail.c - lab01's functions, called one at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail.h"
#include "student.h"

/* ---- helpers ---- */

/* A path below scratch(), from a ring of buffers. */
static const char *
at(const char *name)
{
  static char paths[32][PATH_MAX];
  static int next;
  char *path = paths[next++ % 32];
  snprintf(path, PATH_MAX, "%s/%s", scratch(), name);
  return path;
}

static const char *
make_dir(const char *name, mode_t mode)
{
  const char *path = at(name);
  ck_assert_msg(mkdir(path, 0700) == 0 && chmod(path, mode) == 0,
                "the test cannot make %s", path);
  return path;
}

static const char *
make_file(const char *name, const char *text, size_t size, mode_t mode)
{
  const char *path = at(name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ck_assert_msg(fd >= 0 && write(fd, text, size) == (ssize_t)size &&
                fchmod(fd, mode) == 0, "the test cannot write %s", path);
  close(fd);
  return path;
}

static const char *
make_text(const char *name, const char *text, mode_t mode)
{
  return make_file(name, text, strlen(text), mode);
}

/* What a file holds, or "(errno)". */
static const char *
contents(const char *path)
{
  static char text[4096];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (n < 0)
    snprintf(text, sizeof text, "(%s)", strerror(errno));
  else
    text[n] = '\0';
  if (fd >= 0)
    close(fd);
  return text;
}

/* Where a link leads: /proc/PID/root, say. */
static const char *
target(const char *path)
{
  static char text[PATH_MAX];
  ssize_t n = readlink(path, text, sizeof text - 1);
  if (n < 0)
    snprintf(text, sizeof text, "(%s)", strerror(errno));
  else
    text[n] = '\0';
  return text;
}

static const char *
proc_link(pid_t pid, const char *name)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return target(path);
}

/* ---- 1.1 ---- */

/* For bodies: two strings. */
struct enter {
  const char *root, *cwd;
};

static void
enter(struct answer *a, const void *arg)
{
  const struct enter *e = arg;
  student_answer(a, STUDENT(root_enter)(e->root, e->cwd));
}

static void
enter_and_climb(struct answer *a, const void *arg)
{
  enter(a, arg);
  for (int i = 0; i < 20 && a->value == 0; i++)
    if (chdir("..") < 0)
      return;
}

START_TEST(test_enter_root)
{
  struct enter e = {make_dir("root", 0755), "/"};
  pid_t pid = student_start(enter, &e);
  expect_success(student_said(), "root_enter");
  const char *got = proc_link(pid, "root");
  EXPECT(strcmp(got, e.root) == 0, "ROOT is the root directory, as /proc/PID/root "
         "shows it from outside", "%s", got);
  student_end(pid);
}
END_TEST

START_TEST(test_enter_cwd)
{
  struct enter e = {make_dir("root", 0755), "/a/b"};
  make_dir("root/a", 0755);
  const char *expected = make_dir("root/a/b", 0755);
  pid_t pid = student_start(enter, &e);
  expect_success(student_said(), "root_enter with cwd /a/b");
  const char *got = proc_link(pid, "cwd");
  EXPECT(strcmp(got, expected) == 0, "the current directory is ROOT/a/b, as "
         "/proc/PID/cwd shows it from outside", "%s", got);
  student_end(pid);
}
END_TEST

START_TEST(test_enter_climb)
{
  struct enter e = {make_dir("root", 0755), "/"};
  pid_t pid = student_start(enter_and_climb, &e);
  expect_success(student_said(), "root_enter");
  const char *got = proc_link(pid, "cwd");
  EXPECT(strcmp(got, e.root) == 0, "the current directory is inside ROOT, and 20 "
         "times chdir(\"..\") does not change that", "it is %s", got);
  student_end(pid);
}
END_TEST

START_TEST(test_enter_errors)
{
  make_dir("root", 0755);
  struct enter missing = {at("nowhere"), "/"};
  struct enter file = {make_text("file", "x", 0644), "/"};
  struct enter no_cwd = {at("root"), "/nowhere"};
  expect_errno(student_call(enter, &missing), "root_enter(a ROOT that is not "
               "there)", ENOENT);
  expect_errno(student_call(enter, &file), "root_enter(a file)", ENOTDIR);
  expect_errno(student_call(enter, &no_cwd), "root_enter(ROOT, a cwd that is not "
               "there)", ENOENT);
}
END_TEST

static void
nothing(int signal)
{
  (void)signal;
}

static void
wait_through_signals(struct answer *a, const void *arg)
{
  (void)arg;
  /* Without SA_RESTART, so that waitpid(2) fails with EINTR. */
  struct sigaction action = {.sa_handler = nothing};
  struct itimerval often = {{0, 20000}, {0, 20000}};
  sigaction(SIGALRM, &action, NULL);
  pid_t pid = fork();
  if (pid == 0) {
    usleep(200000);
    _exit(42);
  }
  setitimer(ITIMER_REAL, &often, NULL);
  int value = STUDENT(program_wait)(pid);
  memset(&often, 0, sizeof often);
  setitimer(ITIMER_REAL, &often, NULL);
  student_answer(a, value);
}

static void
wait_for_signal(struct answer *a, const void *arg)
{
  pid_t pid = fork();
  if (pid == 0) {
    raise(*(const int *)arg);
    _exit(0);
  }
  student_answer(a, STUDENT(program_wait)(pid));
}

START_TEST(test_wait)
{
  int value = student_call(wait_through_signals, NULL)->value;
  EXPECT(value == 42, "program_wait returns 42, the child's exit status, though "
         "signals arrive meanwhile", "%d", value);
  int signals[] = {SIGTERM, SIGKILL, SIGSEGV};
  for (size_t i = 0; i < 3; i++) {
    value = student_call(wait_for_signal, &signals[i])->value;
    EXPECT(value == 128 + signals[i], "program_wait returns 128+N for a child "
           "that signal N killed", "%d for signal %d", value, signals[i]);
  }
}
END_TEST

/* ---- 1.2 ---- */

static void
read_elf(struct answer *a, const void *path)
{
  struct elf elf = {0};
  student_answer(a, STUDENT(elf_read)(path, &elf));
  if (a->value == 0) {
    size_t n = snprintf(a->text, sizeof a->text, "interp %s\nrpath %s\nrunpath %s\n",
                        elf.interp ?: "-", elf.rpath ?: "-", elf.runpath ?: "-");
    for (size_t i = 0; i < elf.needed.count && n < sizeof a->text; i++)
      n += snprintf(a->text + n, sizeof a->text - n, "needed %s\n",
                    elf.needed.items[i]);
  }
  STUDENT(elf_free)(&elf);
}

static void
find_needs(struct answer *a, const void *path)
{
  struct list paths = {0};
  student_answer(a, STUDENT(needs)(path, &paths));
  for (size_t i = 0, n = 0; a->value == 0 && i < paths.count; i++)
    if (n < sizeof a->text)
      n += snprintf(a->text + n, sizeof a->text - n, "%s\n", paths.items[i]);
}

/* Compile one C file of one line. */
static const char *
compile(const char *name, const char *code, const char *const flags[])
{
  char source[PATH_MAX];
  const char *argv[32] = {"cc", "-o", at(name), "-x", "c"};
  snprintf(source, sizeof source, "%s.c", name);
  int n = 5;
  argv[n++] = make_text(source, code, 0644);
  argv[n++] = "-x";
  argv[n++] = "none";
  while (*flags)
    argv[n++] = *flags++;
  ck_assert_msg(run_program((char **)argv, NULL, 0) == 0,
                "the test cannot compile %s", name);
  return argv[2];
}

#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* -Wl,OPTION,PATH */
static const char *
linker(const char *option, const char *path)
{
  static char flags[4][2 * PATH_MAX];
  static int next;
  char *flag = flags[next++ % 4];
  snprintf(flag, sizeof flags[0], "-Wl,%s,%s", option, path);
  return flag;
}

START_TEST(test_elf_read)
{
  /* Libraries that need nothing themselves, and a program that needs them. */
  const char *one = compile("libone.so", "int one;", FLAGS("-shared", "-nostdlib",
                            "-Wl,-soname,libone.so"));
  const char *program =
      compile("program", "extern int one; void _start(void) { one = 1; }",
              FLAGS("-nostdlib", "-pie", "-Wl,--dynamic-linker,/lib/ld-test.so.9",
                    "-Wl,--enable-new-dtags,-rpath,/opt/run:$ORIGIN", one));
  const struct answer *a = student_call(read_elf, program);
  expect_success(a, "elf_read");
  EXPECT(strcmp(a->text, "interp /lib/ld-test.so.9\nrpath -\nrunpath "
                "/opt/run:$ORIGIN\nneeded libone.so\n") == 0,
         "interp /lib/ld-test.so.9, no rpath, runpath /opt/run:$ORIGIN, needed "
         "libone.so", "%s", a->text);
}
END_TEST

START_TEST(test_elf_static)
{
  const struct answer *a = student_call(find_needs, getenv("PROBE"));
  expect_success(a, "needs(a static program)");
  EXPECT(!a->text[0], "a static program needs nothing", "%s", a->text);
}
END_TEST

/* The bytes of a real program, for breaking. */
static char *
program_bytes(size_t *size)
{
  int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
  struct stat st;
  ck_assert_int_eq(fstat(fd, &st), 0);
  char *bytes = malloc(st.st_size);
  ck_assert_int_eq(read(fd, bytes, st.st_size), st.st_size);
  close(fd);
  *size = st.st_size;
  return bytes;
}

/* Read the ELF file with every length that `cuts` lists; answer 0 if each was
 * refused with ENOEXEC, else the length that was not, in `text`. */
struct cuts {
  const char *path;
  const char *bytes;
  size_t last;
};

static void
cut_everywhere(struct answer *a, const void *arg)
{
  const struct cuts *c = arg;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", c->path);
  for (size_t n = 0; n < c->last; n += n < 1200 ? 1 : 97) {
    struct elf elf = {0};
    if (truncate(path, 0) < 0)
      _exit(99);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (write(fd, c->bytes, n) != (ssize_t)n)
      _exit(99);
    close(fd);
    int value = STUDENT(elf_read)(path, &elf);
    student_answer(a, value);
    STUDENT(elf_free)(&elf);
    if (value != -1 || a->error != ENOEXEC) {
      a->value = n + 1;
      return;
    }
  }
  a->value = 0;
}

START_TEST(test_elf_cut_off)
{
  /* Where the dynamic section ends, as readelf would say it; the file is only
   * good if it reaches at least there. */
  size_t size, last = 0;
  char *bytes = program_bytes(&size);
  const ElfW(Ehdr) *header = (void *)bytes;
  const ElfW(Phdr) *headers = (void *)(bytes + header->e_phoff);
  for (int i = 0; i < header->e_phnum; i++)
    if (headers[i].p_type == PT_DYNAMIC)
      last = headers[i].p_offset + headers[i].p_filesz;
  struct cuts cuts = {make_text("cut", "", 0755), bytes, last};
  const struct answer *a = student_call(cut_everywhere, &cuts);
  EXPECT(a->value == 0, "ENOEXEC for a program cut off anywhere",
         "cut off at byte %d, elf_read set errno to %s (message \"%s\")",
         a->value - 1, strerrorname_np(a->error) ?: "0", a->text);
  free(bytes);
}
END_TEST

/* One way to break the header or a program header of a good program. */
struct breakage {
  const char *what;
  int kind;  /* p_type of the program header to break, or -1 for the header */
  void (*apply)(ElfW(Ehdr) *header, ElfW(Phdr) *this, char *bytes);
};

static void no_magic(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)p, (void)b; h->e_ident[0] = 'X'; }
static void other_class(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)p, (void)b; h->e_ident[EI_CLASS] = h->e_ident[EI_CLASS] == ELFCLASS64 ?
  ELFCLASS32 : ELFCLASS64; }
static void other_machine(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)p, (void)b; h->e_machine = h->e_machine == EM_S390 ? EM_SPARCV9 : EM_S390; }
static void headers_far(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)p, (void)b; h->e_phoff = (ElfW(Off))-8; }
static void offset_far(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)h, (void)b; p->p_offset = (ElfW(Off))1 << 40; }
static void offset_negative(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)h, (void)b; p->p_offset = (ElfW(Off))-16; }
static void size_huge(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)h, (void)b; p->p_filesz = (ElfW(Xword))-1; }

static void
set_dynamic(ElfW(Phdr) *p, char *bytes, ElfW(Sxword) tag, ElfW(Xword) value)
{
  ElfW(Dyn) *d = (void *)(bytes + p->p_offset);
  for (size_t i = 0; i < p->p_filesz / sizeof *d; i++)
    if (d[i].d_tag == tag)
      d[i].d_un.d_val = value;
}
static void names_far(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)h; set_dynamic(p, b, DT_NEEDED, 1 << 30); }
static void table_huge(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)h; set_dynamic(p, b, DT_STRSZ, (ElfW(Xword))1 << 50); }
static void table_nowhere(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{ (void)h; set_dynamic(p, b, DT_STRTAB, (ElfW(Xword))1 << 50); }

START_TEST(test_elf_hostile)
{
  static const struct breakage breakages[] = {
      {"a file without the magic number", -1, no_magic},
      {"a program of the other word size", -1, other_class},
      {"a program for another processor", -1, other_machine},
      {"program headers far behind the end", -1, headers_far},
      {"an interpreter's name far behind the end", PT_INTERP, offset_far},
      {"an interpreter's name before the start", PT_INTERP, offset_negative},
      {"an interpreter's name of 2^64 bytes", PT_INTERP, size_huge},
      {"a dynamic section far behind the end", PT_DYNAMIC, offset_far},
      {"a dynamic section of 2^64 bytes", PT_DYNAMIC, size_huge},
      {"a library's name outside the string table", PT_DYNAMIC, names_far},
      {"a string table of 2^50 bytes", PT_DYNAMIC, table_huge},
      {"a string table at an address in no segment", PT_DYNAMIC, table_nowhere},
  };
  for (size_t i = 0; i < sizeof breakages / sizeof *breakages; i++) {
    size_t size;
    char *bytes = program_bytes(&size), call[128];
    ElfW(Ehdr) *header = (void *)bytes;
    ElfW(Phdr) *headers = (void *)(bytes + header->e_phoff), *this = NULL;
    for (int j = 0; j < header->e_phnum; j++)
      if ((int)headers[j].p_type == breakages[i].kind)
        this = &headers[j];
    breakages[i].apply(header, this, bytes);
    const char *path = make_file("broken", bytes, size, 0755);
    free(bytes);
    snprintf(call, sizeof call, "elf_read(%s)", breakages[i].what);
    expect_errno(student_call(read_elf, path), call, ENOEXEC);
  }
  expect_errno(student_call(find_needs, make_text("text", "hello\n", 0755)),
               "needs(a text file)", ENOEXEC);
  expect_errno(student_call(find_needs, make_text("empty", "", 0755)),
               "needs(an empty file)", ENOEXEC);
  expect_errno(student_call(find_needs, at("nowhere")),
               "needs(a file that is not there)", ENOENT);
}
END_TEST

/* Does the answer hold this path as a line, however it is spelled? */
static int
lines_with(const char *text, const char *path)
{
  char real[PATH_MAX], mine[PATH_MAX], line[PATH_MAX];
  int count = 0;
  if (!realpath(path, real))
    return 0;
  for (; *text; text += strcspn(text, "\n") + 1) {
    snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
    count += realpath(line, mine) && strcmp(real, mine) == 0;
  }
  return count;
}

static int
count_lines(const char *text)
{
  int count = 0;
  for (; *text; text++)
    count += *text == '\n';
  return count;
}

START_TEST(test_needs_chain)
{
  char dir[PATH_MAX];
  snprintf(dir, sizeof dir, "%s", scratch());
  /* program -> libone -> libtwo -> libthree, the last two found by $ORIGIN, and
   * libthree -> libone, which closes a circle. */
  const char *stub = compile("libone.so", "int one;",
                             FLAGS("-shared", "-nostdlib",
                                   "-Wl,-soname,libone.so"));
  const char *three = compile("libthree.so", "extern int one; int three(void)"
      " { return one; }", FLAGS("-shared", "-nostdlib", "-fPIC", stub,
      "-Wl,--enable-new-dtags,-rpath,$ORIGIN"));
  (void)three;
  compile("libtwo.so", "extern int three(void); int two(void) { return three(); }",
          FLAGS("-shared", "-nostdlib", "-fPIC", "-L", dir, "-l:libthree.so",
                "-Wl,--enable-new-dtags,-rpath,$ORIGIN"));
  compile("libone.so", "extern int two(void); int one; int f(void)"
          " { return two(); }",
          FLAGS("-shared", "-nostdlib", "-fPIC", "-L", dir, "-l:libtwo.so",
                "-Wl,-soname,libone.so", "-Wl,--allow-shlib-undefined", "-Wl,--enable-new-dtags,-rpath,$ORIGIN"));
  const char *program =
      compile("program", "extern int one; int main(void) { return one; }",
              FLAGS("-L", dir, "-l:libone.so", linker("-rpath", dir),
                    linker("-rpath-link", dir), "-Wl,--allow-shlib-undefined"));
  const struct answer *a = student_call(find_needs, program);
  expect_success(a, "needs(a program with libraries of its own)");
  static const char *const libraries[] = {"libone.so", "libtwo.so", "libthree.so"};
  for (size_t i = 0; i < 3; i++)
    EXPECT(lines_with(a->text, at(libraries[i])) == 1,
           "the program's library, that library's library, and the next, each "
           "once", "%s %d times, in this list: %s", libraries[i],
           lines_with(a->text, at(libraries[i])), a->text);
}
END_TEST

/* What the dynamic loader itself says that a program needs, a path a line. This
 * is safe for programs of the system. */
static void
ask_loader(const char *interp, const char *program, char *out, size_t size)
{
  char raw[65536], *save;
  size_t n = 0;
  char *argv[] = {(char *)interp, "--list", (char *)program, NULL};
  ck_assert_int_eq(run_program(argv, raw, sizeof raw), 0);
  out[0] = '\0';
  for (char *line = strtok_r(raw, "\n", &save); line;
       line = strtok_r(NULL, "\n", &save)) {
    char *slash = strchr(line, '/');
    if (slash && strstr(line, " => "))
      slash = strchr(strstr(line, " => "), '/');
    if (!slash)
      continue; /* linux-vdso is part of the kernel */
    slash[strcspn(slash, " ")] = '\0';
    n += snprintf(out + n, size - n, "%s\n", slash);
  }
}

START_TEST(test_needs_real)
{
  static const char *const programs[] = {
      "/bin/bash", "/bin/ls", "/bin/tar", "/usr/bin/perl", "/usr/bin/python3",
      "/usr/bin/gcc", "/bin/mount", "/usr/bin/git",
  };
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
    char list[65536], interp[PATH_MAX];
    if (access(programs[i], X_OK) < 0)
      continue;
    const struct answer *a = student_call(read_elf, programs[i]);
    expect_success(a, "elf_read(a program of the system)");
    if (sscanf(a->text, "interp %4095s", interp) != 1 || interp[0] != '/')
      continue;
    ask_loader(interp, programs[i], list, sizeof list);
    a = student_call(find_needs, programs[i]);
    expect_success(a, "needs(a program of the system)");
    for (char *line = list; *line; line += strlen(line) + 1) {
      line[strcspn(line, "\n")] = '\0';
      EXPECT(lines_with(a->text, line) == 1, "every file that the dynamic loader "
             "lists, once", "%s: %s %d times", programs[i], line,
             lines_with(a->text, line));
      line[strlen(line)] = '\0';
    }
    ask_loader(interp, programs[i], list, sizeof list);
    EXPECT(count_lines(a->text) <= count_lines(list) + 1, "no file that the "
           "dynamic loader does not list", "%s: these: %s, the loader's: %s",
           programs[i], a->text, list);
  }
}
END_TEST

START_TEST(test_needs_executes_nothing)
{
  /* Its interpreter, and a constructor in its library, leave a mark. */
  char code[2 * PATH_MAX], mark[PATH_MAX], evil[PATH_MAX];
  snprintf(mark, sizeof mark, "%s", at("mark"));
  snprintf(code, sizeof code, "#include <fcntl.h>\n__attribute__((constructor)) "
           "void f(void) { open(\"%s\", O_CREAT | O_WRONLY, 0644); } int one;\n",
           mark);
  const char *library = compile("libevil.so", code, FLAGS("-shared", "-fPIC"));
  snprintf(code, sizeof code, "#include <fcntl.h>\nint main(void) { return "
           "open(\"%s\", O_CREAT | O_WRONLY, 0644) < 0; }\n", mark);
  snprintf(evil, sizeof evil, "%s", compile("evil", code, FLAGS("-static")));
  const char *program =
      compile("program", "extern int one; int main(void) { return one; }",
              FLAGS(library, linker("-rpath", scratch()),
                    linker("--dynamic-linker", evil)));
  const struct answer *a = student_call(find_needs, program);
  EXPECT(access(mark, F_OK) < 0, "nothing is executed to find out what a program "
         "needs", "the program's own \"interpreter\" or a constructor was run");
  expect_success(a, "needs(a program with an interpreter of its own)");
  EXPECT(lines_with(a->text, evil) == 1, "the interpreter that the program names",
         "%s", a->text);
}
END_TEST

START_TEST(test_needs_missing)
{
  const char *library = compile("libgone.so", "int one;",
                                FLAGS("-shared", "-nostdlib"));
  const char *program =
      compile("program", "extern int one; int main(void) { return one; }",
              FLAGS("-L", scratch(), "-l:libgone.so"));
  unlink(library);
  const struct answer *a = student_call(find_needs, program);
  expect_errno(a, "needs(a program whose library is nowhere)", ENOENT);
  EXPECT(strstr(a->text, "libgone.so"), "a message with the name libgone.so",
         "%s", a->text);
}
END_TEST

START_TEST(test_needs_script)
{
  char line[PATH_MAX + 64], interp[PATH_MAX];
  snprintf(interp, sizeof interp, "%s", at("interp"));
  char *argv[] = {"cp", getenv("PROBE"), interp, NULL};
  ck_assert_int_eq(run_program(argv, NULL, 0), 0);

  snprintf(line, sizeof line, "#! %s -x y\necho\n", interp);
  const struct answer *a = student_call(find_needs, make_text("script", line, 0755));
  expect_success(a, "needs(a script)");
  EXPECT(lines_with(a->text, interp) == 1 && count_lines(a->text) == 1,
         "a script needs its interpreter, without the blanks and options of its "
         "first line", "%s", a->text);

  snprintf(line, sizeof line, "#!%s\n", at("script"));
  a = student_call(find_needs, make_text("outer", line, 0755));
  expect_success(a, "needs(a script for a script)");
  EXPECT(lines_with(a->text, at("script")) == 1 && lines_with(a->text, interp) == 1,
         "a script whose interpreter is a script needs both, and what they need",
         "%s", a->text);

  a = student_call(find_needs, make_text("sh", "#!/bin/sh\n", 0755));
  expect_success(a, "needs(a #!/bin/sh script)");
  EXPECT(count_lines(a->text) > 1, "/bin/sh, and what /bin/sh needs", "%s",
         a->text);

  expect_errno(student_call(find_needs, make_text("bad", "#!/no/where\n", 0755)),
               "needs(a script with an interpreter that is not there)", ENOENT);
  snprintf(line, sizeof line, "#!%s\n", at("loop"));
  expect_errno(student_call(find_needs, make_text("loop", line, 0755)),
               "needs(a script that is its own interpreter)", ELOOP);
}
END_TEST

/* ---- 1.3 ---- */

/* For bodies. */
struct copy {
  const char *source;  /* NULL: copy_in(path), else copy_file(source, path) */
  const char *root, *path;
};

static void
copy(struct answer *a, const void *arg)
{
  const struct copy *c = arg;
  int root = open(c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  umask(077);
  student_answer(a, c->source ? STUDENT(copy_file)(c->source, root, c->path)
                              : STUDENT(copy_in)(root, c->path));
}

static mode_t
mode_of(const char *path)
{
  struct stat st;
  return lstat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

START_TEST(test_copy_mode)
{
  static const mode_t modes[][2] = {{0755, 0755}, {0640, 0640}, {04755, 0755},
                                    {02711, 0711}, {0555, 0555}};
  const char *root = make_dir("root", 0755);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    struct copy c = {make_text("source", "the bytes", modes[i][0]), root, "/copy"};
    unlink(at("root/copy"));
    expect_success(student_call(copy, &c), "copy_file");
    const char *got = contents(at("root/copy"));
    EXPECT(strcmp(got, "the bytes") == 0, "the same bytes", "%s", got);
    mode_t mode = mode_of(at("root/copy"));
    EXPECT(mode == modes[i][1], "the nine permission bits of the source, whatever "
           "the umask, and no set-user-ID or set-group-ID", "%04o from %04o with "
           "umask 077", mode, modes[i][0]);
    unlink(at("source"));
  }
}
END_TEST

START_TEST(test_copy_replaces)
{
  make_dir("root", 0755);
  struct copy c = {make_text("source", "new", 0755), at("root"), "/copy"};
  make_text("root/copy", "something old and longer", 0644);
  expect_success(student_call(copy, &c), "copy_file over an older file");
  const char *got = contents(at("root/copy"));
  EXPECT(strcmp(got, "new") == 0, "the new bytes and nothing else", "%s", got);
}
END_TEST

START_TEST(test_copy_again)
{
  struct stat before, after;
  make_dir("root", 0755);
  struct copy c = {make_text("source", "the same", 0755), at("root"), "/copy"};
  expect_success(student_call(copy, &c), "copy_file");
  ck_assert_int_eq(stat(at("root/copy"), &before), 0);
  usleep(20000);
  expect_success(student_call(copy, &c), "copy_file, a second time");
  ck_assert_int_eq(stat(at("root/copy"), &after), 0);
  EXPECT(before.st_ino == after.st_ino &&
         before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
         before.st_mtim.tv_nsec == after.st_mtim.tv_nsec,
         "a copy that is there already is left as it is", "it was written again");
}
END_TEST

START_TEST(test_copy_half)
{
  /* A file system with room for less than the file. */
  static char big[300000];
  make_dir("root", 0755);
  memset(big, 'x', sizeof big);
  struct copy c = {make_file("source", big, sizeof big, 0755), at("root"), "/copy"};
  if (mount("small", c.root, "tmpfs", 0, "size=100k,mode=755") < 0)
    ck_abort_msg("the test cannot mount a tmpfs: %s", strerror(errno));
  make_text("root/copy", "the old file", 0644);
  const struct answer *a = student_call(copy, &c);
  char old[64], *argv[] = {"ls", "-A", (char *)c.root, NULL}, names[4096];
  snprintf(old, sizeof old, "%.60s", contents(at("root/copy")));
  run_program(argv, names, sizeof names);
  umount2(c.root, MNT_DETACH);
  expect_errno(a, "copy_file with no space left", ENOSPC);
  EXPECT(strcmp(old, "the old file") == 0, "the old file, if the new one does not "
         "fit", "%s", old);
  EXPECT(strcmp(names, "copy\n") == 0, "nothing but the old file", "%s", names);
}
END_TEST

START_TEST(test_copy_planted_name)
{
  make_dir("root", 0755);
  const char *victim = make_text("victim", "precious", 0644);
  struct copy c = {make_text("source", "the bytes", 0755), at("root"), "/copy"};
  ck_assert_int_eq(symlink(victim, at("root/copy")), 0);
  expect_success(student_call(copy, &c), "copy_file onto a symbolic link");
  const char *got = contents(victim);
  EXPECT(strcmp(got, "precious") == 0, "a link planted in ROOT leads no write out "
         "of ROOT", "the file it points to now holds \"%s\"", got);
  got = contents(at("root/copy"));
  EXPECT(strcmp(got, "the bytes") == 0, "the link is replaced by the file", "%s",
         got);
}
END_TEST

/* How many entries a directory has. */
static int
count_entries(const char *path)
{
  char *argv[] = {"ls", "-A", (char *)path, NULL}, names[4096];
  run_program(argv, names, sizeof names);
  return count_lines(names);
}

START_TEST(test_copy_planted_directory)
{
  /* In ROOT, a directory on the way is a link to one of the host's: by an
   * absolute path, by one with "..", and by a link to a link. */
  static const char *const links[] = {"%s/outside", "../../../..%s/outside",
                                      "other"};
  char planted[PATH_MAX], to[PATH_MAX], work[64];
  snprintf(work, sizeof work, "%s", scratch());
  make_dir("src", 0755);
  const char *source = make_text("src/file", "the bytes", 0755);
  make_dir("outside", 0777);
  for (size_t i = 0; i < 3; i++) {
    char name[16];
    snprintf(name, sizeof name, "root%zu", i);
    const char *root = make_dir(name, 0755);
    struct copy parents = {NULL, root, scratch()};
    expect_success(student_call(copy, &parents), "copy_in(a directory)");
    snprintf(planted, sizeof planted, "%s%s/src", root, work);
    snprintf(to, sizeof to, links[i], work);
    ck_assert_int_eq(symlink(to, planted), 0);
    if (i == 2) {
      snprintf(planted, sizeof planted, "%s%s/other", root, work);
      snprintf(to, sizeof to, "%s/outside", work);
      ck_assert_int_eq(symlink(to, planted), 0);
    }
    struct copy c = {NULL, root, source};
    student_call(copy, &c); /* success or failure are both right */
    int count = count_entries(at("outside"));
    EXPECT(count == 0, "a link planted in ROOT leads no write out of ROOT",
           "a file was written through the link to %s", to);
  }
}
END_TEST

START_TEST(test_copy_links)
{
  /* a -> b/c, where b -> d and d/c -> /.../e/file: three links, two of them
   * relative, one absolute. */
  char path[PATH_MAX], inside[PATH_MAX];
  static const char *const links[][2] = {
      {"a", "b/c"}, {"b", "d"}, {"d/c", NULL}};
  const char *root = make_dir("root", 0755);
  make_dir("d", 0750);
  make_dir("e", 0711);
  const char *file = make_text("e/file", "the bytes", 0755);
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(symlink(links[i][1] ?: file, at(links[i][0])), 0);
  struct copy c = {NULL, root, at("a")};
  expect_success(student_call(copy, &c), "copy_in(a path with three links)");
  for (size_t i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s%s", root, at(links[i][0]));
    const char *got = target(path), *expected = links[i][1] ?: file;
    EXPECT(strcmp(got, expected) == 0, "every symbolic link on the way is a link "
           "in ROOT too, with the same target", "%s -> %s, not -> %s",
           links[i][0], got, expected);
  }
  snprintf(path, sizeof path, "%s%s", root, file);
  const char *got = contents(path);
  EXPECT(strcmp(got, "the bytes") == 0, "the file at the end of the links", "%s",
         got);
  static const char *const directories[] = {"d", "e"};
  for (size_t i = 0; i < 2; i++) {
    snprintf(inside, sizeof inside, "%s%s", root, at(directories[i]));
    mode_t mode = mode_of(inside);
    EXPECT(mode == mode_of(at(directories[i])), "directories with the host's "
           "modes, whatever the umask", "%s: %04o, not %04o", directories[i],
           mode, mode_of(at(directories[i])));
  }
  usleep(20000);
  struct stat before, after;
  ck_assert_int_eq(stat(path, &before), 0);
  expect_success(student_call(copy, &c), "copy_in, a second time");
  ck_assert_int_eq(stat(path, &after), 0);
  EXPECT(before.st_ino == after.st_ino, "the second time changes nothing",
         "the file was written again");
}
END_TEST

START_TEST(test_copy_errors)
{
  const char *root = make_dir("root", 0755);
  ck_assert_int_eq(symlink("loop", at("loop")), 0);
  ck_assert_int_eq(mkfifo(at("fifo"), 0644), 0);
  make_text("file", "x", 0644);
  struct copy loop = {NULL, root, at("loop")}, gone = {NULL, root, at("gone")};
  struct copy relative = {NULL, root, "etc/passwd"};
  struct copy fifo = {at("fifo"), root, "/fifo"};
  expect_errno(student_call(copy, &loop), "copy_in(a link to itself)", ELOOP);
  expect_errno(student_call(copy, &gone), "copy_in(what is not there)", ENOENT);
  expect_errno(student_call(copy, &relative), "copy_in(a relative path)", EINVAL);
  expect_errno(student_call(copy, &fifo), "copy_file(a FIFO)", EINVAL);
}
END_TEST

/* ---- 1.5 ---- */

/* For bodies: a jail of the careless kind. */
struct jail {
  const char *root;
  const char *leak;     /* a directory to leave open, or NULL */
  const char *decoy;    /* one inside the jail, left open with a lower number */
  bool by_fd;
  bool unprivileged;    /* without CAP_SYS_CHROOT */
};

static void
break_out(struct answer *a, const void *arg)
{
  const struct jail *jail = arg;
  int leak = jail->leak ? open(jail->leak, O_RDONLY | O_DIRECTORY) : -1;
  int decoy = jail->decoy ? open(jail->decoy, O_RDONLY | O_DIRECTORY) : -1;
  if (decoy >= 0 && leak >= 0) {
    dup2(leak, 700);
    close(leak);
  }
  if (chdir(jail->root) < 0 || chroot(".") < 0)
    _exit(99);
  if (jail->unprivileged) {
    cap_value_t cap = CAP_SYS_CHROOT;
    cap_t caps = cap_get_proc();
    cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR);
    cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_CLEAR);
    cap_set_proc(caps);
    cap_free(caps);
  }
  student_answer(a, jail->by_fd ? STUDENT(escape_fd)() : STUDENT(escape_chroot)());
}

/* A jail some way down, and a file outside with contents that nobody can guess. */
static const char *
deep_root(void)
{
  make_dir("a", 0755);
  make_dir("a/b", 0755);
  make_dir("a/b/c", 0755);
  return make_dir("a/b/c/root", 0755);
}

static void
expect_outside(const struct jail *jail, const char *call)
{
  char marker[64], path[PATH_MAX];
  snprintf(marker, sizeof marker, "%d %ld", getpid(), random());
  const char *file = make_text("marker", marker, 0644);
  pid_t pid = student_start(break_out, jail);
  expect_success(student_said(), call);
  snprintf(path, sizeof path, "/proc/%d/cwd%s", pid, file);
  const char *got = proc_link(pid, "cwd");
  EXPECT(strcmp(got, "/") == 0, "afterwards the current directory is the real "
         "root, as seen from outside", "%s", got);
  got = contents(path);
  EXPECT(strcmp(got, marker) == 0, "from there a file outside can be read", "%s",
         got);
  if (!jail->unprivileged) {
    got = proc_link(pid, "root");
    EXPECT(strcmp(got, "/") == 0, "afterwards the root directory is the real root "
           "too", "%s", got);
  }
  student_end(pid);
  int count = count_entries(jail->root);
  EXPECT(count == (jail->decoy ? 1 : 0), "nothing is left behind in the jail",
         "%d entries", count);
}

START_TEST(test_escape_chroot)
{
  struct jail jail = {.root = deep_root()};
  expect_outside(&jail, "escape_chroot");
}
END_TEST

START_TEST(test_escape_fd)
{
  struct jail jail = {.root = deep_root(), .leak = at("a"), .by_fd = true};
  expect_outside(&jail, "escape_fd");
}
END_TEST

START_TEST(test_escape_fd_unprivileged)
{
  struct jail jail = {.root = deep_root(), .leak = at("a/b"), .by_fd = true,
                      .unprivileged = true};
  expect_outside(&jail, "escape_fd without CAP_SYS_CHROOT");
}
END_TEST

START_TEST(test_escape_fd_decoy)
{
  struct jail jail = {.root = deep_root(), .leak = at("a/b"), .by_fd = true,
                      .decoy = make_dir("a/b/c/root/decoy", 0755)};
  expect_outside(&jail, "escape_fd, where descriptor 3 is a directory inside and "
                 "700 one outside");
}
END_TEST

START_TEST(test_escape_fd_none)
{
  struct jail jail = {.root = deep_root(), .by_fd = true,
                      .decoy = make_dir("a/b/c/root/decoy", 0755)};
  expect_errno(student_call(break_out, &jail), "escape_fd with no descriptor that "
               "leads out", EBADF);
}
END_TEST

/* ---- 1.7 ---- */

/* Open descriptors here and there, seal, and let the probe list what is left. */
static void
seal_and_list(struct answer *a, const void *path)
{
  static const int numbers[] = {3, 4, 63, 255, 256, 1023, 1024, 4000};
  char probe[PATH_MAX];
  struct rlimit limit;
  snprintf(probe, sizeof probe, "%s", getenv("PROBE"));
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int out = open("/tmp", O_RDONLY | O_DIRECTORY);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    dup2(out, numbers[i]);
  limit.rlim_cur = 128; /* open descriptors stay open above a lowered limit */
  setrlimit(RLIMIT_NOFILE, &limit);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dup2(file, 1);
  student_answer(a, STUDENT(seal)());
  if (a->value < 0)
    return;
  execl(probe, "probe", "descriptors", NULL);
  _exit(99);
}

static void
seal_without_proc(struct answer *a, const void *out)
{
  if (unshare(CLONE_NEWNS) < 0 ||
      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      umount2("/proc", MNT_DETACH) < 0)
    _exit(99);
  seal_and_list(a, out);
}

static void
expect_sealed(void (*body)(struct answer *, const void *), const char *where)
{
  const char *out = make_text("out", "", 0644);
  /* The probe takes the child's place and ends by itself. */
  pid_t pid = student_start(body, out);
  int status;
  if (student_said()->value < 0) {
    student_end(pid);
    expect_success(student_said(), "seal");
  }
  waitpid(pid, &status, 0);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0,
         "a program can be executed after seal", "status %x", status);
  char got[4096];
  snprintf(got, sizeof got, "%s", contents(out));
  EXPECT(!got[0], where, "open in the program: %s", got);
}

START_TEST(test_seal)
{
  expect_sealed(seal_and_list, "no descriptor from 3 up crosses an execve");
}
END_TEST

START_TEST(test_seal_without_proc)
{
  expect_sealed(seal_without_proc, "no descriptor from 3 up crosses an execve, "
                "also without /proc");
}
END_TEST

int
main(int argc, char **argv)
{
  const struct named_test tests[] = {
      {"1.1 makes ROOT the root directory", test_enter_root},
      {"1.1 makes cwd the current directory", test_enter_cwd},
      {"1.1 leaves no way up by ..", test_enter_climb},
      {"1.1 refuses directories that are not there", test_enter_errors},
      {"1.1 waits, and tells a status from a signal", test_wait},
      {"1.2 reads an ELF file", test_elf_read},
      {"1.2 a static program needs nothing", test_elf_static},
      {"1.2 refuses a file that is cut off", test_elf_cut_off},
      {"1.2 refuses broken, foreign and other files", test_elf_hostile},
      {"1.2 finds the libraries of libraries", test_needs_chain},
      {"1.2 agrees with the dynamic loader", test_needs_real},
      {"1.2 executes nothing", test_needs_executes_nothing},
      {"1.2 names a library that is missing", test_needs_missing},
      {"1.2 knows what a script needs", test_needs_script},
      {"1.3 copies bytes and mode", test_copy_mode},
      {"1.3 replaces an older file", test_copy_replaces},
      {"1.3 leaves a copy that is there", test_copy_again},
      {"1.3 leaves no half file", test_copy_half},
      {"1.3 replaces a link planted as the file", test_copy_planted_name},
      {"1.3 goes through no link out of ROOT", test_copy_planted_directory},
      {"1.3 copies links and directories on the way", test_copy_links},
      {"1.3 refuses what it cannot copy", test_copy_errors},
      {"1.5 breaks out by chroot", test_escape_chroot},
      {"1.5 breaks out by a descriptor", test_escape_fd},
      {"1.5 breaks out by a descriptor without privilege",
       test_escape_fd_unprivileged},
      {"1.5 passes over descriptors that lead nowhere", test_escape_fd_decoy},
      {"1.5 finds no way where there is none", test_escape_fd_none},
      {"1.7 marks every descriptor", test_seal},
      {"1.7 marks every descriptor without /proc", test_seal_without_proc},
  };
  return student_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
