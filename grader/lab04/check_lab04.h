/* check_lab04.h - what the Check tests of lab04 share. */
#ifndef CHECK_LAB04_H
#define CHECK_LAB04_H

#include <stdbool.h>

#include "image.h"
#include "scratch.h"
#include "student.h"

/* Has a file system in memory extended attributes user.*? Since Linux 6.6. Without them,
 * what is told apart by them alone is not tested. */
bool memory_has_user_xattrs(void);

/* Each file's tests. */
void store_tests(void);
void resolve_tests(void);
void apply_tests(void);
void stack_tests(void);
void diff_tests(void);
void config_tests(void);
void registry_tests(void); /* which calls those below, too */
void reference_tests(void);
void pull_tests(void);
void pull_image_tests(void);
void push_tests(void);

#endif
