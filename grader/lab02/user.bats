# user.bats - lab02: nsrun run in a user namespace.
# shellcheck disable=SC2034 # DO, LAST and the like are for helper.bash
load helper
load process

# map_of FILE: uid_map or gid_map of process $PID, as seen from outside: INSIDE OUTSIDE
# COUNT, with commas between several.
map_of() {
  awk '{ printf "%s%s %s %s", (NR > 1 ? ", " : ""), $1, $2, $3 }' "/proc/$PID/$1"
}

# expect_maps UID-MAP GID-MAP SETGROUPS
expect_maps() {
  same "uid_map of the program, from outside (INSIDE OUTSIDE COUNT)" "$1" "$(map_of uid_map)"
  same "gid_map of the program, from outside (INSIDE OUTSIDE COUNT)" "$2" "$(map_of gid_map)"
  same "setgroups of the program's user namespace" "$3" "$(cat "/proc/$PID/setgroups")"
}

# expect_ids UID GID
expect_ids() {
  same "user numbers in /proc/PID/status, from outside" "$1 $1 $1 $1" "$(status_field Uid)"
  same "group numbers in /proc/PID/status, from outside" "$2 $2 $2 $2" "$(status_field Gid)"
}

# A directory of the ordinary user's.
own_dir() {
  DIR=$WORK/own
  mkdir "$DIR"
  chown 1234:1235 "$DIR"
}

@test "2.4 an ordinary user is root inside, and himself outside" {
  ordinary_user
  wait_inside --user-map root
  expect_maps "0 1234 1" "0 1235 1" deny
  expect_ids 1234 1235
  done_inside
  try tool run --user-map root "$PROBE" user
  expect_out "0 0 0 0 0" "as user 0 and group 0, real and effective, and in 0 other groups"
}

@test "2.4 an ordinary user with auto has the numbers that are set aside for him" {
  ordinary_user
  wait_inside --user-map auto
  expect_maps "0 1234 1, 1 20000 10000" "0 1235 1, 1 20000 10000" allow
  expect_ids 1234 1235
  done_inside
  # Without --user-map it is the same.
  wait_inside
  expect_maps "0 1234 1, 1 20000 10000" "0 1235 1, 1 20000 10000" allow
  done_inside
  try tool run --init "$PROBE" user
  expect_out "0 0 0 0 0" "as user 0 and group 0, real and effective, and in 0 other groups"
}

@test "2.4 without numbers that are set aside an ordinary user is root alone" {
  ordinary_user
  : >"$WORK/etc/subuid"
  wait_inside
  expect_maps "0 1234 1" "0 1235 1" deny
  done_inside
  try tool run --user-map auto "$PROBE" make "$WORK/was-run"
  expect_status 125 "as no numbers are set aside for this user"
  expect_said "/etc/subuid"
}

@test "2.4 files made inside belong to the caller outside" {
  ordinary_user
  own_dir
  try tool run --user-map root "$PROBE" make "$DIR/root"
  expect_status 0
  same "owner and group, on the host, of a file that root inside has made" "1234:1235" "$(stat -c %u:%g "$DIR/root")"
  try tool run --user-map auto "$PROBE" make "$DIR/fifth" 5
  expect_status 0
  same "owner and group, on the host, of a file that belongs to number 5 inside" "20004:20004" "$(stat -c %u:%g "$DIR/fifth")"
  # Root inside is not root outside.
  try tool run --user-map auto "$PROBE" make "$WORK/not-his"
  expect_status 1 "as this directory belongs to root outside"
}

@test "2.4 root gives the numbers that he is asked to give" {
  need_other_users
  cp "$PROBE" "$WORK/probe" && PROBE=$WORK/probe
  wait_inside --user-map 5000:0:1 --user-map 6000:1:100
  expect_maps "0 5000 1, 1 6000 100" "0 5000 1, 1 6000 100" allow
  expect_ids 5000 5000
  done_inside
}

