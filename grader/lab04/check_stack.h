/* check_stack.h - what the tests of 4.4 share. */
#ifndef CHECK_STACK_H
#define CHECK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "check_fixtures.h"
#include "check_lab04.h"

void stack_overlay_tests(void);
void stack_unpack_tests(void);
void stack_apply_tests(void);
void stack_mount_tests(void);
void stack_umount_tests(void);

/* ---- somebody who stacks: check_stacker.c ----
 *
 * What the student's code mounts is in a mount namespace of its own, and goes with it.
 * So a stacker is a process that stays, does one thing after the other, and has its
 * files looked at in between: `inside` is their path. */

enum { STACK_LAYERS = 136 /* of an image, at most */ };

enum stack_task { DO_OVERLAY, DO_UNPACK, DO_MOUNT, DO_FIND, DO_UMOUNT };

/* In memory that both see. */
struct stacker {
  volatile int asked, done;      /* tasks, so far */
  pid_t pid;                     /* whom student_end ends */
  pid_t worker;                  /* who does it, a child of that one */
  pid_t place;                   /* whose mount namespace shows what was mounted */
  bool apart;                    /* the worker has a user namespace of its own */
  int apart_error;               /* errno if it could not get one; -1: it has not tried yet */
  enum stack_task task;          /* what is to be done now, and with what: */
  char store[PATH_MAX];          /* the store; DO_OVERLAY: the directory in which the others
                                    are: l0 (the lowest), l1, ..., u, w, m */
  char target[PATH_MAX];         /* where to mount */
  char directory[PATH_MAX];      /* working directory; "": any */
  size_t number;                 /* DO_UNPACK: of the layer; DO_OVERLAY: how many lower */
  bool rw;                       /* or read-only */
  char source[64];               /* DO_OVERLAY */
  struct put_layer layers[STACK_LAYERS]; /* of the image */
  size_t count;                  /* of them */
  char manifest[DIGEST_SIZE];    /* its */
  int value, error;              /* what came of it, and errno */
  char said[8192];               /* the message */
  char id[NAME_MAX + 1];         /* DO_FIND: of the mount */
  ino_t inode;                   /* DO_UNPACK, DO_FIND: of the descriptor that came */
  bool moved;                    /* the working directory is another than before */
  int leaked;                    /* descriptors that are open now, less those before */
  bool changed;                  /* `how`, which is not to be changed */
};

/* Start one. stacker_end ends it; what it has mounted goes. */
struct stacker *stacker_start(void);

/* One that is in a user namespace of its own, and so not in the first one, whoever runs
 * the tests. Where there can be none, the test ends as one that cannot run here. */
struct stacker *stacker_start_apart(void);
void stacker_end(struct stacker *stacker);

/* The image that it has to do with. */
void stacker_image(struct stacker *stacker, const char *store, const struct put_layer *layers,
                   size_t count);

/* Ask for something, and wait until it is done. Returns what came. stack_ask only asks. */
int stack_do(struct stacker *stacker, enum stack_task task);
void stack_ask(struct stacker *stacker, enum stack_task task);
int stack_wait(struct stacker *stacker);

/* Shorter. Each fails the test if the call fails. */
void must_mount(struct stacker *stacker, const char *target, bool rw);
void must_umount(struct stacker *stacker, const char *target);
void must_unpack(struct stacker *stacker, size_t i);

/* It failed with this errno; 0: any. */
void expect_refused(const struct stacker *stacker, const char *call, int error);

/* A path as the stacker sees it. Valid until 16 more have been asked for. */
const char *inside(const struct stacker *stacker, const char *path);

/* The line of its mountinfo of what is mounted on `path`, the last one; "" if nothing
 * is. And how many of its mounts are at or below `path`. */
const char *mount_line(const struct stacker *stacker, const char *path);
int mounts_below(const struct stacker *stacker, const char *path);

/* In the stacker's mount namespace: mount something. The type "bind" is mount --bind; else
 * `from` are the options. */
void mount_inside(const struct stacker *stacker, const char *type, const char *from,
                  const char *on);

/* Go into a new user namespace (in which we are root) and mount namespace. For bodies.
 * Returns 0, or -1 with errno. */
int enter_apart(void);

/* The message for student_cannot where that fails. */
extern const char no_apart[];

/* ---- images and trees: check_tree.c ---- */

/* A tree as text, a line each, sorted: "etc d 755\n", "etc/motd f 644 hello\n",
 * "lib l usr/lib\n", "dev/x c 1:3\n". "5:6" behind the mode: an owner that is not 0:0.
 * The root is ".". Valid until 4 more have been asked for. */
const char *tree_text(const char *path);

/* The path of a layer that is unpacked for stacking: number i, by its chainID. */
const char *unpacked_path(const char *store, const struct put_layer *layers, size_t i);

/* How many names there are in a directory of the store. */
int in_store(const char *store, const char *directory);

/* Write a file, make a directory, at a path. */
void write_text(const char *path, const char *text);
void make_directories(const char *path);

/* Directories of layers are removed, or hidden: overlayfs does that with attributes, and
 * not every file system has those that a user may set. Then the test ends as one that
 * cannot run here. */
void need_replaced_directories(void);

/* The same, for a user namespace of the test's own: there it is always user.*. */
void need_user_xattrs(void);

/* Is this all that is in the file? */
bool has_text(const char *path, const char *text);

/* Layers, shorter: ITEMS({...}, {...}). */
#define ITEMS(store, ...)                                                                  \
  put_layer(store, (const struct item[]){__VA_ARGS__},                                     \
            sizeof((const struct item[]){__VA_ARGS__}) / sizeof(struct item), "none")
#define A_DIR(p) {.path = (p), .mode = S_IFDIR | 0755}
#define A_FILE(p, t) {.path = (p), .mode = S_IFREG | 0644, .text = (t)}
#define A_LINK(p, t) {.path = (p), .mode = S_IFLNK | 0777, .text = (t)}
#define HARD_LINK(p, t) {.path = (p), .text = (t)}
#define WHITEOUT(p) {.path = (p), .mode = S_IFREG | 0644}

#endif
