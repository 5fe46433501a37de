#!/usr/bin/env bash
# The pages behind mailed links (verify, join, reset) and the sign-in of devices, in a real browser, with real mails; the checks are
# in pages.py. pages_test.sh [BINARIES [SCREENSHOTS]]: the folder of the programs, build/release/bin when it is not given, and where to
# leave pictures of every step.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
command -v chromium >/dev/null || { echo "DID NOT RUN: no chromium here (tools/setup.sh test)"; exit 1; }
exec python3 -B tests/e2e/pages.py "$(readlink -f "${1:-build/release/bin}")" "${2:-}"
