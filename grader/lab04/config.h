/* config.h - what the tests of 4.6 share. */
#ifndef CONFIG_H
#define CONFIG_H

#include <jansson.h>
#include <stddef.h>

enum { AFTER_ROOM = 1 << 16 /* bytes */ };

/* The config after the latest call, as JSON; in memory that a child shares. */
extern char *after;

/* Get ready for a call. */
void config_begin(void);

/* `after` is this, whatever the order of keys; or the test fails. */
void expect_json(const char *expected, const char *what);

/* The same for two values. */
void expect_equal(const json_t *want, const json_t *is, const char *what);

/* Say where two that differ do so first, and what stands there: "config.Cmd: ["a"], where
 * nothing should be". NULL is nothing. */
void json_difference(const json_t *want, const json_t *is, char *text, size_t size);

/* image_write: check_write.c. */
void write_tests(void);

#endif
