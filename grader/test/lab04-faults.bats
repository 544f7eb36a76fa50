# lab04-faults.bats - img, the reference's: whatever call fails, and wherever it is
# killed, store and target stay whole. lab04-faults.bash says what that means.
load helper

# What changes something; to be killed at another call is to be killed at the next of
# these.
CHANGES=write,fsync,rename,renameat,renameat2,linkat,unlinkat,mkdir,mkdirat,mknodat,rmdir
CHANGES=$CHANGES,symlinkat,fchmod,fchmodat,fchown,fchownat,utimensat,mount,umount2,flock

# That uname(2) fails is not told from a machine that we do not know; the others go to
# memory and threads.
HARMLESS=uname,futex,rseq,set_robust_list,madvise,munmap,mprotect

# caged CASE OPTIONS WORD...: img WORD..., its calls disturbed as the options say.
caged() {
  # shellcheck disable=SC2016
  CASE=$1 OPTIONS=$2 build/grader/cage --time 200 -- bash -c '
    export FILE=$PWD/grader/test/lab04-faults.bash
    export IMG=$PWD/build/solution/lab04/img HOSTILE=$PWD/build/grader/lab04/hostile
    . "$FILE"
    said=$(prepare $IMG --store $STORE "$@")
    [ -z "$said" ] || { echo "$said"; exit 1; }
    exec build/grader/faults $OPTIONS --before ". $FILE; reset" --after ". $FILE; judge" -- \
      $IMG --store $STORE "$@"' - "${@:3}"
}

# faults CASE OPTIONS WORD...: no call makes it end badly.
faults() {
  run caged "$@"
  well
}

well() {
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *" 0 bad"* ]]
}

# both CASE WORD...: with errors, and killed.
both() {
  faults "$1" "--errno EIO --except $HARMLESS${EXCEPT:-}" "${@:2}"
  faults "$1" "--kill --only $CHANGES" "${@:2}"
}

@test "lab04: img import says so whatever call fails, and leaves the store whole" {
  both import import /tmp/tree b
}

@test "lab04: img load says so whatever call fails, and leaves the store whole" {
  both load load /tmp/a.tar --name b
}

@test "lab04: img save says so whatever call fails, and leaves no half of an archive" {
  both save save a /tmp/saved.tar
}

@test "lab04: img unpack says so whatever call fails, and leaves no half of a tree" {
  both unpack unpack a /tmp/t
}

@test "lab04: img config says so whatever call fails, and leaves the store whole" {
  both config config a --env X=Y
}

@test "lab04: img rm says so whatever call fails, and leaves the store whole" {
  both rm rm a
}

@test "lab04: img gc says so whatever call fails, and removes nothing that is needed" {
  both gc gc
}

@test "lab04: img mount says so whatever call fails, and leaves nothing" {
  both mount mount a /tmp/m --rw
}

@test "lab04: img umount says so whatever call fails, and leaves nothing" {
  both umount umount /tmp/m
}

# That overlay_mark cannot look at a file is not told from its being an ordinary one.
@test "lab04: img commit says so whatever call fails, and leaves the store whole" {
  EXCEPT=,newfstatat,fstat both commit commit /tmp/m b
}

@test "lab04: an ordinary user's img says so whatever call fails" {
  user_tree
  # shellcheck disable=SC2016
  run as_user env HARMLESS="$HARMLESS" CAGED="$(declare -f caged)" bash -c '
    cd "$1" && eval "$CAGED" && caged mount "--errno EIO --except $HARMLESS" mount a /tmp/m --rw' - "$TEMP/tree"
  well
}
