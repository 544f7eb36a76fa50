# cage.bats - nothing that runs in the cage hurts the host. Each test is for the
# caller of make test; those with "user" are for an ordinary user.
load helper

# in_cage [OPTION...] COMMAND: what it printed is in $output, what the cage noticed
# in $report.
in_cage() {
  run bash -c "$CAGE --report 3 \"\$@\" 3>$TEMP/report" bash "$@"
  report=$(cat "$TEMP/report")
}

# The host, as far as a test can tell.
host() {
  cat /proc/self/mountinfo
  # Cgroups of cages that are gone for a second; others may be running.
  find /sys/fs/cgroup -maxdepth 3 -type d -name 'onggi-cage-*' 2>/dev/null |
    while read -r group; do
      local pid=${group##*onggi-cage-}
      [ -d "/proc/${pid%-*}" ] || echo "$group"
    done |
    { sleep 1; while read -r group; do [ ! -d "$group" ] || echo "$group"; done; }
  ls /sys/class/net
  hostname
  cat "$TEMP/sentinel"
}

# unharmed COMMAND: after COMMAND in the cage the host is as it was before.
unharmed() {
  local before victim
  echo "precious" >"$TEMP/sentinel"
  sleep 100 3>&- &
  victim=$!
  before=$(host)
  in_cage --time 5 --show "$TEMP" -- sh -c "$1"
  echo "$output"
  diff <(echo "$before") <(host)
  kill -0 "$victim"
  kill "$victim"
}

@test "cage: rm -rf / leaves the host as it was" {
  unharmed 'rm -rf --no-preserve-root /; true'
  [ -x /bin/sh ]
}

@test "cage: umount -a -l leaves the host as it was" {
  unharmed 'umount -a -l'
}

@test "cage: kill -9 -1 leaves the host as it was" {
  unharmed 'kill -9 -1'
}

@test "cage: kill -9 0 does not leave the cage" {
  unharmed 'kill -9 0'
}

@test "cage: mount --make-rshared / and mounts leave the host as it was" {
  unharmed 'mount --make-rshared /; mount -t tmpfs x /mnt; mount --bind /tmp /usr'
}

@test "cage: reboot leaves the host as it was" {
  unharmed 'echo b >/proc/sysrq-trigger; reboot -f || /sbin/reboot -f; true'
}

@test "cage: a changed host name, clock or setting leaves the host as it was" {
  local before
  before=$(cat /proc/sys/vm/swappiness)
  unharmed 'hostname evil; date -s 2001-01-01; echo 1 >/proc/sys/vm/swappiness; true'
  [ "$before" = "$(cat /proc/sys/vm/swappiness)" ]
  [ "$(date +%Y)" -gt 2020 ]
}

@test "cage: written files are seen inside and gone outside" {
  in_cage -- sh -c 'echo evil >/usr/evil && cat /usr/evil; echo x >>/etc/passwd; rm /etc/group'
  [ "$output" = evil ]
  [ ! -e /usr/evil ]
  run ! grep -qx x /etc/passwd
  [ -e /etc/group ]
  [[ $report == *"left change to /usr/evil"* ]]
  [[ $report == *"left change to /etc/passwd"* ]]
}

@test "cage: no disk can be opened" {
  need_root
  local major minor
  while read -r major minor _; do
    in_cage -- sh -c "mknod /tmp/disk b $major $minor && head -c 1 /tmp/disk"
    [ "$status" -ne 0 ]
    [[ $output == *"mknod: /tmp/disk: Operation not permitted"* ]]
  done < <(sed 1,2d /proc/partitions)
  in_cage -- sh -c 'mount -t devtmpfs dev /mnt || exit 7
    for d in /mnt/*; do if [ -b "$d" ] && head -c 1 "$d"; then exit 9; fi; done; exit 7'
  [ "$status" -eq 7 ]
  in_cage -- sh -c 'mknod /tmp/kmsg c 1 11 || mknod /tmp/mem c 1 1'
  [ "$status" -ne 0 ]
  in_cage -- sh -c 'mknod /tmp/null c 1 3 && echo x >/tmp/null'
  [ "$status" -eq 0 ]
}

@test "cage: time is limited" {
  in_cage --time 1 -- sleep 100
  [ "$status" -eq 124 ]
  [[ $report == *"limit it ran for more than 1 seconds"* ]]
}

@test "cage: processes are limited" {
  # Safe also if the limit fails: 2000 processes, each for two seconds.
  in_cage --time 20 -- bash -c 'for ((i = 0; i < 2000; i++)); do sleep 2 & done; wait'
  [ "$status" -eq 137 ]
  [[ $report == *"limit it had more than 256 processes"* ]]
}

@test "cage: processes are limited, for a user" {
  user_tree
  run as_user sh -c "cd $TEMP/tree && $CAGE --time 20 --report 3 -- \
    bash -c 'for ((i = 0; i < 2000; i++)); do sleep 2 & done; wait' 3>&1"
  [[ $output == *"limit it had more than 256 processes"* ]]
}

@test "cage: memory is limited" {
  in_cage --time 20 --memory 200 -- perl -e '$x = "x" x 1000000000; sleep 100'
  [ "$status" -eq 137 ]
  [[ $report == *"limit it used more than 200 MiB"* ]]
}

@test "cage: disk space is limited" {
  in_cage --disk 10 -- sh -c 'head -c 20000000 /dev/zero >/tmp/big || head -c 20000000 /dev/zero >/usr/big'
  [ "$status" -ne 0 ]
  [[ $output == *"No space left"* ]]
}

@test "cage: everything in it ends with it" {
  local name=onggi-$RANDOM$RANDOM
  in_cage -- bash -c "cp /bin/sleep /tmp/$name; setsid /tmp/$name 1000 >/dev/null 2>&1 </dev/null & sleep 0.2"
  [[ $report == *"left process"*"${name:0:15}"* ]]
  run ! pgrep -x "${name:0:15}"
}

@test "cage: a change to the host's files is seen though it was undone" {
  in_cage -- sh -c 'echo evil >/etc/onggi-evil; rm /etc/onggi-evil; touch -d 2020-01-01 /etc'
  [[ $report == *"left change to /etc"* ]]
  in_cage -- sh -c 'mkdir /usr/share/onggi-evil; rmdir /usr/share/onggi-evil'
  [[ $report == *"left change to /usr/share"* ]]
}

@test "cage: the census names mounts, files and links" {
  in_cage -- sh -c 'mkdir /tmp/m; mount -t tmpfs t /tmp/m; touch /dev/shm/s /var/tmp/v; ip link add dum type dummy || true'
  [[ $report == *"left mount /tmp/m"* ]]
  [[ $report == *"left file /dev/shm/s"* ]]
  [[ $report == *"left change to /var/tmp/v"* ]]
}

@test "cage: what is hidden is not there, also for root" {
  mkdir "$TEMP/d"
  echo answer >"$TEMP/d/answer"
  in_cage --show "$TEMP" --hide "$TEMP/d" -- sh -c "umount -l $TEMP/d; cat $TEMP/d/answer"
  [ "$status" -ne 0 ]
  [[ $output != *answer$'\n'* ]]
  in_cage --hide "$PWD/common" -- sh -c "umount -l $PWD/common; ls $PWD/common"
  [ "$status" -ne 0 ]
}

@test "cage: an ordinary user is root in it, with other users' numbers" {
  user_tree
  run as_user sh -c "cd $TEMP/tree && $CAGE -- sh -c 'id -u; chown 1000 /tmp && stat -c %u /tmp'"
  echo "$output"
  [ "${lines[0]}" = 0 ]
  [ "${lines[1]}" = 1000 ]
}

@test "cage: where user namespaces are forbidden, it says which setting does it" {
  need_root
  user_tree
  run as_user unshare --user --map-root-user sh -c "echo 0 >/proc/sys/user/max_user_namespaces; cd $TEMP/tree; $CAGE true"
  echo "$output"
  [ "$status" -eq 125 ]
  [[ $output == *"user.max_user_namespaces is 0"*"sudo sysctl"* ]]
}

@test "cage: exit statuses are those of env(1)" {
  in_cage -- sh -c 'exit 7'
  [ "$status" -eq 7 ]
  in_cage -- sh -c 'kill -TERM $$'
  [ "$status" -eq 143 ]
  run -127 "$CAGE" -- /nowhere
  in_cage -- /etc/passwd
  [ "$status" -eq 126 ]
  in_cage
  [ "$status" -eq 125 ]
}

@test "cage: nothing of the caller's, and nothing of PID 1's, can be reached" {
  exec 8<"$TEMP"
  in_cage -- sh -c 'ls /proc/self/fd/8 || cat /proc/1/fd/0 || head -c 1 "$(ls -d /proc/1/map_files/* | head -1)"'
  exec 8<&-
  [ "$status" -ne 0 ]
  [[ $report != *fake* ]]
  in_cage -- sh -c 'for fd in /proc/1/fd/*; do echo fake >"$fd"; done; true'
  [[ $report != *fake* ]]
}

@test "cage: cgroups made in it are named, and gone with it" {
  need_root
  in_cage -- mkdir -p "/sys/fs/cgroup/a$$/b"
  [[ $report == *"left cgroup /a$$/b"* ]]
  [ -z "$(find /sys/fs/cgroup -maxdepth 4 -name "a$$" 2>/dev/null)" ]
}

@test "cage: cgroups given to others, and deep ones, are named and gone with it, for a user" {
  local deep
  need_root
  user_tree
  # A path to the deepest of them would be longer than any path may be (PATH_MAX).
  deep="for i in {1..30}; do mkdir $(printf 'd%.0s' {1..200}) && cd d*; done"
  run as_user bash -c "cd $TEMP/tree
    $CAGE --report 3 -- bash -c 'cd /sys/fs/cgroup/session/.. || exit 99
      mkdir -p a/b && chown 1 a && chmod 700 a && $deep' 3>&1 | cut -c 1-99
    [ \${PIPESTATUS[0]} -ne 99 ] || echo none
    ls -d \"\$(awk '\$3 == \"cgroup2\" { print \$2; exit }' /proc/mounts)\$(sed -n 's/^0:://p' /proc/self/cgroup)/../\"*/"
  echo "$output"
  [[ $output != *none* ]] || skip "no group of cgroup v2 can be delegated here"
  [[ $output == *"left cgroup /a"$'\n'* ]]
  [[ ${lines[-1]} == */session/../session/ ]]
  [[ $output != *onggi-cage* ]]
}

@test "cage: nobody types into the caller's terminal, or takes his keys" {
  in_cage -- perl -e 'my $c = "x"; ioctl(STDIN, 0x5412, $c) or print "$!\n"; syscall(250, 0, -3, 0) >= 0 or print "$!\n"'
  [ "${lines[0]}" = "Operation not permitted" ]
  [ "${lines[1]}" = "Operation not permitted" ] || [ "$(uname -m)" != x86_64 ]
}

@test "cage: ignored and blocked signals of the caller change nothing" {
  run perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' "$CAGE" -- sh -c 'exit 7'
  [ "$status" -eq 7 ]
}
