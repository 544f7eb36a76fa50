/* check_lab03.h - what the Check tests of lab03 share. */
#ifndef CHECK_LAB03_H
#define CHECK_LAB03_H

#include "cgroup.h"
#include "groups.h"
#include "scratch.h"
#include "student.h"

/* Each file's tests. */
void place_tests(void);
void limit_tests(void);
void start_tests(void);
void usage_tests(void);
void watch_tests(void);
void kill_tests(void);
void clean_tests(void);

#endif
