#!/usr/bin/env bash
# Uploads by the clients that web pages use, tus-js-client and Uppy, in a real browser, through nginx; the checks are in
# browser_uploads.py. browser_uploads_test.sh [BINARIES]: the folder of the programs, build/release/bin when it is not given. The
# clients are installed to build/npm-browser once.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
for program in chromium nginx npm; do
  PATH=$PATH:/usr/sbin command -v $program >/dev/null || { echo "DID NOT RUN: no $program here (tools/setup.sh test node)"; exit 1; }
done
modules=$PWD/build/npm-browser
if ! cmp -s tests/e2e/browser/package.json "$modules/installed.json"; then
  mkdir -p "$modules" && cp tests/e2e/browser/package.json "$modules/" &&
    (cd "$modules" && npm install --no-audit --no-fund --silent >install.log 2>&1) && cp tests/e2e/browser/package.json "$modules/installed.json" ||
    { cat "$modules/install.log"; echo "DID NOT RUN: npm does not have the clients here"; exit 1; }
fi
NODE_PATH=$modules/node_modules "$modules/node_modules/.bin/esbuild" tests/e2e/browser/page.js --bundle --minify --log-level=warning \
  --outfile="$modules/page/page.min.js" && cp tests/e2e/browser/page.html "$modules/page/" || exit 1
exec python3 -B tests/e2e/browser_uploads.py "$(readlink -f "${1:-build/release/bin}")" "$modules/page"
