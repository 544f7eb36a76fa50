# lab04-peers2.bats - what lab04 packs, others unpack, and it is what was there.
# shellcheck shell=bash disable=SC2154
load helper

setup_file() {
  make -s lab04 SOLUTION=1
  make -s build/grader/cage
}

teardown() {
  umount -l "$TEMP/m" "$TEMP/tmpfs" 2>/dev/null || true
  rm -rf --one-file-system "$TEMP"
}

# Programs of others, and where their stores are.
need() {
  local program
  for program; do
    command -v "$program" >/dev/null || skip "$program is not installed"
  done
}

img() {
  build/solution/lab04/img --store "$TEMP/store" "$@"
}

# layer_of NAME: the digest of an image's last layer, unpacked.
layer_of() {
  img inspect "$1" | sed -n 's/.*"diffID": "\(sha256:[0-9a-f]*\)".*/\1/p' | tail -1
}

# listing DIR [times]: all that is to be said of a tree, a line each; with times those of
# all but directories, in whole seconds.
listing() (
  cd "$1" || exit
  # shellcheck disable=SC2016 # perl's variables
  find . ! -type s -print0 | LC_ALL=C sort -z | perl -0ne '
    chomp;
    my ($dev, $ino, $mode, $n, $uid, $gid, $rdev, $size, $a, $mtime) = lstat;
    my $what = -l _ ? readlink : -f _ ? do { local (@ARGV, $/) = (); open my $f, "<", $_; <$f> } : "";
    my $time = $ARGV[0] && !-d _ ? "\@$mtime" : "";
    printf "%s %o %d:%d %x %s %s\0", $_, $mode, $uid, $gid, $rdev, $what // "", -d _ ? "" : $time;
  ' | tr '\n\0' '?\n'
)

# times DIR: of all, in whole seconds.
times() {
  find "$1" -printf '%T@ %P\0' | LC_ALL=C sed -z 's/\.[0-9]* / /' | LC_ALL=C sort -zk2 | tr '\n\0' '?\n'
}

# same_tree A B WHAT
same_tree() {
  if ! diff <(listing "$1") <(listing "$2") >"$TEMP/differ"; then
    echo "$3: < is $1, > is $2"
    head -20 "$TEMP/differ"
    return 1
  fi
}

# A tree with all that is hard to pack.
make_tree() {
  local long
  long=$(printf 'n%.0s' {1..255})
  mkdir -p "$1"/{bin,etc/deep/er,usr/lib,empty,"$long/$long"}
  echo hello >"$1/etc/motd"
  ln "$1/etc/motd" "$1/etc/deep/other"
  ln -s usr/lib "$1/lib"
  ln -s /no/where "$1/dangling"
  cp /bin/true "$1/bin/tool"
  chmod 6755 "$1/bin/tool"
  chmod 1777 "$1/empty"
  mkfifo "$1/pipe"
  printf x >"$1/etc/"$'new\nline'
  printf x >"$1/etc/"$'not\377utf8'
  printf x >"$1/etc/é"
  echo deep >"$1/$long/$long/$long"
  truncate -s 3M "$1/sparse"
  touch -d '1969-12-31 23:00:00 UTC' "$1/etc/deep/er"
  [ "$(id -u)" -ne 0 ] || {
    chown 1234:3000000 "$1/etc/motd"
    mknod "$1/null" c 1 3
    setcap cap_net_raw+ep "$1/bin/tool"
  }
}

# And what a container may do to it, seen from its root.
change_tree() {
  rm "$1/etc/motd" "$1/dangling"
  rm -r "$1/etc/deep"
  mkdir "$1/etc/deep"
  echo new >"$1/etc/deep/new"
  echo lib >"$1/lib/file"
  rmdir "$1/empty"
  echo file >"$1/empty"
  rm "$1/pipe"
  mkdir "$1/pipe"
  echo changed >>"$1/sparse"
  ln "$1/sparse" "$1/usr/second"
  chmod 700 "$1/usr"
  ln -sfn etc "$1/link"
  mv "$1/bin/tool" "$1/bin/renamed"
}

@test "lab04: what is packed and unpacked is the same tree" {
  make_tree "$TEMP/t"
  img import "$TEMP/t" one
  mkdir "$TEMP/back"
  img unpack --devices one "$TEMP/back"
  same_tree "$TEMP/t" "$TEMP/back" "img import and img unpack"
  run img diff "$TEMP/t" "$TEMP/back"
  [ -z "$output" ]
  diff <(times "$TEMP/t") <(times "$TEMP/back")
}

@test "lab04: the same tree has the same digest, on another file system, made in another order" {
  need_root
  make_tree "$TEMP/t"
  img import "$TEMP/t" one
  mkdir "$TEMP/tmpfs"
  mount -t tmpfs tmpfs "$TEMP/tmpfs"
  # The last first: tar takes the names from a list.
  (cd "$TEMP/t" && find . -mindepth 1 -print0 | LC_ALL=C sort -zr) >"$TEMP/names"
  tar -C "$TEMP/t" --xattrs --xattrs-include='*' --no-recursion --null -T "$TEMP/names" -cf - |
    tar -C "$TEMP/tmpfs" --xattrs --xattrs-include='*' --delay-directory-restore -xpf -
  touch -r "$TEMP/t" "$TEMP/tmpfs"
  chmod 755 "$TEMP/tmpfs" "$TEMP/t"
  LC_ALL=C.UTF-8 TZ=Asia/Seoul img import "$TEMP/tmpfs" two
  umount "$TEMP/tmpfs"
  echo "$(layer_of one) $(layer_of two)"
  [ "$(layer_of one)" = "$(layer_of two)" ]
}

