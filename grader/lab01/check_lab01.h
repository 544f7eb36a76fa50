/* check_lab01.h - what the Check tests of lab01 share. */
#ifndef CHECK_LAB01_H
#define CHECK_LAB01_H

#include "jail.h"
#include "scratch.h"
#include "student.h"

/* Each file's tests. */
void enter_tests(void);
void needs_tests(void);
void copy_tests(void);
void escape_tests(void);
void drop_tests(void);

#endif
