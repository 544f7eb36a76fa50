#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"

const char *tool_name = "tool";

const char *
printable(const char *text, char *out, size_t size)
{
  size_t n = 0;
  for (; *text && n + 1 < size; text++)
    out[n++] = (unsigned char)*text < ' ' || *text == 127 ? '?' : *text;
  out[n] = '\0';
  return out;
}

int
complain_with(const char *advice)
{
  char message[8192];
  printable(failure(), message, sizeof message);
  fprintf(stderr, "%s: %s%s\n", tool_name, message, advice);
  return TOOL_FAILED;
}

int
complain(void)
{
  return complain_with("");
}

int
misused(const char *what, const char *about)
{
  fprintf(stderr, "%s: %s%s (run: %s --help)\n", tool_name, what, about, tool_name);
  return TOOL_FAILED;
}

enum step
step_with(int result, int error, const char *advice)
{
  static char named[64];
  if (result >= 0)
    return DONE;
  if (unfinished() && strcmp(named, failure()) == 0)
    return LEFT_OUT;
  snprintf(named, sizeof named, "%s", failure());
  complain_with(errno == error ? advice : "");
  return unfinished() ? LEFT_OUT : FAILED;
}

enum step
step(int result)
{
  return step_with(result, 0, "");
}
