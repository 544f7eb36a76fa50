/* See cheat.c: what it found, called. */
#include "image.h"

void *stolen(const char *name);
void pass_on(void);

#define STOLEN(f, parameters, ...)                    \
  int f parameters                                    \
  {                                                   \
    __typeof__(&f) found = stolen(#f);                \
    int result = found ? found(__VA_ARGS__) : -1;     \
    if (result < 0)                                   \
      pass_on();                                      \
    return result;                                    \
  }

STOLEN(env_set, (json_t *env, const char *assignment), env, assignment)
STOLEN(config_change, (json_t *config, const struct config_wish *wish), config, wish)
STOLEN(config_add_history, (json_t *config, const char *diff_id, time_t created,
                            const char *created_by, const char *comment), config, diff_id,
       created, created_by, comment)
STOLEN(image_write, (int store, const char *name, json_t *config,
                     const struct descriptor *layers, size_t count,
                     struct descriptor *manifest), store, name, config, layers, count, manifest)