@test "2.4 numbers that do not belong to the caller are refused" {
  local map
  ordinary_user
  own_dir
  for map in 5000:1:10 19999:1:2 29999:1:2 0:1:1; do
    try tool run --user-map 1234:0:1 --user-map "$map" "$PROBE" make "$DIR/was-run"
    expect_status 125 "as $map is not set aside for the caller"
    expect_said "nsrun: ."
    [ ! -e "$DIR/was-run" ] || fail_with "no program is run" "it was run"
  done
  try tool run --user-map 0:0:1 "$PROBE" make "$DIR/was-run"
  expect_status 125 "as 0 is root's number outside"
  [ ! -e "$DIR/was-run" ] || fail_with "no program is run" "it was run"
  # His own range may be used in part.
  printf '%s\n' "user$MARK:1234:1" "user$MARK:20000:10000" >"$WORK/etc/subuid"
  printf '%s\n' "user$MARK:1234:1" "user$MARK:20000:10000" >"$WORK/etc/subgid"
  try tool run --user-map 1234:0:1 --user-map 29990:1:10 "$PROBE" make "$DIR/was-run"
  expect_status 0
}

@test "2.4 a map that is none is refused" {
  local map
  for map in wheel "" 1 1:2 1:0:0 0:0:-1 -1:0:1 0:0:1:1 0:0:1x 4294967295:0:2 0:4294967295:2 \
    99999999999999999999:0:1 4294967296:0:1 0:4294967296:1; do
    try tool run --user-map "$map" "$PROBE" make "$WORK/was-run"
    expect_status 125 "as \"$map\" is no map"
    expect_said "--user-map"
  done
  try tool run --user-map 0:1:1 "$PROBE" make "$WORK/was-run"
  expect_status 125 "as nobody is 0 inside"
  expect_said "nobody is 0"
  try tool run --user-map root --user-map 0:0:1 --user-map root "$PROBE" make "$WORK/was-run"
  expect_status 125 "as the maps overlap"
  [ ! -e "$WORK/was-run" ] || fail_with "no program is run" "it was run"
  try tool run --user-map root "$PROBE" make "$WORK/was-run"
  expect_status 0
}

@test "2.4 the program never starts before the map is there" {
  local helper
  ordinary_user
  for helper in newuidmap newgidmap; do
    mv "$HELPERS/$helper" "$HELPERS/real-$helper"
    printf '#!/bin/sh\nsleep 0.2\nexec %s "$@"\n' "$HELPERS/real-$helper" >"$HELPERS/$helper"
    chmod 755 "$HELPERS/$helper"
  done
  try tool run --user-map auto "$PROBE" user
  expect_status 0
  expect_out "0 0 0 0 0" "as user 0 and group 0 from the first instruction, however slow newuidmap is"
}

@test "2.4 without newuidmap nsrun says what is missing" {
  ordinary_user
  rm "$HELPERS/newuidmap"
  # There may be one of the host's besides.
  sed -i 's|^PATH=.*|PATH=${0%/*}/helpers|; s|exec setpriv|exec /usr/bin/setpriv|' "$WORK/as-user"
  [ -x /usr/bin/setpriv ] || cannot "setpriv is not in /usr/bin (mend it: install util-linux)"
  try tool run --user-map auto "$PROBE" exit 0
  expect_status 125 "as newuidmap is not installed"
  expect_said "newuidmap|No such file"
  try tool run --user-map root "$PROBE" exit 4
  expect_status 4 "as that can be done without newuidmap"
}

@test "2.4 killing nsrun ends the container of an ordinary user" {
  local init
  ordinary_user
  for init in "" --init; do
    wait_inside $init
    kill -9 "$TOOL_PID"
    becomes gone gone "$PID" ||
      fail_with "the program ends with nsrun, in a user namespace, too" "it lives on"
    TOOL_PID=
  done
}

@test "2.4 signals to nsrun reach the program of an ordinary user" {
  ordinary_user
  DO=(signals)
  wait_inside --init
  kill -USR1 "$TOOL_PID"
  becomes 1 said_so_far 10 || fail_with "SIGUSR1, sent to nsrun, reaches the program" "it does not"
  done_inside
}

@test "2.4 where user namespaces are forbidden nsrun says so" {
  # In a user namespace of its own the limit can be set. It takes a /proc for that.
  ARMS_LENGTH=(unshare --user --map-root-user --pid --fork --mount --mount-proc
    sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh "${ARMS_LENGTH[@]}")
  try tool run --user-map root "$PROBE" make "$WORK/was-run"
  expect_status 125 "as there may be no user namespaces"
  expect_said "sysctl user.max_user_namespaces is 0"
  [ ! -e "$WORK/was-run" ] || fail_with "no program is run" "it was run"
  try tool run "$PROBE" exit 4
  expect_status 4 "as this one needs no user namespace"
}
