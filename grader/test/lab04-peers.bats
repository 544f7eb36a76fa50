# lab04-peers.bats - the same image, unpacked by img, umoci and Podman: byte for byte.
load helper

IMG=$PWD/build/solution/lab04/img

setup() {
  TEMP=$(mktemp -d /tmp/onggi-test-XXXXXX)
  chmod 755 "$TEMP"
  LAYOUT=$TEMP/layout
  LAYERS=() IDS=()
}

teardown() {
  [ ! -d "$TEMP/podman" ] || podman_here image umount --all --force >/dev/null 2>&1 || true
  rm -rf --one-file-system "$TEMP"
}

need() {
  local tool
  need_root
  for tool; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done
}

# ---- an image, by tar, gzip and sha256sum alone ----

# digest FILE
digest() {
  sha256sum <"$1" | cut -d' ' -f1
}

# keep FILE: put it into the layout as a blob. Prints {"digest": ..., "size": ...} without the
# brackets.
keep() {
  local sum
  sum=$(digest "$1")
  mkdir -p "$LAYOUT/blobs/sha256"
  cp "$1" "$LAYOUT/blobs/sha256/$sum"
  echo "\"digest\":\"sha256:$sum\",\"size\":$(stat -c %s "$1")"
}

# add_layer TAR: one more layer.
add_layer() {
  local type=application/vnd.oci.image.layer.v1.tar+gzip
  gzip -c <"$1" >"$TEMP/packed"
  LAYERS+=("{\"mediaType\":\"$type\",$(keep "$TEMP/packed")}")
  IDS+=("\"sha256:$(digest "$1")\"")
}

# add_image NAME: the image of these layers.
add_image() {
  local oci=application/vnd.oci.image config manifest
  printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$(dpkg --print-architecture)" "$(IFS=,; echo "${IDS[*]}")" >"$TEMP/json"
  config=$(keep "$TEMP/json")
  printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[%s]}' \
    $oci.manifest.v1+json $oci.config.v1+json "$config" "$(IFS=,; echo "${LAYERS[*]}")" >"$TEMP/json"
  manifest=$(keep "$TEMP/json")
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s",%s,"annotations":{"%s":"%s"}}]}' \
    $oci.manifest.v1+json "$manifest" org.opencontainers.image.ref.name "$1" >"$LAYOUT/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$LAYOUT/oci-layout"
  mkdir -p "$LAYOUT/tmp" "$LAYOUT/layers" "$LAYOUT/mounts"
}

# ---- the three, and how they are compared ----

unpack_img() {
  "$IMG" --quiet --store "$LAYOUT" unpack --devices image "$TEMP/img"
}

# umoci 0.4.7 makes the root itself younger by unpacking into it; so that one time is set here.
unpack_umoci() {
  umoci raw unpack --image "$LAYOUT:image" "$TEMP/umoci" >/dev/null
  touch -r "$TEMP/img" "$TEMP/umoci"
}

podman_here() {
  podman --root "$TEMP/podman" --runroot "$TEMP/podman-run" --storage-driver overlay "$@"
}

# Podman 4.3 shows a root of its own, 0555 and 0:0, whatever the layers say of it.
unpack_podman() {
  local id
  # It takes a path only if it looks like a name: in lower case.
  id=$(cd "$TEMP" && podman_here pull --quiet oci:layout:image)
  cp -a "$(podman_here image mount "$id")" "$TEMP/from-podman"
  chown --reference="$TEMP/img" "$TEMP/from-podman"
  chmod --reference="$TEMP/img" "$TEMP/from-podman"
  touch -r "$TEMP/img" "$TEMP/from-podman"
}

# dump DIR: all there is to know of a tree, as bytes: names, types, modes, owners, times,
# links, devices, attributes, and what is in files.
dump() {
  tar -C "$1" --sort=name --numeric-owner --xattrs --xattrs-include='*' --format=pax \
    --pax-option='delete=atime,delete=ctime,exthdr.name=pax' -c . 2>/dev/null
}

