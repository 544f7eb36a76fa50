/* breadth-first: the libraries level by level, from a queue, as the loader itself
 * goes; the files are mapped instead of read. escape.c keeps a descriptor of "/"
 * and returns by fchdir(2). seal.c closes where the reference marks. furnish.c
 * works the other way round, without a umask and with O_NOFOLLOW. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "jail.h"

struct map {
  const char *bytes;
  size_t size;
};

static void
unmap(struct map *map)
{
  int error = errno;
  if (map->bytes)
    munmap((void *)map->bytes, map->size);
  errno = error;
}

static int
map_file(const char *path, struct map *map)
{
  struct stat st;
  autoclose int fd = open_regular(path);
  if (fd < 0)
    return -1;
  if (fstat(fd, &st) < 0)
    return fail("stat %s", path);
  if (st.st_size == 0)
    return 0;
  void *bytes = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED)
    return fail("map %s", path);
  *map = (struct map){bytes, st.st_size};
  return 0;
}

/* The bytes offset .. offset+size of the file, or NULL if it has none there. */
static const char *
part(const struct map *map, size_t offset, size_t size)
{
  return offset <= map->size && size <= map->size - offset
             ? map->bytes + offset : NULL;
}

static int
read_mapped(const struct map *map, const char *path, struct elf *elf)
{
  ElfW(Ehdr) header;
  ElfW(Phdr) headers[256];
  const char *from = part(map, 0, sizeof header);
  if (!from)
    return refuse(ENOEXEC, "%s: too short for an ELF header", path);
  memcpy(&header, from, sizeof header);
  if (elf_check(&header, path) < 0)
    return -1;
  size_t count = header.e_phnum;
  from = part(map, header.e_phoff, count * sizeof *headers);
  if (!from || count > 256)
    return refuse(ENOEXEC, "%s: no program headers where it says", path);
  memcpy(headers, from, count * sizeof *headers);

  const char *dynamic = NULL;
  size_t entries = 0;
  for (size_t i = 0; i < count; i++) {
    if (headers[i].p_type != PT_INTERP && headers[i].p_type != PT_DYNAMIC)
      continue;
    from = part(map, headers[i].p_offset, headers[i].p_filesz);
    if (!from)
      return refuse(ENOEXEC, "%s: program header %zu points outside", path, i);
    if (headers[i].p_type == PT_INTERP) {
      free(elf->interp);
      elf->interp = strndup(from, headers[i].p_filesz);
    } else {
      dynamic = from;
      entries = headers[i].p_filesz / sizeof(ElfW(Dyn));
    }
  }

  const char *table = NULL;
  size_t size = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < entries; i++) {
      ElfW(Dyn) d;
      memcpy(&d, dynamic + i * sizeof d, sizeof d);
      if (d.d_tag == DT_NULL)
        break;
      if (pass == 0) {
        if (d.d_tag == DT_STRSZ)
          size = d.d_un.d_val;
        if (d.d_tag == DT_STRTAB) {
          off_t offset = elf_offset(headers, count, d.d_un.d_ptr);
          table = offset < 0 ? NULL : part(map, offset, 0);
          if (!table)
            return refuse(ENOEXEC, "%s: its string table is nowhere", path);
        }
        continue;
      }
      if (d.d_tag != DT_NEEDED && d.d_tag != DT_RPATH && d.d_tag != DT_RUNPATH)
        continue;
      size_t at = d.d_un.d_val;
      if (!table || at >= size || !memchr(table + at, '\0', size - at))
        return refuse(ENOEXEC, "%s: a name lies outside the string table", path);
      if (d.d_tag == DT_NEEDED) {
        if (list_add(&elf->needed, table + at) < 0)
          return fail("a name");
        continue;
      }
      char **field = d.d_tag == DT_RPATH ? &elf->rpath : &elf->runpath;
      free(*field);
      *field = strdup(table + at);
    }
    if (pass == 0 && table && !part(map, table - map->bytes, size))
      return refuse(ENOEXEC, "%s: its string table points outside", path);
  }
  return 0;
}

int
elf_read(const char *path, struct elf *elf)
{
  struct map map = {0};
  *elf = (struct elf){0};
  int bad = map_file(path, &map) < 0 ? -1 : read_mapped(&map, path, elf);
  unmap(&map);
  return bad;
}

/* What waits to be looked at, and what has been. */
struct queue {
  struct object **items;
  size_t count;
};

static struct object *
enqueue(struct queue *queue, const char *path, const struct object *loader)
{
  struct object **grown =
      reallocarray(queue->items, queue->count + 1, sizeof *grown);
  struct object *new = grown ? calloc(1, sizeof *new) : NULL;
  if (grown)
    queue->items = grown;
  if (!new)
    return NULL;
  new->path = strdup(path);
  new->loader = loader;
  queue->items[queue->count++] = new;
  return new;
}

static void
queue_free(struct queue *queue)
{
  int error = errno;
  for (size_t i = 0; i < queue->count; i++) {
    elf_free(&queue->items[i]->elf);
    free((void *)queue->items[i]->path);
    free(queue->items[i]);
  }
  free(queue->items);
  errno = error;
}

static int
level_by_level(struct queue *queue, struct list *paths)
{
  autolist struct list seen = {0};
  for (size_t i = 0; i < queue->count; i++) {
    struct object *object = queue->items[i];
    if (elf_read(object->path, &object->elf) < 0)
      return -1;
    const char *interp = object->elf.interp;
    if (i == 0 && interp) {
      if (access(interp, R_OK) < 0)
        return fail("%s: needs %s", object->path, interp);
      struct elf loader;
      int bad = elf_read(interp, &loader);
      elf_free(&loader);
      if (bad)
        return -1;
      const char *slash = strrchr(interp, '/');
      if (list_add(paths, interp) < 0 ||
          list_add(&seen, slash ? slash + 1 : interp) < 0)
        return fail("a path");
    }
    for (size_t j = 0; j < object->elf.needed.count; j++) {
      const char *name = object->elf.needed.items[j];
      if (list_has(&seen, name))
        continue;
      autofree char *path = library_find(name, object);
      if (!path)
        return -1;
      if (list_add(&seen, name) < 0)
        return fail("a name");
      if (list_has(paths, path))
        continue;
      if (list_add(paths, path) < 0 || !enqueue(queue, path, object))
        return fail("a path");
    }
  }
  return 0;
}

static int
needs_of(const char *program, struct list *paths, int scripts)
{
  char line[128];
  struct map map = {0};
  if (map_file(program, &map) < 0)
    return -1;
  snprintf(line, sizeof line, "%.*s", (int)(map.size < 127 ? map.size : 127),
           map.bytes ? map.bytes : "");
  unmap(&map);
  if (line[0] == '#' && line[1] == '!') {
    autofree char *interp = NULL;
    if (scripts == 5)
      return refuse(ELOOP, "%s: too many scripts for scripts", program);
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "#! %ms", &interp) != 1 || interp[0] != '/')
      return refuse(ENOEXEC, "%s: names no interpreter", program);
    if (access(interp, R_OK) < 0)
      return fail("%s: its interpreter %s", program, interp);
    return list_add(paths, interp) < 0 ? fail("a path")
                                       : needs_of(interp, paths, scripts + 1);
  }
  struct queue queue = {0};
  int bad = !enqueue(&queue, program, NULL) ? fail("memory")
                                            : level_by_level(&queue, paths);
  queue_free(&queue);
  return bad;
}

int
needs(const char *program, struct list *paths)
{
  return needs_of(program, paths, 0);
}
