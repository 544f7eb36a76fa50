/* check_net.c - 2.6, one function at a time. */
#include "check_lab02.h"

void
net_tests(void)
{
}
