# hide.bats - lab02: what a container does not see, and cannot write.
load helper

# expect_hidden PATH: for $PID, a directory is empty and anything else is /dev/null.
expect_hidden() {
  local path=/proc/$PID/root$1
  if [ -d "$path" ]; then
    same "what is in $1, inside" "" "$(ls -A "$path")"
    expect_mounted "$1" "ro"
  else
    same "the device that $1 is, inside" 1:3 "$(stat -c %t:%T "$path")"
  fi
}

# expect_mounted POINT FLAGS: a mount of $PID has these flags (words with blanks).
expect_mounted() {
  local line flag
  line=$(awk -v point="$1" '$5 == point { found = $6 } END { print found }' "/proc/$PID/mountinfo")
  for flag in $2; do
    [[ ",$line," == *",$flag,"* ]] || fail_with "a mount on $1, inside, with $2" "${line:-none}"
  done
}

@test "2.5 what the machine shows in /proc and /sys is hidden" {
  local path count=0
  wait_inside --root "$ROOT"
  for path in /proc/{acpi,asound,interrupts,kcore,keys,latency_stats,sched_debug,scsi,timer_list,timer_stats} \
    /sys/devices/virtual/powercap /sys/firmware; do
    [ -e "$path" ] || continue
    expect_hidden "$path"
    count=$((count + 1))
  done
  ((count > 0)) || cannot "this /proc has nothing that should be hidden (mend it: report this)"
  done_inside
}

@test "2.5 what the machine lets root set in /proc is read-only" {
  local path
  wait_inside --root "$ROOT"
  for path in /proc/{bus,fs,irq,sys,sysrq-trigger}; do
    # In a whole /proc, not in the cage's, where some are covered already.
    [ -e "/proc/$PID/root$path" ] || continue
    expect_mounted "$path" ro
  done
  done_inside
  # Opened to write; nothing is written, ever.
  try tool run --root "$ROOT" /probe open-to-write /proc/sys/{kernel/hostname,kernel/domainname,vm/overcommit_memory,fs/file-max} /proc/sysrq-trigger /proc/irq/default_smp_affinity
  expect_out "" "as none of these can be opened to write"
}

@test "2.5 --mask hides, --readonly makes read-only" {
  mkdir -p "$ROOT/dir/deep" "$ROOT/other"
  echo "$MARK" | tee "$ROOT/dir/deep/file" "$ROOT/file" "$ROOT/other/file" >"$ROOT/third"
  wait_inside --root "$ROOT" --mask /dir --mask /file --mask "/nowhere$MARK" \
    --readonly /other --readonly /third --readonly "/nowhere$MARK"
  expect_hidden /dir
  expect_hidden /file
  expect_mounted /other ro
  expect_mounted /third ro
  same "what is read-only can be read" "$MARK $MARK" "$(cat "/proc/$PID/root/other/file" "/proc/$PID/root/third" | xargs)"
  same "what can be opened to write, inside" "" \
    "$("$PROBE" open-to-write "/proc/$PID/root/third" "/proc/$PID/root/other/file")"
  same "what can be opened to write, outside" 4 \
    "$("$PROBE" open-to-write "$ROOT"/{third,file,other/file,dir/deep/file} | wc -l)"
  done_inside
  same "what is in ROOT afterwards" "dev dir file other probe proc sys third" "$(cd "$ROOT" && echo *)"
}

@test "2.5 a mask cannot be taken off from inside" {
  local where
  echo "$MARK" >"$ROOT/secret"
  mkdir "$ROOT/secrets"
  echo "$MARK" >"$ROOT/secrets/file"
  # The attacks do work for somebody who may unmount: the test can tell.
  try unshare --mount sh -c 'mount -n --bind /dev/null "$1/secret" && "$2" unmask "$1/secret"' sh "$ROOT" "$PROBE"
  [ "$STATUS" -eq 0 ] || cannot "the attacks fail even for root here (mend it: report this)"
  for where in "as root" "in a user namespace"; do
    try tool run --root "$ROOT" --mask /secret --mask /secrets /probe unmask /secret
    expect_status 1 "as the file stays covered, $where"
    try tool run --root "$ROOT" --mask /secret --mask /secrets /probe unmask /secrets
    expect_status 1 "as the directory stays covered, $where"
    in_user_namespace
  done
}

@test "2.5 what is hidden in /proc and /sys cannot be had by a new /proc or /sys" {
  local path where
  for where in "as root" "in a user namespace"; do
    for path in /proc/kcore /proc/interrupts /proc/timer_list /sys/firmware; do
      [ -e "$path" ] || continue
      try tool run --root "$ROOT" /probe unmask "$path"
      expect_status 1 "as $path stays covered, $where"
    done
    in_user_namespace
  done
}

