/* userns.h - an ordinary user's user namespace. */
#ifndef USERNS_H
#define USERNS_H

#include <sys/types.h>

/* Map user and group numbers of the process `pid`, which has made a user namespace:
 * our own number becomes 0 in there, and those that the system has set aside for us
 * (subid.h) become 1, 2, ...; where there are none, 0 alone. newuidmap(1) and
 * newgidmap(1) write what we may not. Returns 0, or -1 with errno and a message.
 * Source: user_namespaces(7), "User and group ID mappings". */
int userns_map(pid_t pid);

/* Write one file of /proc/PID ("uid_map"), in one write(2) as the kernel demands. Returns
 * 0, or -1 with errno and a message. */
int userns_write(pid_t pid, const char *name, const char *text);

/* Become root of a user namespace of our own, with a mount namespace that belongs to
 * it. The process must have one thread. Returns 0, or -1 with errno and a message. */
int userns_enter(void);

#endif
