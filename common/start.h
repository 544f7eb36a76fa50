/* start.h - what a program does first. */
#ifndef START_H
#define START_H

/* Undo what a careless caller left us. Each of descriptors 0, 1 and 2 that is
 * closed is opened on /dev/null: else the next file that we open gets that number,
 * and somebody prints into it. SIGCHLD is not ignored: else the kernel throws our
 * children's statuses away. SIGTERM, SIGHUP, SIGINT and SIGCHLD are not blocked: else
 * nobody can stop us. Returns 0, or -1 with errno and a message.
 * Source: execve(2), "Effect on process attributes"; waitpid(2), NOTES. */
int start_clean(void);

#endif
