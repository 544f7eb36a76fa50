# stat.bats - lab03: what `cgrun stat`, `list` and `watch` say of a group.
# shellcheck disable=SC2034 # DO, LAST and the like are for helper.bash
load helper

# by_hand COMMAND...: the probe in a group that the test itself has made: so nothing but
# the student's account is tried. PID is its number.
by_hand() {
  local procs
  NAME=n$MARK
  mkdir "$TOP/cgrun-$NAME"
  for procs in "${LIMITS[@]}"; do
    echo "${procs#*=}" >"$TOP/cgrun-$NAME/${procs%%=*}"
  done
  : >"$WORK/ready"
  (
    echo "$BASHPID" >"$TOP/cgrun-$NAME/cgroup.procs"
    exec "$PROBE" "$@" >"$WORK/ready" 2>/dev/null </dev/null 3>&-
  ) &
  PID=$!
  becomes 1 said_so_far ready || fail_with "the test's program in the group is ready" "it is not"
}
LIMITS=()

# hand_over: end it, and remove the group.
hand_over() {
  kill -9 "$PID" 2>/dev/null || true
  wait "$PID" 2>/dev/null || true
  becomes "populated 0" head -1 "$TOP/cgrun-$NAME/cgroup.events"
  rmdir "$TOP/cgrun-$NAME"
}

# json_of LINE OBJECT KEY: a number in an object of it; "null" and "max" are as they are.
json_of() {
  local re="\"$2\": \\{[^}]*\"$3\": \"?([a-z0-9.]+)"
  if [[ $1 =~ $re ]]; then echo "${BASH_REMATCH[1]}"; else echo "nothing"; fi
}

# is_json LINE [EVENT]: the whole of it is one object, as cgrun writes it, of the group NAME.
is_json() {
  local n='(null|[0-9]+)' m='(null|"max"|[0-9]+)' f='(null|[0-9]+\.[0-9][0-9])' re p
  p="\\{\"some_avg10\": $f, \"some_usec\": $n, \"full_usec\": $n\\}"
  re="^\\{\"name\": \"$NAME\", \"state\": \"(running|frozen|empty)\", ${2:+\"event\": \"$2\", }"
  re+="\"memory\": \\{\"current\": $n, \"peak\": $n, \"max\": $m, \"oom_kill\": $n\\}, "
  re+="\"swap\": \\{\"current\": $n, \"max\": $m\\}, "
  re+="\"cpu\": \\{\"usage_usec\": $n, \"user_usec\": $n, \"system_usec\": $n, \"throttled_usec\": $n, "
  re+="\"nr_throttled\": $n, \"quota_usec\": $m, \"period_usec\": 100000\\}, "
  re+="\"pids\": \\{\"current\": $n, \"max\": $m, \"refused\": $n\\}, "
  re+="\"io\": \\{\"rbytes\": $n, \"wbytes\": $n\\}, "
  re+="\"pressure\": \\{\"cpu\": $p, \"memory\": $p, \"io\": $p\\}\\}\$"
  [[ $1 =~ $re ]] || fail_with "one object of JSON, with all numbers" "$1"
}

# between WHAT LEAST MOST GOT
between() {
  [[ $4 =~ ^[0-9]+$ ]] || fail_with "$1 from $2 to $3" "$4"
  (($4 >= $2 && $4 <= $3)) || fail_with "$1 from $2 to $3" "$4"
}

@test "3.4 cgrun stat --json gives the kernel's numbers" {
  local before user
  need_groups
  by_hand burn 0.2
  before=$(key cpu.stat usage_usec) user=$(key cpu.stat user_usec)
  try tool stat --json "$NAME"
  expect_status 0
  is_json "$OUT"
  between "cpu.usage_usec, between what cpu.stat says before and after:" \
    "$before" "$(key cpu.stat usage_usec)" "$(json_of "$OUT" cpu usage_usec)"
  between "cpu.user_usec, between what cpu.stat says before and after:" \
    "$user" "$(key cpu.stat user_usec)" "$(json_of "$OUT" cpu user_usec)"
  between "cpu.usage_usec of a program that has used 0.2 s, a part of it before it was there:" 100000 1200000 "$(json_of "$OUT" cpu usage_usec)"
  [ -e "$TOP/cgrun-$NAME/memory.current" ] ||
    same "memory.current, which is not known here" null "$(json_of "$OUT" memory current)"
  hand_over
}

