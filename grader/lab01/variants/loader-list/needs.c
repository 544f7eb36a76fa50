/* loader-list: instead of following DT_NEEDED, needs() asks the dynamic loader
 * with --list. Not the one that the file names, which may be anybody's program,
 * but the one that this very process was started with. elf_read reads by
 * pread(2) into a small window; scripts are followed by a loop. seal.c walks
 * through /proc/self/fd, and tries every number where there is no /proc. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"

static int
cut_off(const char *path, const char *what)
{
  return refuse(ENOEXEC, "%s: is cut off or broken: %s", path, what);
}

/* Does the file have `size` bytes at `offset`? */
static bool
holds(int fd, ElfW(Off) offset, size_t size)
{
  struct stat st;
  return fstat(fd, &st) == 0 && offset <= (size_t)st.st_size &&
         size <= st.st_size - offset;
}

/* Read `size` bytes at `offset` into `to`: all of them, or nothing counts. */
static int
window(int fd, ElfW(Off) offset, void *to, size_t size)
{
  return holds(fd, offset, size) &&
         pread(fd, to, size, offset) == (ssize_t)size ? 0 : -1;
}

/* One string of the string table, byte by byte up to its NUL. */
static char *
string(int fd, off_t table, size_t size, size_t at)
{
  struct { char *text; size_t n; } s = {NULL, 0};
  for (; at < size; at++) {
    char *grown = realloc(s.text, s.n + 1);
    if (!grown || window(fd, table + at, grown + s.n, 1) < 0) {
      free(grown ? grown : s.text);
      return NULL;
    }
    s.text = grown;
    if (s.text[s.n++] == '\0')
      return s.text;
  }
  free(s.text);
  return NULL;
}

int
elf_read(const char *path, struct elf *elf)
{
  ElfW(Ehdr) header;
  ElfW(Phdr) headers[64], *dynamic = NULL;
  *elf = (struct elf){0};
  autoclose int fd = open_regular(path);
  if (fd < 0)
    return -1;
  if (window(fd, 0, &header, sizeof header) < 0)
    return refuse(ENOEXEC, "%s: is too short for an ELF file", path);
  if (elf_check(&header, path) < 0)
    return -1;
  if (header.e_phnum > 64 || window(fd, header.e_phoff, headers,
                                    header.e_phnum * sizeof *headers) < 0)
    return cut_off(path, "its program headers");
  for (int i = 0; i < header.e_phnum; i++) {
    if (headers[i].p_type == PT_DYNAMIC)
      dynamic = &headers[i];
    if (headers[i].p_type != PT_INTERP)
      continue;
    char name[4096];
    size_t size = headers[i].p_filesz;
    if (size == 0 || size > sizeof name ||
        window(fd, headers[i].p_offset, name, size) < 0 || name[size - 1])
      return cut_off(path, "its interpreter's name");
    free(elf->interp);
    elf->interp = strdup(name);
  }
  if (!dynamic)
    return 0;

  /* The numbers of the strings first, the strings when the table is known. */
  size_t wanted[3][256], counts[3] = {0}, size = 0;
  off_t table = -1;
  size_t n = dynamic->p_filesz / sizeof(ElfW(Dyn));
  if (!holds(fd, dynamic->p_offset, dynamic->p_filesz))
    return cut_off(path, "its dynamic section");
  for (size_t i = 0; i < n; i++) {
    ElfW(Dyn) d;
    if (window(fd, dynamic->p_offset + i * sizeof d, &d, sizeof d) < 0)
      return cut_off(path, "its dynamic section");
    int kind = d.d_tag == DT_NEEDED ? 0 : d.d_tag == DT_RPATH ? 1
               : d.d_tag == DT_RUNPATH ? 2 : -1;
    if (d.d_tag == DT_NULL)
      break;
    if (kind >= 0 && counts[kind] == 256)
      return cut_off(path, "more than 256 names");
    if (kind >= 0)
      wanted[kind][counts[kind]++] = d.d_un.d_val;
    else if (d.d_tag == DT_STRSZ)
      size = d.d_un.d_val;
    else if (d.d_tag == DT_STRTAB &&
             (table = elf_offset(headers, header.e_phnum, d.d_un.d_ptr)) < 0)
      return cut_off(path, "its string table");
  }
  if (table >= 0 && !holds(fd, table, size))
    return cut_off(path, "its string table");
  for (int kind = 0; kind < 3; kind++)
    for (size_t i = 0; i < counts[kind]; i++) {
      autofree char *text =
          table < 0 ? NULL : string(fd, table, size, wanted[kind][i]);
      if (!text)
        return cut_off(path, "a name outside its string table");
      if (kind == 0) {
        if (list_add(&elf->needed, text) < 0)
          return fail("a name");
        continue;
      }
      char **field = kind == 1 ? &elf->rpath : &elf->runpath;
      free(*field);
      *field = strdup(text);
    }
  return 0;
}

