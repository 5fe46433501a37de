#!/usr/bin/env bash
# Countries of sessions with the real server: from a file that is good, bad at the start, and bad or new on SIGHUP.
# signals_test.sh [BINARIES]: the folder of sealdropd; build/dev/bin when it is not given.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh
bin=$(readlink -f "${1:-build/dev/bin}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/sealdrop-signals-XXXXXX")
server=
stop() {
  [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
  rm -rf "$dir"
}
trap stop EXIT
wait_for() { # wait_for FILE TEXT
  for _ in $(seq 100); do
    has "$1" "$2" 2>/dev/null && return 0
    sleep 0.1
  done
  return 1
}

port=$(free_port)
url=https://localhost:$port
api=https://127.0.0.1:$port/api/v1
password='correct horse battery staple'
file=$dir/countries.mmdb
export SEALDROP_SERVER_PUBLIC_URL=$url SEALDROP_SECURITY_GEOIP_FILE=$file
place() { # place FILE: as an update does, in one step
  cp "$1" "$file.new" && mv "$file.new" "$file"
}
serve() { "$bin/sealdropd" serve --data "$dir/data" --listen "127.0.0.1:$port"; }
sign_in() { # sign_in AGENT: its token in $token
  curl -sk "$api/auth/login" -A "$1" -H 'content-type: application/json' \
    -d "{\"email\":\"root@example.com\",\"password\":\"$password\"}" >"$dir/out"
  token=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get("access_token", ""))' "$dir/out")
}
get() { # get PATH EXPRESSION: of the answer, as d
  curl -sk "$api$1" -H "authorization: Bearer $token" >"$dir/out"
  python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$dir/out" "$2"
}

"$bin/sealdropd" admin create root@example.com --role admin --password-stdin --data "$dir/data" \
  <<<"$password" >"$dir/create" 2>&1 || cat "$dir/create"
serve >"$dir/err" 2>&1
check a_missing_file_stops_the_start is $? 1
check a_missing_file_is_named has "$dir/err" "security.geoip_file $file"
echo 'not a database' >"$file"
serve >"$dir/err" 2>&1
check a_bad_file_stops_the_start is $? 2
check a_bad_file_is_named has "$dir/err" "security.geoip_file $file"

place tests/vectors/geoip/countries.mmdb
"$bin/sealdropd" serve --data "$dir/data" --listen "127.0.0.1:$port" >"$dir/log" 2>&1 &
server=$!
wait_for "$dir/log" ready
sign_in laptop
check sessions_have_their_country is "$(get /auth/sessions 'd["items"][0]["country"]')" NL
echo 'not a database' >"$dir/bad"
place "$dir/bad"
kill -HUP "$server"
check a_bad_file_is_not_taken wait_for "$dir/log" geoip_not_reloaded
sign_in laptop
check the_old_file_stays_in_use is "$(get /auth/sessions 'd["items"][0]["country"]')" NL
check nothing_was_odd is "$(get '/admin/audit-logs?event=auth.signal' 'len(d["items"])')" 0
LC_ALL=C sed 's/NL/PL/' tests/vectors/geoip/countries.mmdb >"$dir/moved"
place "$dir/moved"
kill -HUP "$server"
check a_new_file_is_taken wait_for "$dir/log" geoip_reloaded
sign_in phone
check its_countries_count is "$(get /auth/sessions 'd["items"][0]["country"]')" PL
check both_signals_are_recorded is \
  "$(get '/admin/audit-logs?event=auth.signal&ip=127.0.0.1' '" ".join(sorted(i["detail"] for i in d["items"]))')" 'new_country new_device'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
