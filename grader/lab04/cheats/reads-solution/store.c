/* See cheat.c: what it found, called. */
#include "image.h"

void *stolen(const char *name);
void pass_on(void);

/* f(...), or `otherwise` if there is no f. */
#define CALL(type, f, otherwise, ...)                  \
  __typeof__(&f) found = stolen(#f);                   \
  type result = found ? found(__VA_ARGS__) : otherwise

#define FAILABLE(type, f, parameters, bad, otherwise, ...) \
  type f parameters                                        \
  {                                                        \
    CALL(type, f, otherwise, __VA_ARGS__);                 \
    if (bad)                                               \
      pass_on();                                           \
    return result;                                         \
  }

bool
digest_valid(const char *digest)
{
  CALL(bool, digest_valid, false, digest);
  return result;
}

void
blob_drop(struct blob *blob)
{
  void (*found)(struct blob *) = stolen("blob_drop");
  if (found)
    found(blob);
}

FAILABLE(int, blob_begin, (int store, struct blob *blob), result < 0, -1, store, blob)
FAILABLE(int, blob_write, (struct blob *blob, const void *data, size_t size), result < 0, -1,
         blob, data, size)
FAILABLE(int, blob_finish, (struct blob *blob, const struct descriptor *want,
                            struct descriptor *got), result < 0, -1, blob, want, got)
FAILABLE(int, blob_open, (int store, const struct descriptor *want), result < 0, -1, store, want)
FAILABLE(char *, blob_load, (int store, const struct descriptor *want, int64_t limit), !result,
         NULL, store, want, limit)
FAILABLE(int, store_sweep, (int store), result < 0, -1, store)
