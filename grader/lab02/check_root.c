/* check_root.c - 2.3, one function at a time. */
#include "check_lab02.h"

void
root_tests(void)
{
}
