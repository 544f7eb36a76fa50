#!/bin/bash
# walkthrough.sh [--unattended] - lab02 told as commands.
#
# shellcheck disable=SC2016,SC2034 # commands are expanded when they run
# shellcheck source=common/walkthrough.bash
source common/walkthrough.bash
need jail lab01
need nsrun lab02
begin

# pid_of TOOL_PID: the number, here, of the program that this nsrun runs, once it runs.
pid_of() {
  local child
  for _ in {1..500}; do
    child=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
    child=${child%% *}
    if [ -n "$child" ] && [ "$(readlink "/proc/$child/exe")" != "$(readlink "/proc/$1/exe")" ]; then
      echo "$child"
      return
    fi
    sleep 0.01
  done
  wrong "the program did not start"
}

chapter 'What a jail does not hide'

say 'This is where lab01 ended: a root directory of its own, with a /proc in it. It
hides files. The name of the host and its processes it does not hide.'
works 'mkdir root && jail add root bash cat ps hostname ip sleep id umount busybox && jail furnish root'
works 'mkdir root/proc && mount -t proc proc root/proc'
works 'jail run root hostname'
host=$output
works 'jail run root ps -e | head -4'
shows 'cage'
works 'umount root/proc'

chapter 'A name of its own'

say 'For each kind of name the kernel keeps a table, and a process points to one. A
new namespace is a new table. Host names first.'
works 'nsrun run --root root --hostname jar hostname'
shows '^jar$'
works 'hostname'
shows "^$host\$"
say 'Each table has a number. Most of them differ, inside and outside.'
works 'readlink /proc/self/ns/{uts,pid,ipc,user}'
uts=${output%%$'\n'*}
works 'nsrun run -- readlink /proc/self/ns/{uts,pid,ipc,user}'
hides "$uts"

chapter 'Process 1'

say 'In a new PID namespace the numbers begin with 1, and no others are there.'
works 'nsrun run --root root ps -e'
shows ' 1 .*ps'
say 'Outside, the same process has another number. It has both at once.'
nsrun run --root root sleep 1000 >/dev/null 2>&1 &
tool=$!
disown # or Bash reports its end
helpers+=("$tool")
sleeper=$(pid_of "$tool")
works 'grep NSpid /proc/'"$sleeper"'/status'
shows "$sleeper.*1"
say 'And PID 1 is not like others: a signal for which it has no handler does nothing
to it. From outside SIGTERM is sent to nsrun, which passes it on; and the program
sleeps on.'
works "kill -TERM $tool; sleep 0.2; cat /proc/$sleeper/comm"
shows sleep
say 'So most programs want somebody in front of them who is PID 1 for them: --init. He
also buries orphans, and passes the exit status on.'
fails 'nsrun run --root root --init bash -c "kill -TERM \$\$"' 143
fails 'nsrun run --root root --init bash -c "(sleep 0.1 &); exit 7"' 7
works "kill -KILL $tool"
helpers=()

chapter 'A root that nobody climbs out of'

say 'The secret of lab01, and the attacks of lab01. The attacker has CAP_SYS_CHROOT,
and does climb to the top. But the top is now the root of his own mounts: the old
one was taken away from under him (pivot_root).'
works 'od -An -N8 -tx1 /dev/urandom | tr -d " " > secret'
secret=$(cat secret)
[ ${#secret} -eq 16 ] || wrong "the secret should have 16 digits"
attacker=$tree/build/solution/lab01/jail
works 'jail add root $attacker'
works 'jail escape --by chroot root cat $PWD/secret'
shows "^$secret\$"
fails 'nsrun run --root root $attacker escape --by chroot / cat $PWD/secret' 1
hides "$secret"
say 'All that is mounted in there:'
works 'nsrun run --root root bash -c "while read -r _ _ _ _ point _; do echo \$point; done < /proc/self/mountinfo"'
shows '/dev/pts'
hides "$PWD"

chapter 'Root without root'

say 'A user namespace maps numbers. Who is 0 inside is whoever the map says outside.'
works 'nsrun run --root root --user-map root id'
shows 'uid=0'
works 'nsrun run --root root --user-map root cat /proc/self/uid_map'

chapter 'Hide'

say '/proc/interrupts tells what the devices of the whole machine do, and /proc/sys has
its settings. One is covered, the other read-only, and root inside cannot change that.'
works 'head -c 40 /proc/interrupts'
works 'nsrun run --root root bash -c "read -r line < /proc/interrupts || echo it is empty"'
shows 'it is empty'
fails 'nsrun run --root root umount /proc/interrupts' 32
fails 'nsrun run --root root bash -c "echo 1 > /proc/sys/vm/overcommit_memory"' 1
shows 'Read-only'

chapter 'Wires'

say 'A new network namespace has one link, the loopback.'
works 'nsrun run --root root busybox ifconfig -a | grep Link'
hides eth0
say 'Two containers on a bridge: one serves a page, the other one fetches it.'
echo 'soy sauce' >root/index.html
nsrun run --root root --net bridge busybox httpd -f -p 80 -h / >/dev/null 2>&1 &
tool=$!
disown # or Bash reports its end
helpers+=("$tool")
server=$(pid_of "$tool")
works 'ip -br link'
shows 'nsrun0'
for _ in {1..100}; do
  nsrun run --root root --net bridge busybox wget -qO /dev/null http://10.89.71.2/ 2>/dev/null && break
  sleep 0.05
done
works 'nsrun run --root root --net bridge busybox wget -qO - http://10.89.71.2/'
shows '^soy sauce$'

chapter 'Enter'

say "The server runs as process $server. Another program joins it there: it sees the
server as process 1."
works "nsrun enter $server ps -e"
shows ' 1 .*busybox'
say 'Every namespace on this machine, and who is in it:'
works 'nsrun list | head -8'
say 'The server is killed. Its nsrun takes the wire off, and the bridge with the last one.'
works "kill -KILL $server; while kill -0 $tool 2> /dev/null; do sleep 0.1; done; ip -br link"
hides nsrun0
helpers=()

chapter 'What is still open'

say 'A namespace says what one sees. It does not say how much one takes. This program
starts a hundred others, in a namespace of its own, and nothing stops it; the host pays.'
count='ls -d /proc/[0-9]* | wc -l'
works "$count"
before=$output
nsrun run --root root bash -c 'for ((i = 0; i < 100; i++)); do sleep 1000 & done; wait' >/dev/null 2>&1 &
tool=$!
disown # or Bash reports its end
helpers+=("$tool")
for _ in {1..500}; do
  [ "$(eval "$count")" -lt $((before + 100)) ] || break
  sleep 0.01
done
works "$count"
[ "$output" -ge $((before + 100)) ] || wrong "there should be a hundred more"
works "kill -KILL $tool"
helpers=()
say 'A hundred were enough for a story. In lab03 the program gets a share of the machine,
and no more.'
printf '\n'
