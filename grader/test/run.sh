#!/usr/bin/env bash
# run.sh - run the project's own tests, and say how many passed.
#
#   run.sh [FILTER]       FILTER: only tests whose name matches it
#
# The tests on wrong answers, right answers and cheats are made here, one for each
# file that is there.
set -eu
cd "$(dirname "$0")/../.."

make -s -j2 grader build/grader/faults build/grader/facts build/grader/vm build/grader/vm-init
labs=$(make -s print-labs)
for lab in $labs; do
  make -s -j2 "$lab" SOLUTION=1
  make -s -j2 "$lab" "tests-$lab"
done

rm -rf build/test
mkdir -p build/test
for lab in $labs; do
  {
    echo "load ../../grader/test/helper"
    echo "load ../../grader/test/labs"
    echo "@test \"$lab: the solution scores 100\" { solution $lab; }"
    echo "@test \"$lab: the solution scores 100, for a user\" { solution_user $lab; }"
    echo "@test \"$lab: sanitizers find nothing in solution and grader\" { sanitized $lab; }"
    echo "@test \"$lab: the walkthrough runs unattended, for root\" { walkthrough $lab; }"
    echo "@test \"$lab: the walkthrough runs unattended, for a user\" { walkthrough_user $lab; }"
    for file in grader/"$lab"/mutants/*.patch; do
      ! grep -q '^Needs: vm' "$file" || continue
      echo "@test \"$lab: a wrong answer is caught: $(basename "$file" .patch)\" { mutant $lab $file; }"
    done
    for dir in grader/"$lab"/variants/*/; do
      echo "@test \"$lab: another right answer is right: $(basename "$dir")\" { variant $lab $dir; }"
      echo "@test \"$lab: another right answer is right, for a user: $(basename "$dir")\" { variant_user $lab $dir; }"
    done
  } >"build/test/$lab.bats"
  {
    echo "load ../../grader/test/helper"
    echo "load ../../grader/test/labs"
    echo "@test \"$lab: the starter scores 0\" { starter $lab; }"
    echo "@test \"$lab: the starter scores 0, for a user\" { starter_user $lab; }"
    for dir in grader/"$lab"/cheats/*/; do
      echo "@test \"$lab: a cheat earns nothing: $(basename "$dir")\" { cheat $lab $dir; }"
    done
  } >"build/test/$lab-late.bats"
done

# What only a machine with all controllers can show: one boot for all of it. It sees
# this tree, and not /tmp; so what it judges is built here.
rm -rf build/answers
mkdir build/answers
(
  bats_require_minimum_version() { :; } # this is not Bats
  . grader/test/helper.bash
  . grader/test/labs.bash
  vm_tests lab03
  echo "load ../../grader/test/helper"
  echo "load ../../grader/test/labs"
  echo "@test \"lab03: in the virtual machine the solution passes\" { vm_solution lab03; }"
  echo "@test \"lab03: in the virtual machine the solution passes, for a user with a group\" { vm_solution_user lab03; }"
  echo "@test \"lab03: in the virtual machine the walkthrough runs unattended\" { walkthrough lab03; }"
  for file in grader/lab03/mutants/*.patch; do
    grep -q '^Needs: vm' "$file" || continue
    vm_build lab03 "$file" >&2
    echo "@test \"lab03: in the virtual machine a wrong answer is caught: $(basename "$file" .patch)\" { vm_mutant lab03 $file; }"
  done
  for dir in grader/lab03/variants/*/; do
    vm_build lab03 "$dir" >&2
    echo "@test \"lab03: in the virtual machine another right answer is right: $(basename "$dir")\" { vm_variant lab03 $dir; }"
  done
) >build/test/vm.bats
in_vm() {
  timeout 2400 nice -n 10 build/grader/vm -- bats --tap "${filter[@]}" build/test/vm.bats ||
    grep -q "^ok\|^not ok" build/test/vm.tap || echo "not ok 1 - the virtual machine runs its tests"
}

# The tests of each lab's answers and those of the grader side by side; most of them
# wait more than they work. Bats itself could do that only with GNU parallel. The machine,
# and what fails in any case, have time: the others, which look at the clock, go first.
filter=(${1:+--filter "$1"})
{
  streams=()
  for lab in $labs; do streams+=("$lab" "$lab-late"); done
  for stream in "${streams[@]}"; do
    late=()
    [[ $stream != *-late ]] || late=(nice -n 10)
    "${late[@]}" bats --tap "${filter[@]}" "build/test/$stream.bats" >"build/test/$stream.tap" 2>&1 &
  done
  in_vm >build/test/vm.tap 2>&1 &
  bats --tap "${filter[@]}" grader/test || true
  wait || true
  for stream in "${streams[@]}" vm; do cat "build/test/$stream.tap"; done
} | build/grader/tally
