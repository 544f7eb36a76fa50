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
  //> /* TODO 4.1: "sha256:" and 64 digits, none of them A-F; nothing behind. */
  //> todo("4.1", digest);
  //> return false;
  return strncmp(digest, "sha256:", 7) == 0 &&
         strspn(digest + 7, "0123456789abcdef") == 64 && digest[7 + 64] == '\0';
  //<
}

//>
/* Forget what the blob holds. errno stays. */
static void
blob_clear(struct blob *blob)
{
  clean_close(&blob->file); /* and the lock with it */
  hash_drop(blob->hash);
  *blob = (struct blob){.store = blob->store, .file = -1};
}

/* Make a file with a new name, and lock it. Returns 1, 0 if that did not work and
 * may with another name, or -1. */
static int
temp_try(struct blob *blob)
{
  unsigned long long number;
  struct stat st;
  char path[sizeof "tmp/" + NAME_MAX];
  if (getrandom(&number, sizeof number, 0) != sizeof number)
    return -1;
  snprintf(blob->temp, sizeof blob->temp, "blob-%016llx", number);
  snprintf(path, sizeof path, "tmp/%s", blob->temp);
  blob->file = openat(blob->store, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (blob->file < 0)
    return errno == EEXIST ? 0 : -1;
  /* Until it was locked it was nobody's. A sweeper that came by then has the lock, or
   * has removed the file: then we have one without a name. */
  if (flock(blob->file, LOCK_EX | LOCK_NB) == 0 && fstat(blob->file, &st) == 0 &&
      st.st_nlink > 0)
    return 1;
  clean_close(&blob->file);
  unlinkat(blob->store, path, 0);
  return 0;
}
//<

int
blob_begin(int store, struct blob *blob)
{
  //> /* TODO 4.1: a new file (O_EXCL) in tmp, a lock, and hash_begin. What if somebody
  //>  * sweeps between the two? */
  //> return todo("4.1", store, blob);
  *blob = (struct blob){.store = store, .file = -1, .hash = hash_begin()};
  if (!blob->hash)
    return -1;
  int made;
  do
    made = temp_try(blob);
  while (made == 0);
  if (made > 0)
    return 0;
  fail("make a file in the store's directory tmp");
  blob_clear(blob);
  return -1;
  //<
}

int
blob_write(struct blob *blob, const void *data, size_t size)
{
  //> /* TODO 4.1: write_all (common/file.h), and hash_add what was written. */
  //> return todo("4.1", blob, data, size);
  if (write_all(blob->file, data, size) < 0) {
    blob->failed = true;
    return fail("write %zu bytes of a blob into the store, behind %" PRId64, size,
                blob->size);
  }
  hash_add(blob->hash, data, size);
  blob->size += size;
  return 0;
  //<
}

void
blob_drop(struct blob *blob)
{
  //> /* TODO 4.1: close it, remove its name, drop the hash; and errno stays. */
  //> todo("4.1", blob);
  int error = errno;
  char path[sizeof "tmp/" + NAME_MAX];
  snprintf(path, sizeof path, "tmp/%s", blob->temp);
  if (blob->temp[0])
    unlinkat(blob->store, path, 0);
  blob_clear(blob);
  errno = error;
  //<
}

//>
/* Is it what was wanted? */
static int
compare(const struct descriptor *want, const struct descriptor *got)
{
  if (want->size != got->size)
    return refuse(EBADMSG, "blob %s: should have %" PRId64 " bytes, and has %" PRId64,
                  want->digest, want->size, got->size);
  if (strcmp(want->digest, got->digest) != 0)
    return refuse(EBADMSG, "blob %s: its bytes have the digest %s", want->digest,
                  got->digest);
  return 0;
}

/* A write that failed may have left a part of it in the file, which the hash does not
 * know of; or nothing, and then the file looks whole, and lacks a piece. */
static int
look_whole(const struct blob *blob)
{
  return blob->failed ? refuse(EIO, "a blob of which a write failed is not complete") : 0;
}

/* First the bytes, then the name, then the directory with the name in it. */
static int
place(struct blob *blob, const char *digest)
{
  char from[sizeof "tmp/" + NAME_MAX], to[sizeof "blobs/sha256/" + DIGEST_SIZE];
  snprintf(from, sizeof from, "tmp/%s", blob->temp);
  snprintf(to, sizeof to, "blobs/sha256/%s", digest + strlen("sha256:"));
  if (fchmod(blob->file, 0444) < 0 || fsync(blob->file) < 0)
    return fail("bring the blob %s to the disk", digest);
  /* One that is there already has the same bytes, or ought to: ours surely has. */
  if (renameat(blob->store, from, blob->store, to) < 0)
    return fail("rename %s to %s in the store", from, to);
  blob->temp[0] = '\0';
  autoclose int directory =
      openat(blob->store, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return directory < 0 || fsync(directory) < 0
             ? fail("bring the store's directory blobs/sha256 to the disk") : 0;
}
//<

int
blob_finish(struct blob *blob, const struct descriptor *want, struct descriptor *got)
{
  //> /* TODO 4.1: hash_end; compare; fchmod, fsync, renameat, fsync of blobs/sha256.
  //>  * However it ends, nothing is left in tmp, and no descriptor open. */
  //> return todo("4.1", blob, want, got);
  struct descriptor is = {.size = blob->size};
  hash_end(blob->hash, is.digest);
  blob->hash = NULL;
  int done = look_whole(blob);
  if (done == 0 && want)
    done = compare(want, &is);
  if (done == 0)
    done = place(blob, is.digest);
  blob_drop(blob);
  if (done == 0 && got) {
    memcpy(got->digest, is.digest, sizeof got->digest);
    got->size = is.size;
  }
  return done;
  //<
}

int
blob_open(int store, const struct descriptor *want)
{
  //> /* TODO 4.1: digest_valid before it becomes a path. O_NOFOLLOW, and O_NONBLOCK:
  //>  * somebody may have put a FIFO there. Then fstat. */
  //> return todo("4.1", store, want);
  if (!digest_valid(want->digest))
    return refuse(EINVAL, "\"%s\" is not a digest: \"sha256:\" and 64 digits of 0-9a-f",
                  want->digest);
  char path[sizeof "blobs/sha256/" + DIGEST_SIZE];
  struct stat st;
  snprintf(path, sizeof path, "blobs/sha256/%s", want->digest + strlen("sha256:"));
  autoclose int file = openat(store, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  /* ELOOP is open(2)'s word for a link with O_NOFOLLOW, and ENXIO for a socket. */
  if (file < 0 && errno != ELOOP && errno != ENXIO)
    return fail("open blob %s of the store", want->digest);
  if (file >= 0 && fstat(file, &st) < 0)
    return fail("look at blob %s of the store", want->digest);
  if (file < 0 || !S_ISREG(st.st_mode))
    return refuse(EBADMSG, "blob %s: is not a regular file in the store", want->digest);
  if (st.st_size != want->size)
    return refuse(EBADMSG, "blob %s: should have %" PRId64 " bytes, and has %" PRId64,
                  want->digest, want->size, (int64_t)st.st_size);
  return take_fd(&file);
  //<
}

char *
blob_load(int store, const struct descriptor *want, int64_t limit)
{
  //> /* TODO 4.1: the limit first. Then blob_open, read_at, and digest_of. */
  //> todo("4.1", store, want, limit);
  //> return NULL;
  if (want->size > limit) {
    refuse(EFBIG, "blob %s: has %" PRId64 " bytes, but may have no more than %" PRId64,
           want->digest, want->size, limit);
    return NULL;
  }
  struct descriptor is = {.size = want->size};
  autoclose int file = blob_open(store, want);
  if (file < 0)
    return NULL;
  autofree char *data = read_at(file, 0, want->size);
  if (!data) {
    fail("read blob %s of the store", want->digest);
    return NULL;
  }
  digest_of(data, want->size, is.digest);
  if (compare(want, &is) < 0)
    return NULL;
  char *taken = data;
  data = NULL;
  return taken;
  //<
}

//>
/* Remove one name of tmp, if nobody has it locked. Returns how many that were, or -1
 * with errno. */
static int
sweep_one(int tmp, const char *name)
{
  autoclose int file = openat(tmp, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0 || flock(file, LOCK_EX | LOCK_NB) < 0)
    return 0; /* it is gone, or it is somebody's */
  /* Now that we have the lock it cannot become somebody's. But it can have got its
   * name among the blobs between our open and our lock; then there is nothing. */
  if (faccessat(tmp, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
    return 0;
  return tree_remove(tmp, name) < 0 ? -1 : 1;
}
//<

int
store_sweep(int store)
{
  //> /* TODO 4.1: whoever gets the lock on a file of tmp may remove it. */
  //> return todo("4.1", store);
  int count = 0;
  autoclose int tmp = openat(store, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  autoclose int copy = openat(store, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = tmp < 0 || copy < 0 ? NULL : fdopendir(copy);
  if (!dir)
    return fail("read the store's directory tmp");
  take_fd(&copy); /* closedir closes it */
  for (struct dirent *e; count >= 0 && (e = readdir(dir));)
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
      int swept = sweep_one(tmp, e->d_name);
      count = swept < 0 ? -1 : count + swept;
    }
  int error = errno;
  closedir(dir);
  errno = error;
  return count;
  //<
}
