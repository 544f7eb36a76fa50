/* fail.h - say what failed, once, where it failed.
 *
 * A library function that fails returns -1 with errno set, and leaves one
 * message behind:
 *
 *     if (chroot(root) < 0)
 *       return fail("chroot %s", root);
 *
 * It prints nothing. Only main decides what to do with the message: a tool
 * prints it, a test compares it, a runtime puts it into a log.
 */
#ifndef FAIL_H
#define FAIL_H

#include <stdbool.h>

/* Leave the message "FORMAT...: strerror(errno)". Returns -1; errno stays. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Leave the message "FORMAT..." alone, for what no system call refused but we
 * do. Sets errno to `error` and returns -1. */
int refuse(int error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The message of the latest fail, refuse or todo of this process; "" if there
 * is none. Valid until the next one; it may be an argument of that one, to say more:
 * refuse(errno, "%s: %s", path, failure()). */
const char *failure(void);

/* The body of an exercise that nobody has written yet: leaves a message, sets
 * errno to ENOSYS, returns -1. The parameters behind `exercise` are not looked
 * at; naming them there keeps the compiler from calling them unused. */
int todo(const char *exercise, ...);

/* Is the latest failure a todo? A tool may then go on without that step. */
bool unfinished(void);

#endif
