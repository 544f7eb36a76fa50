/* check_user.c - 2.4, one function at a time. */
#include "check_lab02.h"

void
user_tests(void)
{
}
