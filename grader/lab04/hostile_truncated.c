/* hostile_truncated.c - one archive, cut off at every 512th byte. As "tar-N" all
 * digests are those of what is left: so it counts as a whole archive if no entry was cut
 * (the end of an archive may be missing, and is, in the wild). As "gzip-N" and "zstd-N"
 * it is cut when packed; as "cut-N" the digests are those of the whole. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile.h"

static size_t blocks; /* how much is left */
static bool whole[64]; /* is no entry cut, with so many blocks? */

/* It packs badly, so that there is something to cut. */
static void
noise(char *data, size_t size)
{
  unsigned n = size;
  for (size_t i = 0; i < size; i++) {
    n = n * 1103515245 + 12345;
    data[i] = (char)(n >> 16);
  }
}

static void
add_entry(const char *text)
{
  script(text);
  whole[layer()->size / BLOCK] = true;
}

static void
add_noise(const char *name, size_t size)
{
  char data[4096];
  noise(data, size);
  head(layer(), &(struct head){.type = '0', .name = name, .size = size});
  body(layer(), data, size);
  whole[layer()->size / BLOCK] = true;
}

static void
make_whole(void)
{
  whole[0] = true;
  add_entry("d d");
  add_noise("d/f", 1300);
  add_entry("f d/<n*150> long");
  add_entry("l l /etc");
  add_entry("h h d/f");
  add_entry("x SCHILY.xattr.user.note=x|f x x");
  add_noise("d/g", 1024);
  tar_end(layer());
  whole[layer()->size / BLOCK - 1] = whole[layer()->size / BLOCK] = true;
}

static void
make_tar(void)
{
  make_whole();
  layer()->size = blocks * BLOCK;
}

static void
make_packed(enum packing how)
{
  make_whole();
  pack(&plan.layer[0].bytes, layer()->data, layer()->size, how);
  plan.packing = how;
  plan.packed = true;
  if (blocks * BLOCK < plan.layer[0].bytes.size)
    plan.layer[0].bytes.size = blocks * BLOCK;
}

static void
make_gzip(void)
{
  make_packed(GZIP);
}

static void
make_zstd(void)
{
  make_packed(ZSTD);
}

static void
cut(int blobs)
{
  const char *name = plan.layer[0].digest + strlen("sha256:");
  int fd = openat(blobs, name, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ftruncate(fd, blocks * BLOCK) < 0)
    give_up("cannot cut %s", name);
  close(fd);
}

/* How many blocks the kinds have. The last of "tar" is whole, and no case. */
static const struct kind {
  const char *name;
  size_t count;
  void (*make)(void);
  void (*spoil)(int blobs);
} kinds[] = {
    {"tar", 20, make_tar, NULL},
    {"gzip", 6, make_gzip, NULL},
    {"zstd", 6, make_zstd, NULL},
    {"cut", 20, make_whole, cut},
};

static const struct hostile *
case_of(const struct kind *kind, size_t n)
{
  static struct hostile hostile;
  static char name[32];
  blocks = n;
  make_whole(); /* to know `whole` */
  bytes_free(layer());
  memset(&plan, 0, sizeof plan);
  bool accepted = kind->make == make_tar && whole[n];
  snprintf(name, sizeof name, "%s-%zu", kind->name, n);
  hostile = (struct hostile){name, accepted ? n == 0 ? EITHER : ACCEPTED : REFUSED, "",
                             .make = kind->make, .spoil = kind->spoil};
  return &hostile;
}

const struct hostile *
truncated(const char *name)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    size_t size = strlen(kinds[i].name);
    if (strncmp(kinds[i].name, name, size) == 0 && name[size] == '-')
      return case_of(&kinds[i], strtoul(name + size + 1, NULL, 10));
  }
  return NULL;
}

bool
truncated_list(const char *name)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].name, name) != 0)
      continue;
    for (size_t n = 0; n < kinds[i].count; n++) {
      const struct hostile *hostile = case_of(&kinds[i], n);
      printf("%s %s \n", hostile->name,
             hostile->outcome == REFUSED ? "refused" : n ? "accepted" : "either");
    }
    return true;
  }
  return false;
}
