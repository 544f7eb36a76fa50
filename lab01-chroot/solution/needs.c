/* needs.c - 1.2: what a program needs.
 *
 * A dynamically linked program is not whole. Its ELF file names two things: an
 * interpreter, the dynamic loader, which the kernel starts in its place
 * (PT_INTERP), and the shared libraries that the loader then fetches
 * (DT_NEEDED). The libraries name libraries in turn. ldd(1) finds out by
 * letting the loader do its work, which means starting a program that the file
 * itself chose. We only read.
 *
 *   file                    PT_INTERP  "/lib64/ld-linux-x86-64.so.2"
 *   +----------------+     /
 *   | ELF header     |    /  PT_DYNAMIC  DT_NEEDED  17 ---.
 *   | program headers|---+               DT_STRTAB addr ---+--> "libc.so.6"
 *   | ...            |    \              ...                    (byte 17 of the
 *   |                |     PT_LOAD  (which bytes go where)       string table)
 *   +----------------+
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"

//>
/* More than any real file has. read_at refuses what is longer than the file; but a
 * file may be long and have nothing in it, and we would run out of memory. */
enum { TABLE_MAX = 64 << 20, NAMES_MAX = 4096 };

/* The string that starts at byte `at` of a table of `size` bytes, as a copy.
 * read_at put a NUL behind the table, so the last string ends too. */
static int
string_at(const char *table, size_t size, size_t at, char **copy)
{
  if (at >= size)
    return refuse(ENOEXEC, "a string lies outside the string table");
  if (strnlen(table + at, PATH_MAX) == PATH_MAX)
    return refuse(ENOEXEC, "a string is longer than any path");
  free(*copy);
  *copy = strdup(table + at);
  return *copy ? 0 : fail("a string");
}

/* Read the dynamic section, a list of (tag, value) pairs that DT_NULL ends. */
static int
read_dynamic(int fd, const ElfW(Phdr) *headers, size_t count,
             const ElfW(Phdr) *where, struct elf *elf)
{
  if (where->p_filesz > TABLE_MAX)
    return refuse(ENOEXEC, "a dynamic section of %ju bytes",
                  (uintmax_t)where->p_filesz);
  autofree ElfW(Dyn) *dynamic = read_at(fd, where->p_offset, where->p_filesz);
  if (!dynamic)
    return fail("its dynamic section");
  size_t n = where->p_filesz / sizeof *dynamic;

  /* The names are offsets into a string table, which may come after them in
   * the list: so find the table first. Its place is given as an address in
   * memory, because the list is made for the loader, not for us. */
  ElfW(Addr) address = 0;
  size_t size = 0;
  for (size_t i = 0; i < n && dynamic[i].d_tag != DT_NULL; i++) {
    if (dynamic[i].d_tag == DT_STRTAB)
      address = dynamic[i].d_un.d_ptr;
    else if (dynamic[i].d_tag == DT_STRSZ)
      size = dynamic[i].d_un.d_val;
  }
  if (size > TABLE_MAX)
    return refuse(ENOEXEC, "a string table of %zu bytes", size);
  off_t offset = size ? elf_offset(headers, count, address) : 0;
  if (offset < 0)
    return -1;
  autofree char *table = read_at(fd, offset, size); /* perhaps of 0 bytes */
  if (!table)
    return fail("its string table");

  for (size_t i = 0; i < n && dynamic[i].d_tag != DT_NULL; i++) {
    size_t at = dynamic[i].d_un.d_val;
    autofree char *name = NULL;
    if (elf->needed.count > NAMES_MAX)
      return refuse(ENOEXEC, "more than %d libraries", NAMES_MAX);
    if (dynamic[i].d_tag == DT_NEEDED &&
        (string_at(table, size, at, &name) < 0 ||
         list_add(&elf->needed, name) < 0))
      return -1;
    if (dynamic[i].d_tag == DT_RPATH &&
        string_at(table, size, at, &elf->rpath) < 0)
      return -1;
    if (dynamic[i].d_tag == DT_RUNPATH &&
        string_at(table, size, at, &elf->runpath) < 0)
      return -1;
  }
  return 0;
}
//<
int
elf_read(const char *path, struct elf *elf)
{
  //> /* TODO 1.2: read the ELF header and check it (elf_check), read the
  //>  * program headers, and from them the interpreter (PT_INTERP) and the
  //>  * dynamic section (PT_DYNAMIC). read_at refuses what is not there. */
  //> return todo("1.2", path, elf);
  *elf = (struct elf){0};
  autoclose int fd = open_regular(path);
  if (fd < 0)
    return -1;
  autofree ElfW(Ehdr) *header = read_at(fd, 0, sizeof *header);
  if (!header)
    return refuse(ENOEXEC, "%s: is too short for an ELF file", path);
  if (elf_check(header, path) < 0)
    return -1;
  size_t count = header->e_phnum;
  autofree ElfW(Phdr) *headers =
      read_at(fd, header->e_phoff, count * sizeof *headers);
  if (!headers)
    return fail("%s: is cut off: its program headers", path);

  /* PT_INTERP comes before PT_DYNAMIC in the files that linkers make (elf(5)
   * wants it before any PT_LOAD). */
  for (size_t i = 0; i < count; i++) {
    const ElfW(Phdr) *this = &headers[i];
    if (this->p_type == PT_INTERP && !elf->interp) {
      if (this->p_filesz > PATH_MAX)
        return refuse(ENOEXEC, "%s: its interpreter's name has %ju bytes", path,
                      (uintmax_t)this->p_filesz);
      elf->interp = read_at(fd, this->p_offset, this->p_filesz);
      if (!elf->interp)
        return fail("%s: is cut off: its interpreter's name", path);
    }
    if (this->p_type == PT_DYNAMIC) { /* a second one is not looked at */
      if (read_dynamic(fd, headers, count, this, elf) == 0)
        return 0;
      autofree char *why = strdup(failure());
      return refuse(ENOEXEC, "%s: is cut off or broken: %s", path, why);
    }
  }
  return 0;
  //<
}

