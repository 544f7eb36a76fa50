# lab04.bats - img, the reference's, beside other tools and under hostile luck.
load helper

IMG=$PWD/build/solution/lab04/img
FAULTS=$PWD/build/grader/faults

# need TOOL...: or this test is skipped.
need() {
  local tool
  for tool; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done
}

# img ARG...: with a store of this test.
img() {
  "$IMG" --quiet --store "$TEMP/store" "$@"
}

# small_image NAME: an image of one file.
small_image() {
  mkdir -p "$TEMP/root/etc"
  echo "$1" >"$TEMP/root/etc/motd"
  img import "$TEMP/root" "$1"
}

# skopeo wants a file with a policy of trust, or to be told that there is none.
skopeo_here() {
  skopeo --insecure-policy "$@"
}

# ---- 4.6: config and history ----

# config_of NAME: "config" of the image's config, as skopeo shows it.
config_of() {
  skopeo_here inspect --config "oci:$TEMP/store:$1" | sed -n '/^    "config": {/,/^    }/p'
}

@test "lab04: skopeo and umoci show the config that img has written" {
  need skopeo umoci
  small_image web
  img config web --env A=1 --env "B=two words" --env A=3 --entrypoint '["/bin/sh", "-c"]' \
    --cmd '["echo \"hi\""]' --label k=v --label "k2=a=b" --port 80 --port 53/udp --volume /data \
    --workdir /srv --user 7:8
  # umoci does the same to the image as it was.
  small_image other
  umoci config --image "$TEMP/store:other" --config.env A=3 --config.env "B=two words" \
    --config.entrypoint /bin/sh --config.entrypoint -c --config.cmd 'echo "hi"' \
    --config.label k=v --config.label "k2=a=b" --config.exposedports 80/tcp \
    --config.exposedports 53/udp --config.volume /data --config.workingdir /srv --config.user 7:8
  config_of web
  [[ $(config_of web) == *'"A=3"'* ]]
  [ "$(config_of web)" = "$(config_of other)" ]
}

@test "lab04: what skopeo reads of an image are the bytes that its digest names" {
  need skopeo
  small_image web
  img config web --env "NAME=$RANDOM" --label "unicode=é"
  local config manifest
  config=$(skopeo_here inspect --raw --config "oci:$TEMP/store:web" | sha256sum | cut -d' ' -f1)
  manifest=$(skopeo_here inspect --raw "oci:$TEMP/store:web" | sha256sum | cut -d' ' -f1)
  [ -s "$TEMP/store/blobs/sha256/$config" ]
  [ -s "$TEMP/store/blobs/sha256/$manifest" ]
  grep -q "$manifest" "$TEMP/store/index.json"
  grep -q "$config" "$TEMP/store/blobs/sha256/$manifest"
}

@test "lab04: umoci shows the history that img has written" {
  need umoci
  small_image web
  img config web --env A=1
  run umoci stat --image "$TEMP/store:web"
  echo "$output"
  [[ $output == *"img import"* ]]
  [[ $output == *"img config"*"A=1"* ]]
  [[ $output == *"<none>"* ]]
}

@test "lab04: img reads images that skopeo and umoci have made" {
  need skopeo umoci
  small_image web
  skopeo_here copy -q "oci:$TEMP/store:web" "oci:$TEMP/copied:web"
  umoci init --layout "$TEMP/made"
  umoci new --image "$TEMP/made:web"
  umoci config --image "$TEMP/made:web" --config.env "A=$RANDOM" --history.comment "a comment"
  local store
  for store in copied made; do
    run "$IMG" --store "$TEMP/$store" inspect web
    echo "$output"
    [ "$status" -eq 0 ]
    run "$IMG" --store "$TEMP/$store" verify
    echo "$output"
    [ "$status" -eq 0 ]
  done
}

@test "lab04: the same tree and config give the same digest, in any time zone, locale and umask" {
  small_image web
  local store
  for store in one two; do
    (umask "$([ "$store" = one ] && echo 022 || echo 077)"
     export SOURCE_DATE_EPOCH=1000000000 TZ=UTC-7 LC_ALL=C
     [ "$store" = one ] || export TZ=America/St_Johns LC_ALL=C.UTF-8
     "$IMG" --quiet --store "$TEMP/$store" import "$TEMP/root" web
     "$IMG" --quiet --store "$TEMP/$store" config web --env A=1 --label b=2)
  done
  diff "$TEMP/one/index.json" "$TEMP/two/index.json"
  diff -r "$TEMP/one/blobs" "$TEMP/two/blobs"
}

# ---- 4.1: whatever fails, the store is whole ----

# store_faults COMMAND...: every call of `img COMMAND...` on a store with the image
# web fails once, and it is killed at every call; what is in the store stays whole.
store_faults() {
  run "$CAGE" --time 300 -- bash -c "mkdir -p /tmp/w/root/etc
    echo hi >/tmp/w/root/etc/motd
    export SOURCE_DATE_EPOCH=1000000000
    $IMG --quiet --store /tmp/w/base import /tmp/w/root web >/dev/null || exit
    cat >/tmp/w/after <<'END'
cd /tmp/w/store || exit
for file in blobs/sha256/*; do
  [ \"\$(sha256sum <\$file | cut -c1-64)\" = \"\${file##*/}\" ] || { echo \"\$file is not whole\"; exit 1; }
done
$IMG --store /tmp/w/store verify >/tmp/w/verify 2>&1 || { cat /tmp/w/verify; exit 1; }
[ \$STATUS -eq 137 ] || [ -z \"\$(ls tmp)\" ] || { echo \"in tmp is left: \$(ls tmp)\"; exit 1; }
cd / && rm -rf /tmp/w/store /tmp/w/verify
END
    $FAULTS --errno EIO --errno ENOSPC --kill --before 'rm -rf /tmp/w/store; cp -a /tmp/w/base /tmp/w/store' \
      --after 'sh /tmp/w/after' -- $IMG --quiet --store /tmp/w/store $*"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *" 0 bad"* ]]
}

@test "lab04: whatever call of img config fails, or kills it, the store stays whole" {
  store_faults config web --env A=1 --label b=2
}
