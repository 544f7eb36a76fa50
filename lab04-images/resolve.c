/* resolve.c - 4.2: from a name to an image.
 *
 * The way leads through files that somebody else has written, and each of them says
 * which is next. Whether we got the file that was meant is never in doubt: its digest
 * tells. What is in doubt is what it means. So everything that is read is looked at
 * before it is used: is it there, has it the right type, is it in bounds? And what we
 * do not know we refuse by its name, rather than take it for something else.
 *
 * jansson makes that short: its readers take NULL, and what is of another type, and
 * give NULL. "Not there" and "not a string" are one case.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

bool
image_name_valid(const char *name)
{
  /* TODO 4.2: letters and digits; then, again and again, one separator and letters
   * and digits. "/" is a separator, too. */
  todo("4.2", name);
  return false;
}

int
descriptor_read(const json_t *json, struct descriptor *descriptor)
{
  /* TODO 4.2: json_object_get, json_string_value, json_is_integer. */
  return todo("4.2", json, descriptor);
}

bool
platform_fits(const json_t *descriptor, const struct platform *want)
{
  /* TODO 4.2: no "platform" fits all; no "variant", on either side, fits, too. */
  todo("4.2", descriptor, want);
  return false;
}

const json_t *
index_find(const json_t *index, const char *name, const struct platform *want)
{
  /* TODO 4.2: index_name (given) and platform_fits. */
  todo("4.2", index, name, want);
  return NULL;
}

const json_t *
index_choose(const json_t *index, const struct platform *want, size_t *at)
{
  /* TODO 4.2: media_of (given) and platform_fits, for each entry from *at on. */
  todo("4.2", index, want, at);
  return NULL;
}

int
image_read(int store, const struct descriptor *descriptor, const struct platform *want,
           struct image *image)
{
  /* TODO 4.2: an index leads on, a manifest ends the search. Then layers and config.
   * An index may lie in itself, and nobody promises that it is a small one. */
  return todo("4.2", store, descriptor, want, image);
}

int
image_resolve(int store, const char *name, const struct platform *want,
              struct image *image)
{
  /* TODO 4.2: index_load (given), index_find, descriptor_read, image_read. */
  return todo("4.2", store, name, want, image);
}
