#!/bin/sh
# setup.sh - install what is missing; do nothing if nothing is.
#
#   setup.sh [--check] GROUP...      GROUP: a lab, grade, tour (walkthroughs), vm, test
#
# With --check it only says what is missing. It knows apt, dnf, pacman and apk.
set -eu

check_only=
[ "${1:-}" = --check ] && { check_only=1; shift; }

# What a group needs, a word each. "x.h" is a header, anything else a program.
wants() {
  case $1 in
    lab01) echo cc libc.a sys/capability.h linux/openat2.h ;;
    lab02|lab03) echo cc libc.a linux/openat2.h ;;
    lab04) echo cc libc.a linux/openat2.h jansson.h archive.h openssl/evp.h curl/curl.h
           echo isa-l.h zstd.h zlib.h ;;
    grade) echo check.h jansson.h sys/capability.h pkg-config bats newuidmap ;;
    tour)  echo ip ps hostname busybox ;;
    vm)    case $(uname -m) in x86_64|aarch64) echo "qemu-system-$(uname -m)" ;; esac
           echo cpio depmod flock ;;
    test)  echo clang shellcheck patch perl python3 setpriv pasta ping seccomp.h
           echo skopeo umoci podman docker-registry openssl ;;
    *)     echo "setup.sh: no such group: $1" >&2; exit 2 ;;
  esac
}

# Is it there?
have() {
  case $1 in
    *.h) printf '#include <stddef.h>\n#include <stdio.h>\n#include <%s>\n' "$1" |
           cc -E -o /dev/null - 2>/dev/null ;;
    *.a) [ -e "$(cc -print-file-name="$1" 2>/dev/null)" ] ;;
    depmod) (PATH=$PATH:/usr/sbin:/sbin; command -v depmod >/dev/null 2>&1) ;;
    python3) [ -x /usr/bin/python3 ] ;; # the system's own, not one in $HOME
    *)   command -v "$1" >/dev/null 2>&1 ;;
  esac
}

# The package that has it: apt dnf pacman apk.
package() {
  set -- "$1" "$2"
  case $1 in
    cc)               set -- "$2" gcc gcc gcc gcc ;;
    libc.a)           set -- "$2" libc6-dev glibc-static glibc musl-dev ;;
    sys/capability.h) set -- "$2" libcap-dev libcap-devel libcap libcap-dev ;;
    linux/openat2.h)  set -- "$2" linux-libc-dev kernel-headers linux-api-headers linux-headers ;;
    check.h)          set -- "$2" check check-devel check check-dev ;;
    archive.h)        set -- "$2" libarchive-dev libarchive-devel libarchive libarchive-dev ;;
    openssl/evp.h)    set -- "$2" libssl-dev openssl-devel openssl openssl-dev ;;
    curl/curl.h)      set -- "$2" libcurl4-openssl-dev libcurl-devel curl curl-dev ;;
    isa-l.h)          set -- "$2" libisal-dev isa-l-devel isa-l isa-l-dev ;;
    zstd.h)           set -- "$2" libzstd-dev libzstd-devel zstd zstd-dev ;;
    zlib.h)           set -- "$2" zlib1g-dev zlib-devel zlib zlib-dev ;;
    jansson.h)        set -- "$2" libjansson-dev jansson-devel jansson jansson-dev ;;
    pkg-config)       set -- "$2" pkg-config pkgconf-pkg-config pkgconf pkgconf ;;
    bats)             set -- "$2" bats bats bats bats ;;
    newuidmap)        set -- "$2" uidmap shadow-utils shadow shadow-subids ;;
    ip)               set -- "$2" iproute2 iproute iproute2 iproute2 ;;
    ps)               set -- "$2" procps procps-ng procps-ng procps-ng ;;
    hostname)         set -- "$2" hostname hostname inetutils busybox ;;
    qemu-system-x86_64)  set -- "$2" qemu-system-x86 qemu-system-x86-core qemu-system-x86 qemu-system-x86_64 ;;
    qemu-system-aarch64) set -- "$2" qemu-system-arm qemu-system-aarch64-core qemu-system-aarch64 qemu-system-aarch64 ;;
    cpio)             set -- "$2" cpio cpio cpio cpio ;;
    depmod)           set -- "$2" kmod kmod kmod kmod ;;
    flock)            set -- "$2" util-linux util-linux util-linux flock ;;
    busybox)          set -- "$2" busybox busybox busybox busybox ;;
    seccomp.h)        set -- "$2" libseccomp-dev libseccomp-devel libseccomp libseccomp-dev ;;
    pasta)            set -- "$2" passt passt passt passt ;;
    ping)             set -- "$2" iputils-ping iputils iputils iputils-ping ;;
    skopeo)           set -- "$2" skopeo skopeo skopeo skopeo ;;
    openssl)          set -- "$2" openssl openssl openssl openssl ;;
    umoci)            set -- "$2" umoci umoci umoci umoci ;;
    podman)           set -- "$2" podman podman podman podman ;;
    docker-registry)  set -- "$2" docker-registry docker-distribution distribution docker-registry ;;
    clang)            set -- "$2" clang clang clang clang ;;
    shellcheck)       set -- "$2" shellcheck ShellCheck shellcheck shellcheck ;;
    patch)            set -- "$2" patch patch patch patch ;;
    perl)             set -- "$2" perl perl perl perl ;;
    python3)          set -- "$2" python3 python3 python python3 ;;
    setpriv)          set -- "$2" util-linux util-linux util-linux setpriv ;;
  esac
  case $1 in apt-get) echo "$2" ;; dnf) echo "$3" ;; pacman) echo "$4" ;; apk) echo "$5" ;; esac
}

missing=
for group; do
  for want in $(wants "$group"); do
    have "$want" || missing="$missing $want"
  done
done
[ -n "$missing" ] || exit 0

manager=
for m in apt-get dnf pacman apk; do
  command -v $m >/dev/null 2>&1 && { manager=$m; break; }
done
if [ -z "$manager" ]; then
  echo "Missing:$missing. No package manager that I know is here; please install them." >&2
  exit 1
fi
packages=
for want in $missing; do
  p=$(package "$want" "$manager")
  case " $packages " in *" $p "*) ;; *) packages="$packages $p" ;; esac
done

case $manager in
  apt-get) install="apt-get install -y --no-install-recommends" ;;
  dnf)     install="dnf install -y" ;;
  pacman)  install="pacman -S --needed --noconfirm" ;;
  apk)     install="apk add" ;;
esac
as_root=
if [ "$(id -u)" -ne 0 ]; then
  as_root=sudo
fi

if [ -n "$check_only" ]; then
  echo "Missing:$missing. To install:" >&2
  echo "  $as_root $install$packages" | sed 's/^   */  /' >&2
  exit 1
fi
echo "Missing:$missing. Installing with: $as_root $install$packages"
if [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; then
  echo "There is no sudo here. Run that command as root, then try again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
if [ "$manager" = apt-get ]; then
  $as_root apt-get update -q >/dev/null
fi
# shellcheck disable=SC2086 # words are meant to be split
$as_root $install $packages
