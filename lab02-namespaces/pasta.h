/* pasta.h - a network for who may not lay a wire: the program pasta(1). */
#ifndef PASTA_H
#define PASTA_H

#include <sys/types.h>

/* Start pasta(1) for the network namespace of the process `pid`, a child of
 * ours, and wait until it is connected. One at a time. Returns 0, or -1 with
 * errno: ENOENT if it is not installed, ECHILD if it gave up (it has said why
 * on standard error). */
int pasta_start(pid_t pid);

/* End it. Does nothing if it was not started. */
void pasta_stop(void);

#endif
