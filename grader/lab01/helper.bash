# helper.bash - what the Bats tests of lab01 share.
# shellcheck shell=bash disable=SC2034
# shellcheck source=grader/helper.bash
source "${BASH_SOURCE[0]%/*}/../helper.bash"

# Stop what a failed test left, and take off what furnish may have bound.
teardown_lab() {
  local point
  [ -z "${TOOL_PID:-}" ] || kill -9 "$TOOL_PID" ${PID:+"$PID"} 2>/dev/null || true
  while read -r point; do
    "$PROBE" unmount "$point" # umount(8) would leave notes in /run
  done < <(awk -v w="$WORK/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
}

# wait_inside ARG...: `jail run ARG... ROOT /probe wait` in the background; PID is
# the probe's number once it is there.
wait_inside() {
  : >"$WORK/pid"
  # Not by `tool`: a function in the background is a shell that waits, and it
  # would keep descriptors of Bats open.
  "${ARMS_LENGTH[@]}" "$TOOL" run "$@" "$ROOT" /probe wait \
    >"$WORK/pid" 2>"$WORK/.err" </dev/null 3>&- &
  TOOL_PID=$!
  disown # or Bash reports its end among the test's output
  LAST="tool run $* ROOT /probe wait"
  local end=$((SECONDS + 10))
  while ((SECONDS < end)); do
    PID=$(cat "$WORK/pid")
    [ -z "$PID" ] || return 0
    kill -0 "$TOOL_PID" 2>/dev/null || break
    sleep 0.02
  done
  ERR=$(cat "$WORK/.err")
  fail_with "the program runs" "it does not"
}

# End it.
done_inside() {
  kill -9 "$PID"
  while kill -0 "$TOOL_PID" 2>/dev/null; do sleep 0.01; done
  TOOL_PID=
  rm -f "$WORK/pid" "$WORK/.err"
}
