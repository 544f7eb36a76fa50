#!/bin/sh
# bench-image.sh DIR - a real image for `make bench`: a small Debian in four layers, with
# whiteouts, hard links, extended attributes, setuid programs and a hole of 64 MiB.
# DIR/store is the store that it is in, as "bench"; DIR/1.tar.gz ... 4.tar.gz are its
# layers. It is made once. It takes root, mmdebstrap and a package mirror.
#
# bench-image.sh DIR changed - mount it on DIR/mnt, with some 3,400 files or 93 MB that
# are new; and put the same into a container of buildah, called bench. The mount namespace
# is the caller's to throw away.
set -eu
dir=$1
buildah() { command buildah --root "$dir/buildah" --runroot "$dir/buildah-run" "$@"; }
if [ "${2:-}" = changed ]; then
  rm -rf "$dir"/store/mounts/* "$dir/buildah" "$dir/buildah-run" # of a run before
  build/solution/lab04/img --store "$dir/store" mount bench "$dir/mnt" --rw
  tar -C "$dir/mnt" -cf - usr/lib usr/bin usr/share/zoneinfo | tar -C "$dir/mnt/srv" -xf -
  if command -v buildah >/dev/null; then
    buildah --storage-driver overlay rm bench >/dev/null 2>&1 || true
    buildah --storage-driver overlay from --name bench scratch >/dev/null
    cp -a "$dir/mnt/srv/." "$(buildah --storage-driver overlay mount bench)"
  fi
  exit 0
fi
[ ! -e "$dir/done" ] || exit 0
command -v mmdebstrap >/dev/null || { echo "bench: mmdebstrap is missing" >&2; exit 1; }
img() { build/solution/lab04/img --quiet --store "$dir/store" "$@" >/dev/null; }

rm -rf "$dir"
mkdir -p "$dir/mnt"
# shellcheck source=/dev/null
. /etc/os-release
mmdebstrap --quiet --variant=minbase "$VERSION_CODENAME" "$dir/root"
# No device nodes: an ordinary user's unpack could not make them.
rm -rf "$dir/root/dev"/*
img import --gzip "$dir/root" bench

# change COMMANDS: a layer of what they do in the mounted image.
change() {
  img mount bench "$dir/mnt" --rw
  (cd "$dir/mnt" && eval "$1") || { img umount "$dir/mnt"; exit 1; }
  img commit --gzip "$dir/mnt" bench
  img umount "$dir/mnt"
}
change 'cp -a usr/share/perl5 usr/share/zoneinfo opt/
  for i in 1 2 3 4 5 6 7 8 9; do ln usr/bin/bash opt/bash$i; done
  setcap cap_net_raw=ep opt/bash9'
change 'rm -rf usr/share/doc usr/share/locale usr/share/man && mkdir usr/share/doc
  echo new >usr/share/doc/new
  chmod 4755 usr/bin/perl'
change 'truncate -s 64M var/hole && echo end >>var/hole
  cp -a usr/lib/x86_64-linux-gnu/gconv srv/ 2>/dev/null || true'

i=0
img inspect bench
for digest in $(build/solution/lab04/img --store "$dir/store" inspect bench |
    sed -n '/"layers"/,/]/s/.*"digest": "sha256:\([0-9a-f]*\)".*/\1/p'); do
  i=$((i + 1))
  ln -f "$dir/store/blobs/sha256/$digest" "$dir/$i.tar.gz"
done
rm -rf "$dir/root"
touch "$dir/done"
