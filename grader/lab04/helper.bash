# helper.bash - what the Bats tests of lab04 share.
# shellcheck shell=bash disable=SC2034
# shellcheck source=grader/helper.bash
source "${BASH_SOURCE[0]%/*}/../helper.bash"

# The store of the test. Every test has one of its own.
setup_store() {
  STORE=$WORK/store
  export IMG_STORE=$STORE
}
