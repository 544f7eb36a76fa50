# lab03.bats - cgrun, the reference's, with real programs and under hostile luck.
load helper

CGRUN=$PWD/build/solution/lab03/cgrun
FAULTS=$PWD/build/grader/faults
FACTS=$PWD/build/grader/facts
PROBE=$PWD/build/grader/lab03/probe

# caged SCRIPT: in a cage that has groups; TOP is the root of them, and the programs are
# variables.
caged() {
  run "$CAGE" --time 120 -- bash -c "CGRUN=$CGRUN FAULTS=$FAULTS FACTS=$FACTS PROBE=$PROBE TOP=/sys/fs/cgroup
    [ -d \$TOP/session ] || { echo 'no groups here'; exit 77; }
    event() { sed -n \"s/^\$2 //p\" \"\$TOP/cgrun-\$1/cgroup.events\" 2>/dev/null; }
    until_event() { local i; for i in {1..1000}; do [ \"\$(event \$1 \$2)\" = \$3 ] && return; sleep 0.02; done; echo \"no \$2 \$3 in \$1\"; }
    # A program in the group n, that waits; and its end.
    start() { \$CGRUN run --name n \$PROBE wait >/dev/null & tool=\$!; until_event n populated 1; }
    stop() { kill -KILL \$(cat \$TOP/cgrun-n/cgroup.procs); wait \$tool; }
    $1"
  echo "$output"
  [ "$status" -ne 77 ] || skip "no group of cgroup v2 can be made here"
}

@test "lab03: cgrun run says so whatever call fails, and leaves nothing" {
  caged '$FAULTS --errno EIO -- $CGRUN run --name n sh -c "$FACTS without-number; grep ^0: /proc/self/cgroup"'
  [ "$status" -eq 0 ]
  [[ $output == *" 0 bad"* ]]
}

# What runs on when even cgroup.kill cannot be written is left, with a message; the next
# run removes it.
@test "lab03: cgrun run with a child left behind says so whatever call fails, and leaves nothing" {
  caged '$FAULTS --errno EIO --except openat,write -- $CGRUN run --name n sh -c "sleep 1000 & exit 3"'
  [ "$status" -eq 0 ]
  [[ $output == *" 0 bad"* ]]
}

@test "lab03: cgrun run starts its program also where the kernel does not know clone3" {
  caged '$FAULTS --errno ENOSYS --errno EINVAL --except openat,read,close,newfstatat,fstat -- $CGRUN run --name n sh -c "grep ^0: /proc/self/cgroup"'
  [ "$status" -eq 0 ]
  [[ $output == *" 0 bad"* ]]
}

@test "lab03: the other commands say so whatever call fails" {
  caged 'start; bad=0
    for command in "stat n" "stat --json n" "freeze n" "stat n" list "list --json" "thaw n"; do
      echo "$command: "
      $FAULTS --errno EIO -- $CGRUN $command || bad=1
    done
    stop
    mkdir $TOP/cgrun-n
    $FAULTS --errno EIO -- $CGRUN kill n || bad=1
    rmdir $TOP/cgrun-n; exit $bad'
  [ "$status" -eq 0 ]
}

# The groups are out of the sight of the census, for what is killed leaves its own: the
# next one removes it, and is killed at the next call.
@test "lab03: whatever call cgrun run is killed at, the next ones remove what it has left" {
  caged 'mkdir /tmp/groups && mount --bind $TOP /tmp/groups && umount -l $TOP || exit 77
    $FAULTS --kill -- $CGRUN run --name n true || exit
    $CGRUN run --name n true && cd /tmp/groups && echo cgrun-*'
  [ "$status" -eq 0 ]
  [[ $output == *" 0 bad"* ]]
  [[ $output != *"not made again"* ]]
  [ "${lines[-1]}" = "cgrun-*" ]
}

@test "lab03: many runs at the same time sweep each other's leavings, and nobody's program" {
  caged 'for i in {1..12}; do
      for j in {1..5}; do $CGRUN run sh -c "sleep 0.05; exit 9"; [ $? -eq 9 ] || echo "run $i: $?"; done &
      $CGRUN run --name k$i sleep 1000 & killed[i]=$!
    done
    sleep 0.3; kill -KILL ${killed[*]}; { wait; } 2>/dev/null
    $CGRUN run true; cd $TOP && echo cgrun-*; grep -lx sleep /proc/[0-9]*/comm'
  [ "${lines[0]}" = "cgrun-*" ]
  [ "${#lines[@]}" -eq 1 ]
}

@test "lab03: list does not disturb who makes a group" {
  caged 'while $CGRUN list >/dev/null; do [ ! -e /tmp/enough ] || break; done &
    for i in {1..60}; do $CGRUN run --name n true || echo "run $i: $?"; done
    touch /tmp/enough; wait; cd $TOP && echo cgrun-*'
  [ "${lines[0]}" = "cgrun-*" ]
  [ "${#lines[@]}" -eq 1 ]
}

@test "lab03: the machine's own bash, make, tar and python3 run in it, with all their children" {
  caged 'mkdir -p /tmp/w && cd /tmp/w && cp /etc/*.conf . && seq 20000 >numbers
    printf "all: a b c\na b c:\n\t@grep ^0: /proc/self/cgroup\n" >Makefile
    $CGRUN run --name n bash -c "sort -rn numbers | head -1; tar c . | gzip | tar tz | grep -c numbers
      make -s -j3 | sort -u
      /usr/bin/python3 -IBc \"import subprocess; print(subprocess.check_output([\\\"grep\\\", \\\"^0:\\\", \\\"/proc/self/cgroup\\\"]).decode(), end=str())\""'
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = 20000 ]
  [ "${lines[1]}" = 1 ]
  [ "${lines[2]}" = "0::/cgrun-n" ]
  [ "${lines[3]}" = "0::/cgrun-n" ]
}

@test "lab03: an ordinary user runs, freezes and kills in a group that was delegated to him" {
  need_root
  caged 'cp $CGRUN $PROBE /tmp/ && chmod 755 /tmp/cgrun /tmp/probe
    mkdir -p $TOP/his/shell && chown 4242 $TOP/his $TOP/his/cgroup.{procs,subtree_control,threads} $TOP/his/shell{,/cgroup.procs} || exit 77
    echo $$ >$TOP/his/shell/cgroup.procs
    as() { setpriv --reuid=4242 --regid=4242 --clear-groups "$@"; }
    as /tmp/cgrun run --name a sh -c "id -u; grep ^0: /proc/self/cgroup"
    as /tmp/cgrun run --name b /tmp/probe wait >/tmp/ready & tool=$!
    until grep -q ready /tmp/ready; do sleep 0.01; done
    as /tmp/cgrun freeze b && grep frozen $TOP/his/cgrun-b/cgroup.events
    as /tmp/cgrun kill b; wait $tool; echo "status $?"
    cd $TOP/his && echo cgrun-*'
  [ "${lines[0]}" = 4242 ]
  [ "${lines[1]}" = "0::/his/cgrun-a" ]
  [ "${lines[2]}" = "frozen 1" ]
  [ "${lines[3]}" = "status 137" ]
  [ "${lines[4]}" = "cgrun-*" ]
}
