#!/usr/bin/env bash
# Signing in through a real OpenID provider program (npm oidc-provider), with the real server; curl plays the browser.
# oidc_test.sh [BINARIES]: the folder of sealdropd; build/dev/bin when it is not given. The provider is installed to build/npm once.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh
bin=$(readlink -f "${1:-build/dev/bin}")
modules=$PWD/build/npm
dir=$(mktemp -d "${TMPDIR:-/tmp}/sealdrop-oidc-XXXXXX")
server='' provider=''
stop() {
  [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
  [ -n "$provider" ] && kill "$provider" 2>/dev/null && wait "$provider" 2>/dev/null
  rm -rf "$dir"
}
trap stop EXIT
wait_for() { # wait_for COMMAND…
  for _ in $(seq 100); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  return 1
}

if [ ! -d "$modules/node_modules/oidc-provider" ]; then
  mkdir -p "$modules" && (cd "$modules" && npm install --no-audit --no-fund --silent oidc-provider@8 >"$dir/npm" 2>&1) ||
    { cat "$dir/npm"; echo "DID NOT RUN: npm has no oidc-provider here"; exit 1; }
fi

port=$(free_port) idp=$(free_port)
url=https://localhost:$port
callback=$url/api/v1/auth/oidc/corp/callback
who=$dir/who
node tests/e2e/oidc_provider.mjs "$idp" "$callback" "$modules" "$who" >"$dir/provider" 2>&1 &
provider=$!
printf 'a secret/of: the client\n' >"$dir/secret"
cat >"$dir/conf" <<CONF
[server]
data = $dir/data
listen = 127.0.0.1:$port
public_url = $url
[oidc_corp]
issuer = http://127.0.0.1:$idp
client_id = sealdrop
client_secret_file = $dir/secret
create = yes
groups_claim = groups
admin_groups = ops
user_groups = staff
CONF
"$bin/sealdropd" serve --config "$dir/conf" >"$dir/log" 2>&1 &
server=$!
check server_starts wait_for curl -skf "$url/health"
check provider_starts wait_for curl -sf "http://127.0.0.1:$idp/.well-known/openid-configuration"

curl() { command curl -s --cacert "$dir/data/tls/cert.pem" "$@"; }
sign_in() { # sign_in JAR: as the person in $who, in the browser JAR; prints the last status and address
  curl -L --max-redirs 12 -c "$1" -b "$1" -o "$dir/page" -w '%{http_code} %{url_effective}' "$url/api/v1/auth/oidc/corp/start"
}
me() { curl -b "$1" "$url/api/v1/me"; }

echo '{"sub":"s1","email":"anna@example.com","email_verified":true,"name":"Anna","groups":["staff"]}' >"$who"
check providers_are_listed grep -q '"name":"corp"' <<<"$(curl "$url/api/v1/auth/oidc")"
check a_person_signs_in [ "$(sign_in "$dir/anna")" = "200 $url/" ]
check and_has_an_account grep -q '"email":"anna@example.com".*"role":"user"' <<<"$(me "$dir/anna")"
check again_with_the_provider_session [ "$(sign_in "$dir/anna")" = "200 $url/" ]
echo '{"sub":"s2","email":"root@example.com","email_verified":true,"name":"Root","groups":["ops"]}' >"$who"
check an_administrator_signs_in [ "$(sign_in "$dir/root")" = "200 $url/" ]
check by_the_group grep -q '"role":"admin"' <<<"$(me "$dir/root")"
echo '{"sub":"s3","email":"eve@example.com","email_verified":true,"name":"Eve","groups":["others"]}' >"$who"
status=$(sign_in "$dir/eve")
check nobody_without_a_group [ "${status%% *}" = 403 ]
check and_is_told_why grep -q 'no group that may' "$dir/page"

# A callback that another browser began: the address of it, without its cookie.
echo '{"sub":"s1","email":"anna@example.com","email_verified":true,"name":"Anna","groups":["staff"]}' >"$who"
jar=$dir/attacker
next=$(curl -c "$jar" -b "$jar" -o /dev/null -w '%{redirect_url}' "$url/api/v1/auth/oidc/corp/start")
for _ in 1 2 3 4 5 6; do
  case $next in "$callback"*) break ;; esac
  next=$(curl -c "$jar" -b "$jar" -o /dev/null -w '%{redirect_url}' "$next")
done
check the_provider_sends_back grep -q 'code=' <<<"$next"
check another_browser_is_refused [ "$(curl -o "$dir/page" -w '%{http_code}' "$next")" = 403 ]
check the_first_one_is_not [ "$(curl -c "$jar" -b "$jar" -o /dev/null -w '%{http_code}' "$next")" = 303 ]
check but_only_once [ "$(curl -c "$jar" -b "$jar" -o /dev/null -w '%{http_code}' "$next")" = 403 ]

kill "$provider" && wait "$provider" 2>/dev/null
provider=
check its_description_is_kept_for_a_while [ "$(curl -c "$dir/x" -o "$dir/page" -w '%{http_code}' "$url/api/v1/auth/oidc/corp/start")" = 303 ]
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
