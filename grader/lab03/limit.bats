# limit.bats - lab03: what cgrun run is asked for, and that it holds. A test has the
# number of the last exercise that it needs: no program runs in a group before 3.3.
# shellcheck disable=SC2034 # DO and NAME are for helper.bash
load helper

# The groups of cgrun that are there.
groups_now() {
  find "$TOP" -mindepth 1 -maxdepth 2 -type d -name 'cgrun-*' 2>/dev/null || true
}

# refused WHY PATTERN OPTION...: cgrun run says so, and runs nothing.
refused() {
  local why=$1 pattern=$2
  shift 2
  try tool run "$@" "$PROBE" make "$WORK/was-run"
  expect_status 125 "$why"
  expect_said "$pattern"
  [ ! -e "$WORK/was-run" ] || fail_with "no program is run, $why" "it was run"
}

# Which values are wrong, the functions' own tests know; these are for the options.
@test "3.2 cgrun run refuses what is no limit" {
  local option values value
  while read -r option values; do
    for value in $values; do
      [ "$value" != EMPTY ] || value=
      refused "as $option cannot be \"$value\"" "cgrun: .*\\(in $option\\)" "$option" "$value"
    done
  done <<'END'
--memory 0 -1 12Q 18446744073709551616
--memory-high 0K 5MB
--swap -1
--cpus 0 1.123456
--cpu-weight 0 10001
--pids 0 4194305
--io 8:0:rbps=0 8:0:rbps=12Q
--cpuset EMPTY all
END
  same "groups of cgrun after that" "" "$(groups_now)"
}

@test "3.2 cgrun run takes what is a limit" {
  # What is wrong is the last option, and no other.
  refused "as --pids cannot be 0" "cgrun: .*\\(in --pids\\)" --memory 64M --memory-high 1g \
    --swap 0 --cpus 1.5 --cpu-weight 10000 --io 8:0:rbps=1M,wiops=100 --cpuset 0-1,3 --pids 0
  refused "as --pids cannot be 0" "cgrun: .*\\(in --pids\\)" --memory max --memory-high max \
    --swap max --cpus max --cpu-weight max --io 8:0:wbps=max --pids max --pids 0
  same "groups of cgrun after that" "" "$(groups_now)"
}

@test "3.2 cgrun run says which controller is not to be had, and how to get it" {
  local option value controller
  need_groups
  # Our own group is below one to which nothing is handed on. (But cpuset may be: that
  # one the cage has to hand on itself.)
  mkdir "$TOP/t-$MARK" "$TOP/t-$MARK/in"
  ARMS_LENGTH+=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$TOP/t-$MARK/in")
  while read -r option value controller; do
    refused "as there is no $controller controller" "[^a-z]${controller}[^a-z].*\\(.*make vm" "$option" "$value"
  done <<'END'
--memory 64M memory
--cpus 1.5 cpu
--pids 100 pids
--io 8:0:rbps=1M io
END
  same "groups below that one" in "$(find "$TOP/t-$MARK" -mindepth 1 -type d -printf "%f\n")"
  rmdir "$TOP/t-$MARK/in" "$TOP/t-$MARK"
}

@test "3.2 cgrun run refuses what is no name of a group" {
  local name
  for name in a/b .. .hidden "" "a b" "$(printf 'n%.0s' {1..64})"; do
    refused "as \"$name\" is no name" 'cgrun: .*no name.*\(in --name\)' --name "$name"
  done
  # And these are.
  refused "as --pids cannot be 0" "in --pids" --name "$(printf 'n%.0s' {1..63})" --pids 0
  refused "as --pids cannot be 0" "in --pids" --name a.b-C_9 --pids 0
  same "groups of cgrun after that" "" "$(groups_now)"
}

@test "3.2 cgrun run refuses a group that is in use" {
  local group=$TOP/cgrun-n$MARK inode
  need_groups
  mkdir "$group"
  inode=$(stat -c %i "$group")
  # Claimed, as by a cgrun that lives.
  exec 9<"$group"
  flock -n 9
  refused "as a group with that name is in use" "n$MARK is in use.*cgrun stat n$MARK" --name "n$MARK"
  same "the group that was there" "$inode" "$(stat -c %i "$group" 2>&1)"
  exec 9<&-
  rmdir "$group"
}

@test "3.3 the kernel has the limits of cgrun run" {
  need_controllers memory cpu pids cpuset
  run_inside --memory 64M --memory-high 48M --swap 0 --cpus 0.5 --cpu-weight 300 --pids 20 --cpuset 0
  same "memory.max of the group" 67108864 "$(knob memory.max)"
  same "memory.high" 50331648 "$(knob memory.high)"
  same "memory.swap.max" 0 "$(knob memory.swap.max)"
  same "cpu.max" "50000 100000" "$(knob cpu.max)"
  same "cpu.weight" 300 "$(knob cpu.weight)"
  same "pids.max" 20 "$(knob pids.max)"
  same "cpuset.cpus" 0 "$(knob cpuset.cpus)"
  same "Cpus_allowed_list of the program" 0 "$(status_field Cpus_allowed_list)"
  done_inside
}

@test "3.3 without options there is no limit" {
  need_controllers memory pids
  run_inside --memory max --pids max
  same "memory.max of the group" max "$(knob memory.max)"
  same "pids.max" max "$(knob pids.max)"
  done_inside
  NAME=m$MARK
  run_inside
  same "memory.max of the group" max "$(knob memory.max)"
  done_inside
}

@test "3.3 a fork bomb stops at --pids" {
  need_controllers pids
  DO=(forks 50)
  run_inside --pids 10
  same "what the program says: it could make 9 children" "forks 9 EAGAIN" "$(head -1 "$WORK/ready")"
  same "max in pids.events: one fork was refused" 1 "$(key pids.events max)"
  done_inside
}

@test "3.5 cgrun run says that the program was killed for its memory" {
  need_controllers memory
  try tool run --name "n$MARK" --memory 32M --swap 0 "$PROBE" take 200
  expect_status 137 "as SIGKILL ended the program"
  expect_said "n$MARK: out of memory"
  same "groups of cgrun after that" "" "$(groups_now)"
  try tool run --name "n$MARK" --memory 64M "$PROBE" exit 0
  expect_status 0 "as that needs less"
  [[ $ERR != *"out of memory"* ]] || fail_with "no word of memory" "\"$ERR\""
}
