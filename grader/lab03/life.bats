# life.bats - lab03: freeze, thaw, kill, and what is left when cgrun itself is killed.
# shellcheck disable=SC2034 # DO, LAST and the like are for helper.bash
load helper

# count: how many lines the program has printed.
count() {
  wc -l <"$WORK/ready"
}

# groups: the names of all groups of cgrun that there are.
groups() {
  (cd "$TOP" && echo cgrun-*)
}

# expect_nothing WHEN: no group of cgrun is left, and no process with the mark.
expect_nothing() {
  same "groups of cgrun $1" "cgrun-*" "$(groups)"
  same "processes of the program $1" "" "$(with_mark)"
}

# kill_tool: by SIGKILL, and wait until it has ended.
kill_tool() {
  kill -9 "$TOOL_PID"
  becomes gone gone "$TOOL_PID"
  TOOL_PID=
}

@test "3.6 cgrun freeze stops the program, and thaw lets it go on" {
  local before
  need_groups
  DO=(tick)
  run_inside
  try tool freeze "$NAME"
  expect_status 0
  before=$(count)
  same "frozen in cgroup.events, when freeze has returned" 1 "$(key cgroup.events frozen)"
  sleep 0.1
  same "lines that the program has printed when it is frozen" "$before" "$(count)"
  try tool freeze "$NAME"
  expect_status 0 "though it is frozen already"
  try tool thaw "$NAME"
  expect_status 0
  same "frozen in cgroup.events, when thaw has returned" 0 "$(key cgroup.events frozen)"
  goes_on() { [ "$(count)" -gt "$before" ] && echo yes; }
  becomes yes goes_on || fail_with "the program goes on after thaw" "it prints nothing"
  done_inside
}

# kill_soon COMMAND: `cgrun kill` in the background, once the program runs and the command
# has succeeded. Its status goes to $WORK/status.
kill_soon() {
  local status=0
  becomes 1 key cgroup.events populated && "$@" && tool kill "$NAME" || status=$?
  echo "$status" >"$WORK/status"
}

@test "3.6 cgrun kill ends the program, and cgrun run says 137" {
  need_groups
  NAME=n$MARK
  kill_soon true >/dev/null 2>&1 3>&- &
  try tool run --name "$NAME" "$PROBE" wait "mark$MARK"
  expect_status 137 "as SIGKILL is signal 9"
  wait
  same "status of cgrun kill" 0 "$(cat "$WORK/status")"
  expect_nothing "after cgrun kill"
}

@test "3.6 cgrun kill ends a frozen program" {
  need_groups
  NAME=n$MARK
  kill_soon tool freeze "$NAME" >/dev/null 2>&1 3>&- &
  try tool run --name "$NAME" "$PROBE" wait "mark$MARK"
  expect_status 137 "as SIGKILL is signal 9"
  wait
  same "status of cgrun kill" 0 "$(cat "$WORK/status")"
  expect_nothing "after cgrun kill"
}

@test "3.6 cgrun kill ends a program that forks without end" {
  need_groups
  DO=(run-away "mark$MARK")
  run_inside
  try tool kill "$NAME"
  expect_status 0
  becomes gone gone "$TOOL_PID" || fail_with "cgrun run ends when all were killed" "it does not"
  TOOL_PID=
  expect_nothing "after cgrun kill"
}

@test "3.6 cgrun kill leaves the program of another run alone" {
  local other other_pid
  need_groups
  DO=(wait "mark$MARK")
  run_inside
  other=m$MARK
  "${ARMS_LENGTH[@]}" "$TOOL" run --name "$other" "$PROBE" wait >"$WORK/other" 2>"$WORK/.err" </dev/null 3>&- &
  other_pid=$!
  becomes ready cat "$WORK/other" || fail_with "a second program runs" "$(cat "$WORK/other" "$WORK/.err")"
  try tool kill "$other"
  expect_status 0
  becomes gone gone "$other_pid" || fail_with "the other cgrun ends with its program" "it does not"
  same "the first program" "$PID" "$(knob cgroup.procs)"
  done_inside
}

@test "3.6 a group that is not there is named" {
  local command
  need_groups
  for command in freeze thaw kill rm stat watch; do
    try tool "$command" "no$MARK"
    expect_status 125 "as there is no such group"
    expect_said "no$MARK.*cgrun list"
  done
}

@test "3.6 a name that is none, a word too many, a word too few" {
  local command name
  need_groups
  run_inside
  for command in freeze thaw kill rm; do
    for name in "" . .. "../$NAME" "a/b" "./$NAME" "$NAME/" "a b" "$(printf 'n%.0s' {1..64})"; do
      try tool "$command" "$name"
      expect_status 125 "as \"$name\" is no name of a group"
    done
    try tool "$command"
    expect_status 125 "as the name is missing"
    expect_said NAME
    try tool "$command" "$NAME" more
    expect_status 125 "as there is a word too many"
    expect_said more
    try tool "$command" --all "$NAME"
    expect_status 125 "as there is no such option"
  done
  same "the program of a group that no command was for" "$PID" "$(knob cgroup.procs)"
  same "frozen in its cgroup.events" 0 "$(key cgroup.events frozen)"
  done_inside
}

