/* config.h - what the tests of 4.6 share. */
#ifndef CONFIG_H
#define CONFIG_H

enum { AFTER_ROOM = 1 << 16 /* bytes */ };

/* The config after the latest call, as JSON; in memory that a child shares. */
extern char *after;

/* Get ready for a call. */
void config_begin(void);

/* `after` is this, whatever the order of keys; or the test fails. */
void expect_json(const char *expected, const char *what);

/* image_write: check_write.c. */
void write_tests(void);

#endif
