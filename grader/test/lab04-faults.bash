# lab04-faults.bash - what lab04-faults.bats does before and after each run of img, in
# the cage. IMG, HOSTILE and CASE are in the environment.
# shellcheck shell=sh
export SOURCE_DATE_EPOCH=1000000000
BASE=/tmp/base STORE=/tmp/store TREE=/tmp/tree

# prepare COMMAND...: what there is, once: an image "a" of two layers; for gc, what
# belongs to none, too. And how the store looks without COMMAND, and with it.
prepare() {
  mkdir -p $TREE/d /tmp/m
  : >/tmp/now
  echo one >$TREE/d/f
  ln $TREE/d/f $TREE/h
  ln -s d/f $TREE/l
  chmod 4755 $TREE/h
  $IMG --store $BASE import $TREE a >/dev/null
  $IMG --store $BASE config a --env A=B >/dev/null
  $IMG --store $BASE save a /tmp/a.tar
  [ "$CASE" = gc ] || $IMG --store $BASE gc >/dev/null
  echo three >$TREE/d/g
  reset
  state >/tmp/before
  gc_and_state >/tmp/undone
  reset
  "$@" >/dev/null 2>&1 || echo "it fails: $*"
  state >/tmp/done
  gc_and_state >/tmp/done.gc
  [ "$CASE" = gc ] || ! cmp -s /tmp/undone /tmp/done || echo "it does nothing: $*"
  clear_up
}

# The beginning of each run.
reset() {
  clear_up
  cp -a $BASE $STORE
  case $CASE in
    umount | commit | gc)
      $IMG --store $STORE mount a /tmp/m --rw
      echo changed >/tmp/m/d/f
      rm /tmp/m/l
      ;;
  esac
}

clear_up() {
  while umount -n /tmp/m 2>/dev/null; do :; done
  rm -rf $STORE /tmp/t /tmp/saved.tar*
}

# All that counts. Layers that are unpacked only save doing that again: they may be there
# or not. In its work directory the kernel does what it likes.
state() {
  $HOSTILE shape $STORE /tmp/t /tmp/saved.tar /tmp/m |
    sed -e 's|mounts/[^/ ]*|mounts/ID|' -e '/store\/layers\//d' -e '/ID\/work\//d'
}

gc_and_state() {
  $IMG --store $STORE gc >/dev/null && state
}

# The end of a run with STATUS. Who was killed may have left what only he had, and what gc
# removes; who says that he has failed, nothing but blobs that no name needs.
judge() {
  result=0
  state >/tmp/now
  [ "$STATUS" -lt 128 ] || rm -rf /tmp/t /tmp/saved.tar
  if [ "$STATUS" -eq 0 ] && cmp -s /tmp/now /tmp/done; then
    :
  elif [ "$STATUS" -ne 0 ] && cmp -s /tmp/now /tmp/before; then
    :
  elif [ "$STATUS" -eq 125 ] && ! done_by_then && grep "$STORE/tmp/" /tmp/now; then
    result=1
  else
    $IMG --store $STORE verify 2>&1 && gc_and_state >/tmp/now 2>&1 && as_wanted || result=1
  fi
  clear_up
  return $result
}

# Is it as after success, or as before?
as_wanted() {
  if [ "$STATUS" -eq 0 ]; then
    same_as /tmp/done.gc
  elif [ "$STATUS" -lt 128 ] && ! done_by_then || ! cmp -s /tmp/now /tmp/done.gc; then
    same_as /tmp/undone
  fi
}

# What failed came after all was done: a name that may not be on the disk, a line that
# could not be printed, what is left of a mount that is gone.
done_by_then() {
  case $SAID in
    *"write the store's directory to the disk"* | *"write to standard output"*) ;;
    *) [ "$CASE" = umount ] ;;
  esac
}

# same_as FILE: or say how it differs.
same_as() {
  cmp -s "$1" /tmp/now || {
    echo "it is not as it should be: $(diff "$1" /tmp/now | grep '^[<>]' | cut -c1-150 | head -4 | tr '\n' ' ')"
    false
  }
}
