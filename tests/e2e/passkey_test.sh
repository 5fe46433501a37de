#!/usr/bin/env bash
# Passkeys with a real browser and its virtual authenticator, against the real server; the checks are in passkey.py.
# passkey_test.sh [BINARIES]: the folder of sealdropd; build/release/bin when it is not given.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
command -v chromium >/dev/null || { echo "DID NOT RUN: no chromium here (tools/setup.sh test)"; exit 1; }
exec python3 -B tests/e2e/passkey.py "$(readlink -f "${1:-build/release/bin}")"
