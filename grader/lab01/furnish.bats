# furnish.bats - lab01: jail add and jail furnish, with real programs.
load helper

# The same command inside and outside gives the same output.
same_inside() {
  local outside
  outside=$("$@" 2>&1)
  try tool run "$ROOT" "$@"
  expect_status 0
  same "\`$*\` prints inside what it prints outside" "$outside" "$OUT"
}

@test "1.3 bash, ls and tar run inside as outside" {
  try tool add "$ROOT" bash ls tar /bin/sh
  expect_status 0
  # shellcheck disable=SC2016 # the inner shell expands it
  same_inside bash -c 'printf "%s\n" "$((6 * 7))" "${BASH_VERSION}"'
  same_inside ls --version
  same_inside /bin/sh -c 'echo $((1 + 1))'
  mkdir "$ROOT/d"
  echo "$MARK" >"$ROOT/d/f"
  try tool run "$ROOT" tar -cf /d.tar /d/f
  expect_status 0
  same "an archive made inside" "$MARK" "$(tar -xOf "$ROOT/d.tar" d/f)"
}

@test "1.3 perl runs inside as outside" {
  [ -x /usr/bin/perl ] || cannot "there is no perl here (mend it: install perl)"
  try tool add "$ROOT" /usr/bin/perl
  expect_status 0
  mkdir "$ROOT/dev" # perl -e opens it; any file will do
  : >"$ROOT/dev/null"
  same_inside /usr/bin/perl -e 'print join(",", map { $_ * $_ } 1..9), "\n"; print "$]\n"'
}

@test "1.3 python3 runs inside as outside, with its library" {
  [ -x /usr/bin/python3 ] || cannot "there is no /usr/bin/python3 here (mend it: install python3)"
  local library
  library=$(/usr/bin/python3 -IS -c 'import os; print(os.path.dirname(os.__file__))')
  try tool add "$ROOT" /usr/bin/python3 "$library"
  expect_status 0
  same_inside /usr/bin/python3 -IB -c 'import json, zlib, decimal, hashlib
print(json.dumps({"n": 42}), zlib.crc32(b"onggi"), decimal.Decimal(2).sqrt())
print(hashlib.sha256(b"onggi").hexdigest())'
}

@test "1.3 jail add makes the links that the host has" {
  [ -L /bin ] || cannot "here /bin is no link"
  try tool add "$ROOT" /bin/sh
  expect_status 0
  same "the target of ROOT/bin" "$(readlink /bin)" "$(readlink "$ROOT/bin")"
  same "the target of ROOT/bin/sh" "$(readlink /bin/sh)" "$(readlink "$ROOT/bin/sh")"
}

@test "1.3 jail add a second time changes nothing" {
  try tool add "$ROOT" bash
  expect_status 0
  local before after
  before=$(cd "$ROOT" && find . -printf '%p %i %m %s %T@ %l\n' | sort)
  sleep 0.02
  try tool add "$ROOT" bash
  expect_status 0
  after=$(cd "$ROOT" && find . -printf '%p %i %m %s %T@ %l\n' | sort)
  same "all that is in ROOT, after the second time" "$before" "$after"
}

@test "1.3 jail add says what it cannot add" {
  try tool add "$ROOT" "nowhere$MARK"
  expect_status 125
  expect_said "nowhere$MARK"
  echo "just text" >"$WORK/text"
  chmod 755 "$WORK/text"
  try tool add "$ROOT" "$WORK/text"
  expect_status 125 "as it is neither ELF nor a script"
  try tool add "$WORK/none" bash
  expect_status 125 "as ROOT is not there"
}

# kind MAJOR:MINOR FILE
expect_device() {
  same "kind and numbers of $2" "character special file $1" "$(stat -c '%F %t:%T' "$2")"
  same "mode of $2" 666 "$(stat -c %a "$2")"
}

@test "1.4 /dev has six devices" {
  umask 077
  try tool furnish "$ROOT"
  expect_status 0
  expect_device 1:3 "$ROOT/dev/null"
  expect_device 1:5 "$ROOT/dev/zero"
  expect_device 1:7 "$ROOT/dev/full"
  expect_device 1:8 "$ROOT/dev/random"
  expect_device 1:9 "$ROOT/dev/urandom"
  expect_device 5:0 "$ROOT/dev/tty"
  same "mode of ROOT/dev, whatever the umask" 755 "$(stat -c %a "$ROOT/dev")"
}

@test "1.4 the devices work" {
  try tool furnish "$ROOT"
  expect_status 0
  try cp /etc/passwd "$ROOT/dev/null"
  same "what can be read from dev/null" "" "$(cat "$ROOT/dev/null")"
  same "bytes of dev/zero" "0 0 0 0" "$(head -c 4 "$ROOT/dev/zero" | od -An -tu1 | xargs)"
  same "bytes of dev/urandom" 16 "$(head -c 16 "$ROOT/dev/urandom" | wc -c)"
  try sh -c "echo x >'$ROOT/dev/full'"
  [ "$STATUS" -ne 0 ] || fail_with "dev/full has no space" "it took a byte"
}

