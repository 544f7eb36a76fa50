/* layout.c - make and open a store, given.
 *
 * A store is an image layout, so skopeo, umoci and podman read it as it is, and we
 * read theirs. Beside what the specification wants, ours has
 *
 *     tmp/     what is being written, and not yet what it will be
 *     layers/  layers unpacked, by chainID
 *     mounts/  what is mounted, and what was written there
 *
 * Those three are only for their owner: a setuid program of an old image has no
 * business in anybody's reach outside of a container. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "given.h"

static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
static const char no_images[] =
    "{\"manifests\":[],\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
    "\"schemaVersion\":2}";

/* The directories of a store. */
static const struct {
  const char *name;
  mode_t mode;
} parts[] = {
    {"blobs", 0755},  {"blobs/sha256", 0755}, {"tmp", 0700},
    {"layers", 0700}, {"mounts", 0700},
};

enum { PARTS = sizeof parts / sizeof *parts };

/* A new file in STORE/tmp, locked, so that store_sweep leaves it alone. */
static int
temp_open(int store, char path[64])
{
  unsigned long long number;
  struct stat st;
  for (;;) {
    if (getrandom(&number, sizeof number, 0) != sizeof number)
      return -1;
    snprintf(path, 64, "tmp/file-%016llx", number);
    autoclose int fd = openat(store, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno != EEXIST)
      return -1;
    /* Before it was locked, a sweeper may have taken it for a dead writer's. */
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
        st.st_nlink > 0)
      return take_fd(&fd);
    if (fd >= 0)
      unlinkat(store, path, 0);
  }
}

int
store_write(int store, const char *name, const char *text)
{
  char temp[64];
  autoclose int file = temp_open(store, temp);
  if (file < 0)
    return fail("make a file in the store's directory tmp");
  /* In this order: a name that is on the disk before the bytes is a name of
   * nothing after a power cut. */
  if (write_all(file, text, strlen(text)) < 0 || fsync(file) < 0 ||
      renameat(store, temp, store, name) < 0) {
    fail("write %s of the store", name);
    int error = errno;
    unlinkat(store, temp, 0);
    errno = error;
    return -1;
  }
  return fsync(store) < 0 ? fail("write the store's directory to the disk") : 0;
}

/* Has the directory nothing in it but what make_store begins with? */
static bool
is_empty(int store)
{
  int copy = openat(store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  bool empty = dir;
  if (!dir) {
    clean_close(&copy);
    return false;
  }
  for (struct dirent *e; (e = readdir(dir));) {
    bool ours = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
                strcmp(e->d_name, "index.json") == 0;
    for (int i = 0; i < PARTS; i++)
      ours |= strcmp(e->d_name, parts[i].name) == 0;
    empty &= ours;
  }
  closedir(dir);
  return empty;
}

/* Make what a store needs and this one lacks: all of it in a new one, the last
 * three directories in one that another tool has made. oci-layout comes last: it
 * says that the rest is there. */
static int
make_store(int store, const char *path)
{
  struct stat st;
  for (int i = 0; i < PARTS; i++)
    if (mkdirat(store, parts[i].name, parts[i].mode) < 0 && errno != EEXIST)
      return fail("make %s/%s", path, parts[i].name);
  /* Two that do this at the same time must not undo what the other has put into
   * the index by now. */
  autoclose int blobs = openat(store, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (blobs < 0 || fsync(blobs) < 0)
    return fail("write %s/blobs to the disk", path);
  autoclose int lock = openat(store, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0 || flock(lock, LOCK_EX) < 0)
    return fail("lock %s/tmp", path);
  /* Whatever else is wrong with it: an index that is there is not written over. */
  bool there = fstatat(store, "index.json", &st, 0) == 0;
  if (!there && errno != ENOENT)
    return fail("look at %s/index.json", path);
  if (!there && store_write(store, "index.json", no_images) < 0)
    return -1;
  if (fstatat(store, "oci-layout", &st, 0) == 0)
    return 0;
  return store_write(store, "oci-layout", version);
}

/* Is there an image layout of the version that we know? */
static int
look_at_layout(int store, const char *path)
{
  char text[512];
  autoclose int fd = openat(store, "oci-layout", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return refuse(EBADMSG, "%s: is not an image store: it has no file oci-layout", path);
  ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (size < 0)
    return fail("read %s/oci-layout", path);
  json_auto_t *layout = json_read(text, size, "oci-layout");
  if (!layout)
    return -1;
  const char *got = json_string_value(json_object_get(layout, "imageLayoutVersion"));
  if (!got || strcmp(got, "1.0.0") != 0)
    return refuse(EBADMSG, "%s: is an image layout of version %s; we know only 1.0.0",
                  path, got ? got : "(none)");
  return 0;
}

int
store_open(const char *path, bool create)
{
  struct stat st;
  if (create && mkdir(path, 0755) < 0 && errno != EEXIST)
    return fail("make the store %s", path);
  autoclose int store = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (store < 0)
    return fail("open the store %s", path);
  bool there = fstatat(store, "oci-layout", &st, 0) == 0;
  if (create && !there && !is_empty(store))
    return refuse(EBADMSG, "%s: is neither empty nor an image store: it has no file "
                  "oci-layout", path);
  if (there && look_at_layout(store, path) < 0)
    return -1;
  if (create && make_store(store, path) < 0)
    return -1;
  if (!there && look_at_layout(store, path) < 0)
    return -1;
  return take_fd(&store);
}

int
store_lock(int store, bool exclusive)
{
  /* A lock belongs to the open file (flock(2)): so we open the directory anew. */
  autoclose int lock = openat(store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (lock >= 0 && flock(lock, exclusive ? LOCK_EX : LOCK_SH) < 0)
    if (errno != EINTR)
      return fail("lock the store");
  return lock < 0 ? fail("open the store to lock it") : take_fd(&lock);
}
