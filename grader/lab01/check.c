/* check.c - the Check program of lab01. */
#include "check_lab01.h"

int
main(int argc, char **argv)
{
  enter_tests();
  needs_tests();
  copy_tests();
  escape_tests();
  drop_tests();
  return student_main(argc, argv);
}
