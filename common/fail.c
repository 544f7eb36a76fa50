#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[8192];  /* room for two paths of PATH_MAX */
static _Thread_local bool is_todo;        /* the latest failure came from todo() */

/* The message is put together apart: the one before may be among the arguments. */
static void
leave(const char *why, const char *format, va_list args)
{
  char text[sizeof message] = "";
  int n = vsnprintf(text, sizeof text, format, args);
  if (*why && n >= 0 && (size_t)n < sizeof text)
    snprintf(text + n, sizeof text - n, ": %s", why);
  memcpy(message, text, strlen(text) + 1);
  is_todo = false;
}

int
fail(const char *format, ...)
{
  int error = errno;
  va_list args;
  va_start(args, format);
  leave(strerror(error), format, args);
  va_end(args);
  errno = error;
  return -1;
}

int
refuse(int error, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  leave("", format, args);
  va_end(args);
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
