/* check_stack.c - 4.4: chain_id. The rest: check_overlay.c, check_unpack.c,
 * check_merge.c, check_mount.c, check_umount.c. */
#include <stdio.h>
#include <string.h>

#include "check_stack.h"

/* Digests, and what came. */
struct chain_order {
  const char *below, *diff_id;
};

static void
call_chain(struct answer *a, const void *arg)
{
  const struct chain_order *order = arg;
  char chain[DIGEST_SIZE];
  memset(chain, 'x', sizeof chain);
  STUDENT(chain_id)(order->below, order->diff_id, chain);
  student_answer(a, 0);
  const char *(*message)(void) = (const char *(*)(void))student_symbol("failure");
  if (chain[0])
    snprintf(a->text, sizeof a->text, "%.*s", DIGEST_SIZE, chain);
  else
    snprintf(a->text, sizeof a->text, "nothing (\"%s\")", message());
}

static const char *
chain_of(const char *below, const char *diff_id)
{
  struct chain_order order = {below, diff_id};
  return student_call(call_chain, &order)->text;
}

START_TEST(test_chain_first)
{
  const char *diff_id = random_digest(), *got = chain_of(NULL, diff_id);
  EXPECT(strcmp(got, diff_id) == 0, "the chainID of the lowest layer is its diffID", "%s, and "
         "the diffID is %s", got, diff_id);
}
END_TEST

START_TEST(test_chain)
{
  char both[2 * DIGEST_SIZE], second[DIGEST_SIZE];
  const char *first = random_digest(), *diff_id = random_digest(), *third = random_digest();
  int n = snprintf(both, sizeof both, "%s %s", first, diff_id);
  snprintf(second, sizeof second, "%s", sha256(both, n));
  const char *got = chain_of(first, diff_id);
  EXPECT(strcmp(got, second) == 0, "a chainID is the digest of \"BELOW DIFFID\", both with "
         "sha256: in front, one space between, and nothing behind", "%s for %s", got, both);
  n = snprintf(both, sizeof both, "%s %s", second, third);
  got = chain_of(second, third);
  EXPECT(strcmp(got, sha256(both, n)) == 0, "BELOW is the chainID of all below, not a diffID",
         "%s for %s", got, both);
}
END_TEST

void
stack_tests(void)
{
  student_test("4.4 chain_id of the lowest layer is its diffID", test_chain_first);
  student_test("4.4 chain_id of others is the digest of two", test_chain);
  stack_overlay_tests();
  stack_unpack_tests();
  stack_apply_tests();
  stack_mount_tests();
  stack_umount_tests();
}
