# labs.bash - how a lab's solution, starter, wrong answers, right answers and cheats are
# judged.
# shellcheck shell=bash disable=SC2154

# solution LAB: it gets all points.
solution() {
  run "$GRADE" --solution --time 60 --results "$TEMP" "$1"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"total 100/100"* ]]
  [ "$(score "$TEMP/results.json")" = 100 ]
}

solution_user() {
  user_tree
  # What needs the virtual machine, he does in there: vm_solution_user.
  run as_user sh -c "cd $TEMP/tree && $GRADE --solution --no-vm --time 60 $1"
  nothing_failed
}

# starter LAB: it gets none, and the first failure says what to do.
starter() {
  local first title
  first=$(sed -n 's/.*"number": "\([^"]*\)".*/\1/p' "grader/$1/exercises.json" | head -1)
  title=$(sed -n 's/.*"number": "[^"]*", "title": "\([^"]*\)".*/\1/p' "grader/$1/exercises.json" | head -1)
  run "$GRADE" --jobs 8 --results "$TEMP" "$1"
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"total   0/100"* ]]
  [[ $output == *"First failure: $first "* ]]
  [[ $output == *"likely cause"* ]]
  [[ $output == *"make grade LAB=$1 TEST='$first "* ]]
  [[ $output == *"$(echo "$1"-*)/README.md, section \"$first $title\""* ]]
}

starter_user() {
  user_tree
  run as_user sh -c "cd $TEMP/tree && $GRADE --jobs 8 $1"
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"total   0/100"* ]]
}

# nothing_failed: of the grade that was just made; what only the virtual machine could
# run may be left out.
nothing_failed() {
  echo "$output"
  [ "$status" -eq 0 ] || [[ $output == *"CANNOT RUN HERE"* && $output != *FAIL* && $output != *"needs "*" first"* ]]
}

# sanitized LAB: sanitizers find nothing in solution and grader.
sanitized() {
  make -s -j2 "$1" SOLUTION=1 SAN=1 BUILD="$TEMP/san"
  make -s -j2 grader "tests-$1" SAN=1 BUILD="$TEMP/san"
  run env ASAN_OPTIONS=detect_leaks=1 "$TEMP/san/grader/grade" --solution --time 60 --no-vm \
    --tools "$TEMP/san/grader" --build "$TEMP/san/solution/$1" --results "$TEMP" "$1"
  cat "$TEMP/results.tap"
  nothing_failed
  [[ $output != *Sanitizer* && $output != *"runtime error"* ]]
}

# walkthrough LAB: it runs to its end, every command as it should.
walkthrough() {
  need_root
  run "$CAGE" -- bash "$(echo "$1"-*)/walkthrough.sh" --unattended
  echo "$output"
  [ "$status" -eq 0 ]
}

walkthrough_user() {
  user_tree
  run as_user sh -c "cd $TEMP/tree && $CAGE -- bash $(echo "$1"-*)/walkthrough.sh --unattended"
  echo "$output"
  [ "$status" -eq 0 ]
}

# mutant LAB FILE: the exercise that FILE names fails, and the message fits.
mutant() {
  LAB=$1
  build_student solution "$2"
  if grep -q '^Caller: user' "$2"; then
    need_root
    chmod -R a+rX "$TEMP"
    mkdir "$TEMP/results"
    chown 4242 "$TEMP/results"
    user_tree
    run as_user sh -c "cd $TEMP/tree && $GRADE --build $TEMP/build/$LAB --results $TEMP/results --no-vm --first --exercise $(field Exercise "$2") $LAB"
  else
    grade_student --time 60 --no-vm --first --exercise "$(field Exercise "$2")"
  fi
  caught "$2"
}

# field NAME FILE: a line of a mutant's head.
field() {
  sed -n "s/^$1: //p" "$2"
}

# caught FILE: the grade that was just made found that mutant.
caught() {
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"$(field Exercise "$1") "*FAIL* ]]
  grep -qE -- "$(field Message "$1")" <<<"$output"
}

