#!/usr/bin/env bash
# dev-fuzz.sh [NAME [SECONDS]]: one libFuzzer target for 60 s or SECONDS, or all of them for 10 s each, two at a time.
# New inputs gather in build/fuzz/corpus/NAME; a crash is left in build/fuzz/crashes and belongs into tests/fuzz/corpus/NAME.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
mkdir -p build/fuzz/crashes build/logs
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

one() { # one NAME SECONDS
  local name=$1 seconds=$2 extra=()
  mkdir -p "build/fuzz/corpus/$name"
  [ ! -f "tests/fuzz/dict/$name.dict" ] || extra+=("-dict=tests/fuzz/dict/$name.dict")
  [ ! -d "tests/fuzz/corpus/$name" ] || extra+=("tests/fuzz/corpus/$name")
  "build/fuzz/bin/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/crashes/$name-" "build/fuzz/corpus/$name" "${extra[@]}"
}

checked() { # one NAME for 10 s, as one line
  if one "$1" 10 >"build/logs/$1.log" 2>&1; then
    echo "ok $1 $(awk '/number_of_executed_units/ { print $2 " runs" }' "build/logs/$1.log")"
  else
    echo "not ok $1"
    tail -n 60 "build/logs/$1.log"
  fi
}

if [ $# -gt 0 ]; then
  tools/setup.sh build test
  ./dev build fuzz || exit 1
  one "$1" "${2:-60}"
  exit
fi
export -f one checked
find build/fuzz/bin -name 'fuzz_*' -type f -printf '%f\n' | sort |
  xargs -P 2 -I{} bash -c 'checked {}' | tee build/logs/fuzz-all.log
ok=$(grep -c '^ok ' build/logs/fuzz-all.log)
bad=$(grep -c '^not ok ' build/logs/fuzz-all.log)
echo "$ok passed, $bad failed"
[ "$bad" = 0 ] && [ "$ok" != 0 ]
