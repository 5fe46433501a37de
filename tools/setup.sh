#!/usr/bin/env bash
# setup.sh [GROUP…]: installs the Debian packages of tools/packages.txt that are missing (all groups when none is named).
# Says nothing when there is nothing to do. Needs root or sudo only when something is missing.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

wanted() { # the packages of the named groups
  awk -v groups=" $* " '
    /^#/ || NF == 0 { next }
    /^\[/ { take = groups == "  " || index(groups, " " substr($1, 2, length($1) - 2) " "); next }
    take && !seen[$1]++ { print $1 }' "$here/packages.txt"
}

mapfile -t packages < <(wanted "$@")
[ ${#packages[@]} -gt 0 ] || { echo "setup: no such group: $*" >&2; exit 2; }
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null | awk '$2 == "installed" { print $1 }' || true)
missing=()
for p in "${packages[@]}"; do
  grep -qx -- "$p" <<<"$installed" || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2

# A database or web server that comes with a package is for our tests, not for this machine: it must not start by itself.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

log=$(mktemp)
quietly() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
}
quietly apt-get -q update
quietly apt-get -q install -y --no-install-recommends "${missing[@]}"
rm -f "$log"