@test "2.5 what is read-only cannot be made writable from inside" {
  local path where
  echo "$MARK" >"$ROOT/file"
  for where in "as root" "in a user namespace"; do
    for path in /file /proc/sys/kernel/hostname; do
      try tool run --root "$ROOT" --readonly /file /probe unlock "$path"
      expect_status 1 "as $path stays read-only, $where"
    done
    in_user_namespace
  done
}

@test "2.5 a program may not mount" {
  wait_inside --root "$ROOT"
  ((!(0x$(status_field CapBnd) >> 21 & 1))) || fail_with "no CAP_SYS_ADMIN in CapBnd" "$(status_field CapBnd)"
  done_inside
}

@test "2.5 --mount shows a directory or a file of the host, with safe flags" {
  mkdir -p "$WORK/source/below"
  mount -n -t tmpfs below "$WORK/source/below"
  echo "$MARK" >"$WORK/source/below/file"
  wait_inside --root "$ROOT" --mount "$WORK/source:/new/place" --mount "$WORK/source:/ro:ro" \
    --mount "$WORK/source/below/file:/file"
  for point in /new/place /new/place/below /file; do expect_mounted "$point" "rw nosuid nodev noexec"; done
  for point in /ro /ro/below; do expect_mounted "$point" "ro nosuid nodev noexec"; done
  same "the file, by three ways" "$MARK $MARK $MARK" \
    "$(cat "/proc/$PID/root/new/place/below/file" "/proc/$PID/root/ro/below/file" "/proc/$PID/root/file" | xargs)"
  same "what can be opened to write" "/proc/$PID/root/file" \
    "$("$PROBE" open-to-write "/proc/$PID/root/ro/below/file" "/proc/$PID/root/file")"
  done_inside
  same "the mounts on the host below the source" "rw" \
    "$(awk -v p="$WORK/source/below" '$5 == p { sub(/,.*/, "", $6); print $6 }' /proc/self/mountinfo)"
  umount -n "$WORK/source/below"
}

@test "2.5 --mount runs nothing from the host, and no set-user-ID program" {
  mkdir "$WORK/source"
  cp "$PROBE" "$WORK/source/probe"
  try tool run --root "$ROOT" --mount "$WORK/source:/host" /host/probe exit 0
  expect_status 126 "as what is mounted by --mount cannot be executed"
}

@test "2.5 --mount through a link in ROOT covers nothing of the host" {
  local link before
  mkdir "$WORK/source" "$WORK/victim"
  echo "$MARK" >"$WORK/victim/file"
  before=$(cut -d ' ' -f 3- /proc/self/mountinfo)
  for link in "$WORK/victim" "../../../../../..$WORK/victim" "$WORK/victim/file" "$WORK/new" nowhere; do
    ln -sfn "$link" "$ROOT/link"
    try tool run --root "$ROOT" --mount "$WORK/source:/link" /probe exit 0
    expect_status 125 "as /link leads to nothing inside: it is a link to $link"
    expect_said link
  done
  same "what is outside" "file" "$(cd "$WORK/victim" && echo *)"
  [ ! -e "$WORK/new" ] || fail_with "nothing is made outside" "a directory is"
  same "the mounts outside" "$before" "$(cut -d ' ' -f 3- /proc/self/mountinfo)"
  # A link that stays inside is followed.
  mkdir "$ROOT/real"
  ln -sfn /real "$ROOT/link"
  wait_inside --root "$ROOT" --mount "$WORK/source:/link"
  expect_mounted /real nosuid
  done_inside
}

@test "2.5 nsrun says what is wrong with --mount, --mask and --readonly" {
  local wrong
  for wrong in x /x: :/x /x:y /x:/y:rw "/x:/y:"; do
    try tool run --root "$ROOT" --mount "$wrong" /probe exit 0
    expect_status 125 "as \"$wrong\" is no SRC:DST or SRC:DST:ro"
    expect_said -mount
  done
  try tool run --root "$ROOT" --mount "$WORK/nowhere:/x" /probe exit 0
  expect_status 125 "as the source is not there"
  expect_said nowhere
  mkdir "$WORK/source"
  try tool run --root "$ROOT" --mount "$WORK/source:/probe" /probe exit 0
  expect_status 125 "as a directory cannot be put onto a file"
  for wrong in --mask --readonly; do
    try tool run --root "$ROOT" "$wrong" relative /probe exit 0
    expect_status 125 "as $wrong takes an absolute path"
  done
}
