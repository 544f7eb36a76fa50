# helper.bash - for the Bats suites of all labs: load ../helper
#
# TOOL is the student's program, PROBE a static program for the inside. The
# student's program is always called by `tool`, at arm's length: it does not get the
# descriptor on which Bats takes results; it has one capability less than Bats
# (CAP_LEASE, which nobody needs), so that it may not trace Bats (ptrace(2)); and it
# is in a mount namespace of its own, from which only what it mounts below $WORK
# comes back. Else it could put a program of its own in the place of one that the
# test uses.
# shellcheck shell=bash disable=SC2034

setup() {
  umask 022
  WORK=$(mktemp -d /tmp/onggi-XXXXXX)
  chmod 755 "$WORK"
  mount -n --bind "$WORK" "$WORK"
  mount -n --make-shared "$WORK"
  # Names and contents that nobody can know beforehand.
  MARK=$RANDOM$RANDOM$RANDOM
  # A root directory with nothing in it but the probe, as /probe.
  ROOT=$WORK/root$MARK
  mkdir "$ROOT"
  cp "$PROBE" "$ROOT/probe"
  chmod 755 "$ROOT/probe"
  cd "$WORK" || return
}

teardown() {
  cd / || return
  # Stop what a failed test left.
  [ -z "${TOOL_PID:-}" ] || kill -9 "$TOOL_PID" ${PID:+"$PID"} 2>/dev/null || true
  if declare -F teardown_lab >/dev/null; then teardown_lab; fi
  umount -n -l "$WORK"
  rm -rf --one-file-system "$WORK"
}

# tool ARG...: the student's program.
ARMS_LENGTH=(unshare --mount --propagation unchanged setpriv --bounding-set=-lease)
tool() {
  "${ARMS_LENGTH[@]}" "$TOOL" "$@" 3>&-
}

# try COMMAND...: run it; STATUS, OUT and ERR tell how that went.
try() {
  STATUS=0
  "$@" >"$WORK/.out" 2>"$WORK/.err" </dev/null || STATUS=$?
  # tr: Bash has no strings with NULs in them. head: nor room for gigabytes.
  OUT=$(head -c 100000 "$WORK/.out" | tr '\0' '?')
  ERR=$(head -c 100000 "$WORK/.err" | tr '\0' '?')
  LAST="$*"
  rm -f "$WORK/.out" "$WORK/.err"
}

# fail_with WHAT GOT: fail, and say what was expected and what was there instead.
fail_with() {
  echo "expected: $1"
  echo "got: $2"
  if [ -n "${LAST:-}" ]; then
    echo "command: ${LAST/#tool/${TOOL##*/}}"
    [ -z "$ERR" ] || echo "it said: $ERR" | head -5
  fi
  return 1
}

# expect_status N: of the last try.
expect_status() {
  [ "$STATUS" -eq "$1" ] || fail_with "exit status $1${2:+, $2}" "$STATUS"
}

# expect_out TEXT: the whole of standard output.
expect_out() {
  [ "$OUT" = "$1" ] || fail_with "output \"$1\"${2:+, $2}" "\"$OUT\""
}

# expect_said PATTERN: a message on standard error (an extended regular
# expression, see regex(7)).
expect_said() {
  [[ "$ERR" =~ $1 ]] || fail_with "a message like \"$1\"" "\"$ERR\""
}

# same WHAT EXPECTED GOT
same() {
  [ "$2" = "$3" ] || fail_with "$1: $2" "$3"
}

# cannot REASON: this host lacks something. Not a pass, and nobody's fault.
cannot() {
  skip "$1"
}

# Numbers of users other than our own are to be had?
need_other_users() {
  local users
  users=$(awk '{ n += $3 } END { printf "%d", n }' /proc/self/uid_map)
  [ "$users" -ge 65536 ] || cannot "no other user's number is to be had here \
(mend it: install newuidmap, and run: sudo usermod --add-subuids 100000-165535 \
--add-subgids 100000-165535 YOUR-NAME)"
}

# status_field FIELD: of process $PID, from /proc, as seen from outside.
status_field() {
  sed -n "s/^$1:[[:space:]]*//p" "/proc/$PID/status" | tr '\t' ' ' | sed 's/ *$//'
}

# ---- programs in the background ----

# in_background COMMAND...: the student's program, in the background. Returns when the
# probe has printed "ready"; what it prints stands in $WORK/ready. TOOL_PID is the tool's
# number, and PID the probe's, as the test sees it.
in_background() {
  local end=$((SECONDS + ${PATIENCE:-10})) child
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

# becomes TEXT COMMAND...: wait until the command prints that, PATIENCE seconds at most (10).
becomes() {
  local end=$((SECONDS + ${PATIENCE:-10})) expected=$1
  shift
  until [ "$("$@")" = "$expected" ]; do
    ((SECONDS < end)) || return 1
    sleep 0.02
  done
}

# is_gone PID: or a zombie.
is_gone() {
  local field value
  while read -r field value _; do
    [ "$field" != State: ] || [ "$value" = Z ] || return 1
  done 2>/dev/null <"/proc/$1/status"
  return 0
}

gone() {
  local pid
  for pid; do is_gone "$pid" || return; done
  echo gone
}

# said_so_far LINE: how often the program in the background has printed it.
said_so_far() {
  grep -cx "$1" "$WORK/ready"
}

# with_mark: the processes that have MARK among their arguments.
with_mark() {
  echo "mark$MARK" >"$WORK/.mark"
  grep -laF -f "$WORK/.mark" /proc/[0-9]*/cmdline 2>/dev/null
}
