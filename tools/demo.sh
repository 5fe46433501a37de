#!/usr/bin/env bash
# demo.sh: builds the release, starts a server in a new directory, sends a real file and a folder, fetches them back in two ways,
# compares every byte, and leaves the server running until Ctrl-C.
# PORT (8443), DEMO_MIB (1024: size of the big file), DEMO_ONCE=1 (stop at the end), DEMO_KEEP=1 (keep the directory).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
port=${PORT:-8443} mib=${DEMO_MIB:-1024}
url=https://localhost:$port email=demo@example.com

bold='' dim='' green='' red='' off=''
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' off=$'\e[0m'; fi
step() { printf '%s%s%s\n' "$bold" "$*" "$off"; }
note() { printf '  %s%s%s\n' "$dim" "$*" "$off"; }
good() { printf '  %s✓%s %s\n' "$green" "$off" "$*"; }
fail() {
  printf '  %s✗ %s%s\n' "$red" "$*" "$off"
  [ ! -s "$dir/server.log" ] || { note 'the end of the server log:'; tail -n 20 "$dir/server.log"; }
  exit 1
}
now() { date +%s%N; }
speed() { # speed BYTES START_NS: "1.0 GiB in 1.93 s, 556 MB/s"
  awk -v n="$1" -v t="$(($(now) - $2))" 'BEGIN { t /= 1e9; printf "%.2f GiB in %.2f s, %.0f MB/s", n / 2^30, t, n / t / 1e6 }'
}

step 'Building'
tools/setup.sh build demo
./dev build release
good "$(build/release/bin/sealdropd --version)"

mkdir -p build
dir=$(readlink -f "$(mktemp -d build/demo.XXXXXX)")
server=
stop() {
  trap - EXIT INT TERM
  if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then wait "$server" 2>/dev/null || true; fi
  [ -n "${DEMO_KEEP:-}" ] || rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM
# The demo's client keeps its tokens here, not among yours.
export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
PATH=$PWD/build/release/bin:$PATH
data=$dir/data ca=$dir/data/tls/cert.pem

step "Starting the server on $url"
listen=(--listen "127.0.0.1:$port")
[ ! -s /proc/net/if_inet6 ] || listen+=(--listen "[::1]:$port")
sealdropd serve --data "$data" "${listen[@]}" >"$dir/server.log" 2>&1 </dev/null &
server=$!
start=$(now)
until [ -f "$ca" ] && curl -sf --cacert "$ca" -o /dev/null "$url/health/ready"; do
  kill -0 "$server" 2>/dev/null || fail 'the server did not start'
  [ $(($(now) - start)) -lt 30000000000 ] || fail 'the server is not ready after 30 s'
  sleep 0.05
done
good "ready in $((($(now) - start) / 1000000)) ms, with its own certificate, database and keys in $data"

step 'An account'
password=$(head -c 15 /dev/urandom | base64)
printf '%s\n' "$password" | sealdropd admin create "$email" --role user --password-stdin --data "$data" >/dev/null ||
  fail 'could not make an account'
printf '%s\n' "$password" | sealdrop login "$url" --email "$email" --password-stdin --cacert "$ca" >/dev/null ||
  fail 'could not sign in'
good "$email is signed in"

step 'Something to send'
marker=the-words-that-must-not-be-on-the-disk
mkdir -p "$dir/out/Holiday 2026/überall/深い"
head -c "$((mib * 1048576))" /dev/urandom >"$dir/out/film.bin"
printf '%s\n' "$marker" >"$dir/out/Holiday 2026/read me.txt"
head -c 3000000 /dev/urandom >"$dir/out/Holiday 2026/überall/深い/photo.jpg"
: >"$dir/out/Holiday 2026/überall/empty"
bytes=$(du -sb --apparent-size "$dir/out/film.bin" | cut -f1)
good "film.bin, $mib MiB of random bytes, and the folder Holiday 2026"

step 'sealdrop send film.bin "Holiday 2026"'
start=$(now)
link=$(cd "$dir/out" && sealdrop send film.bin 'Holiday 2026' --expires 1d --downloads 20 --title 'A demo') ||
  fail 'the files could not be sent'
good "$(speed "$bytes" "$start"), sealed and durable"
printf '\n  %s%s%s\n\n' "$bold" "$link" "$off"
if grep -rqF "$marker" "$data"; then fail 'plaintext on the disk'; fi
good 'nothing in the data directory can be read without the keys'

step 'sealdrop get LINK'
start=$(now)
sealdrop get "$link" -o "$dir/got" >/dev/null || fail 'the files could not be fetched'
good "$(speed "$bytes" "$start"), opened and verified on this side"
diff -r "$dir/out" "$dir/got" || fail 'what came back differs'
good 'every byte is the same'
rm -rf "$dir/got"

step 'curl, with nothing installed: the whole transfer as a ZIP'
token=${link##*/}
start=$(now)
curl -sfS --cacert "$ca" -o "$dir/all.zip" "$url/api/v1/share/$token/download" || fail 'curl could not fetch the link'
good "$(speed "$bytes" "$start")"
mkdir "$dir/unzipped"
unzip -q "$dir/all.zip" -d "$dir/unzipped" || fail 'the ZIP does not open'
diff -r "$dir/out" "$dir/unzipped" || fail 'what came back differs'
good 'every byte is the same'
rm -rf "$dir/unzipped" "$dir/all.zip"

if [ "${DEMO_ONCE:-}" = 1 ] && [ ! -t 0 ]; then
  stop
  step 'Done'
  exit 0
fi
step "The server keeps running on $url until Ctrl-C. Try:"
cat <<TEXT
  export PATH=$PWD/build/release/bin:\$PATH XDG_CONFIG_HOME=$XDG_CONFIG_HOME XDG_STATE_HOME=$XDG_STATE_HOME
  sealdrop send README.md --downloads 3
  sealdrop ls
  sealdrop revoke $link
  curl --cacert $ca -OJ $url/api/v1/share/$token/download
TEXT
note "signed in as $email, password $password; certificate $ca"
wait "$server"
