# walkthrough.bash - for the walkthroughs of all labs: source it first.
#
# A walkthrough runs in the cage, from the top of the tree: make walkthrough LAB=lab01.
# Every command is checked. One that should work and fails, or should fail and
# works, ends the story with status 1; so the story is also a test.
#
# shellcheck shell=bash disable=SC2034 # the story looks at status and output
set -u

tree=$PWD
unattended=
[ "${1:-}" = --unattended ] && unattended=1
[ -t 0 ] || unattended=1

bold='' dim='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
fi

# need TOOL LAB: it is built, and from here on in PATH.
need() {
  PATH=$tree/build/solution/$2:$PATH
  [ -x "$tree/build/solution/$2/$1" ] ||
    wrong "no $1 in build/solution/$2 (run: make $2 SOLUTION=1)"
}

# The story fills a directory of its own. /tmp in the cage is the cage's own.
work=
helpers=() # numbers of what the story started in the background
begin() {
  work=$(mktemp -d /tmp/walk-XXXXXX) || exit 1
  cd "$work" || exit 1
  trap leave EXIT
}

# start_sleeper: a sleep(1) in the background, until the story ends. Leaves its number in
# `sleeper`. When it returns, that one is no more a copy of this shell.
start_sleeper() {
  sleep 1000 &
  sleeper=$!
  helpers+=("$sleeper")
  until [ "$(cat "/proc/$sleeper/comm")" = sleep ]; do sleep 0.01; done
}

leave() {
  local point
  [ ${#helpers[@]} -eq 0 ] || kill "${helpers[@]}" 2>/dev/null
  cd /
  # The story may have mounted something in there.
  while read -r point; do
    umount -l "$point"
  done < <(awk -v w="$work/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
  rm -rf --one-file-system "$work"
}

wrong() {
  echo "${red}walkthrough.sh: $*${plain}" >&2
  exit 1
}

# chapter TITLE
chapter() {
  printf '\n%s== %s ==%s\n' "$bold" "$1" "$plain"
}

# say TEXT: why the next command.
say() {
  printf '\n'
  tr '\n' ' ' <<<"$*" | fold -s -w 78 | sed 's/ *$//'
  printf '\n'
}

# Show a command, wait for Enter, run it. Leaves `status` and `output`.
run() {
  printf '%s$ %s%s' "$bold" "$1" "$plain"
  if [ -z "$unattended" ]; then
    read -r -s || unattended=1
  fi
  printf '\n'
  status=0
  output=$(eval "$1" 2>&1) || status=$?
  [ -z "$output" ] || printf '%s\n' "$output"
}

# works COMMAND: it must succeed.
works() {
  run "$1"
  [ "$status" -eq 0 ] || wrong "this should have worked, but its status is $status"
}

# fails COMMAND STATUS: it must end with this status.
fails() {
  run "$1"
  [ "$status" -eq "$2" ] || wrong "this should have ended with status $2, not $status"
  printf '%s(exit status %s, as it should be)%s\n' "$dim" "$status" "$plain"
}

# shows PATTERN: what the last command printed matches it (regex(7)).
shows() {
  [[ $output =~ $1 ]] || wrong "this should have printed something like \"$1\""
}

# hides TEXT: what the last command printed does not contain it.
hides() {
  [[ $output != *"$1"* ]] || wrong "this should not have printed \"$1\""
}
