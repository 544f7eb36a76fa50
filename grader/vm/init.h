/* init.h - the parts of the guest's init; init.c tells what it is for. */
#ifndef VM_INIT_H
#define VM_INIT_H

#include <stdbool.h>
#include <sys/ioctl.h>

#include "list.h"
#include "wire.h"

/* What the launcher asks for. */
struct job {
  struct list argv;      /* the command */
  struct list env;       /* "NAME=VALUE" */
  char *tree;            /* absolute path of this tree; ours to free */
  char *directory;       /* absolute path, where the command runs; ours too */
  struct winsize size;   /* of its terminal */
  bool terminal;         /* it gets one, rather than two pipes */
};

/* ---- init_root.c ---- */

/* Make directories /dev and /proc and mount what belongs there. Returns 0, or
 * -1 with errno and a message. */
int init_first_mounts(void);

/* Build the guest's root directory, and make it that of this process (and, as
 * they share theirs with PID 1, of the kernel's threads). Returns 0, or -1 with
 * errno and a message. */
int init_root(const char *tree);

/* The rest of what a system's first process sets up: loopback link, host name,
 * controllers of cgroups, a link to the kernel's modules. Returns 0, or -1 with
 * errno and a message. */
int init_system(const char *tree);

/* ---- init_job.c ---- */

/* Run the command; say on `port` (a descriptor) that it has started, and pass
 * on what it reads and writes, until it has ended and all is said. Returns its
 * exit status, or -1 with errno and a message if it did not start. */
int init_job(int port, const struct job *job);

#endif
