/* check.c - the Check program of lab03. */
#include "check_lab03.h"

int
main(int argc, char **argv)
{
  place_tests();
  limit_tests();
  start_tests();
  usage_tests();
  watch_tests();
  kill_tests();
  clean_tests();
  return student_main(argc, argv);
}
