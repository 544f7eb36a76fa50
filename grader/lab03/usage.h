/* usage.h - what the tests of usage.c share. */
#ifndef USAGE_H
#define USAGE_H

#include "cgroup.h"

/* What cgroup_usage says of the group `group` (a path); the test fails if the call
 * does. Valid until the next one. */
const struct cgroup_usage *usage_of(const char *group);

/* A number as text, "CGROUP_NONE" for that. Valid until 4 more. */
const char *number_text(uint64_t value);

/* check_cost.c: real groups, and programs of known cost in them. */
void cost_tests(void);

#endif