//>
/* The part of the path behind the last slash. */
static const char *
base_name(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* All that one program needs, in the order in which the loader takes it in. */
struct closure {
  struct object **objects;  /* the program, then the libraries */
  size_t count;             /* how many of them */
  struct list names;        /* of the libraries: asked for already */
  struct list *paths;       /* the result */
};

static void
free_closure(struct closure *closure)
{
  int error = errno;
  for (size_t i = 0; i < closure->count; i++) {
    elf_free(&closure->objects[i]->elf);
    free((char *)closure->objects[i]->path);
    free(closure->objects[i]);
  }
  free(closure->objects);
  list_free(&closure->names);
  errno = error;
}

/* Read the file at `path`, which `loader` needs, and queue it. */
static int
add_object(struct closure *closure, const char *path,
           const struct object *loader)
{
  struct object **objects = reallocarray(
      closure->objects, closure->count + 1, sizeof *objects);
  if (!objects)
    return fail("memory for what %s needs", path);
  closure->objects = objects;
  struct object *object = calloc(1, sizeof *object);
  char *copy = strdup(path);
  if (!object || !copy) {
    free(object);
    free(copy);
    return fail("memory for what %s needs", path);
  }
  *object = (struct object){.path = copy, .loader = loader};
  objects[closure->count++] = object;
  return elf_read(path, &object->elf);
}

/* The interpreter, before all else. It must be an ELF file: a hostile program
 * could name any file of the host, to have it copied into the jail. And it counts
 * as a library that is there, for the C library asks for it by name. */
static int
add_interpreter(struct closure *closure)
{
  const char *program = closure->objects[0]->path;
  const char *interp = closure->objects[0]->elf.interp;
  struct elf elf = {0};
  if (!interp)
    return 0;
  if (access(interp, F_OK) < 0)
    return fail("%s: needs its interpreter %s", program, interp);
  int bad = elf_read(interp, &elf);
  elf_free(&elf);
  if (bad || list_add(closure->paths, interp) < 0 ||
      list_add(&closure->names, base_name(interp)) < 0)
    return -1;
  return 0;
}

/* The libraries that `object` asks for, but for those somebody asked for before:
 * the loader goes by name, and a library that is in memory serves whoever names
 * it next, even one that could not have found it. */
static int
add_libraries(struct closure *closure, const struct object *object)
{
  for (size_t i = 0; i < object->elf.needed.count; i++) {
    const char *name = object->elf.needed.items[i];
    if (list_has(&closure->names, name))
      continue;
    autofree char *path = library_find(name, object);
    if (!path || list_add(&closure->names, name) < 0)
      return -1;
    if (list_has(closure->paths, path)) /* the same file by another name */
      continue;
    if (list_add(closure->paths, path) < 0 ||
        add_object(closure, path, object) < 0)
      return -1;
  }
  return 0;
}

/* Breadth first, as the loader does: all libraries of the program, then those of
 * the first of them, and so on. The list grows while we walk along it, and as no
 * name is taken twice, it comes to an end. */
static int
elf_needs(const char *program, struct list *paths)
{
  struct closure closure = {.paths = paths};
  int bad = add_object(&closure, program, NULL) < 0 ||
            add_interpreter(&closure) < 0;
  for (size_t i = 0; !bad && i < closure.count; i++)
    bad = add_libraries(&closure, closure.objects[i]);
  free_closure(&closure);
  return bad ? -1 : 0;
}

/* The kernel reads no more than this of a script's first line
 * (execve(2), "Interpreter scripts"). */
enum { LINE_SIZE = 256 };

/* "#!/bin/sh -e": the interpreter goes from the first character that is not
 * blank to the next that is. */
static int
script_needs(const char *program, char *line, int depth, struct list *paths);

static int
needs_at(const char *program, int depth, struct list *paths)
{
  /* Scripts may be run by scripts. The kernel goes along with that five times, and
   * so do we. */
  if (depth > 5)
    return refuse(ELOOP, "%s: is run by a script that is run by a script ...",
                  program);
  autoclose int fd = open_regular(program);
  if (fd < 0)
    return -1;
  char line[LINE_SIZE] = "";
  ssize_t n = pread(fd, line, sizeof line - 1, 0);
  if (n < 0)
    return fail("read %s", program);
  if (strncmp(line, "#!", 2) == 0)
    return script_needs(program, line, depth, paths);
  return elf_needs(program, paths);
}

static int
script_needs(const char *program, char *line, int depth, struct list *paths)
{
  line[strcspn(line, "\n")] = '\0';
  char *interp = line + 2 + strspn(line + 2, " \t");
  interp[strcspn(interp, " \t")] = '\0';
  if (interp[0] != '/')
    return refuse(ENOEXEC, "%s: its first line names \"%s\", which is no "
                           "absolute path", program, interp);
  if (access(interp, F_OK) < 0)
    return fail("%s: needs its interpreter %s", program, interp);
  if (list_add(paths, interp) < 0)
    return -1;
  return needs_at(interp, depth + 1, paths);
}
//<
int
needs(const char *program, struct list *paths)
{
  //> /* TODO 1.2: for a "#!" script, its interpreter and what that needs. For
  //>  * an ELF file, its interpreter and its libraries (library_find), and for
  //>  * every library the same again. How do you know that you are done? */
  //> return todo("1.2", program, paths);
  return needs_at(program, 0, paths);
  //<
}
