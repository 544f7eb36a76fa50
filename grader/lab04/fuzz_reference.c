/* fuzz_reference.c - what is read of a line of text: references, challenges, names,
 * paths. */
#include <string.h>

#include "fuzz.h"

static bool
only(const char *text, const char *bytes)
{
  return strspn(text, bytes) == strlen(text);
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What is part of an address must not bend it. */
static void
try_reference(const char *text)
{
  struct reference reference = {0};
  if (reference_parse(text, &reference) < 0)
    return;
  MUST(reference.host[0] && only(reference.host, LOWER UPPER DIGITS ".-_:[]"));
  MUST(reference.repository[0] && only(reference.repository, LOWER DIGITS "._-/"));
  MUST(!strstr(reference.repository, "..") && !strstr(reference.repository, "//"));
  MUST(reference.repository[0] != '/');
  MUST(only(reference.tag, LOWER UPPER DIGITS "._-"));
  MUST(!reference.digest[0] || digest_valid(reference.digest));
  MUST(reference.tag[0] || reference.digest[0]);
}

static void
try_challenge(const char *text)
{
  struct challenge challenge = {0};
  if (challenge_parse(text, &challenge) == 0)
    MUST(challenge.basic || challenge.realm[0]);
}

static void
try_path(const char *path)
{
  char directory[PATH_MAX], name[NAME_MAX + 1];
  if (path_split(path, directory, name) < 0)
    return;
  MUST(name[0] && !strchr(name, '/') && strcmp(name, "..") != 0);
  MUST(strcmp(name, ".") != 0 || !directory[0]);
  MUST(directory[0] != '/' && !strstr(directory, "//"));
  for (const char *part = directory; part; part = strchr(part, '/')) {
    part += *part == '/';
    size_t size = strcspn(part, "/");
    MUST(!(size == 2 && memcmp(part, "..", 2) == 0));
    MUST(!(size == 1 && *part == '.'));
    if (!part[size])
      break;
  }
}

static void
try_name(const char *name)
{
  if (image_name_valid(name)) {
    MUST(only(name, LOWER UPPER DIGITS "-._:@+/") && name[0] && strlen(name) <= 255);
    MUST(!strstr(name, "..") && !strstr(name, "//") && name[0] != '/');
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct platform platform;
  char *text = malloc(size + 1);
  MUST(text);
  memcpy(text, data, size);
  text[size] = '\0';
  try_reference(text);
  try_challenge(text);
  try_path(text);
  try_name(text);
  platform_parse(text, &platform);
  media_of(text);
  if (digest_valid(text))
    MUST(strlen(text) == 71 && !strchr(text, '/'));
  free(text);
  return 0;
}
