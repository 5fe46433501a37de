# kit.sh, to be sourced: what the end-to-end scripts share. `check NAME COMMAND…` tells and counts in passed and failed.
passed=0 failed=0
check() { # check NAME CONDITION…
  local name=$1
  shift
  if "$@"; then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    failed=$((failed + 1))
  fi
}
has() { grep -qF -- "$2" "$1"; } # has FILE TEXT
hasnt() { ! has "$1" "$2"; }
is() { [ "$1" = "$2" ]; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
