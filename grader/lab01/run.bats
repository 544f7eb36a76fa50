# run.bats - lab01: jail run, and the attacks against it.
load helper

@test "1.1 jail run runs a program of ROOT, not of the host" {
  # The same path names one program outside and another inside.
  mkdir -p "$WORK/bin" "$ROOT$WORK/bin"
  cp /bin/false "$WORK/bin/same"
  cp "$PROBE" "$ROOT$WORK/bin/same"
  try tool run "$ROOT" "$WORK/bin/same" exit 33
  expect_status 33 "from the program that lies at this path inside ROOT"
  # A program that needs nothing else, and is only outside.
  cp "$PROBE" "$WORK/bin/outside"
  try tool run "$ROOT" "$WORK/bin/outside" exit 0
  expect_status 127 "because that program is on the host and not in ROOT"
}

@test "1.1 jail run looks through PATH inside ROOT" {
  mkdir -p "$ROOT/usr/bin"
  mv "$ROOT/probe" "$ROOT/usr/bin/only$MARK"
  try tool run "$ROOT" "only$MARK" exit 34
  expect_status 34 "from a program in ROOT/usr/bin, asked for by its name alone"
  try tool run "$ROOT" ls
  expect_status 127 "because ls is on the host and not in ROOT"
}

@test "1.1 jail run passes the exit status on" {
  local status
  for status in 0 1 7 124 255; do
    try tool run "$ROOT" /probe exit "$status"
    expect_status "$status" "as the program's"
  done
}

@test "1.1 jail run says 128+N for signal N" {
  local signal
  for signal in 1 6 9 15; do
    try tool run "$ROOT" /probe signal "$signal"
    expect_status $((128 + signal)) "as signal $signal killed the program"
  done
}

@test "1.1 jail run says 127 for no such program, and 126 for one that cannot run" {
  try tool run "$ROOT" /nowhere
  expect_status 127 "as there is no such program"
  try tool run "$ROOT" "nowhere$MARK"
  expect_status 127 "as there is no such program"
  echo text >"$ROOT/text"
  chmod 644 "$ROOT/text"
  try tool run "$ROOT" /text
  expect_status 126 "as the file cannot be executed"
  expect_said "/text"
  mkdir "$ROOT/directory"
  try tool run "$ROOT" /directory
  expect_status 126 "as a directory cannot be executed"
}

@test "1.1 jail run says 125 for a mistake of its caller" {
  try tool run "$WORK/nowhere" /probe
  expect_status 125 "as ROOT is not there"
  expect_said "nowhere"
  try tool run "$PROBE" /probe
  expect_status 125 "as ROOT is a file"
  try tool run --cwd /nowhere "$ROOT" /probe cwd
  expect_status 125 "as --cwd is not there"
}

@test "1.1 jail run starts the program in --cwd, with its arguments" {
  mkdir -p "$ROOT/some/where"
  try tool run --cwd /some/where "$ROOT" /probe cwd
  expect_out /some/where
  try tool run "$ROOT" /probe cwd
  expect_out /
  try tool run "$ROOT" -- /probe arguments "a b" "" '*'
  expect_out $'[a b]\n[]\n[*]'
}

@test "1.1 nothing outside can be reached by a path" {
  local secret=$WORK/secret up path
  echo "$MARK" >"$secret"
  up=$(printf '../%.0s' {1..30})
  for path in "$secret" "/$up$secret" "$up$secret" "/proc/1/root$secret" "/../..$secret"; do
    try tool run "$ROOT" /probe read "$path"
    [ "$STATUS" -ne 0 ] || fail_with "no path leads out of ROOT" "$path does"
  done
}

@test "1.1 the host sees what is written inside" {
  try tool run "$ROOT" /probe touch "/from-inside-$MARK"
  expect_status 0
  [ -e "$ROOT/from-inside-$MARK" ] ||
    fail_with "a file written inside is in ROOT, seen from outside" "$(ls "$ROOT")"
}

@test "1.5 jail escape breaks out by chroot" {
  echo "$MARK" >"$WORK/secret"
  try tool escape --by chroot "$ROOT" "$PROBE" read "$WORK/secret"
  expect_out "$MARK" "the contents of a file outside"
}

