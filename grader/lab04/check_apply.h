/* check_apply.h - what the tests of 4.3 share. */
#ifndef CHECK_APPLY_H
#define CHECK_APPLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "check_fixtures.h"
#include "check_lab04.h"

void apply_path_tests(void);
void apply_enter_tests(void);
void apply_make_tests(void);
void apply_attribute_tests(void);
void apply_whiteout_tests(void);
void apply_layer_tests(void);
void apply_mark_tests(void);
void apply_inside_tests(void);

/* ---- layers with all that an archive can say: check_records.c ---- */

/* A part of a file that is not a hole. */
struct part {
  off_t offset;  /* where it begins */
  size_t size;   /* bytes; each is the letter PART_LETTER */
};

enum { PART_LETTER = 'p', XATTRS = 3, PARTS = 3 };

/* One entry of a layer. What is zero is not there. */
struct record {
  const char *path;
  mode_t mode;               /* type and permissions; 0: a hard link */
  const char *link;          /* where a link leads, either kind */
  const char *text;          /* what is in a file */
  size_t size;               /* bytes of `text`, if it is not a string; with `parts`, of
                                the file */
  uid_t uid;                 /* owner */
  gid_t gid;                 /* group */
  struct timespec mtime;     /* when it was changed */
  unsigned major, minor;     /* of a device */
  struct {
    const char *name;        /* "user.x" */
    const char *value;       /* `size` bytes; 0: a string */
    size_t size;             /* bytes */
  } xattrs[XATTRS];          /* extended attributes, until one has no name */
  struct part parts[PARTS];  /* of a sparse file, until one has no bytes */
};

/* Put a layer into the store. `filter`: "none", "gzip" or "zstd". */
struct put_layer put_records(const char *store, const struct record *records, size_t count,
                             const char *filter);

/* Shorter: of the array itself, into the store "store", which is made if it is not there. */
#define LAYER(...)                                                                         \
  put_records(the_store(), (const struct record[]){__VA_ARGS__},                           \
              sizeof((const struct record[]){__VA_ARGS__}) / sizeof(struct record), "gzip")
const char *the_store(void);

/* Records, shorter. */
#define DIR_(p) {.path = (p), .mode = S_IFDIR | 0755}
#define FILE_(p, t) {.path = (p), .mode = S_IFREG | 0644, .text = (t)}
#define SOFT_(p, l) {.path = (p), .mode = S_IFLNK | 0777, .link = (l)}
#define HARD_(p, l) {.path = (p), .link = (l)}

/* ---- calls ---- */

enum { LAYERS = 4 /* of an order, at most */ };

/* What to call, and with what. */
struct apply_order {
  const char *root;               /* where: the path of the target */
  struct put_layer layers[LAYERS]; /* layer_apply: one after the other */
  size_t count;                   /* of layers */
  bool devices, no_owners;        /* of struct target */
  unsigned limit;                 /* layer_apply: descriptors it may have; 0: as usual */
  const char *directory;          /* of the functions that take a parent: below root */
  const char *name;               /* and a name */
  struct entry entry;             /* and an entry */
  const char *made[4];            /* whiteout_apply: what the layer has made, as
                                     "DIRECTORY/NAME" */
};

/* What came of it, beside the answer. */
struct apply_result {
  unsigned left_out;   /* of struct target */
  int descriptors;     /* that are open now, less those before */
  long memory;         /* KiB that its memory has grown by, at most */
};

/* Memory that a child shares with the test, all zero. */
void *apply_shared(size_t size);

/* In a child: the target of an order. */
struct target target_of(const struct apply_order *order);

/* Call a function. What else there is to know is in apply_result(). */
const struct answer *call_layers(const struct apply_order *order);
const struct answer *call_make(const struct apply_order *order);
const struct answer *call_attributes(const struct apply_order *order);
const struct answer *call_whiteout(const struct apply_order *order);
const struct apply_result *apply_result(void);

/* The same for layers that must do, applied to the directory "root", which is made if it
 * is not there. */
void apply(const struct put_layer *layers, size_t count);
#define APPLY(...)                                                                         \
  apply((const struct put_layer[]){__VA_ARGS__},                                           \
        sizeof((const struct put_layer[]){__VA_ARGS__}) / sizeof(struct put_layer))

/* Of common/fail.h, which clashes with Check. */
const char *failure(void);

/* ---- looks ---- */

/* What is at "root/PATH": itself, not what a link leads to. */
struct stat look(const char *path);
bool is_there(const char *path);

/* The test fails if that is not so. `why` is what the contract wants. */
void expect_there(const char *path, const char *why);
void expect_gone(const char *path, const char *why);
void expect_text(const char *path, const char *text, const char *why);
void expect_mtime(const char *path, struct timespec mtime, const char *why);

/* Make files below scratch(), outside of the target; and see that they are as they were:
 * the directory "outside" with "file" and "dir/file" in it. */
void make_canaries(void);
void expect_canaries(const char *when);

/* Make "root/PATH" be older; return that time. */
struct timespec make_old(const char *path);

/* Can files be given to others here, as root or with subordinate numbers? Else the test
 * is one that cannot run here. */
void need_owners(void);

#endif