# same A B
same() {
  dump "$1" >"$TEMP/a.tar"
  dump "$2" >"$TEMP/b.tar"
  cmp "$TEMP/a.tar" "$TEMP/b.tar" || {
    diff <(list "$TEMP/a.tar") <(list "$TEMP/b.tar")
    false
  }
}

list() {
  tar --full-time --numeric-owner --xattrs --xattrs-include='*' -tvvf "$1"
}

# ---- what is in the image ----

# A tree with one of each, in TEMP/tree. Times and owners differ.
make_tree() {
  local tree=$TEMP/tree n=0 file
  mkdir -p "$tree"/{etc,usr/lib,usr/bin,var/lib/app/cache,dev,srv/{old,older/deep},tmp,run}
  ln -s usr/lib "$tree/lib"
  ln -s /run "$tree/var/run"
  ln -s ../../../../../../etc/passwd "$tree/srv/up"
  ln -s nowhere "$tree/srv/dangling"
  echo "root:x:0:0::/:/bin/sh" >"$tree/etc/passwd"
  head -c 300000 /dev/urandom >"$tree/usr/lib/libc.so"
  ln "$tree/usr/lib/libc.so" "$tree/usr/lib/libc.so.6"
  ln "$tree/usr/lib/libc.so" "$tree/srv/libc"
  ln "$tree/srv/dangling" "$tree/srv/dangling-too"
  : >"$tree/usr/bin/ping"
  echo su >"$tree/usr/bin/su"
  : >"$tree/etc/shadow"
  mkfifo "$tree/run/fifo"
  mknod "$tree/dev/null" c 1 3
  mknod "$tree/dev/loop0" b 7 0
  truncate -s 3M "$tree/var/lib/app/sparse"
  echo end >>"$tree/var/lib/app/sparse"
  for file in {1..30}; do echo "$file" >"$tree/srv/old/$file"; done
  echo x >"$tree/srv/older/deep/x"
  echo ä >"$tree/srv/naïve € 한글"
  echo x >"$tree/srv/$(printf 'n%.0s' {1..240})"
  find "$tree" -depth -print0 | while IFS= read -r -d '' file; do
    chown -h "$((n % 70)):$((n % 90))" "$file"
    touch -h -d "@$((1500000000 + n * 1000)).$((123456000 + n))" "$file"
    n=$((n + 1))
  done
  chmod 4755 "$tree/usr/bin/su"
  chmod 0000 "$tree/etc/shadow"
  chmod 1777 "$tree/tmp"
  chmod 2750 "$tree/var/lib/app"
  setcap cap_net_raw=ep "$tree/usr/bin/ping"
}

# pack TAR PATH...: of TEMP/tree. -S: what is sparse is so in the archive.
pack() {
  tar -C "$TEMP/tree" --numeric-owner --format=pax --xattrs --xattrs-include='*' \
    --no-recursion "${@:2}" -cf "$1"
}

# layer_one: all of the tree. No name twice: Podman refuses that.
layer_one() {
  local tree=$TEMP/tree
  make_tree
  echo attribute >"$tree/etc/attribute"
  mkdir "$tree/etc/attributes"
  fresh "$tree/etc/attribute" "$tree/etc/attributes" "$tree/etc" "$tree"
  (cd "$tree" && find . ! -name 'attribute*' ! -path ./etc | LC_ALL=C sort) >"$TEMP/names"
  pack "$TEMP/1.tar" -T "$TEMP/names"
  # These have an attribute; and their directory comes after them.
  tar -C "$tree" --numeric-owner --format=pax --no-recursion -rf "$TEMP/1.tar" \
    --pax-option='SCHILY.xattr.user.onggi:=first' etc/attribute etc/attributes
  tar -C "$tree" --numeric-owner --format=pax --no-recursion -rf "$TEMP/1.tar" etc
  add_layer "$TEMP/1.tar"
}

