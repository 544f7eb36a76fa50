# registry.bats - lab04: `img pull` and `img push`, with a registry that lies when it is
# told to (registry.c).
load helper

# The registry's files, and its rules (registry.h says what they look like).
REGISTRY=

make_registry() {
  setup_store
  REGISTRY=$WORK/registry
  mkdir "$REGISTRY"
  make_image "$REGISTRY/a/b" 1
}

# put DIR FILE: a blob of DIR; prints its descriptor's digest and size.
put() {
  local digest
  digest=sha256:$(sha256sum <"$2" | cut -d' ' -f1)
  mkdir -p "$1/blobs"
  cp "$2" "$1/blobs/$digest"
  printf '"digest":"%s","size":%d' "$digest" "$(stat -c %s "$2")"
}

# make_image DIR TAG: of two layers, with contents that are new each time.
make_image() {
  local i layers=() ids=() manifest=$1/manifests/$2 type=application/vnd.oci.image
  mkdir -p "$WORK/tree" "$1/manifests"
  for i in 1 2; do
    head -c 100000 /dev/urandom >"$WORK/tree/file$i"
    tar -C "$WORK/tree" -cf "$WORK/layer" "file$i"
    layers+=("{\"mediaType\":\"$type.layer.v1.tar\",$(put "$1" "$WORK/layer")}")
    ids+=("\"sha256:$(sha256sum <"$WORK/layer" | cut -d' ' -f1)\"")
  done
  # The same architecture as this machine has: the test asks nobody for it.
  printf '{"os":"linux","architecture":"%s","rootfs":{"type":"layers","diff_ids":[%s,%s]}}' \
    "$(architecture)" "${ids[@]}" >"$WORK/config"
  printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"%s.config.v1+json",%s},"layers":[%s,%s]}' \
    "$type" "$type" "$(put "$1" "$WORK/config")" "${layers[@]}" >"$manifest"
  printf %s "$type.manifest.v1+json" >"$manifest.type"
  rm -r "$WORK/tree" "$WORK/layer" "$WORK/config"
}

# What Go, and so every image, calls this machine's processor.
architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
  esac
}

# rule TEXT...: a line of the rules.
rule() {
  echo "$*" >>"$REGISTRY/rules"
}

# start: HERE is its address then.
start() {
  local end=$((SECONDS + 10))
  rm -f "$REGISTRY/port"
  "${PROBE%/*}/registry" "$REGISTRY" 3>&- </dev/null >/dev/null 2>&1 &
  REGISTRY_PID=$!
  disown
  until [ -s "$REGISTRY/port" ]; do
    ((SECONDS < end)) || return 1
    sleep 0.01
  done
  HERE=127.0.0.1:$(cat "$REGISTRY/port")
}

stop() {
  kill -9 "$REGISTRY_PID" 2>/dev/null || true
  REGISTRY_PID=
}

teardown_lab() {
  [ -z "${REGISTRY_PID:-}" ] || stop
}

# whole COUNT: so many blobs are in the store, each called by its digest, and nothing in tmp.
whole() {
  local file
  for file in "$STORE"/blobs/sha256/*; do
    [ -e "$file" ] || continue
    same "the digest of a blob" "${file##*/}" "$(sha256sum <"$file" | cut -d' ' -f1)"
  done
  same "blobs in the store" "$1" "$(find "$STORE/blobs/sha256" -type f | wc -l)"
  same "files in the store's tmp" "" "$(ls "$STORE/tmp")"
}

# is_called NAME: in the store's index.json.
is_called() {
  grep -qF "\"org.opencontainers.image.ref.name\":\"$1\"" "$STORE/index.json" ||
    fail_with "index.json names $1" "$(cat "$STORE/index.json")"
}

@test "4.7 img pull brings an image, and calls it by its reference" {
  make_registry
  start
  try tool pull "$HERE/a/b:1"
  expect_status 0
  expect_out ""
  whole 4
  is_called "$HERE/a/b:1"
  try tool pull --name "mine$MARK" "$HERE/a/b:1"
  expect_status 0
  is_called "mine$MARK"
  is_called "$HERE/a/b:1"
}

@test "4.7 img push brings an image to where it is called otherwise" {
  make_registry
  start
  try tool pull "$HERE/a/b:1"
  expect_status 0
  try tool push "$HERE/c/d/e:x$MARK" "$HERE/a/b:1"
  expect_status 0
  cmp "$REGISTRY/a/b/manifests/1" "$REGISTRY/c/d/e/manifests/x$MARK" ||
    fail_with "the registry has the manifest as c/d/e:x$MARK" "it has not"
  same "blobs in c/d/e" "$(ls "$REGISTRY/a/b/blobs")" "$(ls "$REGISTRY/c/d/e/blobs")"
  # It was in the same registry all the time.
  same "uploads of what is in a/b already" 0 "$(grep -c $'^PUT\t.*/blobs/' "$REGISTRY/log")"
}

