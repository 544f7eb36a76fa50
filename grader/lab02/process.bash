# process.bash - processes looked at from outside, and an ordinary user: what run.bats,
# user.bats and enter.bats share.
# shellcheck shell=bash disable=SC2034

# kinds_apart A B: the kinds of namespaces in which two processes are not together, as
# /proc shows them from outside.
kinds_apart() {
  local kind apart=
  for kind in cgroup ipc mnt net pid time user uts; do
    [ "$(readlink "/proc/$1/ns/$kind")" = "$(readlink "/proc/$2/ns/$kind")" ] || apart+="$kind "
  done
  echo "${apart% }"
}

# ordinary_user: from here on the tool is called by an ordinary user, with number 1234,
# group 1235 and no other groups, to whom the numbers 20000 to 29999 are set aside. He
# exists only for the tool: in its mount namespace /etc is another one. newuidmap and
# newgidmap are copies that belong to the root of the cage: the host's belong to the
# host's, who is nobody in the cage of an ordinary user, and then the kernel does not
# make them root. HELPERS is where they are.
ordinary_user() {
  local file
  need_other_users
  HELPERS=$WORK/helpers
  mkdir "$HELPERS" "$WORK/etc"
  # A file system of its own, as /tmp is one where nobody becomes root.
  mount -n -t tmpfs -o mode=755 helpers "$HELPERS"
  for file in newuidmap newgidmap; do
    cp "$(command -v "$file")" "$HELPERS/$file" 2>/dev/null ||
      cannot "$file is not installed (mend it: sudo apt-get install uidmap)"
    chmod 4755 "$HELPERS/$file"
  done
  for file in ld.so.cache ld.so.conf ld.so.conf.d nsswitch.conf login.defs; do
    [ ! -e "/etc/$file" ] || cp -r "/etc/$file" "$WORK/etc/"
  done
  echo "user$MARK:x:1234:1235::/:/bin/sh" >"$WORK/etc/passwd"
  echo "user$MARK:x:1235:" >"$WORK/etc/group"
  echo "user$MARK:20000:10000" | tee "$WORK/etc/subuid" >"$WORK/etc/subgid"
  # The way to the build folder may be closed to others.
  cp "$TOOL" "$WORK/nsrun"
  cp "$PROBE" "$WORK/probe"
  TOOL=$WORK/nsrun PROBE=$WORK/probe
  cat >"$WORK/as-user" <<'END'
#!/bin/sh
mount -n --bind "${0%/*}/etc" /etc || exit
PATH=${0%/*}/helpers:$PATH
exec setpriv --reuid=1234 --regid=1235 --clear-groups --inh-caps=-all "$@"
END
  chmod 755 "$WORK/as-user"
  ARMS_LENGTH=("${ARMS_LENGTH[@]}" "$WORK/as-user")
  "${ARMS_LENGTH[@]}" unshare --user true 2>/dev/null 3>&- ||
    cannot "an ordinary user gets no user namespace here (mend it: see make doctor)"
}
