# vm.bats - the throw-away machine. Each boot takes seconds in emulation, so a test
# looks at several things.
load helper
VM=build/grader/vm

setup_file() {
  make -s build/grader/vm build/grader/vm-init
}

# need_vm: or this test is skipped.
need_vm() {
  sh common/setup.sh --check vm || skip "this needs QEMU"
}

# qemu_of PID: the process of QEMU that the launcher PID has.
qemu_of() {
  ps -o pid= --ppid "$1" | tr -d ' '
}

# ended PID: within a second it runs no more, though nobody may have waited for it.
ended() {
  local tries
  for tries in 1 2 3 4 5 6 7 8 9 10; do
    case $(ps -o stat= -p "$1") in '' | Z*) return 0 ;; esac
    sleep 0.1
  done
  return 1
}

# wait_for FILE TEXT: until TEXT is in FILE, for half a minute.
wait_for() {
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    if grep -q -e "$2" "$1" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  cat "$1"
  return 1
}

@test "vm: root of a machine with cgroups of version 2; only the tree keeps what is written" {
  need_vm
  local mark=onggi-vm-$$
  run -7 timeout 60 $VM -- bash -c "set -ex
    [ \"\$(id -u) \$(hostname) \$PWD\" = '0 vm $PWD' ]
    [ \"\$(stat -f -c %T /sys/fs/cgroup)\" = cgroup2fs ]
    for c in cpuset cpu io memory hugetlb pids; do
      grep -qw \$c /sys/fs/cgroup/cgroup.controllers
      grep -qw \$c /sys/fs/cgroup/cgroup.subtree_control
    done
    mkdir /sys/fs/cgroup/one && echo 1G >/sys/fs/cgroup/one/memory.max
    [ -e /proc/pressure/cpu ] && [ -e /sys/fs/cgroup/one/io.pressure ]
    [ \"\$(stat -c %a /tmp) \$(ls -A /tmp) \$(stat -f -c %T /run /dev/shm | tr '\n' ' ')\" = '1777  tmpfs tmpfs ' ]
    touch /usr/$mark /etc/$mark && echo changed >>/etc/passwd && [ -e /usr/$mark ]
    ! touch /host
    [ \"\$(cat <(echo /dev/fd is there))\" = '/dev/fd is there' ]
    grep -q : /proc/net/dev && [ \"\$(cat /sys/class/net/lo/flags)\" = 0x9 ]
    modprobe veth
    now=\$(date +%s); [ \$((now - $(date +%s))) -le 60 ]
    echo kept >build/$mark
    exit 7"
  [ ! -e /usr/$mark ]
  [ ! -e /etc/$mark ]
  run ! grep -qx changed /etc/passwd
  [ "$(cat build/$mark)" = kept ]
  rm build/$mark
}

@test "vm: read-only, and no way out of a cage leads to the tree" {
  need_vm
  local mark=onggi-vm-$$
  # As the grader calls it. The kernel starts the program of core_pattern (core(5))
  # outside of the cage that sets it.
  run timeout 60 $VM --read-only -- "$CAGE" -- bash -c "mkdir /tmp/p && mount -t proc p /tmp/p &&
    echo '|/bin/sh -c >$PWD/build/$mark' >/tmp/p/sys/kernel/core_pattern
    bash -c 'ulimit -c unlimited; kill -SEGV \$\$'; sleep 1; exit 7"
  echo "$output"
  [ "$status" -eq 7 ]
  [ ! -e "build/$mark" ]
}

@test "vm: what the command writes arrives byte for byte, and its signal; there is no input" {
  need_vm
  # shellcheck disable=SC2016 # the shell inside is to see it
  run -143 timeout 60 sh -c "echo unread | $VM -- sh -c "'"
    cat; printf \"a\\r\\n\\000\\377\\033b\"; printf \"err\\n\" >&2
    head -c 300000 /dev/zero; kill -TERM \$\$"'" >$TEMP/out 2>$TEMP/err"
  { printf 'a\r\n\000\377\033b'; head -c 300000 /dev/zero; } >"$TEMP/want"
  cmp "$TEMP/out" "$TEMP/want"
  [ "$(cat "$TEMP/err")" = err ]
}

@test "vm: root inside, for a user; TERM goes along, secrets do not" {
  need_vm
  $VM -- true # makes the kernel, which a user may not in this tree
  TERM=strange SECRET=strange run -0 as_user timeout 60 $VM -- sh -c 'id -u; env; touch /etc/x'
  [ "${lines[0]}" = 0 ]
  [[ $output == *TERM=strange* ]]
  [[ $output != *SECRET* ]]
}

@test "vm: the guest's death is told" {
  need_vm
  run -125 timeout 60 $VM -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
  [[ $output == *"vm: the guest died"*"Kernel panic"*"sysrq triggered crash"* ]]
}

@test "vm: a terminal of its own: its size, a new size, ^C, jobs; the caller's is as it was" {
  need_vm
  mkfifo "$TEMP/keys"
  SHELL=/bin/sh TERM=dumb timeout 100 script -qec "stty rows 33 cols 101; stty -a >$TEMP/before
    tty >$TEMP/tty; $VM -- bash --norc; echo status=\$?; stty -a >$TEMP/after" /dev/null \
    <"$TEMP/keys" >"$TEMP/out" 3>&- &
  local script=$!
  exec 5>"$TEMP/keys"
  # What is typed is also echoed: each mark is typed in two halves.
  echo 'stty size; tty; echo "first""mark"; sleep 100' >&5
  wait_for "$TEMP/out" firstmark
  grep -q '33 101' "$TEMP/out"
  grep -q /dev/pts/0 "$TEMP/out"
  printf '\003' >&5
  # shellcheck disable=SC2016 # the shell inside is to see it
  echo 'echo "second""mark=$?"; until [ "$(stty size)" = "22 80" ]; do sleep 0.1; done; echo "third""mark"; sleep 50' >&5
  wait_for "$TEMP/out" secondmark=130
  stty rows 22 cols 80 <"$(cat "$TEMP/tty")"
  wait_for "$TEMP/out" thirdmark
  printf '\032' >&5
  wait_for "$TEMP/out" Stopped
  echo 'exit 9; # or leave with a stopped job' >&5
  echo 'exit 9' >&5
  wait_for "$TEMP/out" status=9
  exec 5>&-
  wait "$script"
  sed -i 's/rows 33; columns 101/rows 22; columns 80/' "$TEMP/before"
  cmp "$TEMP/before" "$TEMP/after"
}

@test "vm: ^C without a terminal reaches the command; nothing outlives a killed launcher" {
  need_vm
  local vm qemu signal
  # env: a shell has ^C ignored by what it starts with &
  env --default-signal=INT $VM -- sh -c 'echo up; exec sleep 100' >"$TEMP/out" 3>&- &
  vm=$!
  wait_for "$TEMP/out" up
  qemu=$(qemu_of "$vm")
  kill -INT "$vm"
  wait "$vm" || [ $? -eq 130 ]
  ended "$qemu"
  for signal in TERM KILL; do
    $VM -- sh -c 'echo up; exec sleep 100' >"$TEMP/out" 3>&- &
    vm=$!
    wait_for "$TEMP/out" up
    qemu=$(qemu_of "$vm")
    kill -"$signal" "$vm"
    wait "$vm" || [ $? -ge 137 ]
    ended "$qemu"
  done
}

@test "vm: where KVM does not boot a guest, that is noticed within 3 seconds, once" {
  need_vm
  [ -w /dev/kvm ] || skip "there is no KVM here"
  $VM -- true
  ! grep -q kvm build/vm/accel || skip "KVM works here"
  local start first second
  rm build/vm/accel
  start=$(date +%s%N)
  run -0 --separate-stderr $VM -- true
  first=$((($(date +%s%N) - start) / 1000000))
  # shellcheck disable=SC2154 # run sets it
  [[ $stderr == *"does not boot a guest"* ]]
  start=$(date +%s%N)
  run -0 --separate-stderr $VM -- true
  second=$((($(date +%s%N) - start) / 1000000))
  [ -z "$stderr" ]
  echo "with the attempt $first ms, without $second ms"
  [ $((first - second)) -lt 4000 ]
}

@test "vm: no QEMU, no kernel: it says so, and what mends it" {
  run -125 env PATH=/nonexistent $VM -- true
  [[ $output == "vm: there is no qemu-system-"*" (mend it: sh common/setup.sh vm)" ]]
  need_vm
  run -125 env VM_KERNEL=/nonexistent VM_MODULES=/ $VM -- true
  [[ $output == *"/nonexistent: cannot read this kernel"* ]]
}

@test "vm: two that make the kernel at once do no harm" {
  need_vm
  $VM -- true
  local one two
  export VM_KERNEL=build/vm/vmlinuz VM_MODULES=build/vm/modules
  sh grader/vm/kernel.sh "$TEMP/cache" build/grader/vm-init &
  one=$!
  sh grader/vm/kernel.sh "$TEMP/cache" build/grader/vm-init &
  two=$!
  wait "$one"
  wait "$two"
  [ "$(cd "$TEMP/cache" && echo *)" = "initramfs lock modules source vmlinuz" ]
  cmp build/vm/vmlinuz "$TEMP/cache/vmlinuz"
  cpio --quiet -t <"$TEMP/cache/initramfs" | grep -q '9pnet_virtio'
}