@test "1.5 jail escape breaks out by a descriptor" {
  echo "$MARK" >"$WORK/secret"
  try tool escape --by fd "$ROOT" "$PROBE" read "$WORK/secret"
  expect_out "$MARK" "the contents of a file outside"
}

# expect_ids UID GID
expect_ids() {
  same "user numbers in /proc/PID/status, from outside" "$1 $1 $1 $1" "$(status_field Uid)"
  same "group numbers in /proc/PID/status, from outside" "$2 $2 $2 $2" "$(status_field Gid)"
}

# expect_caps MASK: in all five sets.
expect_caps() {
  local set
  for set in CapInh CapPrm CapEff CapBnd CapAmb; do
    same "$set in /proc/PID/status, from outside" "$1" "$(status_field $set)"
  done
}

@test "1.6 a program has no capabilities, in any set" {
  wait_inside
  expect_caps 0000000000000000
  done_inside
}

@test "1.6 a program has exactly the capabilities of --keep-cap" {
  wait_inside --keep-cap net_raw --keep-cap CAP_SYS_CHROOT
  expect_caps 0000000000042000
  done_inside
}

@test "1.6 a program cannot gain privileges" {
  wait_inside
  same "NoNewPrivs in /proc/PID/status, from outside" 1 "$(status_field NoNewPrivs)"
  done_inside
}

@test "1.6 --user changes all user and group numbers" {
  need_other_users
  wait_inside --user 1234:2345
  expect_ids 1234 2345
  done_inside
  wait_inside --user 1234
  expect_ids 1234 1234
  done_inside
}

@test "1.6 --user keeps no supplementary group" {
  need_other_users
  # The caller is in some groups.
  TOOL_BEFORE=$TOOL
  printf '#!/bin/sh\nexec setpriv --groups=5,6,27 %s "$@"\n' "$TOOL_BEFORE" >"$WORK/in-groups"
  chmod 755 "$WORK/in-groups"
  TOOL=$WORK/in-groups
  wait_inside --user 1234:2345
  same "Groups in /proc/PID/status, from outside" "" "$(status_field Groups)"
  expect_ids 1234 2345
  done_inside
  TOOL=$TOOL_BEFORE
}

@test "1.6 --user with --keep-cap keeps it for an ordinary user" {
  need_other_users
  wait_inside --user 1234:2345 --keep-cap net_bind_service
  expect_caps 0000000000000400
  expect_ids 1234 2345
  done_inside
}

@test "1.6 --user keeps nothing without --keep-cap" {
  need_other_users
  wait_inside --user 1234:2345
  expect_caps 0000000000000000
  done_inside
}

@test "1.6 a set-user-ID program regains nothing" {
  need_other_users
  cp "$PROBE" "$ROOT/set-user-id"
  chmod 4755 "$ROOT/set-user-id"
  try tool run --user 1234:2345 "$ROOT" /set-user-id user
  expect_out "1234 2345" "although the program is set-user-ID root"
}

@test "1.7 no descriptor crosses into the jail" {
  local number
  for number in 3 9 255 1023 1024 4000; do
    try "${ARMS_LENGTH[@]}" "$PROBE" leak "$number" "$TOOL" run "$ROOT" /probe descriptors
    expect_out "" "as descriptor $number, which was open outside, is closed inside"
    expect_status 0
  done
}

@test "1.7 both attacks fail against jail run" {
  echo "$MARK" >"$WORK/secret"
  chmod 777 "$ROOT"
  try tool run "$ROOT" /probe by-chroot "$WORK/secret"
  expect_status 1 "as the attack by chroot fails"
  try "${ARMS_LENGTH[@]}" "$PROBE" leak 5 "$TOOL" run "$ROOT" /probe by-fd "$WORK/secret"
  expect_status 1 "as the attack by a leaked descriptor fails"
  try "${ARMS_LENGTH[@]}" "$PROBE" leak 3000 "$TOOL" run --keep-cap sys_chroot "$ROOT" /probe by-fd "$WORK/secret"
  expect_status 1 "as the attack by a leaked descriptor fails, also with CAP_SYS_CHROOT"
  # And the same attack does work where nothing is sealed: the test can tell.
  try tool run --keep-cap sys_chroot "$ROOT" /probe by-chroot "$WORK/secret"
  expect_out "$MARK" "as whoever keeps CAP_SYS_CHROOT can break out"
}
