#!/usr/bin/env bash
# Device sign-in and API keys with the real programs: one client signs in with a password, another by its code.
# device_test.sh [BINARIES]: the folder of sealdrop and sealdropd; build/dev/bin when it is not given.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh
bin=$(readlink -f "${1:-build/dev/bin}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/sealdrop-device-XXXXXX")
server=
stop() {
  [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
  rm -rf "$dir"
}
trap stop EXIT
client() { # client HOME ARGUMENT…: the client of one person's computer
  local home=$1
  shift
  env -u XDG_CONFIG_HOME -u XDG_STATE_HOME HOME="$dir/$home" "$bin/sealdrop" "$@"
}
wait_for() { # wait_for FILE TEXT
  for _ in $(seq 100); do
    has "$1" "$2" 2>/dev/null && return 0
    sleep 0.1
  done
  return 1
}

port=$(free_port)
url=https://localhost:$port
password='correct horse battery staple'
mkdir "$dir/laptop" "$dir/server" "$dir/robot"
export SEALDROP_SERVER_PUBLIC_URL=$url
printf %s "$password" | "$bin/sealdropd" admin create anna@example.com --role user --password-stdin --data "$dir/data" >"$dir/create" 2>&1
"$bin/sealdropd" serve --data "$dir/data" --listen "127.0.0.1:$port" >"$dir/log" 2>&1 &
server=$!
for _ in $(seq 100); do
  curl -skf "$url/health" >/dev/null && break
  sleep 0.1
done
ca=$dir/data/tls/cert.pem

printf %s "$password" | client laptop login "$url" --cacert "$ca" --email anna@example.com --password-stdin >"$dir/out" 2>&1
check laptop_signs_in_with_the_password has "$dir/out" 'Signed in to'

client server login "$url" --cacert "$ca" --device --device-name 'build server' >"$dir/out" 2>"$dir/err" &
waiting=$!
check a_code_is_shown wait_for "$dir/err" 'enter the code'
code=$(grep -oE '[B-Z]{4}-[B-Z]{4}' "$dir/err" | head -n 1)
check the_address_is_shown has "$dir/err" "$url/device"
check the_address_tells_what_to_do grep -q 'sealdrop</b> approve' <<<"$(curl -sS --cacert "$ca" "$url/device?code=$code")"
client laptop approve "$code" --yes >"$dir/approve" 2>&1
check it_is_approved has "$dir/approve" '"build server" is signed in.'
wait "$waiting"
check the_device_is_signed_in has "$dir/out" "as anna@example.com"
client server whoami >"$dir/out" 2>&1
check and_knows_who_it_is has "$dir/out" 'anna@example.com (user)'
client laptop approve "$code" --yes >"$dir/out" 2>&1
check a_code_is_good_once has "$dir/out" 'No device waits'

client server login "$url" --cacert "$ca" --device >"$dir/out2" 2>"$dir/err2" &
waiting=$!
wait_for "$dir/err2" 'enter the code'
code=$(grep -oE '[B-Z]{4}-[B-Z]{4}' "$dir/err2" | head -n 1)
token=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["access_token"])' "$dir/laptop/.config/sealdrop/account.json")
curl -sS --cacert "$ca" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d "{\"user_code\":\"$code\",\"approve\":false}" "$url/api/v1/auth/device/approve"
wait "$waiting"
check a_refused_device_is_told [ $? = 2 ]
check in_words has "$dir/err2" 'This device was refused.'

key=$(curl -sS --cacert "$ca" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d '{"name":"robot","scopes":["files:read","files:write","transfers:read","transfers:write"]}' "$url/api/v1/api-keys" |
  grep -oE 'sdk_[a-z2-9]{8}_[A-Za-z0-9_-]{43}')
echo "$key" | client robot login "$url" --cacert "$ca" --api-key-stdin >"$dir/out" 2>&1
check a_robot_signs_in_with_a_key has "$dir/out" 'as anna@example.com'
client robot sent >"$dir/out" 2>&1
check and_works_with_it [ $? = 0 ]
echo "sdk_aaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" | client robot login "$url" --cacert "$ca" --api-key-stdin >"$dir/out" 2>&1
check a_wrong_key_is_refused [ $? = 3 ]
client robot logout >"$dir/out" 2>&1
check logout_forgets_the_key has "$dir/out" 'stays valid until it is revoked'
client robot whoami >"$dir/out" 2>&1
check nobody_is_signed_in_then [ $? = 3 ]

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
