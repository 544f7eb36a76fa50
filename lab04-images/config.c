/* config.c - 4.6: config and history.
 *
 * A config is made from the one before, which somebody else has written: what we do
 * not know in it we carry on, and what fails half way leaves it alone. So all changes
 * are made to a copy, which takes the place of the old one when all is well.
 *
 * Its names are Go's ("WorkingDir"), because the specification wrote down what
 * Docker's programs did. So are its sets: {"80/tcp": {}} is how Go wrote a set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

int
env_set(json_t *env, const char *assignment)
{
  /* TODO 4.6: the same name is the same up to and with the "=": PATH is not
   * PATHEXT. */
  return todo("4.6", env, assignment);
}

int
config_change(json_t *config, const struct config_wish *wish)
{
  /* TODO 4.6: on a copy (json_deep_copy) that takes the place of the old one at the
   * end. */
  return todo("4.6", config, wish);
}

int
config_add_history(json_t *config, const char *diff_id, time_t created,
                   const char *created_by, const char *comment)
{
  /* TODO 4.6: gmtime_r and strftime; one line, and perhaps one diffID. */
  return todo("4.6", config, diff_id, created, created_by, comment);
}

int
image_write(int store, const char *name, json_t *config, const struct descriptor *layers,
            size_t count, struct descriptor *manifest)
{
  /* TODO 4.6: the config's blob, the manifest's blob, the name: in this order, so that
   * nothing ever names what is not there. */
  return todo("4.6", store, name, config, layers, count, manifest);
}
