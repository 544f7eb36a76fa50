/* main.h - nsrun, the tool, in three parts. Given.
 *
 * main.c          the commands, and the parent's half of `nsrun run`
 * main_options.c  what was asked for
 * main_child.c    the child's half
 */
#ifndef MAIN_H
#define MAIN_H

#include <signal.h>
#include <stdbool.h>

#include "container.h"
#include "tool.h"

/* ---- main_options.c ---- */

enum { MANY = 64 }; /* options of one kind */

enum net { NET_NONE, NET_HOST, NET_PRIVATE, NET_BRIDGE };

/* What `nsrun run` was asked for. */
extern struct wish {
  const char *root;           /* --root; NULL: the host's */
  const char *hostname;       /* --hostname; NULL: the host's */
  bool user;                  /* a user namespace */
  struct id_maps maps;        /* --user-map */
  enum net net;               /* --net */
  char *mounts[MANY];         /* --mount SRC:DST[:ro] */
  const char *tmpfs[MANY], *mask[MANY], *readonly[MANY];
  int mount_count, tmpfs_count, mask_count, readonly_count;
  bool time;                  /* --time-offset */
  long long seconds;          /* its value */
  bool init;                  /* --init */
  char **argv;                /* PROGRAM and its arguments */
  sigset_t mask_before;       /* signals that were blocked when we were started */
} wish;

/* Read the options of `nsrun run` into `wish`. Returns 0, or an exit status. */
int read_options(int argc, char **argv);

/* ---- main_child.c ---- */

/* The life of the container's first process, which hears from its parent by the
 * pipe `go`. Returns an exit status; or becomes the program, and does not
 * return. */
int contain(int go);

/* The same for a program that is started in a container that is there already:
 * die with the parent, give up privileges, become the program `argv`. */
int join(int go, char **argv);

#endif
