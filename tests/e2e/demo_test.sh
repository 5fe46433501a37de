#!/usr/bin/env bash
# The demo, whole, as a newcomer runs it (1 GiB), on a free port. It compares every byte itself; here its steps are counted.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh

times() { # times COUNT TEXT: TEXT is on COUNT lines of the demo's output
  [ "$(grep -cF -- "$2" <<<"$out")" = "$1" ]
}

port=$(free_port)
before=$(find build -maxdepth 1 -name 'demo.*')
status=0
out=$(PORT=$port DEMO_ONCE=1 ./dev demo </dev/null 2>&1) || status=$?
printf '%s\n' "$out" | sed 's/^/# /'
check demo_ends_well [ "$status" = 0 ]
check both_ways_give_back_every_byte times 2 'every byte is the same'
check nothing_readable_on_the_disk times 1 'nothing in the data directory can be read'
check link_is_printed grep -qE "https://localhost:$port/s/[A-Za-z0-9_-]{43}" <<<"$out"
check nothing_is_left_behind [ "$(find build -maxdepth 1 -name 'demo.*')" = "$before" ]
check port_is_free_again python3 -c "import socket; socket.create_server(('127.0.0.1', $port)).close()"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
