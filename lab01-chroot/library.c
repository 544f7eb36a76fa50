/* library.c - given: where the dynamic loader finds a shared library.
 *
 * The order is that of ld.so(8): DT_RPATH of the object and of those that
 * loaded it (but only if the object has no DT_RUNPATH), DT_RUNPATH of the
 * object, the cache that ldconfig(8) wrote, the system's directories.
 * LD_LIBRARY_PATH is left out: the jail's environment does not have it.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
#elif defined(__s390x__)
#define MACHINE EM_S390
#elif defined(__i386__)
#define MACHINE EM_386
#elif defined(__arm__)
#define MACHINE EM_ARM
#else
#error "library.c: add your processor's EM_ constant from elf.h"
#endif

int
elf_check(const ElfW(Ehdr) *header, const char *path)
{
  const unsigned char *ident = header->e_ident;
  int word = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
  int order = BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
  if (memcmp(ident, ELFMAG, SELFMAG) != 0)
    return refuse(ENOEXEC, "%s: is neither an ELF file nor a \"#!\" script",
                  path);
  if (ident[EI_CLASS] != word)
    return refuse(ENOEXEC, "%s: is a %d-bit program, and this jail is for "
                  "%zu-bit ones", path,
                  ident[EI_CLASS] == ELFCLASS64 ? 64 : 32, 8 * sizeof(void *));
  if (ident[EI_DATA] != order || header->e_machine != MACHINE)
    return refuse(ENOEXEC, "%s: is for another processor (machine %d of elf.h; "
                  "this one is %d)", path, header->e_machine, MACHINE);
  if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
    return refuse(ENOEXEC, "%s: is an ELF file, but neither a program nor a "
                  "shared library", path);
  if (header->e_phentsize != sizeof(ElfW(Phdr)))
    return refuse(ENOEXEC, "%s: is broken: program headers of %d bytes", path,
                  header->e_phentsize);
  return 0;
}

off_t
elf_offset(const ElfW(Phdr) *headers, size_t count, ElfW(Addr) address)
{
  for (size_t i = 0; i < count; i++) {
    const ElfW(Phdr) *this = &headers[i];
    if (this->p_type == PT_LOAD && address >= this->p_vaddr &&
        address - this->p_vaddr < this->p_filesz)
      return this->p_offset + (address - this->p_vaddr);
  }
  return refuse(ENOEXEC, "no segment holds address %#jx", (uintmax_t)address);
}

void
elf_free(struct elf *elf)
{
  int error = errno;
  free(elf->interp);
  list_free(&elf->needed);
  free(elf->rpath);
  free(elf->runpath);
  *elf = (struct elf){0};
  errno = error;
}

/* Would the loader take this file? It passes over libraries for another
 * processor and goes on looking. */
static bool
is_library(const char *path)
{
  autoclose int fd = open_regular(path);
  if (fd < 0)
    return false;
  autofree ElfW(Ehdr) *header = read_at(fd, 0, sizeof *header);
  return header && elf_check(header, path) == 0;
}

/* DIR/NAME, with $ORIGIN or ${ORIGIN} at the start of DIR replaced by the
 * directory of the object; NULL if no library is there. For the program itself
 * the kernel tells the loader the path without symbolic links. */
static char *
library_in(const char *dir, size_t length, const char *name,
           const struct object *asker)
{
  char path[PATH_MAX];
  autofree char *real = asker->loader ? NULL : realpath(asker->path, NULL);
  const char *object = real ? real : asker->path;
  int origin = 0;  /* bytes of the object's path that stand for $ORIGIN */
  size_t skip = 0; /* bytes of `dir` that said so */
  if (length >= 7 && strncmp(dir, "$ORIGIN", 7) == 0)
    skip = 7;
  else if (length >= 9 && strncmp(dir, "${ORIGIN}", 9) == 0)
    skip = 9;
  const char *slash = strrchr(object, '/');
  if (skip && slash)
    origin = slash - object;
  int n = snprintf(path, sizeof path, "%.*s%.*s/%s", origin, object,
                   (int)(length - skip), dir + skip, name);
  if (n < 0 || (size_t)n >= sizeof path || path[0] != '/' || !is_library(path))
    return NULL;
  return strdup(path);
}

/* The same for every directory of "DIR:DIR:...". */
static char *
library_in_list(const char *dirs, const char *name,
                const struct object *object)
{
  while (dirs && *dirs) {
    size_t length = strcspn(dirs, ":");
    char *path = library_in(dirs, length, name, object);
    if (path)
      return path;
    dirs += length + (dirs[length] == ':');
  }
  return NULL;
}

/* /etc/ld.so.cache since glibc 2.2: a header, `count` entries, then strings.
 * Offsets of strings count from the start of the header. An older format may
 * come first, so look for the magic. */
#define CACHE_MAGIC "glibc-ld.so.cache1.1"

struct cache_header {
  char magic[20];       /* CACHE_MAGIC, without its NUL */
  uint32_t count;       /* entries */
  uint32_t size;        /* bytes of strings */
  uint32_t unused[5];   /* byte order, extensions: not needed here */
};

struct cache_entry {
  int32_t flags;        /* kind of library */
  uint32_t key, value;  /* offsets of the name and of the path */
  uint32_t os_version;  /* unused since glibc 2.36 */
  uint64_t hwcap;       /* not 0: only for processors with some feature */
};

static char *
library_in_cache(const char *name)
{
  struct stat st;
  autoclose int fd = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0)
    return NULL; /* musl has none */
  size_t size = st.st_size;
  autofree char *data = read_at(fd, 0, size);
  char *cache = data ? memmem(data, size, CACHE_MAGIC, 20) : NULL;
  if (!cache)
    return NULL;
  size -= cache - data;
  struct cache_header header;
  if (size < sizeof header)
    return NULL;
  memcpy(&header, cache, sizeof header);
  for (size_t i = 0; i < header.count; i++) {
    struct cache_entry entry;
    if ((i + 1) * sizeof entry + sizeof header > size)
      return NULL;
    memcpy(&entry, cache + sizeof header + i * sizeof entry, sizeof entry);
    if (entry.hwcap != 0 || entry.key >= size || entry.value >= size ||
        strcmp(cache + entry.key, name) != 0 ||
        !is_library(cache + entry.value))
      continue;
    return strdup(cache + entry.value);
  }
  return NULL;
}

char *
library_find(const char *name, const struct object *object)
{
  char *path = NULL;

  /* A name with a slash is a path already. */
  if (strchr(name, '/')) {
    if (name[0] == '/' && is_library(name))
      return strdup(name);
    refuse(ENOENT, "%s: needs %s, which is no library here", object->path,
           name);
    return NULL;
  }
  if (!object->elf.runpath)
    for (const struct object *o = object; o && !path; o = o->loader)
      if (!o->elf.runpath)
        path = library_in_list(o->elf.rpath, name, o);
  if (!path)
    path = library_in_list(object->elf.runpath, name, object);
  if (!path)
    path = library_in_cache(name);
  if (!path)
    path = library_in_list("/lib64:/usr/lib64:/lib:/usr/local/lib:/usr/lib",
                           name, object);
  if (!path)
    refuse(ENOENT, "%s: needs the library %s, which is nowhere on this system",
           object->path, name);
  return path;
}