@test "3.7 cgrun run leaves no group behind, however its program ends" {
  need_groups
  try tool run --name "n$MARK" "$PROBE" exit 5
  expect_status 5
  expect_nothing "after exit 5"
  try tool run "$PROBE" signal 15
  expect_status 143
  expect_nothing "after a signal"
  try tool run "$WORK/nowhere"
  expect_status 127
  expect_nothing "after a program that is not there"
  try tool run "$WORK"
  expect_status 126
  expect_nothing "after a program that cannot be executed"
}

@test "3.7 what the program leaves running is killed at its end" {
  need_groups
  try tool run "$PROBE" leave 7 "mark$MARK"
  expect_status 7 "as the program's"
  expect_nothing "after the end of the program, which has left a child behind"
}

@test "3.7 groups that the program has made below its own are removed" {
  need_groups
  NAME=n$MARK
  try tool run --name "$NAME" sh -c "mkdir -p $TOP/cgrun-$NAME/a/b/c $TOP/cgrun-$NAME/d && exec $PROBE exit 4"
  expect_status 4 "as the program's"
  expect_nothing "after the end of the program"
}

@test "3.7 a name that is in use is refused" {
  need_groups
  run_inside
  try tool run --name "$NAME" "$PROBE" make "$WORK/was-run"
  expect_status 125 "as the name is in use"
  expect_said "$NAME.*in use"
  [ ! -e "$WORK/was-run" ] || fail_with "no program is run" "it was run"
  same "the first program" "$PID" "$(knob cgroup.procs)"
  done_inside
}

@test "3.7 cgrun rm refuses a group in use" {
  need_groups
  run_inside
  try tool rm "$NAME"
  expect_status 125 "as the group is in use"
  expect_said "$NAME.*in use"
  same "the program" "$PID" "$(knob cgroup.procs)"
  done_inside
}

@test "3.7 cgrun rm removes what a killed cgrun has left" {
  need_groups
  DO=(wait "mark$MARK")
  run_inside
  kill_tool
  same "the program of a cgrun that was killed" "$PID" "$(knob cgroup.procs)"
  try tool rm "$NAME"
  expect_status 0
  expect_nothing "after cgrun rm"
}

@test "3.7 a run beside another one leaves it alone" {
  need_groups
  run_inside
  try tool run "$PROBE" exit 6
  expect_status 6
  same "the first program" "$PID" "$(knob cgroup.procs)"
  done_inside
}

# state: what `cgrun list` says of the group.
state() {
  tool list | sed -n "s/^$NAME  *\([a-z ]*[a-z]\) .*/\1/p"
}

@test "3.7 cgrun list shows what runs, stands, and is left over" {
  need_groups
  DO=(wait "mark$MARK")
  run_inside
  same "the state in cgrun list" running "$(state)"
  try tool list --json
  expect_status 0
  [[ $OUT == *"\"name\": \"$NAME\""* ]] || fail_with "cgrun list --json names the group" "$OUT"
  try tool freeze "$NAME"
  expect_status 0
  same "the state in cgrun list" frozen "$(state)"
  kill_tool
  same "the state in cgrun list when cgrun run was killed" "left over" "$(state)"
  try tool run "$PROBE" exit 0
  expect_status 0
  same "the state in cgrun list after another run" "" "$(state)"
  expect_nothing "after another run"
  try tool list more
  expect_status 125 "as list takes no word"
}

@test "3.7 the next run removes what a killed cgrun has left, with what runs in it" {
  need_groups
  DO=(run-away "mark$MARK")
  run_inside
  mkdir "$TOP/cgrun-$NAME/below"
  mkdir "$TOP/other$MARK"
  kill_tool
  # With the same name: it is free again.
  try tool run --name "$NAME" "$PROBE" exit 3
  expect_status 3
  expect_nothing "after the next run"
  [ -d "$TOP/other$MARK" ] || fail_with "a group that is not cgrun's stays" "it was removed"
  rmdir "$TOP/other$MARK"
}

# milliseconds NUMBER: as sleep(1) takes them.
milliseconds() {
  printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}

@test "3.7 cgrun killed at any moment leaves nothing that the next run does not remove" {
  local start length i pid pause begin=$SECONDS
  need_groups
  # Spread over the time that a whole run takes here.
  start=${EPOCHREALTIME/[.,]/}
  try tool run "$PROBE" exit 0
  expect_status 0
  length=$(((${EPOCHREALTIME/[.,]/} - start) / 1000 + 2))
  # Far apart first: a slow machine does not get to all of them in time.
  for i in 0 10 5 15 2 12 7 17 4 14 9 19 1 11 6 16 3 13 8 18; do
    ((SECONDS - begin < ${PATIENCE:-10} / 2)) || break
    pause=$(milliseconds $((length * i / 16)))
    "${ARMS_LENGTH[@]}" "$TOOL" run --name "n$i" "$PROBE" wait "mark$MARK" >/dev/null 2>&1 </dev/null 3>&- &
    pid=$!
    sleep "$pause"
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    try tool run "$PROBE" exit 0
    expect_status 0
    expect_nothing "after another run (cgrun was killed after $pause s)"
  done
}
