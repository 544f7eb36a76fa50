# helper.bash - what the Bats tests of lab02 share.
# shellcheck shell=bash disable=SC2034
# shellcheck source=grader/helper.bash
source "${BASH_SOURCE[0]%/*}/../helper.bash"

# Stop what a failed test left.
teardown_lab() {
  [ -z "${TOOL_PID:-}" ] || kill -9 "$TOOL_PID" ${PID:+"$PID"} 2>/dev/null || true
}

# in_user_namespace: from here on, the student's program runs in a user namespace, as its
# root. What it does then is what it does for an ordinary user, but that somebody else
# has made the maps.
in_user_namespace() {
  ARMS_LENGTH=(unshare --user --map-root-user "${ARMS_LENGTH[@]}")
}

# in_background COMMAND...: the student's program, in the background. Returns when the
# probe has printed "ready"; what it prints stands in $WORK/ready. TOOL_PID is the tool's
# number, and PID the probe's, as the test sees it.
in_background() {
  local end=$((SECONDS + 10)) child
  : >"$WORK/ready"
  # Not by `tool`: a function in the background is a shell that waits, and it
  # would keep descriptors of Bats open.
  "${ARMS_LENGTH[@]}" "$TOOL" "$@" >"$WORK/ready" 2>"$WORK/.err" </dev/null 3>&- &
  TOOL_PID=$!
  disown || true # or Bash reports its end among the test's output
  LAST="tool $*"
  while ((SECONDS < end)); do
    if [ -s "$WORK/ready" ]; then
      # The probe is the last process of those below the tool.
      PID=$TOOL_PID
      while child=$(cat "/proc/$PID/task/$PID/children") && [ -n "$child" ]; do
        PID=${child%% *}
      done
      return 0
    fi
    kill -0 "$TOOL_PID" 2>/dev/null || break
    sleep 0.02
  done
  ERR=$(cat "$WORK/.err")
  fail_with "the program runs" "it does not"
}

# wait_inside ARG...: `nsrun run ARG...` in the background, with the probe as its
# program, which does what DO says: it waits, unless a test has set that. With --root in
# ARG it is ROOT's /probe, else the one of the host.
DO=(wait)
wait_inside() {
  local probe=$PROBE
  [[ " $* " != *" --root "* ]] || probe=/probe
  in_background run "$@" "$probe" "${DO[@]}"
}

# End it.
done_inside() {
  kill -9 "$PID"
  while kill -0 "$TOOL_PID" 2>/dev/null; do sleep 0.01; done
  TOOL_PID=
  rm -f "$WORK/ready" "$WORK/.err"
}
