/* resolve.h - what the tests of 4.2 share. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "check_fixtures.h"
#include "check_lab04.h"

/* What a call is given. */
struct question {
  const char *store;             /* its path */
  const char *json;              /* a descriptor or an index, as text */
  const char *name;              /* of an image */
  struct platform want;          /* to run on */
  struct descriptor descriptor;  /* of a manifest or index */
  size_t at;                     /* for index_choose */
  const char *config_key;        /* of the config, to be answered: "author" */
};

/* What came of it: in memory that the test sees. */
struct found {
  struct descriptor descriptor;          /* by descriptor_read, or the manifest */
  struct descriptor config;              /* of the image */
  struct descriptor layers[8];           /* the first of them */
  char diff_ids[8][DIGEST_SIZE];         /* theirs */
  size_t count;                          /* of all */
  size_t at;                             /* by index_choose */
  char value[256];                       /* of the config's key */
};
extern struct found *found;

/* "linux/arm64/v8". */
struct platform platform_of_text(const char *text);

/* image_read; or image_resolve if there is a name. What comes goes to `found`. */
void call_image(struct answer *a, const void *question);

/* It works, with this manifest and so many layers; or it fails with this errno, and the
 * message has `says` in it (or NULL). */
void expect_image(const struct question *question, const char *what,
                  const struct descriptor *manifest, size_t count);
void expect_no_image(const struct question *question, const char *what, int error,
                     const char *says);

/* The tests of the other files. */
void index_tests(void);
void read_tests(void);
void refuse_tests(void);

#endif
