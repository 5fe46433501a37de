#!/usr/bin/env bash
# tus_test.sh [BINARIES]: the tus door with real clients: tus-js-client in Node.js and curl, through a proxy that cuts connections, and
# with a server that is killed. What was acknowledged is never sent again; what comes out is what went in. The folder of sealdropd:
# build/dev/bin when it is not given. The client is installed to build/npm-tus once.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh
bin=$(readlink -f "${1:-build/dev/bin}")
modules=$PWD/build/npm-tus


work=$(mktemp -d) server='' proxy='' client=''
stop() {
  [ -z "$client" ] || kill $client 2>/dev/null
  [ -z "$proxy" ] || kill $proxy 2>/dev/null
  [ -z "$server" ] || { kill -9 $server && wait $server; } 2>/dev/null
  rm -rf "$work"
}
trap stop EXIT
data=$work/data
port=$(free_port) through=$(free_port)
url=https://localhost:$port
member() { python3 -c 'import functools, json, sys; print(functools.reduce(lambda o, k: o[k], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"; }
call() { curl -sS --max-time 30 --cacert "$data/tls/cert.pem" "$@" 2>>"$work/curl.log"; }
api() { call -H "authorization: Bearer $TOKEN" "$@"; }
tus() { api -H 'tus-resumable: 1.0.0' "$@"; }
header() { tr -d '\r' <"$work/head" | sed -n "s/^$1: //Ip" | tail -n 1; }

if [ ! -d "$modules/node_modules/tus-js-client" ]; then
  mkdir -p "$modules" && cp tests/e2e/tus/package.json "$modules/" &&
    (cd "$modules" && npm install --no-audit --no-fund --silent >"$work/npm" 2>&1) ||
    { cat "$work/npm"; echo "DID NOT RUN: npm has no tus-js-client here"; exit 1; }
fi

start() {
  "$bin/sealdropd" serve --data "$data" --listen "127.0.0.1:$port" >>"$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
    [ "$(call -o /dev/null -w '%{http_code}' "$url/health/ready")" = 200 ] && return 0
    kill -0 $server 2>/dev/null || break
    sleep 0.02
  done
  tail -n 20 "$work/server.log" | sed 's/^/# /'
  return 1
}

# The file with this id is the source.
same() {
  [ -n "$1" ] && api -o "$work/back" "$url/api/v1/files/$1/download" && cmp "$2" "$work/back" &&
    [ "$(api "$url/api/v1/files/$1" | member file.type)" = "${3:-application/x-tus-test}" ]
}

# upload MODE PORT FILE: in the background; its answer in $work/MODE.out
upload() {
  NODE_EXTRA_CA_CERTS=$data/tls/cert.pem node tests/e2e/tus/client.mjs "$modules" "https://localhost:$2/tus" "$3" "$1" \
    >"$work/$1.out" 2>"$work/$1.err" &
  client=$!
}
finished() { # waits for the client
  wait $client
  local status=$?
  client=''
  sed 's/^/# /' "$work/$1.err"
  return $status
}

# cuts MODE N: cuts all connections N times at random moments while the client works.
cuts() {
  local n
  for ((n = 0; n < $2; n++)); do
    sleep "0.$(printf '%03d' $((100 + RANDOM % 400)))"
    kill -0 $client 2>/dev/null || return 1
    kill -USR1 $proxy
  done
}

size=25000000
head -c $size /dev/urandom >"$work/source"
mkdir -p "$data" "$work/proxy"
echo 'a password for the tus test' | "$bin/sealdropd" admin create tus@example.com --password-stdin --data "$data" >>"$work/server.log" 2>&1
check account_is_made [ $? = 0 ]
check server_starts start
sign_in() {
  TOKEN=$(call -H 'content-type: application/json' "$url/api/v1/auth/login" \
    -d '{"email":"tus@example.com","password":"a password for the tus test"}' | member access_token)
  export TOKEN
}
sign_in
python3 tests/e2e/proxy.py "$through" "$port" "$work/proxy" &
proxy=$!
for _ in $(seq 100); do [ -e "$work/proxy/ready" ] && break; sleep 0.05; done

# ---- straight ----
for mode in plain chunks parallel deferred; do
  upload $mode "$port" "$work/source"
  check "${mode}_upload_ends" finished $mode
  check "${mode}_upload_is_the_source" same "$(cat "$work/$mode.out")" "$work/source"
done

# ---- cut at random places ----
echo 6000000 >"$work/proxy/rate"
for mode in plain parallel; do
  before=$(cat "$work/proxy/up")
  upload $mode "$through" "$work/source"
  check "${mode}_connections_are_cut" cuts $mode 6
  check "${mode}_upload_ends_after_cuts" finished $mode
  check "${mode}_upload_is_the_source_after_cuts" same "$(cat "$work/$mode.out")" "$work/source"
  sleep 0.2
  sent=$(($(cat "$work/proxy/up") - before))
  echo "# $mode: $sent bytes sent for $size"
  # The rest is TLS and heads; a cut loses what is in no whole record yet.
  check "${mode}_sends_nothing_twice" [ $sent -lt $((size + size / 100 + 6 * 4 * 200000)) ]
done

# ---- a server that is killed ----
upload plain "$through" "$work/source"
kills=0
for _ in 1 2 3; do
  sleep "0.$(printf '%03d' $((200 + RANDOM % 600)))"
  kill -0 $client 2>/dev/null || break
  kill -9 $server
  { wait $server; } 2>/dev/null
  start || break
  kills=$((kills + 1))
done
check server_was_killed_in_mid_upload [ $kills = 3 ]
check upload_ends_after_kills finished plain
check upload_is_the_source_after_kills same "$(cat "$work/plain.out")" "$work/source"

# ---- by hand ----
tus -D "$work/head" -o /dev/null -X POST -H "upload-length: $size" -H 'upload-metadata: filename Y3VybA==,filetype YXBwbGljYXRpb24veC10dXMtdGVzdA==' "$url/tus"
place=$(header location)
check curl_creates [ -n "$place" ]
told=0 wrong=0 bodies=0
while [ "$told" -lt $size ] && [ $bodies -lt 60 ]; do
  tail -c +$((told + 1)) "$work/source" >"$work/rest"
  curl -sS --cacert "$data/tls/cert.pem" --limit-rate 8M --max-time "0.$((4 + RANDOM % 5))" -o /dev/null -X PATCH \
    -H "authorization: Bearer $TOKEN" -H 'tus-resumable: 1.0.0' -H 'content-type: application/offset+octet-stream' \
    -H "upload-offset: $told" --data-binary "@$work/rest" "$url$place" 2>>"$work/curl.log"
  tus -D "$work/head" -o /dev/null -I "$url$place"
  now=$(header upload-offset)
  [ "${now:-0}" -ge "$told" ] || wrong=$((wrong + 1))
  told=${now:-0}
  bodies=$((bodies + 1))
done
echo "# curl: $bodies bodies"
check curl_goes_on_where_it_was_cut [ "$told" = $size ]
check offsets_never_go_back [ $wrong = 0 ]
check curl_upload_is_the_source same "$(header sealdrop-file-id)" "$work/source"

# A silent connection holds nobody up: the new request has its answer within a second.
tus -D "$work/head" -o /dev/null -X POST -H "upload-length: $size" "$url/tus"
place=$(header location)
echo 1000000 >"$work/proxy/rate"
curl -sS --cacert "$data/tls/cert.pem" -o /dev/null -X PATCH -H "authorization: Bearer $TOKEN" -H 'tus-resumable: 1.0.0' \
  -H 'content-type: application/offset+octet-stream' -H 'upload-offset: 0' --data-binary "@$work/source" \
  "https://localhost:$through$place" 2>>"$work/curl.log" &
client=$!
sleep 1.5
kill -STOP $proxy
begin=$(date +%s%3N)
tus -D "$work/head" -o /dev/null -I "$url$place"
took=$(($(date +%s%3N) - begin))
kill -CONT $proxy
echo "# taken over in $took ms at $(header upload-offset)"
check a_dead_connection_is_taken_over_within_a_second [ $took -lt 1000 ]
check what_it_had_sent_is_kept [ "$(header upload-offset)" -gt 0 ]

echo "$passed passed, $failed failed"
[ $failed = 0 ]
