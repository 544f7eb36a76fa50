/* check_pack.h - what the tests of 4.5 share. */
#ifndef CHECK_PACK_H
#define CHECK_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "check_fixtures.h"
#include "check_lab04.h"
#include "check_stack.h"

void diff_mark_tests(void);
void diff_pack_tests(void);
void diff_bytes_tests(void);
void diff_tree_tests(void);
void diff_deep_tests(void);

/* Pack a directory. */
struct pack_order {
  const char *root;   /* the directory */
  bool upper;         /* it has the overlay's marks */
  time_t newest;      /* no time may be later */
};

/* Call layer_pack, and what must be called before and after. Returns the answer; if the
 * call succeeds, `text` is the layer's digest. */
const struct answer *call_pack(const char *root, bool upper, time_t newest);

/* The same, which must succeed. Returns the layer as text, a line for each entry, in the
 * archive's order: "./ d 755 @0\n", "a f 644 @5 =what is in it\n", "b f 4711 7:8 @0 =\n"
 * (owner 7:8), "l l @0 ->where\n", "h =>a\n" (hard link), "n c 600 1:3 @0\n"; and behind
 * that its extended attributes, sorted, " user.x=1". Valid until the next call. */
const char *packed(const char *root, bool upper, time_t newest);

/* The digest of the layer that was packed last. */
const char *packed_digest(void);

/* Its bytes. Valid until the next layer. */
const unsigned char *packed_bytes(size_t *size);

/* Both texts are the same, or the test fails, saying what was wanted. */
void expect_lines(const char *got, const char *want, const char *what);

/* The message of the layer_pack that has failed has this path in it. */
void expect_path_said(const struct answer *answer, const char *path);

/* Make a file or directory below scratch(): with mtime 0, so that texts are short. */
void a_file(const char *name, const char *text);
void a_dir(const char *name);
void old(const char *name);

/* Extended attributes. They cannot be had everywhere: then the test ends as one that
 * cannot run here. */
void give_xattr(const char *name, const char *attribute, const char *value);

/* An attribute of our own: "user.NAME"; "trusted.NAME" where the file system has no user.*
 * (a tmpfs before Linux 6.6), and we are root. Valid until 16 more have been asked for. */
const char *own_xattr(const char *name);

/* The overlay's attribute, as it is called for us: "trusted.overlay.opaque", in a user
 * namespace "user.overlay.opaque"; or (ours false) as it is not. */
const char *overlay_xattr(const char *name, bool ours);

#endif
