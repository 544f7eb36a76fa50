# enter.bats - lab02: nsrun enter.
# shellcheck disable=SC2034 # DO, LAST and the like are for helper.bash
load helper
load process

# At its end a program that was built with SAN=1 starts a process that looks for leaks.
# After ns_enter that one would be born in the container, and the two never meet.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

# container: one that runs. Its program is INSIDE, its nsrun OUTSIDE.
container() {
  wait_inside "$@"
  INSIDE=$PID OUTSIDE=$TOOL_PID
}

# container_ends: with all that is in it.
container_ends() {
  kill -9 "$INSIDE" "$OUTSIDE" 2>/dev/null || true
  becomes gone gone "$INSIDE" "$OUTSIDE" || fail_with "a container that is killed ends" "it does not"
}

@test "2.7 enter joins all namespaces of a container" {
  container --hostname "box$MARK"
  in_background enter "$INSIDE" "$PROBE" wait
  same "kinds of namespaces in which the two programs differ, from outside" "" "$(kinds_apart "$PID" "$INSIDE")"
  same "NSpid of the program that entered" "$PID 2" "$(status_field NSpid)"
  same "its parent, nsrun" "$TOOL_PID" "$(status_field PPid)"
  done_inside
  try tool enter "$INSIDE" -- "$PROBE" hostname
  expect_out "box$MARK" "the container's host name"
  container_ends
}

@test "2.7 enter passes the exit status on" {
  local status
  container
  for status in 0 1 7 124 255; do
    try tool enter "$INSIDE" "$PROBE" exit "$status"
    expect_status "$status" "as the program's"
  done
  for status in 1 6 9 15; do
    try tool enter "$INSIDE" "$PROBE" signal "$status"
    expect_status $((128 + status)) "as signal $status killed the program"
  done
  try tool enter "$INSIDE" "$WORK/nowhere"
  expect_status 127 "as there is no such program"
  echo text >"$WORK/text"
  try tool enter "$INSIDE" "$WORK/text"
  expect_status 126 "as the file cannot be executed"
  container_ends
}

@test "2.7 a program that entered has no more privileges than the one inside" {
  local inside
  container
  inside=$(status_field CapBnd)
  in_background enter "$INSIDE" "$PROBE" wait
  same "CapBnd in /proc/PID/status" "$inside" "$(status_field CapBnd)"
  ((0x$(status_field CapBnd) >> 21 & 1)) && fail_with "no CAP_SYS_ADMIN" "CapBnd: $inside"
  ((0x$(status_field CapEff) >> 21 & 1)) && fail_with "no CAP_SYS_ADMIN" "CapEff: $(status_field CapEff)"
  done_inside
  container_ends
}

@test "2.7 signals to nsrun enter reach the program" {
  local number
  container
  DO=(signals)
  in_background enter "$INSIDE" "$PROBE" signals
  for number in 1 10 15; do
    kill -"$number" "$TOOL_PID"
    becomes 1 said_so_far "$number" ||
      fail_with "signal $number, sent to nsrun enter, reaches the program" "it does not"
  done
  done_inside
  container_ends
}

@test "2.7 killing nsrun enter ends the program, and not the container" {
  container
  in_background enter "$INSIDE" "$PROBE" wait
  kill -9 "$TOOL_PID"
  becomes gone gone "$PID" || fail_with "the program ends with nsrun enter" "it lives on"
  [ -z "$(gone "$INSIDE")" ] || fail_with "the container runs on" "it has ended"
  container_ends
}

@test "2.7 enter refuses what cannot be entered" {
  local pid
  container
  for pid in x "" 0 -1 1x "${INSIDE}x" 4294967297 99999999999999999999; do
    try tool enter "$pid" "$PROBE" make "$WORK/was-run"
    expect_status 125 "as \"$pid\" is no number of a process"
    expect_said "PID"
  done
  try tool enter
  expect_status 125 "as PID is missing"
  try tool enter "$INSIDE"
  expect_status 125 "as PROGRAM is missing"
  try tool enter "$INSIDE" "$PROBE" exit 5
  expect_status 5 "as this one can be entered"
  container_ends
  while [ -e "/proc/$INSIDE" ]; do sleep 0.01; done
  try tool enter "$INSIDE" "$PROBE" make "$WORK/was-run"
  expect_status 125 "as the process is gone"
  expect_said "nsrun: ."
  [ ! -e "$WORK/was-run" ] || fail_with "no program is run" "it was run"
}

@test "2.7 enter joins a container of an ordinary user, as that user and as root" {
  local root_arms tool holder uid=1234
  # The cage has taken CAP_SYS_PTRACE from its root, who then may not look at processes of
  # others. In a user namespace with the same numbers he has it.
  unshare --user --keep-caps sleep 20 3>&- &
  holder=$!
  disown
  becomes user kinds_apart "$holder" $$
  awk '{ print $1, $1, $3 }' /proc/self/uid_map >"/proc/$holder/uid_map"
  awk '{ print $1, $1, $3 }' /proc/self/gid_map >"/proc/$holder/gid_map"
  ARMS_LENGTH=(nsenter --user="/proc/$holder/ns/user" "${ARMS_LENGTH[@]}")
  root_arms=("${ARMS_LENGTH[@]}")
  if [ "$(awk '{ n += $3 } END { printf "%d", n }' /proc/self/uid_map)" -ge 65536 ]; then
    ordinary_user
  else # where there is but one number, an ordinary user has it, and no privilege
    uid=0
    ARMS_LENGTH+=(setpriv "--bounding-set=-all,+setfcap" --inh-caps=-all)
  fi
  # Not made by nsrun, which would need exercise 2.4 for that.
  tool=$TOOL
  TOOL=$WORK/container
  printf '#!/bin/sh\nexec unshare --user --map-root-user --pid --fork --kill-child --mount --mount-proc \
    --uts --ipc --net "$@"\n' >"$TOOL"
  chmod 755 "$TOOL"
  in_background "$PROBE" wait
  INSIDE=$PID OUTSIDE=$TOOL_PID TOOL=$tool
  same "its owner" "$uid $uid $uid $uid" "$(status_field Uid)"

  in_background enter "$INSIDE" "$PROBE" wait
  same "kinds of namespaces in which the two programs differ, as the user enters" "" "$(kinds_apart "$PID" "$INSIDE")"
  same "user numbers of the program that entered, from outside" "$uid $uid $uid $uid" "$(status_field Uid)"
  done_inside
  ARMS_LENGTH=("${root_arms[@]}")
  in_background enter "$INSIDE" "$PROBE" wait
  same "kinds of namespaces in which the two programs differ, as root enters" "" "$(kinds_apart "$PID" "$INSIDE")"
  done_inside
  container_ends
  kill "$holder"
}
