#!/bin/sh
# kernel.sh - find a kernel for the VM, and pack what its first process needs.
#
#   kernel.sh CACHE INIT
#
# Makes, unless they are there already:
#
#   CACHE/vmlinuz     the kernel
#   CACHE/initramfs   INIT, and the modules it needs before it sees any file
#   CACHE/modules     what belongs at /lib/modules/VERSION in the guest
#   CACHE/source      where the kernel is from; it is written last
#
# The kernel is VM_KERNEL (a file) with VM_MODULES (its /lib/modules/VERSION), if
# these are set; else the host's own, if it can be read; else the distribution's
# kernel package, which is downloaded and unpacked, and not installed.
set -eu
PATH=$PATH:/usr/sbin:/sbin # depmod(8) is there, and an ordinary user looks elsewhere

cache=$1
init=$2
release=$(uname -r)

# What the guest needs to see the host's files and to talk to us. What is built into
# a kernel is in no modules.dep, and that is no error.
needed='virtio_pci virtio_console 9pnet_virtio 9p overlay'

die() {
  echo "vm: $*" >&2
  exit 1
}

if [ -n "${VM_KERNEL:-}" ]; then
  kernel=$(readlink -f "$VM_KERNEL") || die "VM_KERNEL=$VM_KERNEL: no such file"
  modules=$(readlink -f "${VM_MODULES:-}") ||
    die "VM_MODULES=${VM_MODULES:-}: no such directory (it is to be the kernel's /lib/modules/VERSION)"
elif [ -r "/boot/vmlinuz-$release" ] && [ -e "/lib/modules/$release/modules.dep" ]; then
  kernel=/boot/vmlinuz-$release
  modules=/lib/modules/$release
else
  kernel=
  modules=
fi
source="${kernel:-package} $modules"

made() {
  [ "$(cat "$cache/source" 2>/dev/null)" = "$source" ] && [ -e "$cache/vmlinuz" ] &&
    [ -n "$(find "$cache/initramfs" -newer "$init" -newer "$0" 2>/dev/null)" ]
}

# ---- the distribution's kernel ----

# packages: the names of the packages with the kernel, of this system's apt.
packages() {
  # shellcheck source=/dev/null
  case $(. /etc/os-release && echo "$ID ${ID_LIKE:-}") in
    *ubuntu*) meta=linux-image-virtual ;;
    *) meta=linux-image-$(dpkg --print-architecture) ;;
  esac
  image=$(apt-cache depends "$meta" 2>/dev/null |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  [ -n "$image" ] ||
    die "apt knows no kernel, $meta, to download (mend it: apt-get update, as root)"
  echo "$image"
  apt-cache depends "$image" | sed -n 's/^ *Depends: \(linux-modules-[0-9].*\)/\1/p'
}

# keep_useful DIR...: remove the others. Most file systems, protocols and drivers are
# for what the VM does not have; without them it is a quarter of the size.
keep_useful() {
  for path; do
    case $path in
      */fs/9p | */fs/ext4 | */fs/fscache | */fs/fuse | */fs/jbd2 | */fs/mbcache.* | \
        */fs/netfs | */fs/overlayfs | */fs/squashfs | \
        */net/802 | */net/8021q | */net/9p | */net/bridge | */net/core | */net/ipv? | \
        */net/llc | */net/netfilter | */net/packet | */net/sched | */net/unix | \
        */drivers/block | */drivers/char | */drivers/net | */drivers/virtio | \
        */drivers/net/*.ko*) ;;
      *) rm -rf "$path" ;;
    esac
  done
}

# from_package: download and unpack it; set $kernel and $modules.
from_package() {
  command -v apt-get >/dev/null ||
    die "cannot read a kernel of this host, and can download only Debian's and" \
      "Ubuntu's (mend it: VM_KERNEL=FILE VM_MODULES=DIR, a kernel and its" \
      "/lib/modules/VERSION)"
  names=$(packages)
  echo "vm: downloading a kernel, once: $names" >&2
  # As root apt would download as another user, who may not write here.
  # shellcheck disable=SC2086 # words are meant to be split
  (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download $names >&2) ||
    die "cannot download $names (mend it: apt-get update, as root, then again)"
  for deb in "$new"/*.deb; do dpkg-deb -x "$deb" "$new/root"; done
  [ -e "$new/root/lib" ] || ln -s usr/lib "$new/root/lib"
  kernel=$(echo "$new"/root/boot/vmlinuz-*)
  modules=$(echo "$new"/root/lib/modules/*)
  keep_useful "$modules"/kernel/sound "$modules"/kernel/fs/* "$modules"/kernel/net/* \
    "$modules"/kernel/drivers/* "$modules"/kernel/drivers/net/*
  depmod -b "$new/root" "${modules##*/}"
}

# ---- the initramfs ----

# order: of the modules in $modules, those that are needed, each behind those that it
# depends on. A line of modules.dep (modules.dep(5)) has a module, and then its
# dependencies, of which the last is to be loaded first.
order() {
  for name in $needed; do
    grep -E "(^|/)$name\.ko[.a-z]*:" "$modules/modules.dep" || true
  done | tr -d : |
    awk '{ for (i = NF; i > 0; i--) if (!seen[$i]++) print $i }'
}

# initramfs: into $new/initramfs.
initramfs() {
  mkdir "$new/initial" "$new/initial/modules"
  cp "$init" "$new/initial/init"
  number=100
  for file in $(order); do
    number=$((number + 1))
    name=${file##*/}
    out=$new/initial/modules/$number-${name%.ko*}.ko
    case $file in
      *.ko) cp "$modules/$file" "$out" ;;
      *.ko.xz) xz -dc "$modules/$file" >"$out" ;;
      *.ko.zst) zstd -dqc "$modules/$file" >"$out" ;;
      *.ko.gz) gzip -dc "$modules/$file" >"$out" ;;
      *) die "$modules/$file: cannot unpack such a module" ;;
    esac
  done
  (cd "$new/initial" && find . | cpio --quiet -o -H newc) >"$new/initramfs"
}

# ----

made && exit 0
mkdir -p "$cache"
exec 9>"$cache/lock" # of two at once, the second waits, and then finds all made
flock 9
made && exit 0

new=$(mktemp -d "$cache/new-XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM

if [ "$(cat "$cache/source" 2>/dev/null)" = "$source" ] && [ -e "$cache/vmlinuz" ]; then
  kernel=$cache/vmlinuz # only INIT is newer
  modules=$cache/modules
elif [ -z "$kernel" ]; then
  from_package
fi
[ -r "$kernel" ] || die "$kernel: cannot read this kernel"
[ -r "$modules/modules.dep" ] ||
  die "$modules/modules.dep: cannot read it (VM_MODULES: a /lib/modules/VERSION)"
initramfs

# Each of these in one step, so that a VM that starts just now has the old or the new.
if [ "$kernel" != "$cache/vmlinuz" ]; then
  rm -f "$cache/source"
  cp "$kernel" "$new/vmlinuz"
  chmod 644 "$new/vmlinuz"
  mv -f "$new/vmlinuz" "$cache/vmlinuz"
  rm -rf "$cache/modules"
  case $modules in
    "$new"/*) mv "$modules" "$cache/modules" ;;
    *) ln -s "$modules" "$cache/modules" ;;
  esac
fi
mv -f "$new/initramfs" "$cache/initramfs"
echo "$source" >"$new/source"
mv -f "$new/source" "$cache/source"
