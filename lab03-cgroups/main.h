/* main.h - cgrun, the tool, in four parts. Given.
 *
 * main.c          the commands
 * main_options.c  what was asked for
 * main_run.c      `cgrun run`, from the group to its end
 * main_show.c     stat, watch, list: numbers for people and for programs
 */
#ifndef MAIN_H
#define MAIN_H

#include "cgroup.h"
#include "tool.h"

/* The directory of the group NAME is cgrun-NAME. */
#define PREFIX "cgrun-"

/* A running program is given so long to die, in milliseconds. */
enum { PATIENCE = 10000 };

enum { NAME_SIZE = 64 /* bytes of a NAME, with its NUL */ };

/* What `cgrun run` was asked for. */
extern struct wish {
  struct cgroup_limits limits;
  const char *controllers[8];  /* that these limits take; NULL at the end */
  char name[NAME_SIZE];        /* --name, or one of our own */
  bool named;                  /* --name */
  char **argv;                 /* PROGRAM and its arguments */
} wish;

/* Read the options of `cgrun run` into `wish`. Returns 0, or an exit status. */
int read_options(int argc, char **argv);

/* Is this a NAME of a group: letters, digits, "-", "_", ".", and no dot in front?
 * Returns 0, or -1 with EINVAL and a message. */
int check_name(const char *name);

/* Open the place of our groups (3.1). Returns a descriptor, or -1: it has said
 * why, and what to do. */
int open_place(void);

/* What to do where a controller is not to be had; a text for complain_with. */
const char *how_to_get_controllers(void);

/* The life of one group. Returns an exit status. */
int run_in_group(int place);

/* Print a table, or JSON, of one group. Returns an exit status. */
int show_stat(int group, const char *name, bool json);

/* The same, again and again in place, until the group has gone. Without a
 * terminal: a line for each event. Returns an exit status. */
int show_watch(int group, const char *name, bool json);

/* Print one line for each group in `place`. Returns an exit status. */
int show_list(int place, bool json);

#endif
