# lab04-registry.bats - img against a real registry (Debian's docker-registry), and beside
# skopeo. All of it is in a cage: with a loopback link and an /etc of its own.
load helper

# in_cage FUNCTION: run one of the functions below in a cage, as the caller.
in_cage() {
  local tool
  for tool in docker-registry skopeo; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
  done
  run "$CAGE" --time 120 --memory 3000 --processes 1000 -- bash -c "set -euo pipefail
$(declare -f); IMG=$PWD/build/solution/lab04/img; WORK=/tmp/work; mkdir \$WORK; cd \$WORK
export IMG_STORE=\$WORK/store HOME=\$WORK; trap stop_all EXIT; $1; echo all is well"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"all is well" ]]
}

# The same as an ordinary user.
in_cage_user() {
  local CAGE=$TEMP/tree/$CAGE
  need_root
  user_tree
  run as_user env TEMP="$TEMP" bash -c "$(declare -f)
run() { output=\$(\"\$@\" 2>&1) && status=0 || status=\$?; }; skip() { exit 0; }
cd $TEMP/tree && CAGE=$CAGE && in_cage $1"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"all is well" ]]
}

# ---- from here on: in the cage ----

# start_registry NAME [YAML LINE]...: HERE is its address then.
start_registry() {
  local name=$1 end=$((SECONDS + 20)) line
  shift
  mkdir "$WORK/$name"
  {
    echo "version: 0.1"
    echo "log: {level: info, accesslog: {disabled: false}}"
    echo "storage: {filesystem: {rootdirectory: $WORK/$name/data}}"
    for line; do echo "$line"; done
    [[ $* == *http:* ]] || echo "http: {addr: '127.0.0.1:0'}"
  } >"$WORK/$name/config.yml"
  docker-registry serve "$WORK/$name/config.yml" >"$WORK/$name/log" 2>&1 &
  until HERE=$(sed -n 's/.*listening on \([0-9.:]*[0-9]\).*/\1/p' "$WORK/$name/log") && [ -n "$HERE" ]; do
    ((SECONDS < end)) || { cat "$WORK/$name/log"; return 1; }
    sleep 0.05
  done
}

stop_all() {
  local pids
  pids=$(jobs -p)
  # shellcheck disable=SC2086
  [ -z "$pids" ] || kill -9 $pids
}

# asked_for PATTERN: how many requests of the registry's log.
asked_for() {
  grep -cE "$2" "$WORK/$1/log" || true
}

# make_image NAME: of one layer.
make_image() {
  mkdir -p "$WORK/root"
  echo "$RANDOM" >"$WORK/root/file"
  "$IMG" --quiet import "$WORK/root" "$1" >/dev/null
  rm -r "$WORK/root"
}

# make_large_image DIR: an image layout of skopeo's that has several layers.
make_large_image() {
  local i oci=application/vnd.oci.image config layers=() ids=()
  mkdir -p "$1/blobs/sha256"
  for i in 1 2 3 4; do
    head -c 2000000 /dev/urandom >"$WORK/file$i"
    tar -C "$WORK" -cf "$WORK/tar" "file$i"
    ids+=("\"sha256:$(sha256sum <"$WORK/tar" | cut -d' ' -f1)\"")
    layers+=("{\"mediaType\":\"$oci.layer.v1.tar\",$(keep "$1" "$WORK/tar")}")
  done
  printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$(dpkg --print-architecture)" "$(IFS=,; echo "${ids[*]}")" >"$WORK/json"
  config=$(keep "$1" "$WORK/json")
  printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[%s]}' \
    $oci.manifest.v1+json $oci.config.v1+json "$config" "$(IFS=,; echo "${layers[*]}")" >"$WORK/json"
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s",%s,"annotations":{"org.opencontainers.image.ref.name":"large"}}]}' \
    $oci.manifest.v1+json "$(keep "$1" "$WORK/json")" >"$1/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
}

# keep DIR FILE: put it into a layout. Prints "digest": ..., "size": ...
keep() {
  local sum
  sum=$(sha256sum <"$2" | cut -d' ' -f1)
  cp "$2" "$1/blobs/sha256/$sum"
  echo "\"digest\":\"sha256:$sum\",\"size\":$(stat -c %s "$2")"
}

copy() {
  copy_as --preserve-digests "$@"
}

# copy_as OPTION FROM TO
copy_as() {
  # Else it looks for signatures where only root may.
  mkdir -p "$WORK/none"
  echo "default-docker: {sigstore: 'file://$WORK/none', sigstore-staging: 'file://$WORK/none'}" >"$WORK/none/default.yaml"
  skopeo --insecure-policy --registries.d "$WORK/none" copy --quiet --src-tls-verify=false --dest-tls-verify=false "$@"
}

# manifest_of LAYOUT: the digest of its only image.
manifest_of() {
  grep -o '"digest":"sha256:[0-9a-f]*"' "$1/index.json" | head -1 | cut -d'"' -f4
}

both_ways() {
  start_registry registry
  # img pushes, skopeo pulls.
  make_image mine
  "$IMG" push "$HERE/team/mine:1" mine
  copy "docker://$HERE/team/mine:1" "oci:$WORK/skopeo:mine"
  [ "$(manifest_of "$WORK/skopeo")" = "$(manifest_of "$WORK/store")" ]
  # skopeo pushes, img pulls.
  make_large_image "$WORK/large"
  copy "oci:$WORK/large:large" "docker://$HERE/team/large:2"
  "$IMG" pull --name large "$HERE/team/large:2"
  "$IMG" verify large
  "$IMG" list | grep -q "large.*$(manifest_of "$WORK/large" | cut -c8-19)"
  # By digest, too; and then img pushes that to where skopeo gets it from.
  "$IMG" pull --name again "$HERE/team/large@$(manifest_of "$WORK/large")"
  "$IMG" push "$HERE/other/large:3" again
  copy "docker://$HERE/other/large:3" "oci:$WORK/back:large"
  [ "$(manifest_of "$WORK/back")" = "$(manifest_of "$WORK/large")" ]
}

docker_types() {
  start_registry registry
  make_large_image "$WORK/large"
  copy_as --format=v2s2 "oci:$WORK/large:large" "docker://$HERE/large:2"
  "$IMG" pull "$HERE/large:2"
  "$IMG" verify "$HERE/large:2"
  "$IMG" push "$HERE/copy:2" "$HERE/large:2"
  skopeo inspect --raw --tls-verify=false "docker://$HERE/copy:2" |
    cmp - <(skopeo inspect --raw --tls-verify=false "docker://$HERE/large:2")
}

mounts() {
  start_registry registry
  make_large_image "$WORK/large"
  copy "oci:$WORK/large:large" "docker://$HERE/base:1"
  "$IMG" pull "$HERE/base:1"
  "$IMG" push "$HERE/team/derived:1" "$HERE/base:1"
  [ "$(asked_for registry '"POST /v2/team/derived/blobs/uploads/\?.*mount=.*" 201')" -eq 5 ]
  [ "$(asked_for registry '"(PUT|PATCH) /v2/team/derived/blobs/')" -eq 0 ]
  skopeo inspect --tls-verify=false "docker://$HERE/team/derived:1" >/dev/null
}

# A relay that cuts the first six connections, each after 700,000 bytes.
relay() {
  export UPSTREAM=${HERE/:/ }
  cat >"$WORK/cut" <<'END'
#!/bin/sh
exec 9>>"$HOME/cuts"
if flock 9 sh -c 'echo >&9; [ "$(wc -l <"$HOME/cuts")" -gt 6 ]'; then
  exec busybox nc $UPSTREAM 9>&-
fi
busybox nc $UPSTREAM 9>&- | stdbuf -o0 head -c 700000
END
  chmod 755 "$WORK/cut"
  busybox nc -ll -p 4999 -e "$WORK/cut" &
  sleep 0.3
}

resumes() {
  local whole
  start_registry registry
  make_large_image "$WORK/large"
  copy "oci:$WORK/large:large" "docker://$HERE/large:1"
  relay
  "$IMG" pull --name large "127.0.0.1:4999/large:1"
  "$IMG" verify large
  # The rest of a blob (206), not the whole of it once more.
  [ "$(asked_for registry '"GET /v2/large/blobs/.*" 206')" -ge 4 ]
  whole=$(grep -oE '"GET /v2/large/blobs/[^ ]* HTTP/1.1" 200' "$WORK/registry/log" | sort | uniq -d)
  [ -z "$whole" ]
}

passwords() {
  # crypt(5), bcrypt, of "secret".
  echo 'user:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a' >"$WORK/htpasswd"
  start_registry registry "auth: {htpasswd: {realm: here, path: $WORK/htpasswd}}"
  make_image mine
  echo user:secret >"$WORK/auth"
  echo user:wrong >"$WORK/not"
  "$IMG" push --auth "$WORK/auth" "$HERE/mine:1" mine
  "$IMG" pull --auth "$WORK/auth" --name back "$HERE/mine:1"
  ! "$IMG" pull --name none "$HERE/mine:1" 2>"$WORK/said"
  grep -q "wants a user.*--auth" "$WORK/said"
  ! "$IMG" pull --auth "$WORK/not" --name none "$HERE/mine:1" 2>"$WORK/said"
  grep -q "401.*--auth" "$WORK/said"
  ! "$IMG" list | grep -q none
}

encrypted() {
  local name=registry.test
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key" -out "$WORK/certificate" \
    -days 2 -subj "/CN=$name" -addext "subjectAltName=DNS:$name" 2>/dev/null
  echo "127.0.0.1 $name" >>/etc/hosts
  start_registry registry \
    "http: {addr: '127.0.0.1:0', tls: {certificate: $WORK/certificate, key: $WORK/key}}"
  make_image mine
  # Nobody that we trust has signed it.
  ! "$IMG" push "$name:${HERE#*:}/mine:1" mine 2>"$WORK/said"
  grep -q "certificate.*SSL_CERT_FILE" "$WORK/said"
  export SSL_CERT_FILE=$WORK/certificate
  "$IMG" push "$name:${HERE#*:}/mine:1" mine
  "$IMG" pull --name back "$name:${HERE#*:}/mine:1"
  "$IMG" verify back
  # It is somebody else's.
  echo "127.0.0.1 other.test" >>/etc/hosts
  ! "$IMG" pull --name none "other.test:${HERE#*:}/mine:1" 2>"$WORK/said"
  grep -q "certificate" "$WORK/said"
}

@test "lab04 and docker-registry: img and skopeo get what the other has pushed" {
  in_cage both_ways
}

@test "lab04 and docker-registry: the same for a user" {
  in_cage_user both_ways
}

@test "lab04 and docker-registry: Docker's media types, there and back" {
  in_cage docker_types
}

@test "lab04 and docker-registry: layers are mounted across repositories" {
  in_cage mounts
}

@test "lab04 and docker-registry: a connection that is cut is taken up again" {
  in_cage resumes
}

@test "lab04 and docker-registry: user and password" {
  in_cage passwords
}

@test "lab04 and docker-registry: encrypted, and with whose certificate" {
  in_cage encrypted
}
