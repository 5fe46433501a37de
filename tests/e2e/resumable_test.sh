#!/usr/bin/env bash
# resumable_test.sh [PROGRAM]: the IETF resumable-upload draft with clients that people have: curl by hand on HTTP/1.1 and HTTP/2, and
# tus-js-client from npm in the drafts it speaks; through a proxy that cuts connections, and with a server that is killed with SIGKILL.
# What was told (104, Upload-Offset) is never taken back and never sent again, and the files that come of it equal their source.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh
program=$(readlink -f "${1:-build/release/bin/sealdropd}")
modules=$PWD/build/npm-tus


work=$(mktemp -d) server='' proxy=''
stop() {
  [ -z "$proxy" ] || kill -9 $proxy 2>/dev/null
  [ -z "$server" ] || { kill -9 $server && wait $server; } 2>/dev/null
  rm -rf "$work"
}
trap stop EXIT
data=$work/data
port=$(free_port) through=$(free_port)
direct=https://localhost:$port url=https://localhost:$through
now_ms() { date +%s%3N; }
member() { python3 -c 'import functools, json, sys; print(functools.reduce(lambda o, k: o[int(k) if k.isdigit() else k], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"; }
call() { curl -sS --max-time 60 --cacert "$data/tls/cert.pem" "$@" 2>>"$work/curl.log"; }
api() { call -H "authorization: Bearer $token" "$@"; }

start() {
  "$program" serve --data "$data" --listen "127.0.0.1:$port" >>"$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
    [ "$(call -o /dev/null -w '%{http_code}' "$direct/health/ready")" = 200 ] && return 0
    kill -0 $server 2>/dev/null || break
    sleep 0.02
  done
  tail -n 20 "$work/server.log" | sed 's/^/# /'
  return 1
}
kill_server() {
  kill -9 $server
  { wait $server; } 2>/dev/null
  start
}
cut() { kill -USR1 $proxy; }
pause() { sleep "0.$(printf '%03d' $(($1 + RANDOM % $2)))"; } # of $1 to $1+$2 ms

# The last value of a field in the heads (interim ones too) that curl has written; nothing when it is not there.
field() { tr -d '\r' <"$2" | sed -n "s/^$1: //Ip" | tail -n 1; }
ask() { # ask PLACE: Upload-Offset and Upload-Complete of an upload
  api -I -o "$work/state" "$direct$1" || return 1
  offset=$(field upload-offset "$work/state") complete=$(field upload-complete "$work/state")
  [ -n "$offset" ]
}

mkdir -p "$data"
echo 'a password for this test' | "$program" admin create who@example.com --password-stdin --data "$data" >>"$work/server.log" 2>&1
check account_is_made [ $? = 0 ]
check server_starts start
token=$(call -H 'content-type: application/json' "$direct/api/v1/auth/login" \
  -d '{"email":"who@example.com","password":"a password for this test"}' | member access_token)
mkdir "$work/proxy"
python3 tests/e2e/proxy.py "$through" "$port" "$work/proxy" &
proxy=$!
for _ in $(seq 100); do [ -e "$work/proxy/ready" ] || sleep 0.05; done
head -c 25000003 /dev/urandom >"$work/source"
size=25000003

same() { # same FILE-ID: it equals the source
  api -o "$work/back" "$direct/api/v1/files/$1/download" && cmp -s "$work/source" "$work/back"
}

# ---- curl, by hand ----

# by_hand VERSION HTTP: one upload with four interruptions, the second of which kills the server.
by_hand() {
  local version=$1 http=$2 place='' told=0 status n sender
  echo 12000000 >"$work/proxy/rate"
  for ((n = 0; n < 5; n++)); do
    : >"$work/head"
    if [ -z "$place" ]; then
      api "$http" -X POST -T "$work/source" -D "$work/head" -o "$work/answer" -H "upload-draft-interop-version: $version" \
        -H 'upload-complete: ?1' "$url/api/v1/files/upload?name=by-hand-$version" &
    else
      ask "$place" || return 1
      [ "$offset" -ge "$told" ] || { echo "# told $told, then $offset"; return 1; }
      tail -c +$((offset + 1)) "$work/source" >"$work/rest"
      api "$http" -X PATCH -T "$work/rest" -D "$work/head" -o "$work/answer" -H "upload-draft-interop-version: $version" \
        -H 'content-type: application/partial-upload' -H "upload-offset: $offset" -H 'upload-complete: ?1' "$url$place" &
    fi
    sender=$!
    if [ $n = 4 ]; then
      rm -f "$work/proxy/rate"
    elif [ $n = 1 ]; then
      pause 300 600
      kill_server || return 1
      cut
    else
      pause 300 600
      cut
    fi
    wait $sender
    [ -n "$place" ] || place=$(field location "$work/head")
    [ -n "$place" ] || { echo "# no place was told"; return 1; }
    status=$(field upload-offset "$work/head")
    [ -z "$status" ] || told=$status
    grep -qi '^HTTP/[12.]* 201' "$work/head" && break
  done
  grep -qi '^HTTP/[12.]* 104' "$work/head" || [ $n -lt 4 ] || grep -qi '^HTTP/[12.]* 201' "$work/head" || return 1
  [ "$(field upload-complete "$work/head")" = '?1' ] && same "$(member file.id <"$work/answer")"
}
check curl_by_hand_version_8_http_1 by_hand 8 --http1.1
check curl_by_hand_version_8_http_2 by_hand 8 --http2
check curl_by_hand_version_6_http_1 by_hand 6 --http1.1
check curl_by_hand_version_6_http_2 by_hand 6 --http2

# The heads of one upload in one go: 104 with the place, 100 because curl asked (on HTTP/2 it does not wait for it, and there is none
# when its first bytes are there already), 104 with growing offsets, 201.
order() {
  echo 12000000 >"$work/proxy/rate"
  api "$1" -X PUT -T "$work/source" -D "$work/head" -o "$work/answer" -H 'expect: 100-continue' -H 'upload-draft-interop-version: 8' \
    "$url/api/v1/files/upload?name=order"
  rm -f "$work/proxy/rate"
  python3 - "$work/head" $size "${1#--http}" <<'PY'
import sys
heads = [h.split("\r\n") for h in open(sys.argv[1], newline="").read().split("\r\n\r\n") if h]
kinds = [h[0].split()[1] for h in heads]
fields = [dict(line.lower().split(": ", 1) for line in h[1:]) for h in heads]
offsets = [int(f["upload-offset"]) for k, f in zip(kinds, fields) if k == "104" and "upload-offset" in f]
asked = kinds[1:2] == ["100"]
good = (kinds[0] == "104" and "location" in fields[0] and "max-age=" in fields[0]["upload-limit"]
        and fields[0]["upload-draft-interop-version"] == "8" and kinds[-1] == "201"
        and kinds[1 + asked:-1] == ["104"] * len(offsets)
        and (asked or sys.argv[3] == "2") and offsets == sorted(set(offsets)) and len(offsets) >= 2
        and fields[-1]["location"] == fields[0]["location"] and fields[-1]["upload-complete"] == "?1"
        and fields[-1]["upload-offset"] == sys.argv[2] and not any("location" in f for f in fields[1:-1]))
if not good:
    print("#", kinds, fields)
sys.exit(not good)
PY
}
check interim_answers_in_order_http_1 order --http1.1
check interim_answers_in_order_http_2 order --http2

# An old connection that is not cut but silent: the newer request does not wait for it.
black_hole() {
  local place took
  echo 8000000 >"$work/proxy/rate"
  api -X POST -T "$work/source" -D "$work/head" -o /dev/null -H 'upload-draft-interop-version: 8' \
    "$url/api/v1/files/upload?name=hole" &
  local sender=$!
  sleep 1
  kill -STOP $proxy
  place=$(field location "$work/head")
  took=$(now_ms)
  ask "$place" || return 1
  took=$(($(now_ms) - took))
  echo "# the offset after $took ms, with the old connection open: $offset of $size"
  tail -c +$((offset + 1)) "$work/source" >"$work/rest"
  api -X PATCH -T "$work/rest" -o "$work/answer" -H 'content-type: application/partial-upload' -H "upload-offset: $offset" \
    -H 'upload-complete: ?1' "$direct$place"
  kill -CONT $proxy
  cut
  wait $sender
  rm -f "$work/proxy/rate"
  [ "$offset" -gt 1000000 ] && [ $took -lt 1000 ] && same "$(member file.id <"$work/answer")"
}
check a_silent_connection_holds_nobody_up black_hole

# ---- tus-js-client ----

if [ ! -d "$modules/node_modules/tus-js-client" ]; then
  mkdir -p "$modules" && cp tests/e2e/tus-client/package.json "$modules" &&
    (cd "$modules" && npm install --no-audit --no-fund --silent >"$work/npm" 2>&1) ||
    { cat "$work/npm"; echo "DID NOT RUN: npm has no tus-js-client here"; exit 1; }
fi

# by_tus PROTOCOL CHUNK: cuts at random moments, one of them a kill of the server.
by_tus() {
  local name=tus-$1-$2 place n
  echo 15000000 >"$work/proxy/rate"
  NODE_EXTRA_CA_CERTS=$data/tls/cert.pem node tests/e2e/resumable.mjs "$modules" "$url/api/v1/files/upload?name=$name" "$token" \
    "$work/source" "$1" "$2" >"$work/tus" 2>>"$work/tus.log" &
  local client=$!
  for n in 1 2 3 4 5 6; do
    pause 100 400
    kill -0 $client 2>/dev/null || break
    if [ $n = 3 ]; then
      kill_server || return 1
    fi
    cut
  done
  rm -f "$work/proxy/rate"
  wait $client || { tail -n 3 "$work/tus.log"; return 1; }
  sed 's/^/# /' "$work/tus"
  [ "$(member back <"$work/tus")" = 0 ] && [ "$(member retries <"$work/tus")" -gt 0 ] || return 1
  place=$(member url <"$work/tus")
  ask "${place#"$url"}" || return 1
  # All bytes are there, but the answer to the last request was lost: this client then believes that it is through. Completion is
  # explicit in the draft: an empty last request makes it so.
  [ "$complete" = '?1' ] || echo "# completed by hand"
  [ "$offset" = $size ] || return 1
  api -X PATCH -o "$work/answer" -H 'content-type: application/partial-upload' -H "upload-offset: $offset" -H 'upload-complete: ?1' \
    "${place/"$url"/"$direct"}" && same "$(member file.id <"$work/answer")"
}
check tus_js_client_draft_05_one_request by_tus ietf-draft-05 Infinity
check tus_js_client_draft_05_chunks by_tus ietf-draft-05 3000000
check tus_js_client_draft_03_chunks by_tus ietf-draft-03 3000000

echo "$passed passed, $failed failed"
[ $failed = 0 ]
