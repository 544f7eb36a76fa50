/* store.c - 4.1 with files that have no name (O_TMPFILE) until they are complete. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "image.h"

bool
digest_valid(const char *digest)
{
  if (strlen(digest) != DIGEST_SIZE - 1 || memcmp(digest, "sha256:", 7) != 0)
    return false;
  for (const char *c = digest + 7; *c; c++)
    if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'f')))
      return false;
  return true;
}

int
blob_begin(int store, struct blob *blob)
{
  memset(blob, 0, sizeof *blob);
  blob->store = store;
  blob->file = openat(store, "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0444);
  if (blob->file < 0)
    return fail("open a file without a name in tmp");
  flock(blob->file, LOCK_EX);
  blob->hash = hash_begin();
  if (blob->hash)
    return 0;
  close(blob->file);
  blob->file = -1;
  return -1;
}

int
blob_write(struct blob *blob, const void *data, size_t size)
{
  const char *bytes = data;
  while (size > 0) {
    ssize_t n = write(blob->file, bytes, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      blob->failed = true;
      return fail("write a blob");
    }
    hash_add(blob->hash, bytes, n);
    blob->size += n;
    bytes += n;
    size -= n;
  }
  return 0;
}

void
blob_drop(struct blob *blob)
{
  int error = errno;
  if (blob->file >= 0)
    close(blob->file);
  blob->file = -1;
  hash_drop(blob->hash);
  blob->hash = NULL;
  errno = error;
}

static int
give_name(struct blob *blob, const char *digest)
{
  char from[64], to[128];
  snprintf(from, sizeof from, "/proc/self/fd/%d", blob->file);
  snprintf(to, sizeof to, "blobs/sha256/%.64s", digest + 7);
  if (fchmod(blob->file, 0444) < 0 || fdatasync(blob->file) < 0)
    return fail("sync a blob");
  if (linkat(AT_FDCWD, from, blob->store, to, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
    return fail("link a blob");
  autoclose int directory = openat(blob->store, "blobs/sha256", O_RDONLY | O_CLOEXEC);
  return directory < 0 || fsync(directory) < 0 ? fail("sync blobs/sha256") : 0;
}

int
blob_finish(struct blob *blob, const struct descriptor *want, struct descriptor *got)
{
  char digest[DIGEST_SIZE];
  int result;
  hash_end(blob->hash, digest);
  blob->hash = NULL;
  if (blob->failed)
    result = refuse(EIO, "an earlier write failed");
  else if (want && want->size != blob->size)
    result = refuse(EBADMSG, "wanted %lld bytes, got %lld", (long long)want->size,
                    (long long)blob->size);
  else if (want && strcmp(want->digest, digest) != 0)
    result = refuse(EBADMSG, "wanted %s, got %s", want->digest, digest);
  else
    result = give_name(blob, digest);
  if (result == 0 && got) {
    strcpy(got->digest, digest);
    got->size = blob->size;
  }
  blob_drop(blob);
  return result;
}

int
blob_open(int store, const struct descriptor *want)
{
  struct stat st, opened;
  char path[128];
  if (!digest_valid(want->digest))
    return refuse(EINVAL, "no digest: %s", want->digest);
  snprintf(path, sizeof path, "blobs/sha256/%.64s", want->digest + 7);
  if (fstatat(store, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("stat blob %s", want->digest);
  if (!S_ISREG(st.st_mode) || st.st_size != want->size)
    return refuse(EBADMSG, "blob %s is no file of %lld bytes", want->digest,
                  (long long)want->size);
  autoclose int fd = openat(store, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &opened) < 0)
    return fail("open blob %s", want->digest);
  if (opened.st_ino != st.st_ino || !S_ISREG(opened.st_mode))
    return refuse(EBADMSG, "blob %s has changed", want->digest);
  return take_fd(&fd);
}

char *
blob_load(int store, const struct descriptor *want, int64_t limit)
{
  if (want->size > limit) {
    refuse(EFBIG, "blob %s is larger than %lld bytes", want->digest, (long long)limit);
    return NULL;
  }
  autoclose int fd = blob_open(store, want);
  if (fd < 0)
    return NULL;
  char *data = malloc(want->size + 1), digest[DIGEST_SIZE];
  int64_t n = 0;
  for (ssize_t m = 1; data && m > 0 && n < want->size; n += m > 0 ? m : 0)
    m = read(fd, data + n, want->size - n);
  if (data) {
    data[n] = '\0';
    digest_of(data, n, digest);
    if (n == want->size && strcmp(digest, want->digest) == 0)
      return data;
    free(data);
  }
  refuse(data ? EBADMSG : ENOMEM, "blob %s is not what it should be", want->digest);
  return NULL;
}

/* We leave nothing; but others may. */
int
store_sweep(int store)
{
  int tmp = openat(store, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
  struct dirent **names;
  int n = tmp < 0 ? -1 : scandirat(store, "tmp", &names, NULL, alphasort);
  if (n < 0)
    return fail("read tmp");
  for (int i = 0; i < n; free(names[i++])) {
    if (names[i]->d_name[0] == '.')
      continue;
    autoclose int fd = openat(tmp, names[i]->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && tree_remove(tmp, names[i]->d_name) == 0)
      count++;
  }
  free(names);
  close(tmp);
  return count;
}
