#!/bin/bash
# walkthrough.sh [--unattended] - lab01 told as commands.
#
# shellcheck disable=SC2016,SC2034 # commands are expanded when they run
# shellcheck source=common/walkthrough.bash
source common/walkthrough.bash
need jail lab01
begin

chapter 'Fill a directory'

say 'A root directory begins as an empty directory. Ours is called root.'
works 'mkdir root'

say 'A program is not whole: it needs a dynamic loader and libraries. "jail add"
reads in each file which others it needs, and copies them all.'
works 'jail add root bash ls cat sleep'
works 'find root -name "*.so*" | sort | head -4'
shows 'libc\.so'

say 'Some things are no programs: devices, a /tmp, names for users.'
works 'jail furnish root'
works 'ls root root/dev'
shows 'urandom'

chapter 'Run a program in it'

say 'For the program inside, this directory is all there is.'
works 'jail run root ls /'
shows 'dev'
hides 'home'

say 'On the host lies a secret: some random bytes, which nobody can guess.'
works 'od -An -N8 -tx1 /dev/urandom | tr -d " " > secret; cat secret'
secret=$output
[ ${#secret} -eq 16 ] || wrong "the secret should have 16 digits"

say 'From inside there is no path to it. Its own path leads to nothing there ...'
fails 'jail run root cat $PWD/secret' 1
hides "$secret"
say '... and .. ends at the root, however often one says it.'
fails 'jail run root cat ../../../../../..$PWD/secret' 1
hides "$secret"

say 'The other way round the wall is open: the host sees all that is done inside.'
works 'jail run root bash -c "echo I was here > /tmp/note"'
works 'cat root/tmp/note'
shows '^I was here$'

say 'The exit status comes out, and also which signal ended the program: 128+9.'
fails 'jail run root bash -c "exit 7"' 7
fails 'jail run root bash -c "kill -KILL \$\$"' 137

chapter 'Break out'

say 'Now a careless jail: a chroot, and nothing else. The attacker is root in it.
He calls chroot again, for a directory below him. His current directory stays
where it is, which is now above his root; so no ".." stops him.'
works 'jail escape --by chroot root cat $PWD/secret'
shows "^$secret\$"

say 'The second attack needs no privilege, but somebody who forgot to close a
descriptor of a directory outside. fchdir(2) goes there, and then up.'
works 'jail escape --by fd root cat $PWD/secret'
shows "^$secret\$"

chapter 'Seal it'

say '"jail run" closes both holes: the program loses its capabilities, and no
descriptor but 0, 1 and 2 goes in. To try that, the attacker must be inside.'
attacker=$tree/build/solution/lab01/jail
works 'jail add root $attacker'
say 'chroot(2) needs the capability CAP_SYS_CHROOT. It is gone, for root as well.'
fails 'jail run root $attacker escape --by chroot / cat $PWD/secret' 125
shows 'chroot.*not permitted'
hides "$secret"

say 'This time somebody leaves the host'\''s / open, as descriptor 9. It is closed
on the way in.'
fails 'jail run root $attacker escape --by fd / cat $PWD/secret 9< /' 125
shows 'no descriptor leads out'
hides "$secret"

say 'As descriptor 0 it would have to go in. So that is refused from the start.'
fails 'jail run root ls < /' 125
shows 'is a directory of the host'

chapter 'What is still open'

say 'A root directory hides files. What has no path, it does not hide. The name of
the host, for example (here it is the name of the cage we are in).'
works 'jail run root bash -c "echo my host is \$HOSTNAME"'
shows "my host is $(uname -n)"

say 'Processes have no path either. Most programs want a /proc, so give it one.
Outside, somebody sleeps; the program inside sees it.'
works 'mkdir root/proc && mount -t proc proc root/proc'
start_sleeper
works 'jail run root bash -c "cat /proc/'$sleeper'/comm; ls -d /proc/'$sleeper'"'
shows '^sleep'

say 'And it may end it: process '"$sleeper"' belongs to the same user, which is all
that kill(2) asks for.'
works 'jail run root bash -c "kill '$sleeper'"'
wait "$sleeper"
status=$?
[ $status -eq 143 ] || wrong "the sleeper should have died of SIGTERM, not with status $status"
helpers=()
echo "The sleeper's exit status is 143: 128+15, killed by SIGTERM."

say 'So a root directory is the beginning of a container, and not the whole of it.
In lab02 the program gets process numbers, a host name and a network of its own.'
printf '\n'
