#!/usr/bin/env bash
# traffic_test.sh [SECONDS [BIN_DIR]]: traffic.py for so long (8) on SQLite, and as long on PostgreSQL with two nodes that take turns.
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
seconds=${1:-8} bin=${2:-build/release/bin} out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
python3 tests/e2e/traffic.py "$bin" "$seconds" | tee "$out" || true
tools/with-postgres bash -c 'python3 tests/e2e/traffic.py "$1" "$2" "$SEALDROP_TEST_POSTGRES"' - "$bin" "$seconds" | tee -a "$out" || true
passed=$(grep -c '^ok ' "$out") failed=$(grep -c '^not ok ' "$out")
[ "$failed" = 0 ] && [ "$passed" -gt 20 ] || status=1
echo "$passed passed, $failed failed"
exit $status
