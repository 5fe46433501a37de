#!/usr/bin/env bash
# limits_test.sh [BINARIES]: tries are used up at a real server, which is then killed with SIGKILL: after the start the door is still shut,
# and says for how long.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh
bin=$(readlink -f "${1:-build/dev/bin}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/sealdrop-limits-XXXXXX")
server=
stop() {
  [ -z "$server" ] || { kill -9 "$server" && wait "$server"; } 2>/dev/null
  rm -rf "$dir"
}
trap stop EXIT
port=$(free_port)
url=https://localhost:$port
start_server() {
  "$bin/sealdropd" serve --data "$dir/data" --listen "127.0.0.1:$port" >>"$dir/log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    curl -skf "$url/health" >/dev/null && return
    sleep 0.1
  done
}
kill_server() {
  { kill -9 "$server" && wait "$server"; } 2>/dev/null
  server=
}
sign_in() { # sign_in ADDRESS EMAIL: the status; the head is in $dir/head
  curl -sk --interface "$1" -o /dev/null -D "$dir/head" -w '%{http_code}' -H 'content-type: application/json' \
    -d "{\"email\":\"$2\",\"password\":\"guess guess guess\"}" "$url/api/v1/auth/login"
}
exhaust() { # exhaust ADDRESS: how many were let through
  local n=0
  while [ "$(sign_in "$1" "u$n@example.com")" = 401 ] && [ $n -lt 50 ]; do n=$((n + 1)); done
  echo $n
}
wait_s() { sed -n 's/^retry-after: \([0-9]*\).*/\1/Ip' "$dir/head"; }
still_waits() { [ "${1:-0}" -ge 1 ] && [ "$1" -le 60 ]; }

export SEALDROP_SECURITY_PASSWORD_MEMORY=19456K SEALDROP_SECURITY_PASSWORD_PASSES=1
export SEALDROP_LIMITS_LOGINS_PER_ADDRESS=2 SEALDROP_LIMITS_LOGINS=3
start_server
check tries_of_an_address is "$(exhaust 127.0.0.1)" 2
kill_server
start_server
check still_shut_after_a_kill is "$(sign_in 127.0.0.1 new@example.com)" 429
check says_for_how_long still_waits "$(wait_s)"
check other_addresses_have_what_is_left is "$(exhaust 127.0.0.2)" 1
kill_server
start_server
check everybody_together_after_a_kill is "$(sign_in 127.0.0.3 new@example.com)" 429
check says_for_how_long_too still_waits "$(wait_s)"
kill_server
SEALDROP_LIMITS_LOGINS_PER_ADDRESS=0 "$bin/sealdropd" serve --data "$dir/data" --listen "127.0.0.1:$port" >"$dir/refused" 2>&1
check a_limit_of_none_is_refused grep -q 'limits.logins_per_address is out of range' "$dir/refused"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