# fresh FILE...: it has just been changed, by somebody else.
fresh() {
  local file
  for file; do
    chown -h 1001:1002 "$file"
    touch -h -d @1600000000.987654321 "$file"
  done
}

# layer_two: changes of each kind, whiteouts and an opaque directory. `$1`: whiteouts come
# "first" or "last".
layer_two() {
  local tree=$TEMP/tree marks=()
  # Podman makes directories that are not named anew, as 0:0.
  local names=(etc usr usr/bin srv srv/old srv/older var var/lib var/lib/app)
  echo "onggi:x:1:1::/:/bin/sh" >>"$tree/etc/passwd"
  rm "$tree/usr/bin/su"
  mkdir "$tree/usr/bin/su"
  rm -r "$tree/srv/older/deep"
  ln -s passwd "$tree/srv/older/deep"
  rm "$tree/lib"
  mkdir "$tree/lib"
  echo moved >"$tree/lib/libnew.so"
  echo new >"$tree/srv/old/7"
  echo new >"$tree/srv/old/new"
  ln "$tree/srv/old/new" "$tree/srv/old/hard"
  mkdir -p "$tree/marks/srv/old" "$tree/marks/var/lib/app" "$tree/marks/etc"
  : >"$tree/marks/srv/old/.wh..wh..opq"
  : >"$tree/marks/srv/.wh.libc"
  : >"$tree/marks/srv/.wh.up"
  : >"$tree/marks/var/lib/app/.wh.cache"
  : >"$tree/marks/etc/.wh.shadow"
  fresh "$tree"/{etc/passwd,usr/bin/su,srv/older/deep,lib,lib/libnew.so,srv/old/7,srv/old/new}
  fresh "$tree"/{etc,usr/bin,srv,srv/old,srv/older,var/lib/app}
  names+=(etc/passwd usr/bin/su srv/older/deep lib lib/libnew.so srv/old/7 srv/old/new srv/old/hard)
  marks=(srv/old/.wh..wh..opq srv/.wh.libc srv/.wh.up var/lib/app/.wh.cache etc/.wh.shadow)
  if [ "$1" = first ]; then
    tar -C "$tree/marks" --format=pax --numeric-owner -cf "$TEMP/2.tar" "${marks[@]}"
    tar -C "$tree" --format=pax --numeric-owner --no-recursion -rf "$TEMP/2.tar" "${names[@]}"
  else
    tar -C "$tree" --format=pax --numeric-owner --no-recursion -cf "$TEMP/2.tar" "${names[@]}"
    tar -C "$tree/marks" --format=pax --numeric-owner -rf "$TEMP/2.tar" "${marks[@]}"
  fi
  add_layer "$TEMP/2.tar"
}

@test "lab04: img, umoci and Podman unpack a layer to the same bytes" {
  need umoci podman setcap
  layer_one
  add_image image
  unpack_img
  unpack_umoci
  unpack_podman
  same "$TEMP/img" "$TEMP/umoci"
  same "$TEMP/img" "$TEMP/from-podman"
  # And it was all looked at.
  grep -aq SCHILY.xattr.security.capability "$TEMP/a.tar"
  grep -aq SCHILY.xattr.user.onggi "$TEMP/a.tar"
}

@test "lab04: img, umoci and Podman unpack layers on layers to the same bytes, whiteouts first" {
  need umoci podman setcap
  layer_one
  layer_two first
  add_image image
  unpack_img
  unpack_umoci
  unpack_podman
  same "$TEMP/img" "$TEMP/umoci"
  same "$TEMP/img" "$TEMP/from-podman"
}

@test "lab04: img and umoci unpack layers on layers to the same bytes, whiteouts last" {
  need umoci setcap
  layer_one
  layer_two last
  add_image image
  unpack_img
  unpack_umoci
  same "$TEMP/img" "$TEMP/umoci"
}
