/* check_lab02.h - what the Check tests of lab02 share. */
#ifndef CHECK_LAB02_H
#define CHECK_LAB02_H

#include "container.h"
#include "scratch.h"
#include "student.h"

/* Each file's tests. */
void spawn_tests(void);
void init_tests(void);
void root_tests(void);
void user_tests(void);
void hide_tests(void);
void net_tests(void);
void enter_tests(void);

#endif
