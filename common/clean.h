/* clean.h - what a variable holds goes when the variable goes.
 *
 *     autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
 *     autofree char *line = strdup(text);
 *
 * The compiler calls the clean-up at every way out of the block (the "cleanup"
 * attribute of gcc and clang), so an early return needs no ladder of gotos.
 * To hand the value on instead, take it out first: return take_fd(&fd).
 */
#ifndef CLEAN_H
#define CLEAN_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define autofree __attribute__((cleanup(clean_free)))
#define autoclose __attribute__((cleanup(clean_close)))

/* errno belongs to the failure that made us leave, so neither may change it. */
static inline void
clean_free(void *pointer)
{
  int error = errno;
  free(*(void **)pointer);
  errno = error;
}

static inline void
clean_close(int *fd)
{
  int error = errno;
  if (*fd >= 0)
    close(*fd);
  errno = error;
}

/* The descriptor, no longer closed at the end of the block. */
static inline int
take_fd(int *fd)
{
  int taken = *fd;
  *fd = -1;
  return taken;
}

#endif
