/* check_init.c - 2.2, one function at a time. */
#include "check_lab02.h"

void
init_tests(void)
{
}