# variant LAB DIR: it gets all points. (What only the virtual machine can run: vm_variant.)
variant() {
  LAB=$1
  build_student solution "$2"
  grade_student --no-vm --time 60
  nothing_failed
}

# variant_user LAB DIR: for an ordinary user, the exercises that it answers otherwise.
variant_user() {
  local file exercises=
  need_root
  LAB=$1
  build_student solution "$2"
  user_tree
  chmod -R a+rX "$TEMP"
  for file in "$2"/*.c; do
    exercises+=" $(sed -n '1s/.* - \([0-9.]*\): .*/\1/p' "$(echo "$LAB"-*)/solution/${file##*/}")"
  done
  run as_user sh -c "cd $TEMP/tree; bad=0; for e in $exercises; do
    $GRADE --build $TEMP/build/$LAB --results build --no-vm --time 60 --exercise \$e $LAB || bad=1; done; exit \$bad"
  nothing_failed
}

# cheat LAB DIR: it gets none. Most of its tests wait for what never comes: so, many at
# a time.
cheat() {
  LAB=$1
  build_student starter "$2"
  grade_student --time 60 --jobs 12
  echo "$output"
  [ "$status" -eq 1 ]
  [ "$(score "$TEMP/results.json")" = 0 ]
}

# ---- in the virtual machine ----
# run.sh starts Bats in there, as root, after it has built what that needs.

# vm_answer SOURCE: where run.sh has built this answer.
vm_answer() {
  echo "build/answers/$(basename "$1" .patch)"
}

# vm_build LAB SOURCE: build it; called on the host.
vm_build() {
  local TEMP
  LAB=$1
  TEMP=$(vm_answer "$2")
  mkdir -p "$TEMP"
  build_student solution "$2"
}

# vm_tests LAB: write the names of tests for the machine; called on the host. In vm-tests
# are those that this host cannot run; in vm-checks those of them that are of the Check
# program, for Bats is slow in there; in vm-both these, and all others of that.
vm_tests() {
  "$GRADE" --solution --no-vm --time 60 --results build/answers "$1" >/dev/null 2>&1 || true
  sed -n 's/^ok [0-9]* - \(.*\) # SKIP.*/\1/p' build/answers/results.tap | sort >build/answers/vm-tests
  "build/grader/$1/check" --list | sort >build/answers/checks
  comm -12 build/answers/vm-tests build/answers/checks >build/answers/vm-checks
  sort -u build/answers/vm-tests build/answers/checks >build/answers/vm-both
}

# vm_mutant LAB FILE: as mutant, in there.
vm_mutant() {
  LAB=$1
  run "$GRADE" --build "$(vm_answer "$2")/build/$LAB" --results "$TEMP" --no-vm --time 240 --first \
    --exercise "$(field Exercise "$2")" "$LAB"
  caught "$2"
}

# vm_grade BUILD NAMES ARG...: each of those tests passes.
vm_grade() {
  local names=build/answers/$2
  run "$GRADE" --build "$1" --worker "$names" --time 240 "${@:3}"
  all_passed "$names"
}

# all_passed FILE: all tests named there have passed, in the run that was just made.
all_passed() {
  echo "$output"
  [ "$status" -eq 0 ]
  [ -s "$1" ]
  [ "$(grep -c '"outcome":"pass"' <<<"$output")" -eq "$(wc -l <"$1")" ]
}

# vm_variant LAB DIR: another right answer.
vm_variant() {
  vm_grade "$(vm_answer "$2")/build/$1" vm-checks "$1"
}

# vm_solution LAB: the reference.
vm_solution() {
  vm_grade "build/solution/$1" vm-both --solution "$1"
}

# vm_solution_user LAB: the same for a user to whom a group was delegated.
vm_solution_user() {
  user_tree
  KEPT_ETC=1 run as_user sh -c "cd $TEMP/tree && $GRADE --solution --worker build/answers/vm-tests --time 240 $1"
  all_passed build/answers/vm-tests
}
