# lab02.bats - nsrun, the reference's, with real programs and under hostile luck.
load helper

NSRUN=$PWD/build/solution/lab02/nsrun
JAIL=$PWD/build/solution/lab01/jail
FAULTS=$PWD/build/grader/faults
FACTS=$PWD/build/grader/facts

# caged SCRIPT: in a cage; R is a root with all that a call may make there already, and
# the programs as variables.
caged() {
  run "$CAGE" --time 120 -- bash -c "NSRUN=$NSRUN JAIL=$JAIL FAULTS=$FAULTS R=/tmp/root
    program_of() { # the number of the program that this nsrun runs, once it runs
      for _ in {1..500}; do
        local pid
        pid=\$(cat /proc/\$1/task/\$1/children 2>/dev/null)
        pid=\${pid%% *}
        case \$(readlink /proc/\$pid/exe) in */nsrun | '') sleep 0.02 ;; *) echo \$pid; return ;; esac
      done
    }
    mkdir -p \$R/dev \$R/proc \$R/sys \$R/a \$R/b && cp $FACTS \$R/facts
    $1"
  echo "$output"
}

# faults_of CALLS ARG...: every call of `nsrun run ARG...`, but CALLS, failed once.
faults_of() {
  local calls=$1
  shift
  caged "\$FAULTS --errno EIO ${calls:+--except $calls} -- \$NSRUN run --root \$R $* /facts"
  [ "$status" -eq 0 ]
  [[ $output == *" 0 bad"* ]]
}

@test "lab02: nsrun run says so whatever call fails, and leaves nothing" {
  faults_of "" --hostname jar
}

# In init_run, a mask that cannot be set ends the child without a word: a library does
# not print.
@test "lab02: nsrun run with everything says so whatever call fails, and leaves nothing" {
  faults_of rt_sigprocmask --init --mask /proc/version --readonly /dev --tmpfs /a --mount /etc:/b:ro
}

@test "lab02: nsrun run in a user namespace says so whatever call fails, and leaves nothing" {
  faults_of rt_sigprocmask --user-map root --time-offset 2000000000
}

# An answer of the kernel that is lost (recvfrom) leaves open whether a link was made.
@test "lab02: nsrun run with a wire says so whatever call fails, and leaves nothing" {
  faults_of recvfrom --net private
  faults_of recvfrom --net bridge
}

@test "lab02: nsrun run says so where it is not permitted, and borrows what it may not make" {
  caged '$FAULTS --errno EPERM --except mknodat,mount,openat2,newfstatat,fstat -- $NSRUN run --root $R /facts'
  [ "$status" -eq 0 ]
}

@test "lab02: nsrun enter says so whatever call fails" {
  caged '$NSRUN run --root $R --user-map root --init /facts >/dev/null
    $NSRUN run --user-map root sleep 100 & tool=$!
    pid=$(program_of $tool)
    $FAULTS --errno EIO -- $NSRUN enter $pid '"$FACTS"' without-number; status=$?
    kill -KILL $pid; wait $tool; exit $status'
  [ "$status" -eq 0 ]
}

@test "lab02: nsrun run killed at any call leaves nothing" {
  caged '$FAULTS --kill -- $NSRUN run --root $R --user-map root /facts'
  [ "$status" -eq 0 ]
}

@test "lab02: an ordinary user's nsrun says so whatever call fails" {
  user_tree
  run as_user sh -c "cd $TEMP/tree && build/grader/cage --time 120 -- \
    sh -c 'mkdir -p /tmp/r/dev /tmp/r/proc /tmp/r/sys; cp build/grader/facts /tmp/r/facts; build/grader/faults --errno EIO \
    --except rt_sigprocmask -- build/solution/lab02/nsrun run --root /tmp/r --init /facts'"
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "lab02: the machine's own bash, ps, hostname, ip and python3 run in it" {
  caged '$JAIL add $R bash ps hostname ip 2>/dev/null || exit 1
    $JAIL add $R /usr/bin/python3 "$(/usr/bin/python3 -IS -c "import os; print(os.path.dirname(os.__file__))")" 2>/dev/null || exit 1
    $NSRUN run --root $R --hostname jar --net bridge bash -c "hostname; ps -e -o pid=,comm=; ip -o -4 addr show eth0
      /usr/bin/python3 -IBc \"import socket; print( socket.gethostname(), sum(range(10)))\""'
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = jar ]
  [[ ${lines[1]} == *" 1 bash" ]]
  [[ $output == *"10.89.71.2/24"* ]]
  [[ $output == *"jar 45"* ]]
}

