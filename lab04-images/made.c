/* made.c - what a layer has made: given.
 *
 * A whiteout is about the layers below: it must not remove what its own layer has
 * brought, whichever comes first in the archive. So every name that a layer makes is
 * put down here, and the directories that lead to it.
 *
 * A name is kept as 64 bits of SipHash of (device, inode of its directory, name), with
 * a key that nobody outside knows; so a million of them take 16 MiB at most, and who
 * writes a layer cannot find two that look alike. A directory is (device, inode) alone:
 * it is the same by whatever links it was reached. (That an inode's number is used again
 * does no harm: what is new was made by this layer, too.)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "given.h"

struct made {
  uint64_t key[2];   /* of SipHash; random */
  struct stat root;  /* where the layer is applied: above it nothing is made */
  uint64_t *slots;   /* `room` of them, 0 for one that is free; malloc(3) */
  size_t room;       /* a power of two, or 0 */
  size_t count;      /* of those that are not free: at most 3/4 */
};

/* ---- SipHash-2-4, by its authors' paper (Aumasson, Bernstein: "SipHash") ---- */

static inline uint64_t
rotate(uint64_t x, int bits)
{
  return x << bits | x >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
  v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
  v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
  v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
  v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
  v[3] ^= word;
  sip_round(v);
  sip_round(v);
  v[0] ^= word;
}

static uint64_t
sip(const uint64_t key[2], const struct stat *st, const char *name)
{
  uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                   key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
  uint64_t words[2 + (NAME_MAX + 8) / 8] = {st->st_dev, st->st_ino};
  size_t size = strnlen(name, NAME_MAX);
  memcpy(words + 2, name, size);
  for (size_t i = 0; i < 2 + (size + 7) / 8; i++)
    sip_word(v, words[i]);
  sip_word(v, (uint64_t)(16 + size) << 56);
  v[2] ^= 0xff;
  for (int i = 0; i < 4; i++)
    sip_round(v);
  uint64_t hash = v[0] ^ v[1] ^ v[2] ^ v[3];
  return hash ? hash : 1;
}

/* ---- the set ---- */

static uint64_t *
slot_of(const struct made *made, uint64_t hash)
{
  size_t i = hash & (made->room - 1);
  while (made->slots[i] && made->slots[i] != hash)
    i = (i + 1) & (made->room - 1);
  return &made->slots[i];
}

static bool
has(const struct made *made, uint64_t hash)
{
  return made->room && *slot_of(made, hash) == hash;
}

static int
grow(struct made *made)
{
  struct made more = *made;
  more.room = made->room ? 2 * made->room : 1024;
  more.slots = calloc(more.room, sizeof *more.slots);
  if (!more.slots)
    return fail("remember what a layer has made");
  for (size_t i = 0; i < made->room; i++)
    if (made->slots[i])
      *slot_of(&more, made->slots[i]) = made->slots[i];
  free(made->slots);
  *made = more;
  return 0;
}

static int
add(struct made *made, uint64_t hash)
{
  if (has(made, hash))
    return 0;
  if (4 * (made->count + 1) > 3 * made->room && grow(made) < 0)
    return -1;
  *slot_of(made, hash) = hash;
  made->count++;
  return 0;
}

struct made *
made_new(int root)
{
  struct made *made = calloc(1, sizeof *made);
  if (made && getrandom(made->key, sizeof made->key, 0) == sizeof made->key &&
      fstat(root, &made->root) == 0)
    return made;
  fail("remember what a layer makes");
  free(made);
  return NULL;
}

void
made_free(struct made *made)
{
  if (made)
    free(made->slots);
  free(made);
}

/* Put down a directory and all above it, up to one that is known; or to the root. */
static int
add_above(struct made *made, int directory)
{
  autoclose int up = -1;
  struct stat st;
  if (fstat(directory, &st) < 0)
    return fail("look at a directory");
  for (;;) {
    uint64_t hash = sip(made->key, &st, "");
    if (has(made, hash))
      return 0;
    if (add(made, hash) < 0)
      return -1;
    if (st.st_dev == made->root.st_dev && st.st_ino == made->root.st_ino)
      return 0;
    int next = openat(up < 0 ? directory : up, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (next < 0)
      return fail("look at the directory above");
    if (up >= 0)
      close(up);
    up = next;
    if (fstat(up, &st) < 0)
      return fail("look at the directory above");
  }
}

int
made_add(struct made *made, int parent, const char *name)
{
  struct stat st;
  if (fstat(parent, &st) < 0)
    return fail("look at a directory");
  return add(made, sip(made->key, &st, name)) < 0 ? -1 : add_above(made, parent);
}

bool
made_has(const struct made *made, int parent, const char *name)
{
  struct stat st;
  if (fstat(parent, &st) == 0 && has(made, sip(made->key, &st, name)))
    return true;
  return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
         has(made, sip(made->key, &st, ""));
}

bool
in_first_userns(void)
{
  /* What user_namespaces(7) says a process of the first one reads there; nobody can
   * write that line for another. */
  unsigned inside, outside, count;
  FILE *file = fopen("/proc/self/uid_map", "re");
  bool first = file && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 &&
               inside == 0 && outside == 0 && count == UINT32_MAX;
  if (file)
    fclose(file);
  return first;
}
