/* main.h - img, the tool, in parts. Given.
 *
 * main.c           the commands, the store, who we are
 * main_options.c   what was asked for
 * main_show.c      list, inspect, history, diff
 * main_write.c     import, config, commit
 * main_tree.c      unpack, mount, umount
 * main_keep.c      rm, gc, verify
 * main_dead.c      mounts that are no more
 * main_archive.c   save, load
 * main_registry.c  pull, push
 */
#ifndef MAIN_H
#define MAIN_H

#include <getopt.h>

#include "clean.h"
#include "fail.h"
#include "image.h"
#include "tool.h"

/* What the command line said before and behind the command's own words. */
struct wish {
  bool json;                  /* --json */
  bool devices;               /* --devices: make device nodes */
  bool rw;                    /* --rw */
  enum compression compress;  /* --gzip, --zstd */
  const char *as;             /* --name NAME, or NULL */
  const char *auth;           /* --auth: a file with NAME:PASSWORD in it, or NULL */
  struct platform platform;   /* --platform, or this machine's */
  struct config_wish config;  /* of `img config` */
  char said[1024];            /* the options as they were said: "--env A=1 --port 80" */
};
extern struct wish wish;

/* The options; some stand before the command. */
enum img_option {
  STORE = 256, QUIET, HELP, JSON, DEVICES, RW, GZIP, ZSTD, PLATFORM, NAME, AUTH,
  ENV, LABEL, PORT, VOLUME, ENTRYPOINT, CMD, WORKDIR, USER,
};
extern const struct option options[];

/* Read the options of a command into `wish`: those that it takes (0 ends them). Returns 0,
 * or an exit status when it has said what is wrong. */
int read_options(const char *command, const enum img_option *takes, int argc, char **argv);

/* Every command: its words (the command not among them), and the store. Returns an
 * exit status, and has said why if that is not 0. */
typedef int command_fn(int count, char **words, int store);
command_fn list, inspect, history, diff;
command_fn import, config, commit;
command_fn unpack, mount_image, umount_image;
command_fn rm, gc, verify;
command_fn save, load;
command_fn pull, push;

/* Find the image NAME, or NAME:latest if there is none and NAME has no tag. What it
 * is called goes to `called` (or NULL). Returns 0, or -1 with errno and a message. */
int find_image(int store, const char *name, struct image *image,
               char called[NAME_MAX + 1]);

/* Is that a directory that is there? Then it is no image's name. */
bool is_directory(const char *path);

/* How layers are applied, as was asked for. Its descriptors are -1. */
struct target how_to_apply(void);

/* Remove STORE/mounts/ID if that is not mounted anywhere, and count it in `*removed`, a
 * size_t. `mounts` is from mounts_lock, so that nobody is just about to mount it.
 * Returns 0, or -1 with errno and a message. */
int remove_dead_mount(int mounts, const char *id, void *removed);

/* Unpack all layers of an image into the directory. Returns 0, or -1 with errno and
 * a message. */
int unpack_image(int store, const struct image *image, int root);

/* The manifest of the image that is mounted, from its record, STORE/mounts/ID. Returns 0,
 * or -1 with errno and a message. */
int mounted_manifest(int store, int record, struct descriptor *manifest);

/* The time that nothing in an image may be newer than: SOURCE_DATE_EPOCH of the
 * environment, as reproducible-builds.org has it; or the end of all time. */
time_t newest_time(void);

/* "12.3 MiB" from bytes. Valid until the fourth call after. */
const char *human(int64_t bytes);

#endif
