/* store.c - 4.1: the blob store.
 *
 * A blob is called by the SHA-256 of its bytes. So its name can only be known when
 * its last byte is; until then it is written somewhere else, and it gets its name
 * in one step. rename(2) is that step: whoever looks sees the old directory or the
 * new one, and a process that is killed was either not there yet or is through.
 *
 * A power cut is worse than a kill. The kernel writes to the disk when it likes,
 * and in the order that it likes: the name can be there before the bytes are, and
 * then a blob of zeros lies under a good name for ever. fsync(2) before the rename
 * forbids that order. (And one of the directory after it: or what we said is there
 * may be gone again.)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "image.h"

bool
digest_valid(const char *digest)
{
  /* TODO 4.1: "sha256:" and 64 digits, none of them A-F; nothing behind. */
  todo("4.1", digest);
  return false;
}

int
blob_begin(int store, struct blob *blob)
{
  /* TODO 4.1: a new file (O_EXCL) in tmp, a lock, and hash_begin. What if somebody
   * sweeps between the two? */
  return todo("4.1", store, blob);
}

int
blob_write(struct blob *blob, const void *data, size_t size)
{
  /* TODO 4.1: write_all (common/file.h), and hash_add what was written. */
  return todo("4.1", blob, data, size);
}

void
blob_drop(struct blob *blob)
{
  /* TODO 4.1: close it, remove its name, drop the hash; and errno stays. */
  todo("4.1", blob);
}

int
blob_finish(struct blob *blob, const struct descriptor *want, struct descriptor *got)
{
  /* TODO 4.1: hash_end; compare; fchmod, fsync, renameat, fsync of blobs/sha256.
   * However it ends, nothing is left in tmp, and no descriptor open. */
  return todo("4.1", blob, want, got);
}

int
blob_open(int store, const struct descriptor *want)
{
  /* TODO 4.1: digest_valid before it becomes a path. O_NOFOLLOW, and O_NONBLOCK:
   * somebody may have put a FIFO there. Then fstat. */
  return todo("4.1", store, want);
}

char *
blob_load(int store, const struct descriptor *want, int64_t limit)
{
  /* TODO 4.1: the limit first. Then blob_open, read_at, and digest_of. */
  todo("4.1", store, want, limit);
  return NULL;
}

int
store_sweep(int store)
{
  /* TODO 4.1: whoever gets the lock on a file of tmp may remove it. */
  return todo("4.1", store);
}
