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
# numbers. He exists only in a mount namespace that ends with the command: its
# /etc is the host's with a layer in memory on top.
as_user() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
    return
  fi
  unshare --mount --propagation private bash -c '
    set -e
    layer=$(mktemp -d /tmp/onggi-etc-XXXXXX)
    mount -t tmpfs layer "$layer"
    mkdir "$layer/upper" "$layer/work"
    mount -t overlay pupil -o "lowerdir=/etc,upperdir=$layer/upper,workdir=$layer/work" /etc
    echo "pupil:x:4242:4242::/tmp:/bin/sh" >>/etc/passwd
    echo "pupil:x:4242:" >>/etc/group
    echo "pupil:100000:65536" >>/etc/subuid
    echo "pupil:100000:65536" >>/etc/subgid
    umount -l "$layer"
    rmdir "$layer"
    exec setpriv --reuid=4242 --regid=4242 --clear-groups --inh-caps=-all "$@"' bash "$@"
}

# user_tree: copy what a user needs to grade to $TEMP/tree, and give it to him.
user_tree() {
  mkdir "$TEMP/tree"
  cp -r Makefile common grader lab*-* build "$TEMP/tree/"
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
  local base=build/test/$LAB-$1 dir source
  dir=$(echo "$LAB"-*)
  if [ ! -e "$base/built" ]; then
    mkdir -p "$base/src"
    cp "$dir"/*.[ch] "$base/src/"
    [ "$1" != solution ] || cp "$dir"/solution/*.c "$base/src/"
    make -s "$LAB" SRC="$base/src" BUILD="$base/build" CFLAGS=-O0
    touch "$base/built"
  fi
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
