#!/usr/bin/env bash
# Second factors, passwords, sessions, API keys and sealdropd admin, against the real server; the checks are in factors.py.
# factors_test.sh [BINARIES]: the folder of sealdropd; build/dev/bin when it is not given.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
exec python3 tests/e2e/factors.py "$(readlink -f "${1:-build/dev/bin}")"
