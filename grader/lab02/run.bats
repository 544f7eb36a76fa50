# run.bats - lab02: nsrun run in new namespaces, and PID 1 in them.
# shellcheck disable=SC2034 # DO, LAST and the like are for helper.bash
load helper
load process

@test "2.1 the program is in new namespaces, and the tool is not" {
  wait_inside
  same "kinds of namespaces in which the program and nsrun differ, from outside" \
    "cgroup ipc mnt net pid uts" "$(kinds_apart "$PID" "$TOOL_PID")"
  # Bats has put the tool into a mount namespace of its own.
  same "kinds of namespaces in which nsrun and its caller differ" mnt "$(kinds_apart "$TOOL_PID" $$)"
  done_inside
}

@test "2.1 --net host leaves the program in the network of the host" {
  wait_inside --net host
  same "kinds of namespaces in which the program and nsrun differ, from outside" \
    "cgroup ipc mnt pid uts" "$(kinds_apart "$PID" "$TOOL_PID")"
  done_inside
}

@test "2.1 --hostname gives the container a name, and the host keeps its own" {
  local before name=box-$MARK
  before=$(uname -n)
  wait_inside --hostname "$name"
  same "the host name in the container, looked at from outside" "$name" "$(nsenter -t "$PID" --uts uname -n)"
  done_inside
  name=$(printf 'n%.0s' {1..64})
  try tool run --hostname "$name" "$PROBE" hostname
  expect_out "$name" "a name of 64 bytes"
  same "the host's own name" "$before" "$(uname -n)"
}

@test "2.1 a host name that is none is refused" {
  local name
  for name in "" "$(printf 'n%.0s' {1..65})"; do
    try tool run --hostname "$name" "$PROBE" make "$WORK/was-run"
    expect_status 125 "as a host name has 1 to 64 bytes, and this one has ${#name}"
    expect_said "nsrun: ."
    [ ! -e "$WORK/was-run" ] || fail_with "no program is run" "it was run"
  done
  try tool run --hostname fine "$PROBE" exit 0
  expect_status 0
}

@test "2.1 queues and shared memory of the host are not visible" {
  local key=$((RANDOM + 1000)) all="messages memory semaphores posix"
  same "what the test has made" "$all" "$("$PROBE" queues make "$key" "name$MARK")"
  try tool run "$PROBE" queues find "$key" "name$MARK"
  expect_out "" "as nothing of that kind is in the container"
  # The same names can be taken inside, and the host's stay as they are.
  try tool run "$PROBE" queues make "$key" "name$MARK"
  expect_out "$all" "as these names are free inside"
  same "what the host has, still" "$all" "$("$PROBE" queues find "$key" "name$MARK")"
  "$PROBE" queues remove "$key" "name$MARK" >/dev/null
}

@test "2.1 nsrun run passes the exit status on" {
  local status
  for status in 0 1 7 124 255; do
    try tool run "$PROBE" exit "$status"
    expect_status "$status" "as the program's"
  done
  for status in 6 9 15; do
    # As PID 1 the program cannot end itself by a signal (pid_namespaces(7)).
    wait_inside
    kill -"$status" "$PID" 2>/dev/null
    [ "$status" -eq 9 ] || kill -9 "$PID"
    becomes gone gone "$TOOL_PID" || fail_with "nsrun ends with its program" "it does not"
    TOOL_PID=
  done
}

