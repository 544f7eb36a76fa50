/* check.c - the Check program of lab04. */
#include "check_lab04.h"

int
main(int argc, char **argv)
{
  store_tests();
  resolve_tests();
  apply_tests();
  stack_tests();
  diff_tests();
  config_tests();
  registry_tests();
  return student_main(argc, argv);
}
