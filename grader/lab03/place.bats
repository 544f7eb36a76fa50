# place.bats - lab03: where cgrun makes its groups, and what it says when it cannot.
load helper

# in_world SHELL-COMMAND: the tool runs where that has been done before, by its own process
# and with mounts of its own.
in_world() {
  ARMS_LENGTH=(unshare --mount --propagation private setpriv --bounding-set=-lease
    sh -c "$1"' && exec "$@"' sh)
}

@test "3.1 cgrun finds its place" {
  need_groups
  try tool list
  expect_status 0 "as there is a place for groups: $TOP, which has no processes"
  try tool stat "n$MARK"
  expect_status 125 "as there is no such group"
  expect_said "no group n$MARK"
}

@test "3.1 cgrun says what to do where there is no cgroup v2" {
  need_groups
  in_world "umount -n -l $TOP"
  try tool list
  expect_status 125 "as cgroup v2 is not mounted"
  expect_said "systemd.unified_cgroup_hierarchy=1.*make vm"
}

@test "3.1 cgrun says what to do where it sees only other groups" {
  need_groups
  mkdir "$TOP/t-$MARK"
  in_world "mount -n --bind $TOP/t-$MARK /mnt && umount -n -l $TOP && mount -n --move /mnt $TOP"
  try tool list
  rmdir "$TOP/t-$MARK"
  expect_status 125 "as the mount of cgroup v2 shows another part of the groups"
  expect_said "--cgroupns=private"
}

@test "3.1 cgrun says what to do where processes are everywhere" {
  need_groups
  mkdir "$TOP/t-$MARK" "$TOP/t-$MARK/in"
  # The test's own groups are its world: one above, with a process in it.
  sleep 60 3>&- &
  local sleeper=$!
  echo "$sleeper" >"$TOP/t-$MARK/cgroup.procs"
  in_world "echo \$\$ >$TOP/t-$MARK/in/cgroup.procs && mount -n --bind $TOP/t-$MARK /mnt &&
    umount -n -l $TOP && mount -n --move /mnt $TOP"
  try tool list
  kill "$sleeper"
  wait "$sleeper" || true
  rmdir "$TOP/t-$MARK/in" "$TOP/t-$MARK"
  expect_status 125 "as processes are in our own group and in all above it"
  expect_said "move these processes.*cgroup\.procs"
}

@test "3.1 cgrun says what to do where no group was delegated" {
  need_groups
  need_other_users
  cp "$TOOL" "$WORK/cgrun"
  TOOL=$WORK/cgrun
  ARMS_LENGTH+=(setpriv --reuid=1000 --regid=1000 --clear-groups)
  try tool list
  expect_status 125 "as an ordinary user may write to no group here"
  expect_said "systemd-run --user --scope --property=Delegate=yes"
}
