/* check_spawn.c - 2.1, one function at a time. */
#include "check_lab02.h"

void
spawn_tests(void)
{
}
