#!/usr/bin/env bash
# dev-test.sh: all suites, and one line "N passed, N failed" at the end. What a suite printed is kept in build/logs/ and shown
# when it failed. A suite that printed no count is a failure.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
logs=build/logs
passed=0 failed=0 begin=$SECONDS
mkdir -p $logs

# record NAME STATUS START: adds the last count in NAME's log and shows the log if it failed.
record() {
  local name=$1 status=$2 start=$3 log=$logs/$1.log p=0 f=1 line note=', printed no count'
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
  if [ -n "$line" ]; then
    read -r p _ f _ <<<"$line"
    note=
    [ "$status" = 0 ] || [ "$f" != 0 ] || f=1
  fi
  passed=$((passed + p)) failed=$((failed + f))
  if [ "$f" = 0 ]; then
    printf 'ok      %-26s %6d passed  %4d s\n' "$name" "$p" $((SECONDS - start))
  else
    printf 'FAILED  %-26s %6d passed, %d failed%s  %d s (%s)\n' "$name" "$p" "$f" "$note" $((SECONDS - start)) "$log"
    tail -n 300 "$log" | sed 's/^/    | /'
  fi
}

suite() { # suite NAME COMMAND…
  local name=$1 status=0 start=$SECONDS
  shift
  "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
  record "$name" $status $start
}

# build PRESET: true if it could be built. A build is no test, unless it fails.
build() {
  local start=$SECONDS
  if ./dev build "$1" 2>"$logs/build-errors"; then
    printf 'built   %-26s                %4d s\n' "$1" $((SECONDS - start))
  else
    failed=$((failed + 1))
    printf 'FAILED  build %s\n' "$1"
    sed 's/^/    | /' "$logs/build-errors"
    return 1
  fi
}

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
export SEALDROP_TEST_REQUIRE_POSTGRES=1
# ThreadSanitizer of gcc 12 wants a fixed address layout.
plain=()
setarch -R true 2>/dev/null && plain=(setarch -R)

tools/setup.sh build test || exit 1
command -v npm >/dev/null || tools/setup.sh node || exit 1
build dev && suite dev tools/with-postgres tools/run-ctest build/dev
build asan && suite asan tools/with-postgres tools/run-ctest build/asan
# Pure code has no threads to watch.
build tsan && suite tsan "${plain[@]}" tools/with-postgres tools/run-ctest build/tsan -E '^(fuzz_.*|test_(base|codec|web|cli))$'
build fuzz && suite fuzz tools/dev-fuzz.sh
if build release; then
  for script in tests/e2e/*_test.sh; do
    name=${script##*/}
    suite "e2e-${name%_test.sh}" timeout 1200 bash "$script"
  done
fi

printf 'all suites: %d min %d s\n' $(((SECONDS - begin) / 60)) $(((SECONDS - begin) % 60))
printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ] && [ $passed != 0 ]
