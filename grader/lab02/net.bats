# net.bats - lab02: nsrun --net. The host of these tests is the cage: its network has
# nothing but lo.
# shellcheck disable=SC2034 # DO and LAST are for helper.bash
load helper

ALONE="lo up 127.0.0.1/8"

# expect_links WHAT EXPECTED [PID]: in the network namespace of a process, or here. Lines
# are parted by blanks.
expect_links() {
  same "$1" "$2" "$("$PROBE" links ${3:+"$3"} | sort | xargs)"
}

# expect_gone: nothing is left on the host.
expect_gone() {
  expect_links "the links on the host, after all have ended" "$ALONE"
}

# on_host ARG...: the probe, in the background on the host, until stop_host. It is ready.
on_host() {
  local end=$((SECONDS + 10))
  : >"$WORK/host"
  "$PROBE" "$@" >"$WORK/host" 2>&1 </dev/null 3>&- &
  HOST_PID=$!
  disown 2>/dev/null || true # it may have ended
  while ! grep -q ready "$WORK/host" && ((SECONDS < end)); do sleep 0.01; done
}

stop_host() {
  kill -9 "$HOST_PID"
  rm -f "$WORK/host"
}

# expect_fetched COMMAND...: it prints what a server of this test says.
expect_fetched() {
  try "$@"
  expect_out "$MARK" "what the server says, over TCP"
}

expect_ponged() {
  try "$@"
  expect_out pong "as the other one answers a ping"
}

@test "2.6 --net none has nothing but lo, and so has the default" {
  local option
  for option in "--net none" ""; do
    # shellcheck disable=SC2086 # two words, or none
    wait_inside $option
    expect_links "the links inside" "$ALONE" "$PID"
    [ "$(readlink "/proc/$PID/ns/net")" != "$(readlink /proc/self/ns/net)" ] ||
      fail_with "a network namespace of its own" "that of the host"
    done_inside
  done
  expect_gone
}

@test "2.6 --net none has a lo that works" {
  DO=(serve 4711 "$MARK")
  wait_inside --net none
  expect_fetched nsenter --net="/proc/$PID/ns/net" "$PROBE" fetch 127.0.0.1 4711
  try "$PROBE" fetch 127.0.0.1 4711
  expect_status 1 "as it is not the host's lo"
  done_inside
}

@test "2.6 --net host has the host's network" {
  wait_inside --net host
  same "the network namespace of the program" "$(readlink /proc/self/ns/net)" "$(readlink "/proc/$PID/ns/net")"
  done_inside
  expect_gone
}

@test "2.6 --net private has a wire to the host" {
  local address
  DO=(serve 4711 "$MARK")
  wait_inside --net private
  address=$("$PROBE" addresses "$PID")
  expect_links "the links inside" "eth0 up $address/30 $ALONE" "$PID"
  expect_fetched "$PROBE" fetch "$address" 4711
  expect_ponged "$PROBE" ping "$address"
  # And the other way round; the host's end has another address, and to that leads
  # only the default route.
  on_host serve 4712 "$MARK"
  expect_fetched tool run --net private "$PROBE" fetch "${address%.*}.1" 4712
  expect_ponged tool run --net private "$PROBE" ping "${address%.*}.1"
  stop_host
  done_inside
  expect_gone
}

@test "2.6 --net bridge lets containers and the host talk to each other" {
  DO=(serve 4711 "$MARK")
  wait_inside --net bridge
  expect_links "the links inside" "eth0 up 10.89.71.2/24 $ALONE" "$PID"
  expect_links "the links on the host" "$ALONE nsrun-2 up 0.0.0.0/0 nsrun0 up 10.89.71.1/24"
  expect_fetched "$PROBE" fetch 10.89.71.2 4711
  expect_ponged "$PROBE" ping 10.89.71.2
  expect_fetched tool run --net bridge "$PROBE" fetch 10.89.71.2 4711
  expect_ponged tool run --net bridge "$PROBE" ping 10.89.71.2
  on_host serve 4712 "$MARK"
  expect_fetched tool run --net bridge "$PROBE" fetch 10.89.71.1 4712
  expect_ponged tool run --net bridge "$PROBE" ping 10.89.71.1
  stop_host
  # The guests have gone, and their wires with them.
  expect_links "the links on the host, with one left" "$ALONE nsrun-2 up 0.0.0.0/0 nsrun0 up 10.89.71.1/24"
  done_inside
  expect_gone
}

@test "2.6 an exit status comes through, and nothing is left behind" {
  local net
  for net in none private bridge; do
    try tool run --net "$net" "$PROBE" exit 42
    expect_status 42 "as the program's, with --net $net"
    expect_gone
  done
}

