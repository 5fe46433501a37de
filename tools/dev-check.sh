#!/usr/bin/env bash
# dev-check.sh: the house rules; with --tidy also clang-tidy and clang-format, as advice that fails nothing.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
status=0
tools/check-layers || status=1
tools/check-style || status=1
if [ "${1:-}" = --tidy ]; then
  tools/setup.sh build check
  ./dev build dev || exit 1
  git ls-files 'src/*.c' | xargs -P 2 -n 4 clang-tidy-14 -p build/dev --quiet \
    -checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-assignment-in-if-condition,cert-*,clang-analyzer-*' \
    2>/dev/null || true
  git ls-files 'src/*.[ch]' 'tests/*.[ch]' | xargs clang-format-14 --dry-run 2>&1 | grep -c 'warning:' |
    sed 's/$/ places that clang-format would lay out otherwise/'
fi
exit $status