@test "lab02: a page served in one container is fetched in another, over the bridge" {
  caged '$JAIL add $R busybox || exit 1
    echo "soy sauce" >$R/index.html
    $NSRUN run --root $R --net bridge busybox httpd -f -p 80 -h / & tool=$!
    program_of $tool >/dev/null # it has its address
    for i in {1..200}; do
      $NSRUN run --root $R --net bridge busybox wget -qO - http://10.89.71.2/ 2>/dev/null && break
      sleep 0.02
    done
    kill -KILL $(program_of $tool); wait $tool; cat /proc/net/dev | wc -l'
  [ "${lines[0]}" = "soy sauce" ]
  [ "${lines[-1]}" = 3 ] # two lines of title, and lo
}

@test "lab02: the bridge of a killed nsrun goes with the next one" {
  caged '$NSRUN run --net bridge sleep 100 & tool=$!
    pid=$(program_of $tool)
    kill -KILL $tool; wait $tool 2>/dev/null
    while [ -d /proc/$pid ]; do sleep 0.01; done
    while grep -q nsrun-2 /proc/net/dev; do sleep 0.01; done
    $NSRUN run --net bridge true && grep -c nsrun /proc/net/dev'
  [[ $output != *nsrun* ]]
  [ "${lines[-1]}" = 0 ]
}

@test "lab02: nsrun list shows what lsns(8) shows" {
  command -v lsns >/dev/null || skip "there is no lsns"
  caged '$NSRUN run --user-map root sleep 100 & tool=$!
    pid=$(program_of $tool)
    [ -n "$pid" ] || echo "the program does not run"
    for kind in user mnt pid net ipc uts cgroup time; do
      ours=$($NSRUN list 2>/dev/null | awk -v k=$kind -v p=$pid "\$1 == k && \$4 == p { print \$2 }")
      theirs=$(lsns -t $kind -n -o NS,PID | awk -v p=$pid "\$2 == p { print \$1 }")
      [ "$ours" = "$theirs" ] || echo "$kind: $ours, lsns: $theirs"
    done
    kill -KILL $pid; wait $tool; true'
  [ -z "$output" ]
}

@test "lab02: without root, --net private reaches the host by pasta(1)" {
  need_root
  command -v pasta >/dev/null || skip "there is no pasta"
  # A host of its own: with an address, a gateway that is not there, and a loopback on
  # which a page is served. And /dev/net/tun for everybody, which not all machines have.
  mkdir "$TEMP/www" "$TEMP/bin"
  echo "soy sauce" >"$TEMP/www/index.html"
  cp "$NSRUN" "$TEMP/bin/"
  mknod -m 666 "$TEMP/tun" c 10 200
  export TEMP
  export -f as_user
  run timeout 60 unshare --net --mount --propagation private bash -c '
    ip link set lo up && ip link add up0 type bridge && ip link add up1 type veth peer name up2 &&
      ip link set up1 master up0 && ip link set up1 up && ip link set up2 up &&
      ip addr add 192.0.2.2/24 dev up0 && ip link set up0 up && ip route add default via 192.0.2.1 || exit 9
    mount --bind "$TEMP/tun" /dev/net/tun || exit 8
    busybox httpd -f -p 127.0.0.1:8080 -h "$TEMP/www" & server=$!
    as_user "$TEMP/bin/nsrun" run --net private sh -c "for i in 1 2 3 4 5 6 7 8 9 10; do
      busybox wget -qO - http://192.0.2.1:8080/ 2>/dev/null && exit 0; sleep 0.2; done; exit 7"
    status=$?
    kill $server
    # pasta has gone, too.
    for i in {1..100}; do grep -l passt /proc/[0-9]*/comm 2>/dev/null | while read -r f; do
      [ "$(readlink "${f%/comm}/ns/net")" = "$(readlink /proc/self/ns/net)" ] && echo "$f"; done | grep -q . || break; sleep 0.05; done
    [ "$i" -lt 100 ] || echo "pasta is still there"
    exit $status'
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${lines[-1]}" = "soy sauce" ]
}

@test "lab02: where user namespaces are forbidden, nsrun says what forbids them" {
  need_root
  user_tree
  run as_user unshare --user --map-root-user sh -c "echo 0 >/proc/sys/user/max_user_namespaces
    $TEMP/tree/build/solution/lab02/nsrun run --user-map root true"
  echo "$output"
  [ "$status" -eq 125 ]
  [[ $output == *"user.max_user_namespaces is 0"*"sudo sysctl"* ]]
}

# The attack that ends the lab: in the cage, which has limits; nsrun has none.
@test "lab02: a fork bomb and a memory hog in a container take the cage down, and no more" {
  run "$CAGE" --time 60 --report 3 -- "$NSRUN" run --user-map root bash -c 'while sleep 1000 & do :; done' 3>"$TEMP/report"
  [ "$status" -eq 137 ]
  grep -q "limit it had more than 256 processes" "$TEMP/report"
  run "$CAGE" --time 60 --memory 200 --report 3 -- "$NSRUN" run --user-map root tail /dev/zero 3>"$TEMP/report"
  [ "$status" -eq 137 ]
  grep -q "limit it used more than 200 MiB" "$TEMP/report"
}