@test "4.7 img pull --auth gives user and password where they are wanted" {
  make_registry
  rule "GET /v2/ 0 auth Basic $(printf %s "user:pass$MARK" | base64)|Basic realm=\"here\""
  start
  try tool pull "$HERE/a/b:1"
  expect_status 125
  expect_said "\(.*--auth"
  printf 'user:pass%s\n' "$MARK" >"$WORK/auth"
  try tool pull --auth "$WORK/auth" "$HERE/a/b:1"
  expect_status 0
  whole 4
  echo "user:wrong" >"$WORK/auth"
  try tool pull --auth "$WORK/auth" --name other "$HERE/a/b:1"
  expect_status 125
  rm "$WORK/auth"
}

@test "4.7 img pull goes on where it was cut off" {
  make_registry
  rule "GET /blobs/ 4 cut 30000"
  start
  try tool pull "$HERE/a/b:1"
  expect_status 0
  whole 4
  grep -q $'\tfrom=30000\t' "$REGISTRY/log" ||
    fail_with "a request for the rest of a blob (Range: bytes=30000-)" "none"
}

# lied_to WHAT MESSAGE RULE...: where the registry lies so, the store stays as it is.
lied_to() {
  local what=$1 message=$2 rule index blobs
  shift 2
  index=$(cat "$STORE/index.json")
  blobs=$(ls "$STORE/blobs/sha256")
  rm -f "$REGISTRY/rules"
  for rule; do rule "$rule"; done
  start
  try timeout 30 "${ARMS_LENGTH[@]}" "$TOOL" pull --name lie "$HERE/a/b:1" 3>&-
  stop
  # shellcheck disable=SC2034
  LAST="img pull, where the registry lies: $what"
  expect_status 125 || return
  expect_said "^img: .*($message)" || return
  same "index.json" "$index" "$(cat "$STORE/index.json")" || return
  same "files in the store's tmp" "" "$(ls "$STORE/tmp")" || return
  # Whole blobs of an image that was not finished may be there.
  whole "$(find "$STORE/blobs/sha256" -type f | wc -l)" || return
  for rule in $blobs; do
    [ -e "$STORE/blobs/sha256/$rule" ] || fail_with "the blob $rule is still there" "it is gone" || return
  done
  find "$STORE/blobs/sha256" -type f -newer "$WORK/before" -delete
}

# The registry has another image than the store by now; LAYER is a layer of it.
make_liar() {
  make_registry
  start
  try tool pull --name before "$HERE/a/b:1"
  expect_status 0
  stop
  rm -r "$REGISTRY/a" "$REGISTRY/log"
  make_image "$REGISTRY/a/b" 1
  LAYER=$(find "$REGISTRY/a/b/blobs" -size +50k | head -1)
  LAYER=${LAYER##*/}
  touch "$WORK/before"
}

@test "4.7 img pull believes no registry that lies about a layer" {
  make_liar
  lied_to "wrong bytes" . "GET $LAYER 0 wrong"
  lied_to "too short" . "GET $LAYER 0 add -1"
  lied_to "too long" . "GET $LAYER 0 add 1"
  lied_to "a layer of 10 GB" . "GET $LAYER 0 huge"
}

@test "4.7 img pull believes no registry that lies about a manifest" {
  make_liar
  lied_to "a manifest of 10 GB" "bytes" "GET /manifests/ 0 huge"
  lied_to "a manifest without end" "bytes" "GET /manifests/ 0 flood"
  lied_to "another digest" . "GET /manifests/ 0 digest sha256:$(sha256sum <<<"$MARK" | cut -d' ' -f1)"
}

@test "4.7 img pull is not sent astray" {
  make_liar
  lied_to "a redirect in a circle" "redirects" "GET $LAYER 0 redirect /v2/a/b/blobs/$LAYER"
  lied_to "a redirect to a file" "file:///etc/passwd" "GET $LAYER 0 redirect file:///etc/passwd"
  lied_to "a redirect to another machine, by http" "encryption" "GET $LAYER 0 redirect http://192.0.2.1/x"
  lied_to "no such blob" "not found" "GET $LAYER 0 status 404"
  lied_to "cut each time" "$LAYER" "GET $LAYER 0 drop"
}

@test "4.7 img says what is wrong with a reference, and that there is no registry" {
  setup_store
  try tool pull "$MARK//x"
  expect_status 125
  expect_said "^img: ."
  try tool pull "https://127.0.0.1:1/x"
  expect_status 125
  expect_said "^img: ."
  try tool pull 127.0.0.1:1/x
  expect_status 125
  expect_said "^img: .*127\\.0\\.0\\.1.*(refused|connect)"
}