/* The lines of `loader --list program`:
 *         linux-vdso.so.1 (0x...)
 *         libc.so.6 => /lib/libc.so.6 (0x...)
 *         libgone.so => not found
 *         /lib64/ld-linux-x86-64.so.2 (0x...)          the loader itself */
static int
read_list(FILE *lines, const char *program, struct list *paths)
{
  autofree char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, lines) > 0) {
    static const char error[] = "error while loading shared libraries: ";
    char *gone = strstr(line, error);
    if (gone) {
      gone += strlen(error);
      return refuse(ENOENT, "%s: needs the library %.*s, which is nowhere",
                    program, (int)strcspn(gone, ":"), gone);
    }
    char *arrow = strstr(line, " => ");
    char *name = line + strspn(line, " \t");
    if (!arrow)
      continue;
    *arrow = '\0';
    char *path = arrow + 4;
    if (strncmp(path, "not found", 9) == 0)
      return refuse(ENOENT, "%s: needs the library %s, which is nowhere",
                    program, name);
    path[strcspn(path, " \n")] = '\0';
    /* An absolute name is the loader's own, and is there already. */
    if (path[0] == '/' && name[0] != '/' && !list_has(paths, path) &&
        list_add(paths, path) < 0)
      return fail("a path");
  }
  return 0;
}

static int
ask_loader(const char *program, struct list *paths)
{
  struct elf self;
  int ends[2], status = -1;
  if (elf_read("/proc/self/exe", &self) < 0 &&
      (elf_free(&self), elf_read("/bin/sh", &self) < 0)) {
    elf_free(&self);
    return -1;
  }
  autofree char *loader = self.interp;
  self.interp = NULL;
  elf_free(&self);
  if (!loader)
    return refuse(ENOENT, "no dynamic loader of my own");
  if (pipe2(ends, O_CLOEXEC) < 0)
    return fail("pipe");
  pid_t pid = fork();
  if (pid == 0) {
    char *environment[] = {NULL}; /* no LD_PRELOAD */
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    execle(loader, loader, "--list", program, NULL, environment);
    _exit(127);
  }
  close(ends[1]);
  FILE *lines = fdopen(ends[0], "r");
  int bad = pid < 0 || !lines ? fail("run %s", loader)
                              : read_list(lines, program, paths);
  int error = errno;
  while (lines && fgetc(lines) != EOF)
    ;
  if (lines)
    fclose(lines);
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  errno = error;
  if (!bad && status != 0)
    return refuse(ENOEXEC, "%s: %s cannot load it", program, loader);
  return bad;
}

int
needs(const char *program, struct list *paths)
{
  char path[4096], line[256];
  snprintf(path, sizeof path, "%s%s", strchr(program, '/') ? "" : "./", program);
  for (int depth = 0; depth < 6; depth++) {
    autoclose int fd = open_regular(path);
    if (fd < 0)
      return -1;
    ssize_t n = pread(fd, line, sizeof line - 1, 0);
    line[n < 0 ? 0 : n] = '\0';
    if (line[0] == '#' && line[1] == '!') {
      char *save, *rest = line + 2;
      rest[strcspn(rest, "\n")] = '\0';
      char *interp = strtok_r(rest, " \t", &save);
      if (!interp || interp[0] != '/')
        return refuse(ENOEXEC, "%s: no interpreter in its first line", path);
      if (access(interp, F_OK) < 0)
        return fail("%s: its interpreter %s", path, interp);
      if (list_add(paths, interp) < 0)
        return fail("a path");
      snprintf(path, sizeof path, "%s", interp);
      continue;
    }
    struct elf elf;
    int bad = elf_read(path, &elf);
    bool dynamic = elf.interp || elf.needed.count;
    if (!bad && elf.interp && access(elf.interp, F_OK) < 0)
      bad = fail("%s: its interpreter %s", path, elf.interp);
    if (!bad && elf.interp && list_add(paths, elf.interp) < 0)
      bad = fail("a path");
    /* Nobody shall have /etc/shadow copied into a jail by naming it here. */
    struct elf other = {0};
    if (!bad && elf.interp)
      bad = elf_read(elf.interp, &other);
    elf_free(&other);
    elf_free(&elf);
    if (!bad && dynamic)
      bad = ask_loader(path, paths);
    return bad;
  }
  return refuse(ELOOP, "%s: scripts that are run by scripts, without end",
                program);
}
