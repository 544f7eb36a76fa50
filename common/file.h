/* file.h - small helpers for files. All of them work on descriptors, because a
 * path can come to mean another file between two calls and a descriptor
 * cannot. */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Open `path` as seen from a process whose root directory is `root` (a
 * descriptor of a directory): a symbolic link that starts with "/" starts again
 * at `root`, and ".." stops there. Whatever lies in that directory, the file
 * that is opened does too. `flags` and `mode` as for open(2); O_CLOEXEC is
 * added. Returns a descriptor that the caller closes, or -1 with errno. Leaves
 * no message. Source: openat2(2), RESOLVE_IN_ROOT; Linux 5.6. */
int open_in_root(int root, const char *path, int flags, mode_t mode);

/* Open `path` in `root` to mount something on it (O_PATH), and make what is
 * missing: directories (mode 0755, less the umask), and the last name as an
 * empty file if `file` is true. Whatever links lie in `root`, what is opened
 * and what is made lies in it too. A link that leads to nothing in there is not
 * followed: ENOENT. Returns a descriptor that the caller closes, or -1 with
 * errno: ENOTDIR if a directory was wanted and something else is there, EISDIR
 * the other way round. Leaves no message. */
int target_in_root(int root, const char *path, bool file);

/* Open a regular file for reading. Anything else is refused with EINVAL, and
 * without waiting for the other end of a FIFO. Returns a descriptor that the
 * caller closes, or -1 with errno and a message. */
int open_regular(const char *path);

/* Read exactly `size` bytes at `offset`. Returns memory that the caller frees,
 * with a NUL behind the last byte, or NULL: ENOEXEC if the file ends before
 * that, else errno of pread(2) or malloc(3). Leaves no message. */
void *read_at(int fd, off_t offset, size_t size);

/* Write all of `size` bytes, however many write(2) calls that takes. Returns 0,
 * or -1 with errno. Leaves no message. */
int write_all(int fd, const void *data, size_t size);

/* Copy what is left to read in `from` to `to`. Returns 0, or -1 with errno.
 * Leaves no message. */
int copy_data(int from, int to);

/* Make a path of /proc/self/mountinfo readable, in place: a space in it is written
 * \040 there, in octal, and so are a tab, a newline and a backslash. Source:
 * proc(5), "/proc/[pid]/mountinfo". */
void unescape_mount(char *path);

/* Do two regular files hold the same bytes? Reads both from their start and
 * leaves their offsets there. A file that cannot be read is not the same. */
bool same_data(int a, int b);

#endif