@test "3.4 cgrun stat shows a table with columns" {
  local line rows=0
  need_groups
  by_hand burn 0.2
  try tool stat "$NAME"
  expect_status 0
  same "the first line" "$NAME: running" "${OUT%%$'\n'*}"
  while IFS= read -r line; do
    [[ $line =~ ^'  '(memory|swap|cpu|pids)' ' ]] || continue
    rows=$((rows + 1))
    [[ ${line:10:1}${line:11:1} == " "[!\ ] && ${line:20:1}${line:21:1} == " "[!\ ] ]] ||
      fail_with "what is now in column 12, and the limit in column 22" "$line"
  done <<<"$OUT"
  same "rows: memory, swap, cpu, pids" 4 "$rows"
  [[ $OUT =~ 'cpu      '(0|1)\.[0-9][0-9][0-9]s ]] || fail_with "a row \"cpu\", with seconds" "$OUT"
  hand_over
}

@test "3.4 cgrun list shows every group" {
  need_groups
  by_hand burn 0.1
  mkdir "$TOP/cgrun-m$MARK" "$TOP/other$MARK"
  try tool list
  expect_status 0
  [[ $OUT == NAME*STATE*$'\n'* ]] || fail_with "a heading, and rows" "$OUT"
  same "rows" "$(printf '%s\n' "m$MARK" "$NAME" | sort)" "$(tail -n +2 <<<"$OUT" | awk '{ print $1 }' | sort)"
  try tool list --json
  expect_status 0
  same "lines of JSON" 2 "$(wc -l <<<"$OUT")"
  is_json "$(grep "\"$NAME\"" <<<"$OUT")"
  rmdir "$TOP/cgrun-m$MARK" "$TOP/other$MARK"
  hand_over
}

@test "3.4 a group that is not there is no group" {
  local command
  need_groups
  for command in stat watch; do
    try tool "$command" "no$MARK"
    expect_status 125 "as there is no such group"
    expect_said "no$MARK"
  done
  try tool stat
  expect_status 125 "as NAME is missing"
  try tool stat ../session
  expect_status 125 "as that is no NAME"
}

@test "3.4 cgrun stat agrees with a program that has 40 MiB" {
  need_controllers memory pids
  echo "+memory +pids" >"$TOP/cgroup.subtree_control"
  LIMITS=(memory.max=209715200 pids.max=50)
  by_hand take 40
  try tool stat --json "$NAME"
  expect_status 0
  is_json "$OUT"
  between "memory.current of a program that has touched 40 MiB:" $((40 << 20)) $((60 << 20)) "$(json_of "$OUT" memory current)"
  same "memory.max" 209715200 "$(json_of "$OUT" memory max)"
  same "memory.oom_kill" 0 "$(json_of "$OUT" memory oom_kill)"
  same "pids.current" 1 "$(json_of "$OUT" pids current)"
  same "pids.max" 50 "$(json_of "$OUT" pids max)"
  try tool stat "$NAME"
  [[ $OUT =~ 'memory   '[45][0-9]\.[0-9]M' '+200M ]] || fail_with "a row \"memory\": 40 to 60 M, limit 200M" "$OUT"
  hand_over
}

@test "3.4 cgrun stat agrees with a program that waits for its quota" {
  need_controllers cpu
  echo "+cpu" >"$TOP/cgroup.subtree_control"
  LIMITS=("cpu.max=10000 100000")
  by_hand burn 0.1
  try tool stat --json "$NAME"
  expect_status 0
  is_json "$OUT"
  same "cpu.quota_usec" 10000 "$(json_of "$OUT" cpu quota_usec)"
  # It has used the quota of 10 periods, and waited in most of them; but on a busy machine
  # it has not got its quota in each. Now it rests, and the numbers with it.
  between "cpu.nr_throttled:" 1 1000 "$(json_of "$OUT" cpu nr_throttled)"
  same "cpu.nr_throttled, as the kernel has it" "$(key cpu.stat nr_throttled)" "$(json_of "$OUT" cpu nr_throttled)"
  same "cpu.throttled_usec, as the kernel has it" "$(key cpu.stat throttled_usec)" "$(json_of "$OUT" cpu throttled_usec)"
  hand_over
}