@test "2.1 nsrun run says 126 and 127 for a program that cannot be run" {
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

@test "2.1 nsrun run says 125 for a mistake of its caller" {
  try tool run "$PROBE" exit 3
  expect_status 3 "before any mistake"
  try tool run
  expect_status 125 "as PROGRAM is missing"
  expect_said "PROGRAM"
  try tool run --no-such-option "$PROBE" exit 0
  expect_status 125 "as there is no such option"
  expect_said "no-such-option"
  local what
  for what in soon 1x "" 99999999999999999999; do
    try tool run --time-offset "$what" "$PROBE" exit 0
    expect_status 125 "as that is no number of seconds"
    expect_said "--time-offset"
  done
  try tool run --net everywhere "$PROBE" exit 0
  expect_status 125 "as there is no such network"
  try tool run --root "$WORK/nowhere" "$PROBE" exit 0
  expect_status 125 "as there is no such root"
  expect_said "nowhere"
  try tool run --root "$PROBE" "$PROBE" exit 0
  expect_status 125 "as that root is a file"
}

@test "2.1 without the privilege nsrun run says so" {
  ARMS_LENGTH+=(setpriv --bounding-set=-sys_admin)
  try tool run "$PROBE" make "$WORK/was-run"
  expect_status 125 "as the caller has no CAP_SYS_ADMIN"
  expect_said "nsrun: ."
  [ ! -e "$WORK/was-run" ] || fail_with "no program is run" "it was run"
}

@test "2.1 nsrun list shows the namespaces of a container" {
  local kind inode line
  wait_inside
  try tool list
  expect_status 0
  for kind in cgroup ipc mnt net pid uts; do
    inode=$(readlink "/proc/$PID/ns/$kind")
    line=$(awk -v k="$kind" -v i="${inode//[^0-9]/}" '$1 == k && $2 == i { print $3, $4 }' <<<"$OUT")
    same "processes, and the lowest PID, in the $kind namespace of the container" "1 $PID" "$line"
  done
  done_inside
}

@test "2.2 the program is PID 1" {
  wait_inside
  same "NSpid in /proc/PID/status, from outside" "$PID 1" "$(status_field NSpid)"
  done_inside
}

@test "2.2 with --init an init is PID 1, and the program its child" {
  wait_inside --init
  same "NSpid in /proc/PID/status, from outside" "$PID 2" "$(status_field NSpid)"
  PID=$(status_field PPid)
  same "NSpid of its parent" "$PID 1" "$(status_field NSpid)"
  done_inside
}

# zombies: how many children of INIT are zombies.
zombies() {
  local count=0 child children field value
  read -r -a children <"/proc/$INIT/task/$INIT/children" || true
  for child in "${children[@]}"; do
    while read -r field value _; do
      [ "$field" != State: ] || [ "$value" != Z ] || count=$((count + 1))
    done 2>/dev/null <"/proc/$child/status"
  done
  echo "$count"
}

@test "2.2 init leaves no zombie of 500 orphans" {
  local round
  DO=(orphans 100)
  wait_inside --init
  INIT=$(status_field PPid)
  for round in 1 2 3 4 5; do
    kill -USR1 "$PID"
    becomes "$round" said_so_far "done" || fail_with "the program starts its orphans" "it does not"
    becomes 0 zombies || fail_with "no zombie is left, $((100 * round)) orphans later" "$(zombies) zombies"
  done
  same "times that no process could be had" 0 "$(said_so_far "no more processes")"
  done_inside
}

@test "2.2 init passes the exit status on" {
  local status
  for status in 0 1 7 124 255; do
    try tool run --init "$PROBE" exit "$status"
    expect_status "$status" "as the program's, through init"
  done
  for status in 1 6 9 15; do
    try tool run --init "$PROBE" signal "$status"
    expect_status $((128 + status)) "as signal $status killed the program"
  done
  try tool run --init "$WORK/nowhere"
  expect_status 127 "as there is no such program"
  expect_said "nowhere"
  echo text >"$WORK/text"
  try tool run --init "$WORK/text"
  expect_status 126 "as the file cannot be executed"
}

# forwards ARG...: of `nsrun run`: what is sent to nsrun reaches the program.
forwards() {
  local number
  DO=(signals)
  wait_inside "$@"
  for number in 1 2 3 10 12 15 28; do
    kill -"$number" "$TOOL_PID" || fail_with "nsrun lives until its program ends" "it has ended"
    becomes 1 said_so_far "$number" ||
      fail_with "signal $number, sent to nsrun, reaches the program" "what came: $(tail -n +2 "$WORK/ready" | tr '\n' ' ')"
  done
  same "signals that came, one each" "1 2 3 10 12 15 28" "$(tail -n +2 "$WORK/ready" | tr '\n' ' ' | sed 's/ $//')"
  done_inside
}

@test "2.2 signals to nsrun reach the program" {
  forwards
}

@test "2.2 signals to nsrun reach the program through init" {
  forwards --init
}

@test "2.2 SIGTERM to nsrun ends a program that takes no care of it" {
  wait_inside --init
  kill -TERM "$TOOL_PID"
  becomes gone gone "$TOOL_PID" "$PID" || fail_with "SIGTERM ends the container" "it does not"
  TOOL_PID=
}

@test "2.2 a signal that comes early is not lost" {
  local init
  ARMS_LENGTH=("$PROBE" pending 10 "${ARMS_LENGTH[@]}")
  DO=(signals)
  for init in "" --init; do
    wait_inside $init
    becomes 1 said_so_far 10 ||
      fail_with "SIGUSR1, sent to nsrun before its program was there, reaches that" "it does not"
    done_inside
  done
}

@test "2.2 a key on the terminal is one signal to the program" {
  local init
  for init in "" --init; do
    try "$PROBE" keys "${ARMS_LENGTH[@]}" "$TOOL" run $init "$PROBE" signals
    LAST="tool run $init $PROBE signals"
    OUT=$(tr -d '\r' <<<"$OUT")
    same "SIGINT from ^C reaches the program, and so does SIGUSR1 after it" 10 "$(tail -1 <<<"$OUT")"
    same "times that SIGINT came for one ^C" 1 "$(grep -cx 2 <<<"$OUT")"
  done
}

@test "2.2 the program has the signal mask and the ignored signals of the caller" {
  local init plain
  plain=$(env --block-signal=USR2,IO --ignore-signal=HUP,ALRM grep -E '^Sig(Blk|Ign)' /proc/self/status)
  for init in "" --init; do
    try env --block-signal=USR2,IO --ignore-signal=HUP,ALRM "${ARMS_LENGTH[@]}" "$TOOL" run $init \
      grep -E '^Sig(Blk|Ign)' /proc/self/status
    LAST="tool run $init grep -E '^Sig(Blk|Ign)' /proc/self/status"
    expect_out "$plain" "as it is without nsrun"
  done
}

@test "2.2 killing init ends all of the container" {
  local probe
  wait_inside --init
  probe=$PID
  PID=$(status_field PPid)
  kill -9 "$PID"
  becomes gone gone "$TOOL_PID" "$probe" || fail_with "all ends with init" "it does not"
  TOOL_PID=
}

@test "2.2 killing nsrun ends the container" {
  local init
  for init in "" --init; do
    wait_inside $init
    kill -9 "$TOOL_PID"
    becomes gone gone "$PID" ||
      fail_with "the program ends with nsrun, whatever ended that (here SIGKILL)" "it lives on"
    TOOL_PID=
  done
}

@test "2.2 killing nsrun at any moment leaves nothing of the container" {
  local i init pid
  for i in {1..20}; do
    init=--init
    ((i % 2)) || init=
    "${ARMS_LENGTH[@]}" "$TOOL" run $init "$PROBE" wait "mark$MARK" >/dev/null 2>&1 </dev/null 3>&- &
    pid=$!
    disown
    sleep "0.0$((10 + i * 2))"
    kill -9 "$pid"
  done
  becomes "" with_mark || fail_with "nothing of 20 containers is left" "$(with_mark)"
  # And a container that nobody kills does run.
  wait_inside --init
  done_inside
}

@test "2.2 with --time-offset the clocks of the program are shifted" {
  local before inside after
  # In a user namespace of its own, as in the cage nobody may set a clock.
  ARMS_LENGTH=(unshare --user --map-root-user "${ARMS_LENGTH[@]}")
  before=$("$PROBE" clock)
  try tool run --time-offset 100000 "$PROBE" clock
  after=$("$PROBE" clock)
  inside=$OUT
  [[ "$inside" =~ ^[0-9]+$ ]] && ((inside >= before + 100000 && inside <= after + 100000)) ||
    fail_with "CLOCK_MONOTONIC 100000 seconds ahead of the host's, $before" "\"$inside\""
  try tool run --time-offset -99999999999 "$PROBE" clock
  expect_status 125 "as the clock would stand before 0"
  expect_said "nsrun: ."
}