@test "1.4 devices are made where that is permitted, and borrowed where not" {
  local mounts=0
  mknod "$WORK/try" c 1 3 2>/dev/null || mounts=6 # a user namespace
  try tool furnish "$ROOT"
  expect_status 0
  same "mounts below ROOT" "$mounts" "$(grep -c "$ROOT/" /proc/self/mountinfo || true)"
}

@test "1.4 in a user namespace all devices are borrowed" {
  # Also for root: in there nobody may make a device.
  try unshare --user --map-root-user --mount setpriv --bounding-set=-lease sh -c '
    "$1" furnish "$2" && grep -c "$2/" /proc/self/mountinfo && stat -c "%F %t:%T" "$2/dev/tty"' \
    sh "$TOOL" "$ROOT" 3>&-
  expect_status 0
  expect_out $'6\ncharacter special file 5:0'
}

@test "1.4 /tmp is for everyone" {
  umask 077
  try tool furnish "$ROOT"
  expect_status 0
  same "mode of ROOT/tmp, whatever the umask" 1777 "$(stat -c %a "$ROOT/tmp")"
}

@test "1.4 /etc names root and nobody" {
  umask 077
  try tool furnish "$ROOT"
  expect_status 0
  same "user 0 in ROOT/etc/passwd" root "$(awk -F: '$3 == 0 { print $1 }' "$ROOT/etc/passwd")"
  same "user 65534 in ROOT/etc/passwd" nobody "$(awk -F: '$3 == 65534 { print $1 }' "$ROOT/etc/passwd")"
  same "fields in the lines of ROOT/etc/passwd" 7 "$(awk -F: '{ print NF }' "$ROOT/etc/passwd" | sort -u)"
  same "group 0 in ROOT/etc/group" root "$(awk -F: '$3 == 0 { print $1 }' "$ROOT/etc/group")"
  same "fields in the lines of ROOT/etc/group" 4 "$(awk -F: '{ print NF }' "$ROOT/etc/group" | sort -u)"
  same "mode of ROOT/etc/passwd, whatever the umask" 644 "$(stat -c %a "$ROOT/etc/passwd")"
}

@test "1.4 a second time changes nothing" {
  mkdir -p "$ROOT/etc"
  echo "mine:x:0:0::/:" >"$ROOT/etc/passwd"
  try tool furnish "$ROOT"
  expect_status 0
  local before after
  before=$(cd "$ROOT" && find . -printf '%p %i %m %l\n' | sort; cat "$ROOT/etc/"*; grep -c "$ROOT/" /proc/self/mountinfo || true)
  try tool furnish "$ROOT"
  expect_status 0
  after=$(cd "$ROOT" && find . -printf '%p %i %m %l\n' | sort; cat "$ROOT/etc/"*; grep -c "$ROOT/" /proc/self/mountinfo || true)
  same "all that is in ROOT, after the second time" "$before" "$after"
  same "a passwd that was there already" "mine:x:0:0::/:" "$(cat "$ROOT/etc/passwd")"
}

@test "1.4 a planted link leads no write out of ROOT" {
  local outside=$WORK/outside link
  mkdir "$outside"
  echo "$MARK" >"$outside/victim"
  chmod 600 "$outside/victim"
  chmod 750 "$outside"
  for link in dev/null etc tmp dev etc/passwd; do
    mkdir -p "$ROOT/${link%/*}"
    rm -rf "${ROOT:?}/$link"
    case $link in
      */*) ln -s "$outside/victim" "$ROOT/$link" ;;
      *) ln -s "$outside" "$ROOT/$link" ;;
    esac
    try tool furnish "$ROOT" # may fail; either is right
    same "a file outside, with ROOT/$link a link to it or its directory" "$MARK" "$(cat "$outside/victim")"
    same "its mode" 600 "$(stat -c %a "$outside/victim")"
    same "what is in the directory outside, with ROOT/$link a link to it" victim "$(ls -A "$outside")"
    same "the mode of that directory" 750 "$(stat -c %a "$outside")"
    teardown_lab
    rm -rf --one-file-system "$ROOT"
    mkdir "$ROOT"
  done
}

@test "1.4 a planted link is no device" {
  mkdir "$ROOT/dev"
  ln -s /dev/null "$ROOT/dev/null"
  ln -s zero "$ROOT/dev/full"
  try tool furnish "$ROOT"
  expect_status 0
  expect_device 1:3 "$ROOT/dev/null"
  expect_device 1:7 "$ROOT/dev/full"
}