@test "2.6 whoever has the first address, the next one is another's" {
  local first second
  wait_inside --net bridge
  first=("$PID" "$TOOL_PID")
  wait_inside --net bridge
  second=("$PID" "$TOOL_PID")
  same "their addresses" "10.89.71.2 10.89.71.3" "$("$PROBE" addresses "${first[0]}" "${second[0]}" | xargs)"
  # The first goes, and a third gets what has become free.
  PID=${first[0]} TOOL_PID=${first[1]}
  done_inside
  wait_inside --net bridge
  same "the addresses of the second and the third" "10.89.71.3 10.89.71.2" "$("$PROBE" addresses "${second[0]}" "$PID" | xargs)"
  done_inside
  PID=${second[0]} TOOL_PID=${second[1]}
  done_inside
  expect_gone
}

@test "2.6 a bridge that a killed nsrun has left is used, and removed" {
  local end=$((SECONDS + 10))
  wait_inside --net bridge
  kill -9 "$TOOL_PID"
  # The kernel takes the wire off when it has the time.
  while [[ $("$PROBE" links) == *nsrun-2* ]] && ((SECONDS < end)); do sleep 0.02; done
  TOOL_PID=
  try tool run --net bridge "$PROBE" exit 42
  expect_status 42
  expect_gone
}

@test "2.6 50 at once get 50 addresses" {
  local tools=() probes=() i end=$((SECONDS + 15))
  for i in {1..50}; do
    "${ARMS_LENGTH[@]}" "$TOOL" run --net bridge "$PROBE" wait >"$WORK/out$i" 2>"$WORK/err$i" </dev/null 3>&- &
    tools+=($!)
    disown 2>/dev/null || true # it may have ended
  done
  LAST="tool run --net bridge PROBE wait (50 at once)"
  for i in {1..50}; do
    until [ -s "$WORK/out$i" ]; do
      ERR=$(cat "$WORK/err$i")
      ((SECONDS < end)) && kill -0 "${tools[i - 1]}" 2>/dev/null ||
        fail_with "50 programs run at once" "number $i does not" || return
      sleep 0.02
    done
  done
  for i in "${tools[@]}"; do
    read -r -a children <"/proc/$i/task/$i/children" || true
    probes+=("${children[@]}")
  done
  same "their addresses, sorted" "$(printf '10.89.71.%d ' {2..51})" \
    "$("$PROBE" addresses "${probes[@]}" | sort -t . -k 4n | tr '\n' ' ')"
  expect_ponged "$PROBE" ping 10.89.71.2
  expect_ponged "$PROBE" ping 10.89.71.51
  kill -9 "${probes[@]}"
  for i in "${tools[@]}"; do
    while kill -0 "$i" 2>/dev/null; do sleep 0.01; done
  done
  expect_gone
}

@test "2.6 when no address is left, nsrun says so, and disturbs nobody" {
  local before
  # In a network namespace of its own: to remove so many links takes too long.
  unshare --net "$PROBE" wait >"$WORK/host" 2>&1 </dev/null 3>&- &
  HOST_PID=$!
  disown 2>/dev/null || true # it may have ended
  until [ -s "$WORK/host" ]; do sleep 0.01; done
  local there=(nsenter --net="/proc/$HOST_PID/ns/net")
  ARMS_LENGTH=("${there[@]}" "${ARMS_LENGTH[@]}")
  DO=(serve 4711 "$MARK")
  wait_inside --net bridge
  "${there[@]}" "$PROBE" occupy nsrun- 3 254
  before=$("$PROBE" links "$HOST_PID" | sort)
  try tool run --net bridge "$PROBE" exit 0
  expect_status 125 "as all addresses are taken"
  [ -n "$ERR" ] || fail_with "a message that says so" "none"
  same "the links of the host afterwards" "$before" "$("$PROBE" links "$HOST_PID" | sort)"
  expect_fetched "${there[@]}" "$PROBE" fetch 10.89.71.2 4711
  done_inside
  stop_host
}

@test "2.6 whoever may not change the host's network is told so" {
  # The root of a user namespace, which the host's network does not belong to.
  in_user_namespace
  try tool run --net bridge "$PROBE" exit 0
  expect_status 125 "as this caller may not make a bridge"
  [ -n "$ERR" ] || fail_with "a message that says so" "none"
  try tool run --net none "$PROBE" exit 42
  expect_status 42 "as --net none needs no privilege on the host"
  try tool run --net everything "$PROBE" exit 0
  expect_status 125 "as there is no such --net"
  expect_gone
}
