/* obstacle.h - why not. */
#ifndef OBSTACLE_H
#define OBSTACLE_H

/* What on this host forbids an ordinary user a user namespace, and the command
 * that mends it; or, if nothing is known to, the text of `error` (an errno).
 * The string is valid until the next call. Source: user_namespaces(7); sysctl
 * names of Debian, Ubuntu, and the kernel. */
const char *userns_obstacle(int error);

/* Why there can be no virtual machine (grader/vm) here, or NULL if there can: QEMU
 * for the processor that this machine has. */
const char *vm_obstacle(void);

#endif
