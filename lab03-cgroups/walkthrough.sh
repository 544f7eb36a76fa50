#!/bin/bash
# walkthrough.sh [--unattended] - lab03 told as commands.
#
# shellcheck disable=SC2016,SC2034 # commands are expanded when they run
# shellcheck source=common/walkthrough.bash
source common/walkthrough.bash
need jail lab01
need nsrun lab02
need cgrun lab03
begin

top=/sys/fs/cgroup

# has CONTROLLER: groups that we make can have it.
has() {
  [[ " $(cat $top/cgroup.controllers 2>/dev/null) " == *" $1 "* ]]
}

# in_background ARG...: cgrun ARG..., until the story ends. Leaves its number in `tool`.
in_background() {
  cgrun "$@" >/dev/null 2>&1 &
  tool=$!
  disown # or Bash reports its end
  helpers+=("$tool")
}

# until_is COMMAND PATTERN: what COMMAND prints matches PATTERN, now or soon.
until_is() {
  for _ in {1..1000}; do
    [[ $(eval "$1" 2>/dev/null) =~ $2 ]] && return
    sleep 0.02
  done
  wrong "\"$1\" should have printed something like \"$2\" by now"
}

running() {
  until_is "cat $top/cgrun-$1/cgroup.procs" "[0-9]"
}

is_gone() {
  until_is "[ -e $top/cgrun-$1 ] || echo gone" gone
}

chapter 'What a namespace does not count'

say 'This is where lab02 ended. A program in namespaces of its own starts four others.
Each of them is a process of the host as well.'
count='ls -d /proc/[0-9]* | wc -l'
works 'mkdir root && jail add root bash sleep tail busybox'
works "$count"
before=$output
nsrun run --root root bash -c 'for i in 1 2 3 4; do sleep 1000 & done; wait' >/dev/null 2>&1 &
tool=$!
disown # or Bash reports its end
helpers+=("$tool")
for _ in {1..500}; do
  [ "$(eval "$count")" -lt $((before + 5)) ] || break
  sleep 0.02
done
works "$count"
[ "$output" -ge $((before + 5)) ] || wrong "there should be five more"
works "kill -KILL $tool"
helpers=()

chapter 'A group'

say 'Every process is in one control group. This shell is in'
works 'grep ^0:: /proc/self/cgroup'
say 'and the groups are directories:'
works "ls -d $top $top/*/"

can_make=
if [ -w $top/cgroup.procs ] && [ -w $top/cgroup.subtree_control ]; then
  can_make=1
  works "mkdir $top/by-hand && ls $top/by-hand | head -5"
  say 'mkdir made the directory, and the kernel the files. To move a process is to write
its number.'
  start_sleeper
  disown "$sleeper"
  works "echo $sleeper > $top/by-hand/cgroup.procs; grep ^0:: /proc/$sleeper/cgroup"
  shows '^0::/by-hand$'
  works "cat $top/by-hand/cgroup.events"
  shows 'populated 1'
  fails "rmdir $top/by-hand" 1
  say 'It is in use. One order kills all in it; then it can be removed.'
  works "echo 1 > $top/by-hand/cgroup.kill"
  helpers=()
  until_is "cat $top/by-hand/cgroup.events" 'populated 0'
  works "rmdir $top/by-hand"

  chapter 'Processes or controllers, not both'

  say 'What can be limited and counted here is up to the controllers.'
  works "cat $top/cgroup.controllers"
  controller=
  for name in io hugetlb memory; do
    ! has "$name" || controller=$name
  done
  if [ -n "$controller" ]; then
    say "They come down the tree one step at a time, by cgroup.subtree_control. A group that
has processes cannot hand $controller on."
    start_sleeper
    disown "$sleeper"
    works "echo +$controller > $top/cgroup.subtree_control && mkdir $top/by-hand"
    works "echo $sleeper > $top/by-hand/cgroup.procs"
    fails "echo +$controller > $top/by-hand/cgroup.subtree_control" 1
    shows 'busy'
    kill "$sleeper"
    helpers=()
    until_is "cat $top/by-hand/cgroup.events" 'populated 0'
    rmdir $top/by-hand
  else
    say '(There is none here that would show it. In the throw-away machine there is: make vm.)'
  fi

  chapter 'cgrun'

  say 'The same as one command. The program is born in its group, and so are its children.'
  works 'cgrun run --name jar bash -c "grep ^0:: /proc/self/cgroup; (grep ^0:: /proc/self/cgroup)"'
  shows '0::/cgrun-jar.*0::/cgrun-jar'
  fails 'cgrun run bash -c "exit 7"' 7
  say 'When it ends, the group goes, with whatever the program has left running.'
  works 'cgrun run bash -c "sleep 1000 & echo done"; cgrun list'
  works "ls -d $top/*/"
  hides cgrun-

  chapter 'Limits'

  if has memory; then
    say 'The memory hog of lab02. It wants to keep the last ten lines of a file that has no
