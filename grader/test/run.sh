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
: >build/test/twice
for lab in $labs; do
  {
    echo "load ../../grader/test/helper"
    echo "load ../../grader/test/labs"
    echo "@test \"$lab: the solution scores 100\" { solution $lab; }"
    echo "@test \"$lab: the solution scores 100, for a user\" { solution_user $lab; }"
    echo "@test \"$lab: sanitizers find nothing in solution and grader\" { sanitized $lab; }"
    echo "@test \"$lab: the walkthrough runs unattended, for root\" { walkthrough $lab; }"
    echo "@test \"$lab: the walkthrough runs unattended, for a user\" { walkthrough_user $lab; }"
    for dir in grader/"$lab"/variants/*/; do
      echo "@test \"$lab: another right answer is right: $(basename "$dir")\" { variant $lab $dir; }"
      echo "@test \"$lab: another right answer is right, for a user: $(basename "$dir")\" { variant_user $lab $dir; }"
    done
  } >"build/test/$lab.bats"
  # Wrong answers are many, and stand in files of their own.
  count=0
  for file in grader/"$lab"/mutants/*.patch; do
    ! grep -q '^Needs: vm' "$file" || continue
    wrong=build/test/$lab-wrong-$((count / 100)).bats
    [ -e "$wrong" ] || printf 'load ../../grader/test/%s\n' helper labs >"$wrong"
    echo "@test \"$lab: a wrong answer is caught: $(basename "$file" .patch)\" { mutant $lab $file; }" >>"$wrong"
    count=$((count + 1))
  done
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
  # Overlays and extended attributes are another kernel's there; it is older than 6.6
  # (memory_has_user_xattrs).
  build/grader/lab04/check --list | grep '^4\.[45] ' | grep -v 'in a user namespace$' >build/answers/vm-stacks
  echo "@test \"lab04: in the virtual machine the solution stacks and packs\" { vm_grade build/solution/lab04 vm-stacks --solution lab04; }"
) >build/test/vm.bats

# Bats files side by side, a few at a time: most tests wait more than they work, but many
# look at the clock. (Bats itself could do that only with GNU parallel.) The longest go
# first; and the virtual machine, which takes a processor for itself, when the first of
# them has ended.
filter=(${1:+--filter "$1"})
AT_ONCE=4
files=(build/test/vm.bats)
for lab in $labs; do files=("build/test/$lab.bats" "${files[@]}"); done
files+=(grader/test/*.bats build/test/*-wrong-*.bats)
for lab in $labs; do files+=("build/test/$lab-late.bats"); done

# run_file FILE [FILTER...]: its results, in TAP.
run_file() {
  case $1 in
    build/test/vm.bats) timeout 2400 build/grader/vm -- bats --tap "${@:2}" "$1" ;;
    *) bats --tap "${@:2}" "$1" ;;
  esac
}

results() { echo "build/test/${1//\//-}.tap"; }

# What has failed beside others gets a second look, alone on the machine, if it is no
# more than a few; the end of the output says which those were.
second_look() {
  local file name
  [ "$(cat build/test/*.tap | grep -c '^not ok')" -le 12 ] || return 0
  for file in "${files[@]}"; do
    sed -n 's/^not ok [0-9]* //p' "$(results "$file")" | while read -r name; do
      # shellcheck disable=SC2001 # every sign that means something to Bats
      run_file "$file" --filter "^$(sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$name")\$" </dev/null >build/test/again 2>&1 || true
      cat build/test/again
      if grep -q '^ok' build/test/again && ! grep -q '^not ok' build/test/again; then
        echo "$name" >>build/test/twice
      fi
    done
  done
}

{
  running=0
  for file in "${files[@]}"; do
    if [ "$running" -ge "$AT_ONCE" ]; then wait -n || true; else running=$((running + 1)); fi
    {
      run_file "$file" "${filter[@]}" >"$(results "$file")" 2>&1 || true
      grep -q '^1\.\.' "$(results "$file")" || echo "not ok 1 $file runs" >>"$(results "$file")"
      flock build/test/lock cat "$(results "$file")"
    } &
  done
  wait || true
  second_look | sed 's/^/# alone: /'
} | build/grader/tally build/test/twice
