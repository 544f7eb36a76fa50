#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"

const char *tool_name = "tool";

/* A message may have words of others in it, a file's name say. Orders to the terminal
 * (console_codes(4)) are not passed on. */
static const char *
printable(const char *message)
{
  static char text[8192];
  size_t n = 0;
  for (; *message && n + 1 < sizeof text; message++)
    text[n++] = (unsigned char)*message < ' ' || *message == 127 ? '?' : *message;
  text[n] = '\0';
  return text;
}

int
complain_with(const char *advice)
{
  fprintf(stderr, "%s: %s%s\n", tool_name, printable(failure()), advice);
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
