# grade.bats - the grader: right scores, whole files, and no harm.
load helper

@test "grade: EX and TEST run one exercise, one test" {
  run "$GRADE" --solution --results "$TEMP" --exercise 1.1 lab01
  [ "$status" -eq 0 ]
  [[ $output == *"total  15/15"* ]]
  run make -s grade LAB=lab01 SOLUTION=1 TEST="1.1 leaves no way up by .."
  [ "$status" -eq 0 ]
  grep -q '^1..1$' build/results.tap
  run "$GRADE" --solution --results "$TEMP" --exercise 1.9 lab01
  [ "$status" -eq 2 ]
}

@test "grade: what is not built is said, with the command" {
  run "$GRADE" --build "$TEMP" --results "$TEMP" lab01
  [ "$status" -eq 2 ]
  [[ $output == *"run: make lab01"* ]]
}

@test "grade: results.json is Gradescope's, and all three files are valid" {
  "$GRADE" --results "$TEMP" lab01 >/dev/null || true
  local field
  for field in number name score max_score status output visibility; do
    [ "$(grep -c "^      \"$field\": " "$TEMP/results.json")" -eq 7 ]
  done
  grep -q '^  "execution_time": [0-9]' "$TEMP/results.json"
  /usr/bin/python3 - "$TEMP" <<'END'
import json, sys, xml.dom.minidom
results = json.load(open(sys.argv[1] + "/results.json"))
assert results["score"] == 0 and len(results["tests"]) == 7
assert sum(t["max_score"] for t in results["tests"]) == 100
assert all(t["status"] == "failed" for t in results["tests"])
xml.dom.minidom.parse(sys.argv[1] + "/results.xml")
END
}

@test "grade: killed half-way it leaves valid files with what was known" {
  "$GRADE" --solution --results "$TEMP" lab01 >/dev/null &
  local pid=$! i known
  for ((i = 0; i < 500; i++)); do
    known=$(grep -cs ^ok "$TEMP/results.tap" || true)
    [ "${known:-0}" -lt 5 ] || break
    sleep 0.02
  done
  kill -9 "$pid"
  wait "$pid" || true
  [ "$(grep -c ^ok "$TEMP/results.tap")" -ge 5 ]
  [ "$(grep -c ^ok "$TEMP/results.tap")" -lt 60 ]
  /usr/bin/python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$TEMP/results.json"
  # Its cages go with it.
  for ((i = 0; i < 100; i++)); do
    pgrep -f "^$PWD/build/grader/cage .*--show $PWD/build/solution" >/dev/null || break
    sleep 0.05
  done
  [ "$i" -lt 100 ]
}

# misbehave BODY: a root_enter with this body costs points, and nothing else, and it
# comes to an end.
misbehave() {
  export LAB=lab01
  mkdir -p "$TEMP/evil"
  printf '%s\n' '#include <errno.h>' '#include <fcntl.h>' '#include <signal.h>' \
    '#include <stdio.h>' '#include <stdlib.h>' '#include <string.h>' '#include <unistd.h>' \
    '#include "jail.h"' 'int root_enter(const char *root, const char *cwd)' \
    '{ (void)root; (void)cwd;' "$1" 'return 0; }' \
    'int program_exec(char *const argv[]) { (void)argv; return 126; }' \
    'int program_wait(pid_t pid) { (void)pid; return 0; }' >"$TEMP/evil/enter.c"
  build_student starter "$TEMP/evil"
  local start=$SECONDS
  grade_student --test "1.1 makes ROOT the root directory" --time 4
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"1.1     0/15"* ]]
  [ $((SECONDS - start)) -lt 180 ] # it ends; how fast is not for a test to say
}

@test "grade: a student who forks for ever costs points and nothing else" {
  misbehave 'for (;;) fork();'
  [[ $output == *"it had more than 256 processes"* ]]
}

@test "grade: a student who fills the disk costs points and nothing else" {
  misbehave 'int fd = open("/tmp/fill", O_WRONLY | O_CREAT, 0644); static char b[1 << 20]; while (write(fd, b, sizeof b) > 0); '
}

@test "grade: a student who sleeps for ever costs points and nothing else" {
  misbehave 'for (;;) sleep(1000);'
  [[ $output == *"it ran for more than 4 seconds"* ]]
}

