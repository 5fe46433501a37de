#!/usr/bin/env bash
# kill_test.sh [PROGRAM]: a real sealdropd is killed with SIGKILL 20 times, at random moments, while curl sends parts. After each
# restart every acknowledged part must still be known; none is sent twice; the files that come of it are downloaded and compared.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh
program=$(readlink -f "${1:-build/release/bin/sealdropd}")
kills=20 parts=32 part_bytes=1048576


work=$(mktemp -d) server=
stop() {
  [ -z "$server" ] || { kill -9 $server && wait $server; } 2>/dev/null
  rm -rf "$work"
}
trap stop EXIT
data=$work/data
port=$(free_port)
url=https://localhost:$port/api/v1
now_ms() { date +%s%3N; }
member() { python3 -c 'import functools, json, sys; print(functools.reduce(lambda o, k: o[k], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"; }
call() { curl -sS --max-time 20 --cacert "$data/tls/cert.pem" "$@" 2>>"$work/curl.log"; }
api() { call -H "authorization: Bearer $token" "$@"; }

slowest=0
start() {
  local begin took
  begin=$(now_ms)
  "$program" serve --data "$data" --listen "127.0.0.1:$port" >>"$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
    if [ "$(call -o /dev/null -w '%{http_code}' "https://localhost:$port/health/ready")" = 200 ]; then
      took=$(($(now_ms) - begin))
      [ $took -le $slowest ] || slowest=$took
      return 0
    fi
    kill -0 $server 2>/dev/null || break
    sleep 0.02
  done
  echo "# the server did not become ready:"
  tail -n 20 "$work/server.log" | sed 's/^/# /'
  return 1
}

# Sends what is not in the list of acknowledged parts, one after the other, until a request fails.
send_parts() {
  local n status
  for ((n = 0; n < parts; n++)); do
    grep -qx $n "$work/acknowledged" && continue
    echo $n >>"$work/sent"
    status=$(api -o /dev/null -w '%{http_code}' -T "$work/part.$(printf %03d $n)" "$url/uploads/$upload/parts/$n") || return 1
    [ "$status" = 204 ] || {
      echo "part $n: $status" >>"$work/refused"
      return 1
    }
    echo $n >>"$work/acknowledged"
  done
}

# Every acknowledged part is in the server's list.
all_known() {
  api "$url/uploads/$upload" >"$work/state.json" || return 1
  python3 - "$work/state.json" "$work/acknowledged" <<'PY'
import json, sys
known = {n for first, last in json.load(open(sys.argv[1]))["received"] for n in range(first, last + 1)}
lost = {int(line) for line in open(sys.argv[2])} - known
if lost:
    print("# lost:", sorted(lost))
sys.exit(bool(lost))
PY
}

new_upload() {
  upload=$(api -H 'content-type: application/json' "$url/uploads" \
    -d "{\"name\":\"source\",\"size\":$((parts * part_bytes - 5)),\"part_size\":$part_bytes}" | member upload_id)
  : >"$work/acknowledged"
}

finish() {
  local file
  all_known || return 1
  send_parts || return 1
  file=$(api -H 'content-type: application/json' -d '{}' "$url/uploads/$upload/complete" | member file.id) || return 1
  api -o "$work/back" "$url/files/$file/download" && cmp "$work/source" "$work/back"
}

head -c $((parts * part_bytes - 5)) /dev/urandom >"$work/source"
split -a 3 -d -b $part_bytes "$work/source" "$work/part."
: >"$work/refused"
mkdir -p "$data"
echo 'a password for the kill test' | "$program" admin create kill@example.com --password-stdin --data "$data" >>"$work/server.log" 2>&1
check account_is_made [ $? = 0 ]
check server_starts start
token=$(call -H 'content-type: application/json' "$url/auth/login" \
  -d '{"email":"kill@example.com","password":"a password for the kill test"}' | member access_token)
new_upload

lost=0 wrong=0 files=0 restarts=0
for ((k = 1; k <= kills; k++)); do
  send_parts &
  sender=$!
  sleep "0.$(printf '%03d' $((RANDOM % 300)))"
  kill -9 $server
  { wait $server; } 2>/dev/null
  wait $sender
  start && restarts=$((restarts + 1)) || break
  all_known || lost=$((lost + 1))
  if [ "$(wc -l <"$work/acknowledged")" = $parts ]; then
    finish || wrong=$((wrong + 1))
    files=$((files + 1))
    new_upload
  fi
done
check "server_comes_back_after_each_of_${kills}_kills" [ $restarts = $kills ]
check no_acknowledged_part_is_lost [ $lost = 0 ]
check no_part_is_refused [ ! -s "$work/refused" ]
finish || wrong=$((wrong + 1))
files=$((files + 1))
check every_download_equals_its_source [ $wrong = 0 ]
sed 's/^/# refused: /' "$work/refused"
echo "# $kills kills, $files files, $(wc -l <"$work/sent") parts sent for $((files * parts)); slowest start to ready $slowest ms"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
