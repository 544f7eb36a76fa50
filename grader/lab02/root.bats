# root.bats - lab02: nsrun --root.
load helper

# mounts_here: the test's own mounts.
mounts_here() {
  cut -d ' ' -f 3- /proc/self/mountinfo
}

# expect_mount POINT TYPE FLAGS: in the mount namespace of $PID, with these flags (words
# with blanks between them).
expect_mount() {
  local line flag
  line=$("$PROBE" mounts "$PID" | grep "^$1 " | tail -1) || true
  for flag in $3; do
    [[ "$line" == "$1 $2 "* && ",${line##* }," == *",$flag,"* ]] ||
      fail_with "a mount of type $2 on $1 with $3" "${line:-none there}"
  done
}

# expect_root: what every container with --root has, and nothing else.
expect_root() {
  local points
  expect_mount /proc proc "nosuid nodev noexec"
  expect_mount /sys sysfs "ro nosuid nodev noexec"
  expect_mount /dev tmpfs "nosuid"
  expect_mount /dev/pts devpts "nosuid noexec"
  expect_mount /dev/shm tmpfs "nosuid nodev"
  expect_mount /dev/mqueue mqueue "nosuid nodev noexec"
  points=$("$PROBE" mounts "$PID" | cut -d ' ' -f 1 | grep -vE '^/$|^/(proc|sys|dev)(/|$)' || true)
  same "other mounts, anywhere in the mount namespace" "" "$points"
  same "mounts on /" 1 "$("$PROBE" mounts "$PID" | grep -c '^/ ')"
  same "the files in the root directory" "dev probe proc sys" "$(cd "/proc/$PID/root" && echo *)"
}

@test "2.3 nsrun --root gives a root, /proc, /sys and /dev, and nothing of the host" {
  wait_inside --root "$ROOT"
  expect_root
  done_inside
}

@test "2.3 nsrun --root does so in a user namespace" {
  in_user_namespace
  wait_inside --root "$ROOT"
  expect_root
  same "the device that /dev/null is" 1:3 "$(stat -c %t:%T "/proc/$PID/root/dev/null")"
  done_inside
}

@test "2.3 nsrun --root takes the host's /sys along with the host's network" {
  local flag line
  in_user_namespace
  wait_inside --root "$ROOT" --net host
  # What hide (2.5) covers, /sys/firmware and such, is not meant.
  "$PROBE" mounts "$PID" | grep -E '^/sys[/ ]' | grep -v -e /firmware -e /powercap >"$WORK/sys"
  while read -r line; do
    for flag in ro nosuid nodev noexec; do
      [[ ",${line##* }," == *",$flag,"* ]] || fail_with "$flag on /sys and all below it" "$line"
    done
  done <"$WORK/sys"
  done_inside
}

@test "2.3 no mount leaks out, and nothing is left behind" {
  local before
  mkdir "$ROOT/late"
  before=$(mounts_here)
  wait_inside --root "$ROOT" --tmpfs /tmp
  same "the mounts outside, while the program runs" "$before" "$(mounts_here)"
  mount -n -t tmpfs late "$ROOT/late"
  same "what is mounted outside in ROOT, as seen inside" "" "$("$PROBE" mounts "$PID" | grep '^/late ' || true)"
  umount -n "$ROOT/late"
  done_inside
  same "the mounts outside, after it" "$before" "$(mounts_here)"
  same "what is in ROOT after it: mount points, and what was there" "dev late probe proc sys tmp" \
    "$(cd "$ROOT" && echo *)"
  same "and what is in the mount points" "" "$(find "$ROOT"/{dev,late,proc,sys,tmp} -mindepth 1)"
}

@test "2.3 two containers in the same ROOT do not disturb each other" {
  local first first_tool
  wait_inside --root "$ROOT" --tmpfs /tmp
  first=$PID first_tool=$TOOL_PID
  wait_inside --root "$ROOT" --tmpfs /tmp
  : >"/proc/$first/root/tmp/mine"
  : >"/proc/$first/root/dev/shm/mine"
  same "what the second one has in /tmp and /dev/shm" "" "$(find "/proc/$PID/root/"{tmp,dev/shm} -name mine)"
  done_inside
  PID=$first TOOL_PID=$first_tool
  expect_mount /proc proc nosuid
  expect_mount /dev tmpfs nosuid
  same "how much of it the first one has, after the second has ended" 2 \
    "$(find "/proc/$PID/root/"{tmp,dev/shm} -name mine | wc -l)"
  done_inside
}

@test "2.3 no path, no descriptor and no second chroot leads out" {
  echo "$MARK" >"$WORK/secret"
  # The attacks do work where they should: the test can tell.
  try chroot "$ROOT" /probe escape "$WORK/secret"
  [ "$STATUS" -eq 0 ] || cannot "the attacks against a mere chroot fail here (mend it: report this)"
  try tool run --root "$ROOT" /probe escape "$WORK/secret"
  expect_status 1 "as no attack finds a way out"
  [[ "$OUT" != *"$MARK"* ]] || fail_with "no attack finds a way out" "$OUT"
  in_user_namespace
  try tool run --root "$ROOT" /probe escape "$WORK/secret"
  expect_status 1 "as no attack finds a way out of a user namespace, either"
}

@test "2.3 what is written inside is in ROOT" {
  wait_inside --root "$ROOT"
  echo "$MARK" >"/proc/$PID/root/file"
  done_inside
  same "a file that was made inside, seen from outside" "$MARK" "$(cat "$ROOT/file")"
}

@test "2.3 ROOT may be a link, or a path from here" {
  ln -s "${ROOT##*/}" "$WORK/link"
  try tool run --root "$WORK/link" /probe exit 7
  expect_status 7 "from a program in a ROOT that is named by a link"
  try tool run --root "./${ROOT##*/}" /probe exit 8
  expect_status 8 "from a program in a ROOT with a relative path"
}

@test "2.3 links in ROOT lead no mount out of it" {
  local before
  mkdir "$WORK/outside"
  before=$(mounts_here)
  for link in dev proc sys; do
    ln -s "$WORK/outside" "$ROOT/$link"
    try tool run --root "$ROOT" /probe exit 0
    expect_status 125 "as ROOT/$link is a link that leads to nothing in ROOT"
    rm -r "${ROOT:?}/"{dev,proc,sys} 2>/dev/null || true
  done
  same "what was made outside" "" "$(ls -A "$WORK/outside")"
  same "the mounts outside" "$before" "$(mounts_here)"
  # One that stays inside is followed.
  mkdir "$ROOT/real"
  ln -s /real "$ROOT/dev"
  wait_inside --root "$ROOT"
  expect_mount /real tmpfs nosuid
  done_inside
}

@test "2.3 without --root the host's files are there, and a /proc of its own" {
  wait_inside
  same "process 1 in the new /proc" probe "$(cat "/proc/$PID/root/proc/1/comm")"
  same "the processes in it" 1 "$(cd "/proc/$PID/root/proc" && echo [0-9]*)"
  [ -e "/proc/$PID/root$PROBE" ] || fail_with "the host's files" "they are not there"
  done_inside
}

@test "2.3 nsrun says what is wrong with ROOT" {
  try tool run --root "$WORK/nowhere" /probe exit 0
  expect_status 125 "as ROOT is not there"
  expect_said nowhere
  try tool run --root "$PROBE" /probe exit 0
  expect_status 125 "as ROOT is a file"
  try tool run --root "$ROOT" "$PROBE" exit 0
  expect_status 127 "as this program is on the host and not in ROOT"
}
