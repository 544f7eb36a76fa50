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

int
elf_read(const char *path, struct elf *elf)
{
  /* TODO 1.2: read the ELF header and check it (elf_check), read the
   * program headers, and from them the interpreter (PT_INTERP) and the
   * dynamic section (PT_DYNAMIC). read_at refuses what is not there. */
  return todo("1.2", path, elf);
}

int
needs(const char *program, struct list *paths)
{
  /* TODO 1.2: for a "#!" script, its interpreter and what that needs. For
   * an ELF file, its interpreter and its libraries (library_find), and for
   * every library the same again. How do you know that you are done? */
  return todo("1.2", program, paths);
}
