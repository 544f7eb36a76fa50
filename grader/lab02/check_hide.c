/* check_hide.c - 2.5, one function at a time. */
#include "check_lab02.h"

void
hide_tests(void)
{
}
