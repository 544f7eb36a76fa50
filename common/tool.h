/* tool.h - what the labs' tools say, and how they end. For main only. */
#ifndef TOOL_H
#define TOOL_H

#include <stddef.h>

/* Exit statuses, as env(1), chroot(1) and Docker have them. */
enum { TOOL_FAILED = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

/* How the tool is called in its messages: "nsrun". main sets it. */
extern const char *tool_name;

/* Copy words of others, a file's name say, without orders to the terminal that may be in
 * them (console_codes(4)), as far as `size` bytes go. Returns `out`. */
const char *printable(const char *text, char *out, size_t size);

/* Print the latest failure, and behind it what to do about it. Return the exit
 * status that goes with it. */
int complain(void);
int complain_with(const char *advice);

/* Print that the command line is wrong. Returns the exit status that goes with
 * it. */
int misused(const char *what, const char *about);

/* How a step went. One that nobody has written yet is named (once) and left
 * out, so that the others can be tried. */
enum step { FAILED = -1, DONE, LEFT_OUT };

/* From what a function of a lab returned. Complains unless it is DONE; with this
 * advice if errno is `error`. */
enum step step(int result);
enum step step_with(int result, int error, const char *advice);

#endif
