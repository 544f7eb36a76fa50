/* start.h - what a program does first. */
#ifndef START_H
#define START_H

/* Undo what a careless caller left us. Each of descriptors 0, 1 and 2 that is
 * closed is opened on /dev/null: else the next file that we open gets that
 * number, and somebody prints into it. SIGCHLD is not ignored: else the kernel
 * throws our children's statuses away. SIGTERM, SIGHUP, SIGINT and SIGCHLD are
 * not blocked: else nobody can stop us. Returns 0, or -1 with errno and a
 * message. Source: execve(2), "Effect on process attributes"; waitpid(2),
 * NOTES. */
int start_clean(void);

/* Standard input, output and error cross into a container. Refuse one that is a
 * directory: it would carry a way out inside (`jail run ROOT sh < /`). Returns
 * 0, or
 * -1 with EISDIR and a message. */
int check_standard_streams(void);

/* The PATH of fresh_environment. */
#define INSIDE_PATH                                                            \
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Replace the environment by a small one, the same on every host: PATH, HOME=/,
 * and TERM as it is. What the caller's variables say is about the host, and
 * some of it is secret. */
void fresh_environment(void);

#endif
