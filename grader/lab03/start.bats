# start.bats - lab03: `cgrun run` starts its program inside the group.
# shellcheck disable=SC2034 # DO, LAST and the like are for helper.bash
load helper

# group_of PID: where the kernel says that it is, in the tree of cgroup v2.
group_of() {
  sed -n 's/^0:://p' "/proc/$1/cgroup"
}

# processes: how many there are in the group.
processes() {
  knob cgroup.procs | wc -l
}

# without_clone3 ERRNO: from here on clone3(2) fails with that for the student's program.
without_clone3() {
  ARMS_LENGTH=("$PROBE" without-clone3 "$1" "${ARMS_LENGTH[@]}")
}

# is_inside: the program of `cgrun run` is in the group, and cgrun is not.
is_inside() {
  same "processes in the group" "$PID" "$(knob cgroup.procs)"
  same "the group of the program" "/cgrun-$NAME" "$(group_of "$PID")"
  same "the group of cgrun is that of its caller" "$(group_of $$)" "$(group_of "$TOOL_PID")"
}

@test "3.3 the program is in the group, and cgrun is not" {
  need_groups
  run_inside
  is_inside
  done_inside
}

@test "3.3 the program finds itself in the group from its first look" {
  need_groups
  try tool run --name "n$MARK" "$PROBE" group
  expect_out "0::/cgrun-n$MARK" "as /proc/self/cgroup says inside"
}

@test "3.3 children of the program are in the group" {
  need_groups
  DO=(forks 5)
  run_inside
  PID=$(status_field PPid) # of a child
  same "processes in the group: the program, and 5 children" 6 "$(processes)"
  done_inside
}

@test "3.3 where clone3 is not to be had the program is in the group all the same" {
  local error
  need_groups
  for error in 38 22 7; do # ENOSYS, EINVAL, E2BIG
    NAME=e$error-$MARK
    without_clone3 "$error"
    run_inside
    is_inside
    done_inside
    try tool run "$PROBE" exit 7
    expect_status 7 "as the program's"
  done
}

@test "3.3 cgrun run passes the exit status on" {
  local status
  need_groups
  for status in 0 1 7 124 255; do
    try tool run "$PROBE" exit "$status"
    expect_status "$status" "as the program's"
  done
  for status in 1 6 9 15; do
    try tool run "$PROBE" signal "$status"
    expect_status $((128 + status)) "as signal $status killed the program"
  done
}

@test "3.3 cgrun run says 126 and 127 for a program that cannot be run" {
  need_groups
  try tool run "$WORK/nowhere"
  expect_status 127 "as there is no such program"
  expect_said "nowhere"
  try tool run "nowhere$MARK"
  expect_status 127 "as there is no such program in PATH"
  echo text >"$WORK/text"
  try tool run "$WORK/text"
  expect_status 126 "as the file cannot be executed"
  expect_said "text"
}

@test "3.3 cgrun run says 125 for a mistake of its caller" {
  need_groups
  try tool run "$PROBE" exit 3
  expect_status 3 "before any mistake"
  try tool run
  expect_status 125 "as PROGRAM is missing"
  expect_said "PROGRAM"
  try tool run --no-such-option "$PROBE" exit 0
  expect_status 125 "as there is no such option"
  expect_said "no-such-option"
  try tool run --name
  expect_status 125 "as NAME is missing"
  try tool walk
  expect_status 125 "as there is no such command"
  expect_said "walk"
}

@test "3.3 signals to cgrun reach the program" {
  local number
  need_groups
  DO=(signals 1 2 3 10 12 15)
  run_inside
  for number in 1 2 3 10 12 15; do
    kill -"$number" "$TOOL_PID" || fail_with "cgrun lives until its program ends" "it has ended"
    becomes 1 said_so_far "$number" ||
      fail_with "signal $number, sent to cgrun, reaches the program" "what came: $(tail -n +2 "$WORK/ready" | tr '\n' ' ')"
  done
  same "signals that came, one each" "1 2 3 10 12 15" "$(tail -n +2 "$WORK/ready" | tr '\n' ' ' | sed 's/ $//')"
  done_inside
}

@test "3.3 SIGTERM to cgrun ends a program that takes no care of it" {
  need_groups
  run_inside
  kill -TERM "$TOOL_PID"
  becomes gone gone "$TOOL_PID" "$PID" || fail_with "SIGTERM ends the program, and then cgrun" "it does not"
  TOOL_PID=
}

@test "3.3 the program has the signal mask and the ignored signals of the caller" {
  local plain
  need_groups
  plain=$(env --block-signal=USR2,IO --ignore-signal=HUP,ALRM grep -E '^Sig(Blk|Ign)' /proc/self/status)
  try env --block-signal=USR2,IO --ignore-signal=HUP,ALRM "${ARMS_LENGTH[@]}" "$TOOL" run \
    grep -E '^Sig(Blk|Ign)' /proc/self/status
  LAST="tool run grep -E '^Sig(Blk|Ign)' /proc/self/status"
  expect_out "$plain" "as it is without cgrun"
}

@test "3.3 no descriptor of cgrun is open in the program" {
  local error
  need_groups
  for error in 0 38; do # none; ENOSYS
    NAME=d$error-$MARK
    [ "$error" = 0 ] || without_clone3 "$error"
    run_inside
    same "descriptors of the program, from outside" "0 1 2" "$(cd "/proc/$PID/fd" && echo *)"
    done_inside
  done
}