@test "lab04: what was committed is what was seen" {
  need_root
  make_tree "$TEMP/t"
  img import "$TEMP/t" base
  mkdir "$TEMP/m" "$TEMP/seen" "$TEMP/flat"
  img mount --devices base "$TEMP/m" --rw
  change_tree "$TEMP/m"
  cp -a "$TEMP/m/." "$TEMP/seen"
  img commit "$TEMP/m" changed
  img umount "$TEMP/m"
  img unpack --devices changed "$TEMP/flat"
  same_tree "$TEMP/seen" "$TEMP/flat" "a layer of what changed, applied to what was there"
  img mount --devices changed "$TEMP/m"
  run same_tree "$TEMP/seen" "$TEMP/m" "the same layers in a stack"
  img umount "$TEMP/m"
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "lab04: umoci unpacks what was committed" {
  need_root
  need umoci
  make_tree "$TEMP/t"
  img import "$TEMP/t" base
  mkdir "$TEMP/m" "$TEMP/flat"
  img mount --devices base "$TEMP/m" --rw
  change_tree "$TEMP/m"
  img commit "$TEMP/m" changed
  img umount "$TEMP/m"
  img unpack --devices changed "$TEMP/flat"
  umoci raw unpack --image "$TEMP/store:changed" "$TEMP/theirs"
  same_tree "$TEMP/flat" "$TEMP/theirs" "ours and umoci's"
}

@test "lab04: podman shows what was committed" {
  need_root
  need podman
  make_tree "$TEMP/t"
  img import "$TEMP/t" base
  mkdir "$TEMP/m" "$TEMP/flat"
  img mount --devices base "$TEMP/m" --rw
  change_tree "$TEMP/m"
  img commit "$TEMP/m" changed
  img umount "$TEMP/m"
  img unpack --devices changed "$TEMP/flat"
  podman=(podman --root "$TEMP/podman" --runroot "$TEMP/run" --storage-driver vfs)
  # Podman takes a path only if it looks like a name: in lower case.
  (cd "$TEMP" && "${podman[@]}" pull -q oci:store:changed) >"$TEMP/id"
  theirs=$("${podman[@]}" image mount "$(cat "$TEMP/id")")
  run same_tree "$TEMP/flat" "$theirs" "ours and Podman's"
  "${podman[@]}" image umount -a >/dev/null
  "${podman[@]}" rmi -af >/dev/null
  echo "$output"
  [ "$status" -eq 0 ]
}

# Ten images, each made by chance in the one before.
@test "lab04: any changes, layer on layer, are the same in a stack, in a directory and with umoci" {
  need_root
  need umoci
  RANDOM=${SEED:-$$}
  echo "SEED=${SEED:-$$}"
  mkdir "$TEMP/t" "$TEMP/m"
  img import "$TEMP/t" i0
  for i in {1..8}; do
    img mount "i$((i - 1))" "$TEMP/m" --rw
    for _ in {1..25}; do chance "$TEMP/m" "$i"; done
    rm -rf "$TEMP/seen"
    cp -a "$TEMP/m" "$TEMP/seen"
    img commit "$TEMP/m" "i$i" >"$TEMP/said"
    img umount "$TEMP/m"
    rm -rf "$TEMP/flat"
    mkdir "$TEMP/flat"
    img unpack "i$i" "$TEMP/flat"
    same_tree "$TEMP/seen" "$TEMP/flat" "layer $i: seen, and unpacked"
  done
  umoci raw unpack --image "$TEMP/store:i8" "$TEMP/theirs"
  same_tree "$TEMP/flat" "$TEMP/theirs" "ours and umoci's"
  img mount i8 "$TEMP/m"
  run same_tree "$TEMP/flat" "$TEMP/m" "unpacked, and in a stack"
  img umount "$TEMP/m"
  echo "$output"
  [ "$status" -eq 0 ]
}

# chance DIR TEXT: do something to what is there. It may fail.
chance() {
  local a=$1/$((RANDOM % 3)) b=$1/$((RANDOM % 3))
  while ((RANDOM % 2)); do a+=/$((RANDOM % 3)); done
  while ((RANDOM % 2)); do b+=/$((RANDOM % 3)); done
  case $((RANDOM % 10)) in
    0 | 1 | 2) mkdir -p "$a" ;;
    3 | 4) echo "$2 $RANDOM" >"$a" ;;
    5) rm -rf "$a" ;;
    6) rm -rf "$a" && mkdir "$a" && echo "$2" >"$a/0" ;;
    7) ln "$a" "$b" ;;
    8) ln -s "../$((RANDOM % 3))" "$a" ;;
    9) chmod "$((RANDOM % 8 + 700))" "$a" ;;
  esac 2>/dev/null || true
}

@test "lab04: a user packs a tree in his namespace as root does" {
  need_root
  make_tree "$TEMP/t"
  # What he cannot have: devices, capabilities, and numbers beyond those set aside for him.
  rm "$TEMP/t/null"
  setcap -r "$TEMP/t/bin/tool"
  chown 1234:5678 "$TEMP/t/etc/motd"
  img import "$TEMP/t" one
  user_tree
  chown -R 4242 "$TEMP/store"
  # shellcheck disable=SC2016 # his shell's
  run as_user sh -c 'cd "$1" && img="build/solution/lab04/img --store $2/store" && mkdir his &&
    $img unshare sh -c "$img unpack one his && $img import his his"' sh "$TEMP/tree" "$TEMP"
  echo "$output"
  [ "$status" -eq 0 ]
  echo "$(layer_of one) $(layer_of his)"
  [ "$(layer_of one)" = "$(layer_of his)" ]
}
