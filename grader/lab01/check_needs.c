/* check_needs.c - 1.2, one function at a time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_lab01.h"

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
static void table_gone(ElfW(Ehdr) *h, ElfW(Phdr) *p, char *b)
{
  (void)h;
  ElfW(Dyn) *d = (void *)(b + p->p_offset);
  for (size_t i = 0; i < p->p_filesz / sizeof *d; i++)
    if (d[i].d_tag == DT_STRTAB || d[i].d_tag == DT_STRSZ)
      d[i].d_tag = DT_DEBUG;
}
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
      {"names, and no string table", PT_DYNAMIC, table_gone},
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

START_TEST(test_needs_order)
{
  /* The program says where libone and libtwo lie. libone needs libtwo as well and
   * says nothing, but by then libtwo is there. */
  char dir[PATH_MAX];
  snprintf(dir, sizeof dir, "%s", scratch());
  compile("libtwo.so", "int two;", FLAGS("-shared", "-nostdlib"));
  compile("libone.so", "extern int two; int one(void) { return two; }",
          FLAGS("-shared", "-nostdlib", "-fPIC", "-L", dir, "-l:libtwo.so"));
  const char *program =
      compile("program", "extern int two, one(void); int main(void) { return "
              "one() + two; }",
              FLAGS("-L", dir, "-l:libone.so", "-l:libtwo.so",
                    "-Wl,--enable-new-dtags", linker("-rpath", dir)));
  const struct answer *a = student_call(find_needs, program);
  expect_success(a, "needs(a program whose library needs another library of the "
                 "program's)");
  EXPECT(lines_with(a->text, at("libone.so")) == 1 &&
         lines_with(a->text, at("libtwo.so")) == 1,
         "both libraries, once each", "%s", a->text);
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

START_TEST(test_needs_rpath)
{
  /* The older DT_RPATH also holds for the libraries of libraries; so the way back
   * to the program matters (ld.so(8)). */
  char dir[PATH_MAX];
  snprintf(dir, sizeof dir, "%s", scratch());
  compile("libtwo.so", "int two;", FLAGS("-shared", "-nostdlib"));
  compile("libone.so", "extern int two; int one(void) { return two; }",
          FLAGS("-shared", "-nostdlib", "-fPIC", "-L", dir, "-l:libtwo.so"));
  const char *program =
      compile("program", "extern int one(void); int main(void) { return one(); }",
              FLAGS("-L", dir, "-l:libone.so", "-Wl,--disable-new-dtags",
                    linker("-rpath", dir), linker("-rpath-link", dir)));
  const struct answer *a = student_call(find_needs, program);
  expect_success(a, "needs(a program with DT_RPATH, whose library needs one from "
                 "there)");
  EXPECT(lines_with(a->text, at("libtwo.so")) == 1, "the library's library, by the "
         "DT_RPATH of the program that loaded it", "%s", a->text);
}
END_TEST

START_TEST(test_needs_names)
{
  /* libone.so is a link; the loader opens it by that name. */
  char line[PATH_MAX + 1];
  make_dir("real", 0755);
  compile("real/libone.so.1.2", "int one;", FLAGS("-shared", "-nostdlib",
                                                  "-Wl,-soname,libone.so"));
  ck_assert_int_eq(symlink("real/libone.so.1.2", at("libone.so")), 0);
  const char *program =
      compile("program", "extern int one; int main(void) { return one; }",
              FLAGS("-L", scratch(), "-l:libone.so", linker("-rpath", scratch())));
  const struct answer *a = student_call(find_needs, program);
  expect_success(a, "needs(a program whose library is a link)");
  snprintf(line, sizeof line, "%s\n", at("libone.so"));
  EXPECT(strstr(a->text, line), "the path under which the loader opens it, with its "
         "links not resolved: .../libone.so", "%s", a->text);
}
END_TEST

START_TEST(test_needs_secret)
{
  const char *secret = make_text("secret", "the password is onggi\n", 0600);
  const char *program = compile("program", "int main(void) { return 0; }",
                                FLAGS(linker("--dynamic-linker", secret)));
  expect_errno(student_call(find_needs, program), "needs(a program whose "
               "\"interpreter\" is a text file of the host)", ENOEXEC);
  unlink(secret);
  expect_errno(student_call(find_needs, program), "needs(a program whose "
               "interpreter is not there)", ENOENT);
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

void
needs_tests(void)
{
  student_test("1.2 reads an ELF file", test_elf_read);
  student_test("1.2 a static program needs nothing", test_elf_static);
  student_test("1.2 refuses a file that is cut off", test_elf_cut_off);
  student_test("1.2 refuses broken, foreign and other files", test_elf_hostile);
  student_test("1.2 finds the libraries of libraries", test_needs_chain);
  student_test("1.2 finds a library that somebody asked for before",
               test_needs_order);
  student_test("1.2 passes the way back on to library_find", test_needs_rpath);
  student_test("1.2 lists the names that the loader uses", test_needs_names);
  student_test("1.2 refuses an interpreter that is no program",
               test_needs_secret);
  student_test("1.2 agrees with the dynamic loader", test_needs_real);
  student_test("1.2 executes nothing", test_needs_executes_nothing);
  student_test("1.2 names a library that is missing", test_needs_missing);
  student_test("1.2 knows what a script needs", test_needs_script);
}
