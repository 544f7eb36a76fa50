# labs.bash - how wrong answers, right answers and cheats of a lab are judged.
# shellcheck shell=bash disable=SC2154

# mutant LAB FILE: the exercise that FILE names fails, and the message fits.
mutant() {
  LAB=$1
  local exercise message
  exercise=$(sed -n 's/^Exercise: //p' "$2")
  message=$(sed -n 's/^Message: //p' "$2")
  build_student solution "$2"
  if grep -q '^Caller: user' "$2"; then
    need_root
    chmod -R a+rX "$TEMP"
    mkdir "$TEMP/results"
    chown 4242 "$TEMP/results"
    user_tree
    run as_user sh -c "cd $TEMP/tree && $GRADE --build $TEMP/build/$LAB --results $TEMP/results --exercise $exercise $LAB"
  else
    grade_student --time 60 --exercise "$exercise"
  fi
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"$exercise "*FAIL* ]]
  grep -qE -- "$message" <<<"$output"
}

# variant LAB DIR: it gets all points.
variant() {
  LAB=$1
  build_student solution "$2"
  grade_student --time 60
  echo "$output"
  [ "$status" -eq 0 ]
}

variant_user() {
  need_root
  LAB=$1
  build_student solution "$2"
  user_tree
  chmod -R a+rX "$TEMP"
  run as_user sh -c "cd $TEMP/tree && $GRADE --build $TEMP/build/$LAB --results build --time 60 $LAB"
  echo "$output"
  [ "$status" -eq 0 ]
}

# cheat LAB DIR: it gets none.
cheat() {
  LAB=$1
  build_student starter "$2"
  grade_student --time 60
  echo "$output"
  [ "$status" -eq 1 ]
  [ "$(score "$TEMP/results.json")" = 0 ]
}
