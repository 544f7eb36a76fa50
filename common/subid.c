#include "subid.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
subid_range(const char *file, unsigned *first, unsigned *count)
{
  struct passwd *user = getpwuid(getuid());
  char line[512], number[16];
  bool found = false;
  FILE *stream = fopen(file, "re");
  snprintf(number, sizeof number, "%u", getuid());
  while (stream && !found && fgets(line, sizeof line, stream)) {
    char *name = strtok(line, ":");
    found = name && sscanf(strtok(NULL, "") ?: "", "%u:%u", first, count) == 2 &&
            (strcmp(name, number) == 0 ||
             (user && strcmp(name, user->pw_name) == 0));
  }
  if (stream)
    fclose(stream);
  return found;
}
