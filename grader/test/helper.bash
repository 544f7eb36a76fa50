# helper.bash - for the tests of the project itself. They run at the top of the
# tree.
# shellcheck shell=bash disable=SC2034
bats_require_minimum_version 1.5.0
CAGE=build/grader/cage
GRADE=build/grader/grade

setup() {
  TEMP=$(mktemp -d /tmp/onggi-test-XXXXXX)
  chmod 755 "$TEMP"
}

teardown() {
  if [ -n "${USER_TREE:-}" ]; then umount -l "$TEMP/mnt" 2>/dev/null || true; fi
  rm -rf --one-file-system "$TEMP"
}

# need_root: or this test is skipped.
need_root() {
  [ "$(id -u)" -eq 0 ] || skip "this needs root"
}

# as_user COMMAND...: as an ordinary user, "pupil", 4242, who has subordinate
# numbers, unless NO_SUBIDS is set. He exists only in a mount namespace that ends with the command: its
# /etc is the host's with a layer in memory on top. (With KEPT_ETC it is changed: in the
# virtual machine, where there are as many layers already as there can be.)
as_user() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
    return
  fi
  local group status=0
  group=$(delegate) || true
  GROUP=$group KEPT_ETC=${KEPT_ETC:-} unshare --mount --propagation private bash -c '
    set -e
    if [ -z "$KEPT_ETC" ]; then
      layer=$(mktemp -d /tmp/onggi-etc-XXXXXX)
      mount -t tmpfs layer "$layer"
      mkdir "$layer/upper" "$layer/work"
      mount -t overlay pupil -o "lowerdir=/etc,upperdir=$layer/upper,workdir=$layer/work" /etc
      umount -l "$layer"
      rmdir "$layer"
    fi
    echo "pupil:x:4242:4242::/tmp:/bin/sh" >>/etc/passwd
    echo "pupil:x:4242:" >>/etc/group
    [ -n "${NO_SUBIDS:-}" ] || echo "pupil:100000:65536" | tee -a /etc/subuid >>/etc/subgid
    [ -z "$GROUP" ] || echo 0 >"$GROUP/session/cgroup.procs"
    exec setpriv --reuid=4242 --regid=4242 --clear-groups --inh-caps=-all "$@"' bash "$@" || status=$?
  [ -z "$group" ] || remove_group "$group"
  return "$status"
}

# delegate: make a group of cgroup v2 and give it to the pupil, as systemd would
# (cgroups(7), "Cgroups delegation"). Prints its path. He starts in the group session in
# it, and not if NO_GROUP is set.
delegate() {
  local top group name names=()
  top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$top" ] && [ -z "${NO_GROUP:-}" ] || return
  read -r -a names <"$top/cgroup.controllers" || true
  for name in "${names[@]}"; do
    echo "+$name" >"$top/cgroup.subtree_control" 2>/dev/null || true
  done
  group=$(mktemp -d "$top/onggi-pupil-XXXXXX") && mkdir "$group/session" || return
  chmod 755 "$group"
  for name in . cgroup.procs cgroup.subtree_control cgroup.threads session session/cgroup.procs session/cgroup.threads; do
    chown 4242:4242 "$group/$name"
  done
  echo "$group"
}

# remove_group PATH: with what is left in it.
remove_group() {
  local tries
  echo 1 >"$1/cgroup.kill"
  for tries in {1..100}; do
    ! find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || return 0
    sleep 0.05
  done
}

# user_tree: copy what a user needs to grade to $TEMP/tree, and give it to him.
user_tree() {
  mkdir "$TEMP/tree"
  cp -r Makefile common grader lab*-* "$TEMP/tree/"
  mkdir "$TEMP/tree/build"
  find build -mindepth 1 -maxdepth 1 ! -name test ! -name bench ! -name fuzz -exec cp -a {} "$TEMP/tree/build/" \;
  # Another grade may be at work in that tree; what it had open is not this one's.
  rm -f "$TEMP"/tree/build/grader/vm-tests*
  chmod -R u+rwX,go+rX "$TEMP/tree"
  [ "$(id -u)" -ne 0 ] || chown -R 4242:4242 "$TEMP/tree"
}

# score FILE: of a results.json.
score() {
  sed -n 's/^  "score": \([0-9]*\),*$/\1/p' "$1"
}

# build_student BASE [SOURCE...]: the files of lab LAB as in BASE ("starter" or
# "solution"), with each SOURCE (a patch, or a folder of C files) over them, in
# $TEMP/src, built into $TEMP/build. A base is built once for all tests; the copy
# keeps its times, so that only what a SOURCE changes is compiled.
build_student() {
  local base=build/test/$LAB-$1 dir source lock
  dir=$(echo "$LAB"-*)
  # Others may want it at the same time.
  exec {lock}>"build/test/$LAB-$1.lock"
  flock "$lock"
  if [ ! -e "$base/built" ]; then
    mkdir -p "$base/src"
    cp "$dir"/*.[ch] "$base/src/"
    [ "$1" != solution ] || cp "$dir"/solution/*.c "$base/src/"
    make -s "$LAB" SRC="$base/src" BUILD="$base/build" CFLAGS=-O0
    touch "$base/built"
  fi
  exec {lock}>&-
  cp -a "$base/src" "$base/build" "$TEMP/"
  shift
  for source; do
    case $source in
      *.patch) patch -s -p1 -d "$TEMP/src" <"$source" ;;
      *) cp "$source"/*.c "$TEMP/src/" ;;
    esac
  done
  make -s "$LAB" SRC="$TEMP/src" BUILD="$TEMP/build" CFLAGS=-O0
}

# grade_student [ARG...]: what build_student built. The results go to $TEMP.
grade_student() {
  run "$GRADE" --build "$TEMP/build/$LAB" --results "$TEMP" "$@" "$LAB"
}
