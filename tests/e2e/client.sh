# client.sh, to be sourced: the scene of the tests of the command-line client: real binaries, TLS, a temporary data directory, free
# ports, a proxy that can be slow or cut, two accounts. A test is a function test_NAME; `run_all NAME…` runs them and prints "ok NAME"
# or "not ok NAME" and, last, "N passed, N failed". BIN names the directory of the binaries (default build/release/bin); arguments
# select tests by name.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
BIN=$(realpath "${BIN:-build/release/bin}")
W=$(mktemp -d "${TMPDIR:-/tmp}/sealdrop-e2e-XXXXXX")
export HOME=$W/home
unset XDG_CONFIG_HOME XDG_STATE_HOME SSL_CERT_FILE SEALDROP_LINK_PASSWORD https_proxy HTTPS_PROXY ALL_PROXY all_proxy
PASSWORD='correct horse battery'
server='' proxy='' passed=0 failed=0
only=("$@")

finish() {
  { kill -9 $server $proxy && wait $server $proxy; } 2>/dev/null
  rm -rf "$W"
}
trap finish EXIT

sd() { "$BIN/sealdrop" "$@"; }
# Without a terminal of its own, so that nothing can be asked.
sd_quiet() { setsid -w "$BIN/sealdrop" "$@"; }
free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
wait_for() { # SECONDS COMMAND…
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -ge $end ] && return 1
    sleep 0.05
  done
}
start_server() {
  SEALDROP_SERVER_PUBLIC_URL=$URL SEALDROP_LOG_LEVEL=warn \
    "$BIN/sealdropd" serve --data "$W/data" --listen "127.0.0.1:$PORT" >>"$W/server.log" 2>&1 &
  server=$!
  wait_for 20 curl -fsS --cacert "$W/data/tls/cert.pem" "https://localhost:$PORT/health/ready"
}
kill_server() {
  { kill -9 "$server" && wait "$server"; } 2>/dev/null
}
slow() { echo "$1" >"$W/proxy/rate"; }
fast() { rm -f "$W/proxy/rate"; }
count() { sleep 0.2; cat "$W/proxy/$1"; } # bytes so far, up or down
random_file() { head -c "$1" /dev/urandom >"$2"; }

fail() {
  echo "  ${BASH_LINENO[0]}: $*"
  bad=1
}
# is WANTED COMMAND…: the exit status
is() {
  local want=$1 got
  shift
  "$@" >"$W/stdout" 2>"$W/stderr"
  got=$?
  [ $got -eq "$want" ] || fail "exit $got, wanted $want: ${*: -3}: $(head -c 300 "$W/stderr")"
}
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
says() { grep -q -- "$1" "$W/stderr" || fail "stderr does not say '$1': $(head -c 300 "$W/stderr")"; }
prints() { grep -q -- "$1" "$W/stdout" || fail "stdout does not say '$1': $(head -c 300 "$W/stdout")"; }
send() { LINK=$("$BIN/sealdrop" send -q "$@" 2>"$W/stderr") || fail "send: $(cat "$W/stderr")"; }

run() {
  local name=$1
  if [ ${#only[@]} -gt 0 ]; then
    [[ " ${only[*]} " == *" $name "* ]] || return
  fi
  bad=
  D=$W/t-$name
  mkdir -p "$D"
  "test_$name"
  kill -0 "$server" || fail "the server is gone: $(tail -50 "$W/server.log")"
  fast
  if [ -z "$bad" ]; then echo "ok $name"; passed=$((passed + 1)); else echo "not ok $name"; failed=$((failed + 1)); fi
  rm -rf "$D"
}

# Signed in as the account a@example.org.
sign_in() { sd login "$URL" --email a@example.org --password-stdin --cacert "$W/data/tls/cert.pem" <<<"$PASSWORD"; }
run_all() {
  local name
  for name in "$@"; do run "$name"; done
  echo "$passed passed, $failed failed"
  [ $failed = 0 ]
}

mkdir -p "$HOME" "$W/proxy"
PORT=$(free_port)
PROXY_PORT=$(free_port)
URL=https://localhost:$PROXY_PORT
python3 tests/e2e/proxy.py "$PROXY_PORT" "$PORT" "$W/proxy" &
proxy=$!
wait_for 10 test -e "$W/proxy/ready" || { echo "no proxy"; exit 1; }
start_server || { cat "$W/server.log"; echo "no server"; exit 1; }
for account in a b; do
  "$BIN/sealdropd" admin create $account@example.org --role user --password-stdin --data "$W/data" <<<"$PASSWORD" >/dev/null || exit 1
done