# watch_it ARG...: `cgrun watch ARG... NAME` in the background. Its lines go to $WORK/events.
watch_it() {
  : >"$WORK/events"
  "${ARMS_LENGTH[@]}" "$TOOL" watch "$@" "$NAME" >"$WORK/events" 2>&1 </dev/null 3>&- &
  TOOL_PID=$!
  LAST="tool watch $* $NAME" ERR=
  becomes 1 watching || fail_with "cgrun watch opens cgroup.events" "it does not: $(cat "$WORK/events")"
}

# watching: how many descriptors of cgroup.events it has.
watching() {
  local count=0 fd
  for fd in "/proc/$TOOL_PID/fd"/*; do
    [[ $(readlink "$fd") != *cgrun-$NAME/cgroup.events ]] || count=$((count + 1))
  done
  echo "$count"
}

# events PATTERN: how many of its lines match.
events() {
  grep -cE "$1" "$WORK/events"
}

# reports PATTERN WHEN
reports() {
  becomes 1 events "$1" || fail_with "one line like \"$1\" $2" "$(cat "$WORK/events")"
}

# ends_well: cgrun watch ends with status 0 when the group has gone.
ends_well() {
  local status=0
  becomes gone gone "$TOOL_PID" || fail_with "cgrun watch ends when the group was removed" "it does not"
  wait "$TOOL_PID" || status=$?
  TOOL_PID=
  same "exit status" 0 "$status"
}

@test "3.5 cgrun watch says what happens to a group" {
  need_groups
  by_hand wait
  watch_it
  echo 1 >"$TOP/cgrun-$NAME/cgroup.freeze"
  reports "$NAME: it is frozen" "when it is frozen"
  echo 0 >"$TOP/cgrun-$NAME/cgroup.freeze"
  reports "$NAME: it goes on" "when it is thawed"
  kill -9 "$PID"
  reports "$NAME: its last process has ended" "when its process has ended"
  hand_over
  reports "$NAME: it was removed" "when it was removed"
  ends_well
}

@test "3.5 cgrun watch --json says it in JSON" {
  local line
  need_groups
  by_hand wait
  watch_it --json
  echo 1 >"$TOP/cgrun-$NAME/cgroup.freeze"
  reports '"event": "frozen"' "when it is frozen"
  is_json "$(head -1 "$WORK/events")" frozen
  echo 0 >"$TOP/cgrun-$NAME/cgroup.freeze"
  hand_over
  reports '"event": "gone"' "when it was removed"
  ends_well
}

@test "3.5 cgrun watch redraws its table in place" {
  need_groups
  by_hand wait
  ARMS_LENGTH=("$PROBE" terminal "${ARMS_LENGTH[@]}")
  : >"$WORK/events"
  "${ARMS_LENGTH[@]}" "$TOOL" watch "$NAME" >"$WORK/events" 2>&1 </dev/null 3>&- &
  TOOL_PID=$!
  LAST="tool watch $NAME" ERR=
  becomes 1 events "^$NAME: running" || fail_with "a table" "$(cat "$WORK/events")"
  echo 1 >"$TOP/cgrun-$NAME/cgroup.freeze"
  reports "^$NAME: frozen" "when it is frozen"
  [[ $(cat "$WORK/events") == *$'\e[9A\e[J'* ]] || fail_with "the table in place of the one before" "$(cat -v "$WORK/events")"
  echo 0 >"$TOP/cgrun-$NAME/cgroup.freeze"
  hand_over
  ends_well
}

@test "3.5 cgrun watch sleeps while nothing happens" {
  local before switches
  need_groups
  by_hand wait
  watch_it
  sleep 0.1
  switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$TOOL_PID/status"; }
  before=$(switches)
  sleep 0.4
  between "times that cgrun watch ran in 0.4 seconds:" 0 4 $(($(switches) - before))
  hand_over
  ends_well
}
