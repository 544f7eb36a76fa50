# helper.bash - what the Bats tests of lab02 share.
# shellcheck shell=bash disable=SC2034
# shellcheck source=grader/helper.bash
source "${BASH_SOURCE[0]%/*}/../helper.bash"

# in_user_namespace: from here on, the student's program runs in a user namespace, as its
# root. What it does then is what it does for an ordinary user, but that somebody else
# has made the maps.
in_user_namespace() {
  ARMS_LENGTH=(unshare --user --map-root-user "${ARMS_LENGTH[@]}")
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
