/* check.c - the Check program of lab02. */
#include "check_lab02.h"

int
main(int argc, char **argv)
{
  spawn_tests();
  init_tests();
  root_tests();
  user_tests();
  hide_tests();
  net_tests();
  enter_tests();
  return student_main(argc, argv);
}
