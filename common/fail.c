#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[8192];  /* room for two paths of PATH_MAX */
static _Thread_local bool is_todo;        /* the latest failure came from todo() */

int
fail(const char *format, ...)
{
  int error = errno;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (n >= 0 && (size_t)n < sizeof message)
    snprintf(message + n, sizeof message - n, ": %s", strerror(error));
  is_todo = false;
  errno = error;
  return -1;
}

int
refuse(int error, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  is_todo = false;
  errno = error;
  return -1;
}

const char *
failure(void)
{
  return message;
}

int
todo(const char *exercise, ...)
{
  refuse(ENOSYS, "exercise %s is not written yet", exercise);
  is_todo = true;
  return -1;
}

bool
unfinished(void)
{
  return is_todo;
}
