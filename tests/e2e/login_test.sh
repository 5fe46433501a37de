#!/usr/bin/env bash
# The questions of `sealdrop login` on a terminal: password, second factor, recovery code, and wrong ones; the checks are in login.py.
# login_test.sh [BINARIES]: the folder of sealdrop and sealdropd; build/release/bin when it is not given.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
exec python3 -B tests/e2e/login.py "$(readlink -f "${1:-build/release/bin}")"