end of a line. With 64 MiB it is soon over, and nobody else notices.'
    fails 'cgrun run --memory 64M nsrun run --root root tail /dev/zero' 137
    shows 'out of memory'
  fi
  if has pids; then
    say 'And the fork bomb.'
    run 'cgrun run --pids 20 nsrun run --root root busybox sh -c "while sleep 1000 & do :; done"'
    shows '[Rr]esource temporarily unavailable|[Cc]annot fork'
    [ "$status" -ne 0 ] || wrong 'the bomb should have failed'
  fi
  if has cpu; then
    say 'A program that computes without end gets half of one CPU.'
    in_background run --name spin --cpus 0.5 bash -c 'while :; do :; done'
    running spin
    sleep 3
    works 'cgrun stat spin'
    shows '0.5 CPUs'
    until_is "cat $top/cgrun-spin/cpu.stat" 'nr_throttled [1-9]'
    works 'cgrun kill spin'
    helpers=()
    is_gone spin
  fi
  missing=
  for controller in memory pids cpu; do
    has "$controller" || missing+="${missing:+, }$controller"
  done
  [ -z "$missing" ] ||
    say "(Left out here: limits of $missing. On this machine we do not get these controllers. In
the throw-away machine we do: make vm CMD=\"make walkthrough LAB=lab03\".)"

  chapter 'What it has used'

  say 'The kernel counts for every group, limited or not. A "-" is what no controller
counts here.'
  in_background run --name jar bash -c 'for ((i = 0; i < 100000; i++)); do :; done; sleep 1000'
  running jar
  sleep 0.5
  works 'cgrun stat jar'
  shows 'cpu '
  works 'cgrun list'
  shows 'jar +running'

  chapter 'Freeze, watch, kill'

  say 'Somebody watches. He sleeps until the kernel calls him.'
  cgrun watch jar >watched 2>&1 &
  watcher=$!
  disown
  helpers+=("$watcher")
  # It has begun when it has opened the file.
  until_is "ls -l /proc/$watcher/fd" 'cgroup.events'
  works 'cgrun freeze jar && cgrun list'
  shows 'jar +frozen'
  until_is 'cat watched' 'frozen'
  works 'cgrun thaw jar && cgrun list'
  shows 'jar +running'
  until_is 'cat watched' 'goes on'
  works 'cgrun kill jar'
  until_is 'cat watched' 'ended|removed'
  works 'cat watched'
  kill "$watcher" 2>/dev/null
  helpers=()

  say 'Here is one that is hard to catch: each of its processes makes another one, and ends.
Between two looks the numbers have changed.'
  in_background run --name runner bash -c 'f() { f & }; f; sleep 1000'
  running runner
  works "cat $top/cgrun-runner/cgroup.procs | tr '\n' ' '"
  works "cat $top/cgrun-runner/cgroup.procs | tr '\n' ' '"
  say 'To cgroup.kill it makes no difference.'
  works 'cgrun kill runner'
  is_gone runner
  helpers=()

  chapter 'Nobody cleans up'

  say 'kill -9 for cgrun itself. It cannot clean anything up, and its program runs on.'
  in_background run --name jar sleep 1000
  running jar
  works "kill -KILL $tool; while kill -0 $tool 2> /dev/null; do sleep 0.1; done; cgrun list"
  shows 'jar +left over'
  helpers=()
  say 'The kernel has let go of the lock that says "in use". The next run takes it, kills
what is in there, and removes it.'
  works 'cgrun run true; cgrun list'
  hides jar
else
  say 'We may not make one here: either cgroup v2 is not mounted, or no group was
delegated to you. cgrun says so, too:'
  fails 'cgrun run true' 125
  say 'In the throw-away machine you are root, and everything of this lab works there: make
vm CMD="make walkthrough LAB=lab03". With systemd you can get a group of your own:
systemd-run --user --scope --property=Delegate=yes make walkthrough LAB=lab03.'
fi

chapter 'What is still open'

say 'A container is now limited. And each one needs a whole root directory, made by hand.
Here are twenty.'
works 'du -sh root'
works 'for i in {1..20}; do cp -a root root-$i; done; du -sh .'
say 'All twenty hold the same bytes, twenty times. When a hole in the C library is
mended, twenty copies of it must be found. And how does one of them get to another
machine? In lab04 a root is a stack of layers that many containers share: an image.'
printf '\n'
