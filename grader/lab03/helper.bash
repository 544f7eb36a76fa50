# helper.bash - what the Bats tests of lab03 share.
# shellcheck shell=bash disable=SC2034
# shellcheck source=grader/helper.bash
source "${BASH_SOURCE[0]%/*}/../helper.bash"

# The root of the groups that the cage sees. The test itself is in a group further
# down, so that this one has no processes: here is cgrun's place.
TOP=/sys/fs/cgroup
MEND="(mend it: sh common/setup.sh vm, and the grader boots a machine that has it)"

# need_groups: groups can be made here, or the test cannot run.
need_groups() {
  if [ ! -w "$TOP/cgroup.procs" ] || [ ! -d "$TOP/session" ]; then
    cannot "no group of cgroup v2 can be made here $MEND"
  fi
}

# need_controllers NAME...: the cage's root of groups has them.
need_controllers() {
  local name have
  need_groups
  have=" $(cat "$TOP/cgroup.controllers") "
  for name; do
    [[ $have == *" $name "* ]] || cannot "cgroup v2 has no $name controller here $MEND"
  done
}

# knob FILE: of the group of the program in the background (NAME), as the kernel has it.
knob() {
  cat "$TOP/cgrun-$NAME/$1"
}

# key FILE KEY: the number behind KEY in a file of that group.
key() {
  awk -v k="$2" '$1 == k { print $2 }' "$TOP/cgrun-$NAME/$1"
}

# run_inside ARG...: `cgrun run --name NAME ARG...` in the background, with the probe as
# its program, which does what DO says: it waits, unless a test has set that. NAME is new
# for every test.
DO=(wait)
run_inside() {
  NAME=${NAME:-n$MARK}
  in_background run --name "$NAME" "$@" "$PROBE" "${DO[@]}"
}

# End it.
done_inside() {
  kill -9 "$PID"
  while kill -0 "$TOOL_PID" 2>/dev/null; do sleep 0.01; done
  TOOL_PID=
  rm -f "$WORK/ready" "$WORK/.err"
}

# The groups that a failed test has left.
teardown_lab() {
  local group
  for group in "$TOP"/cgrun-* "$TOP"/t-"$MARK"*; do
    [ -d "$group" ] || continue
    echo 1 >"$group/cgroup.kill" 2>/dev/null || true
    until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.01; done
  done
}
