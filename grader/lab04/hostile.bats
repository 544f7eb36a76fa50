# hostile.bats - lab04: images by somebody who means no good. Each group of them is a
# test; `hostile list` names the groups, hostile_*.c have the cases.
load helper

HOSTILE=${PROBE%/*}/hostile

# What is outside of the target, and must stay as it is. The tool runs in there: a path
# that it takes for one of its own leads to the secret.
make_canary() {
  CANARY=$WORK/canary$MARK
  mkdir -p "$CANARY/directory"
  echo "$MARK" >"$CANARY/secret"
  echo "$MARK" >"$CANARY/directory/file"
  chmod 640 "$CANARY/secret"
  cd "$CANARY" || return
}

# attack GROUP COMMAND...: each image of the group meets the tool.
attack() {
  local group=$1 name outcome said count=0
  shift
  [ -d "${CANARY:-}" ] || make_canary
  while read -r name outcome said; do
    one_attack "$name" "$outcome" "$said" "$@" || {
      echo "image: $name (build/grader/lab04/hostile make $name DIR CANARY writes it)"
      return 1
    }
    count=$((count + 1))
  done < <(echo "plain accepted"; "$HOSTILE" list "$group")
  ((count > 1)) # the list was there
}

# one_attack NAME OUTCOME MESSAGE COMMAND...
one_attack() {
  local name=$1 outcome=$2 said=$3 before after
  shift 3
  before=$("$HOSTILE" make "$name" "$WORK/image" "$CANARY")
  # As try does it, with fewer processes: there are 300 of these. (A FIFO may make it wait.)
  STATUS=0
  ERR=$(timeout 20 "${ARMS_LENGTH[@]}" "$TOOL" --store "$WORK/image" "$@" \
    2>&1 >/dev/null </dev/null 3>&-) || STATUS=$?
  # shellcheck disable=SC2034
  LAST="tool $*"
  after=$("$HOSTILE" look "$CANARY" "$WORK/image")
  same "what is outside of the target" "$before" "$after" || return
  [[ ${ERR//$'\n'/} != *[[:cntrl:]]* ]] ||
    fail_with "a message without orders to the terminal" "${ERR@Q}" || return
  [ "$outcome" != either ] || [ "$STATUS" -eq 0 ] || outcome=refused
  if [ "$outcome" = refused ]; then
    expect_status 125 "as this image must be refused" || return
    expect_said "^img: .*($said)" || return
    [ ! -e "$WORK/target" ] ||
      fail_with "no directory target is left" "$(find "$WORK/target" | head)" || return
  else
    expect_status 0 "as there is nothing wrong with this image" || return
    [ "$1" != unpack ] || "$HOSTILE" judge "$name" "$WORK/target" "$CANARY" || return
  fi
  rm -rf "$WORK/image" "$WORK/target"
}

@test "4.3 unpack: paths that lead out, are odd, or too long" {
  attack paths unpack hostile "$WORK/target"
}

@test "4.3 unpack: symbolic links lead nowhere but into the target" {
  attack links unpack hostile "$WORK/target"
}

@test "4.3 unpack: hard links are to files of the target" {
  attack hard-links unpack hostile "$WORK/target"
}

@test "4.3 unpack: whiteouts remove what is in the target, and nothing else" {
  attack whiteouts unpack hostile "$WORK/target"
}

@test "4.3 unpack: one entry in the place of another" {
  attack replaced unpack hostile "$WORK/target"
}

@test "4.3 unpack: devices, modes, owners and attributes" {
  attack attributes unpack hostile "$WORK/target"
  # It would take its place, and hide a file, on the next overlay.
  one_attack device-zero-zero refused white unpack --devices hostile "$WORK/target"
}

@test "4.3 unpack: headers that lie" {
  attack headers unpack hostile "$WORK/target"
}

@test "4.3 unpack: holes that lie" {
  attack holes unpack hostile "$WORK/target"
}

@test "4.3 unpack: what is behind the end, and what is no archive" {
  attack endings unpack hostile "$WORK/target"
}

@test "4.3 unpack: an archive that was cut off anywhere" {
  attack tar unpack hostile "$WORK/target"
}

@test "4.3 unpack: a packed layer that was cut off anywhere" {
  attack gzip unpack hostile "$WORK/target"
  attack zstd unpack hostile "$WORK/target"
}

@test "4.3 unpack: bombs are refused, and take neither disk nor memory" {
  local peak
  ARMS_LENGTH=("$HOSTILE" peak "$WORK/peak" "${ARMS_LENGTH[@]}")
  attack bombs unpack hostile "$WORK/target"
  for name in bomb-zstd pax-of-megabytes sparse-map-endless; do
    one_attack "$name" refused "" unpack hostile "$WORK/target"
    peak=$(cat "$WORK/peak")
    ((peak < 256 * 1024)) ||
      fail_with "less than 256 MiB of memory are taken by $name" "$peak KiB"
  done
}

@test "4.3 unpack: layers that are not what they are called" {
  attack layer-blobs unpack hostile "$WORK/target"
}

@test "4.2 verify: layers that are not what they are called" {
  attack layer-blobs verify hostile
}

@test "4.2 verify: layers that were cut off anywhere" {
  attack cut verify hostile
}

@test "4.2 inspect: blobs that are not what they are called" {
  attack small-blobs inspect hostile
}

@test "4.2 inspect: JSON that is no JSON, or too much of it" {
  attack json inspect hostile
}

@test "4.2 inspect: documents that are not what they should be" {
  attack types inspect hostile
}