@test "grade: a student who writes gigabytes costs points and nothing else" {
  misbehave 'static char b[1 << 16]; memset(b, 65, sizeof b); for (;;) if (write(2, b, sizeof b) < 0) break;'
  [[ $output == *"MiB of output"* ]]
}

@test "grade: a student who kills his parent costs points and nothing else" {
  misbehave 'kill(getppid(), SIGKILL); kill(0, SIGKILL); kill(-1, SIGKILL);'
}

@test "grade: a student who exits costs points and nothing else" {
  misbehave '_exit(0);'
}

@test "grade: a student who crashes costs points and is told" {
  misbehave 'volatile int *p = NULL; *p = 1;'
  [[ $output == *"Segmentation fault"* ]]
}

@test "grade: where user namespaces are forbidden, all is CANNOT RUN HERE, and not a pass" {
  need_root
  user_tree
  run as_user unshare --user --map-root-user sh -c "echo 0 >/proc/sys/user/max_user_namespaces; cd $TEMP/tree; $GRADE --solution --no-vm lab01"
  echo "$output"
  [ "$status" -eq 2 ]
  [[ $output == *"CANNOT RUN HERE"* ]]
  [[ $output == *"total   0/100"* ]]
  [[ $output == *"sudo sysctl user.max_user_namespaces"* ]]
}

@test "grade: without subordinate numbers only 1.6 cannot run here" {
  need_root
  user_tree
  # The same user, but nothing is set aside for him.
  run as_user unshare --user --map-root-user sh -c "cd $TEMP/tree; $GRADE --solution --no-vm lab01"
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"1.6     0/15"*"CANNOT RUN HERE"* ]]
  [[ $output == *"total  85/100"* ]]
}

@test "grade: what cannot run here runs in the virtual machine, and counts" {
  need_root
  user_tree
  NO_SUBIDS=1 run as_user sh -c "cd $TEMP/tree; $GRADE --solution --test '1.6 --user changes all user and group numbers' lab01"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"1 test cannot run on this host; now a virtual machine is booted"* ]]
  [[ $output == *"total  15/15"* ]]
  run ! ls "$TEMP/tree/build/grader/"vm-tests*
}

@test "grade: without QEMU it names the command that installs it" {
  need_root
  user_tree
  NO_SUBIDS=1 run as_user sh -c "cd $TEMP/tree; PATH=/nowhere $GRADE --solution --exercise 1.6 lab01"
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"there is no qemu-system-"*"sh common/setup.sh vm"* ]]
  [[ $output == *"1.6     0/15"*"CANNOT RUN HERE"* ]]
}

@test "grade: an exercise that has failed, or waits for one, is not tried in the virtual machine" {
  run "$GRADE" --results "$TEMP" lab03
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output != *"virtual machine"* ]]
}

@test "grade: colour only on a terminal, and not with NO_COLOR" {
  run "$GRADE" --solution --results "$TEMP" --exercise 1.5 lab01
  [[ $output != *$'\033'* ]]
  run script -qec "TERM=xterm $GRADE --solution --results $TEMP --exercise 1.5 lab01" /dev/null
  [[ $output == *$'\033[32m'* ]]
  run script -qec "NO_COLOR=1 TERM=xterm $GRADE --solution --results $TEMP --exercise 1.5 lab01" /dev/null
  [[ $output != *$'\033['* ]]
}

# A header's code would run in the judge.
@test "a header that was changed does not come into the tests" {
  local lab dir header
  for lab in $(make -s print-labs); do
    dir=$(echo "$lab"-*)
    cp "$dir"/*.h "$TEMP"
    while read -r _ header; do
      make -s "${lab}_dir=$TEMP" "BUILD=$TEMP/build" "$TEMP/build/grader/$lab/contract/$header"
      rm "$TEMP/build/grader/$lab/contract/$header"
      echo "int more;" >>"$TEMP/$header"
      run make -s "${lab}_dir=$TEMP" "BUILD=$TEMP/build" "$TEMP/build/grader/$lab/contract/$header"
      echo "$output"
      [ "$status" -ne 0 ]
      [[ $output == *"$header is not as it was handed out"* ]]
      [ ! -e "$TEMP/build/grader/$lab/contract/$header" ]
    done <"grader/$lab/contract.sum"
  done
}
