/* store.c - 4.1 with mkostemp(3), and a hash of the whole file at the end. */
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
  for (;;) {
    char path[PATH_MAX];
    struct stat st;
    *blob = (struct blob){.store = store};
    snprintf(path, sizeof path, "/proc/self/fd/%d/tmp/XXXXXX", store);
    blob->file = mkostemp(path, O_CLOEXEC);
    if (blob->file < 0)
      return fail("mkostemp %s", path);
    snprintf(blob->temp, sizeof blob->temp, "%s", strrchr(path, '/') + 1);
    if (flock(blob->file, LOCK_EX) == 0 && fstat(blob->file, &st) == 0 && st.st_nlink == 1)
      return 0;
    close(blob->file);
  }
}

int
blob_write(struct blob *blob, const void *data, size_t size)
{
  if (write_all(blob->file, data, size) < 0) {
    blob->size = -1;
    return fail("write a blob");
  }
  blob->size += size;
  return 0;
}

void
blob_drop(struct blob *blob)
{
  int error = errno;
  autoclose int tmp = openat(blob->store, "tmp", O_PATH | O_CLOEXEC);
  if (*blob->temp)
    unlinkat(tmp, blob->temp, 0);
  if (blob->file >= 0)
    close(blob->file);
  *blob = (struct blob){.file = -1};
  errno = error;
}

static int
give_name(struct blob *blob, const char *digest)
{
  char from[NAME_MAX + 8], to[128];
  snprintf(from, sizeof from, "tmp/%s", blob->temp);
  snprintf(to, sizeof to, "blobs/sha256/%.64s", digest + 7);
  if (fchmod(blob->file, 0444) < 0 || syncfs(blob->file) < 0)
    return fail("sync a blob");
  if (renameat(blob->store, from, blob->store, to) < 0)
    return fail("rename a blob");
  *blob->temp = '\0';
  return syncfs(blob->file) < 0 ? fail("sync blobs/sha256") : 0;
}

/* The digest of the file. */
static int
hash_file(int file, char digest[DIGEST_SIZE])
{
  char buffer[32768];
  struct hash *hash = hash_begin();
  ssize_t n;
  off_t at = 0;
  while (hash && (n = pread(file, buffer, sizeof buffer, at)) > 0) {
    hash_add(hash, buffer, n);
    at += n;
  }
  if (!hash)
    return -1;
  hash_end(hash, digest);
  return 0;
}

int
blob_finish(struct blob *blob, const struct descriptor *want, struct descriptor *got)
{
  char digest[DIGEST_SIZE];
  int result;
  if (hash_file(blob->file, digest) < 0)
    result = -1;
  else if (blob->size < 0)
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
