#!/usr/bin/env bash
# Accounts with the real server and a mail server of the tests: invitations, registration, forgotten passwords, administration, with and
# without mail. accounts_test.sh [BINARIES]: the folder of sealdropd; build/dev/bin when it is not given.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
source tests/e2e/kit.sh
bin=$(readlink -f "${1:-build/dev/bin}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/sealdrop-accounts-XXXXXX")
server= sink=
stop_server() {
  [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
  server=
}
stop() {
  stop_server
  [ -n "$sink" ] && kill "$sink" 2>/dev/null
  rm -rf "$dir"
}
trap stop EXIT

port=$(free_port)
url=https://localhost:$port
api=$url/api/v1
password='correct horse battery staple'
other='quite another long sentence'
export SEALDROP_SERVER_PUBLIC_URL=$url SEALDROP_JOBS_WORKERS=2

start_server() { # start_server LOG
  "$bin/sealdropd" serve --data "$dir/data" --listen "127.0.0.1:$port" >"$1" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    curl -skf "$url/health" >/dev/null && return
    sleep 0.1
  done
}
status= # of the last call; its body is in $dir/out
call() { # call METHOD PATH [JSON] [CURL OPTION…]
  local method=$1 path=$2 json=${3-}
  shift 2
  [ $# -gt 0 ] && shift
  local body=()
  [ -n "$json" ] && body=(-H 'content-type: application/json' -d "$json")
  status=$(curl -sk -o "$dir/out" -w '%{http_code}' -X "$method" "${body[@]}" "$@" "$api$path")
}
json() { # json EXPRESSION: of the last answer, as d
  python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$dir/out" "$1"
}
sign_in() { # sign_in EMAIL PASSWORD
  call POST /auth/login "{\"email\":\"$1\",\"password\":\"$2\"}"
}
token_of() { sed 's/.*#//' <<<"$1"; }
mails() { find "$dir/mail" -name '*.eml' | wc -l; }
wait_mail() { # wait_mail COUNT
  for _ in $(seq 100); do
    [ "$(mails)" -ge "$1" ] && return 0
    sleep 0.1
  done
  return 1
}
read_mail() { # read_mail NUMBER: head and both texts, decoded
  python3 - "$dir/mail/$1.eml" <<'PY'
import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
print("envelope:", m["X-From"], m["X-To"])
for name in ("From", "To", "Subject", "Auto-Submitted", "Content-Language"):
    print("%s: %s" % (name, m[name]))
print("parts:", " ".join(p.get_content_type() for p in m.iter_parts()))
print(m.get_body(("plain",)).get_content())
print("html:", m.get_body(("html",)).get_content())
PY
}
link_in() { grep -oE "$url/[a-z]+#sd[a-z]_[A-Za-z0-9_-]{43}" "$1" | head -n 1; }

# ---- without mail ----

export SEALDROP_ACCOUNTS_REGISTRATION=invite
printf %s "$password" | "$bin/sealdropd" admin create root@example.com --role admin --password-stdin --data "$dir/data" >/dev/null 2>&1
"$bin/sealdropd" admin invite berta@example.com --role user --data "$dir/data" >"$dir/invite" 2>/dev/null
invite=$(head -n 1 "$dir/invite")
check invitation_is_printed grep -qE "^$url/join#sdi_[A-Za-z0-9_-]{43}$" "$dir/invite"
start_server "$dir/log"
call POST /auth/register "{\"email\":\"carla@example.com\",\"password\":\"$password\"}"
check nobody_uninvited is "$status $(json 'd["code"]')" '403 invite_required'
call POST /auth/register "{\"email\":\"berta@example.com\",\"password\":\"$password\",\"invite\":\"$(token_of "$invite")\"}"
check invited is "$status" 201
call POST /auth/register "{\"email\":\"berta@example.com\",\"password\":\"$password\",\"invite\":\"$(token_of "$invite")\"}"
check invited_once is "$status $(json 'd["code"]')" '400 token_invalid'
sign_in berta@example.com "$password"
check invited_signs_in is "$status" 200
call POST /auth/password/forgot '{"email":"berta@example.com"}'
check forgot_says_nothing is "$status $(cat "$dir/out")" '202 '
call POST /auth/password/forgot '{"email":"nobody@example.com"}'
check forgot_says_nothing_of_strangers is "$status $(cat "$dir/out")" '202 '
for _ in $(seq 50); do has "$dir/log" '#sdp_' && break; sleep 0.1; done
link=$(link_in "$dir/log")
check administrator_gets_the_link [ -n "$link" ]
call POST /auth/password/reset "{\"token\":\"$(token_of "$link")\",\"new_password\":\"$other\"}"
check new_password is "$status" 204
sign_in berta@example.com "$other"
check new_password_signs_in is "$status" 200
sign_in berta@example.com "$password"
check old_password_does_not is "$status" 401
stop_server

# ---- with mail: TLS and signing in required ----

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mail -addext subjectAltName=IP:127.0.0.1 \
  -keyout "$dir/mail.key" -out "$dir/mail.pem" 2>/dev/null
mkdir "$dir/mail"
mkfifo "$dir/hold"
python3 tests/lib/smtp_sink.py "$dir/mail" --starttls "$dir/mail.pem" "$dir/mail.key" --user drop 'mail secret' \
  <"$dir/hold" >"$dir/sink-port" 2>"$dir/sink-log" &
sink=$!
exec 9>"$dir/hold"
for _ in $(seq 50); do [ -s "$dir/sink-port" ] && break; sleep 0.1; done
echo 'mail secret' >"$dir/mail-password"
export SEALDROP_ACCOUNTS_REGISTRATION=open SEALDROP_MAIL_LOCALE=de SEALDROP_MAIL_FROM='Ablage für alle <drop@example.com>'
export SEALDROP_MAIL_USER=drop SEALDROP_MAIL_PASSWORD_FILE=$dir/mail-password
SEALDROP_MAIL_URL=smtp://127.0.0.1:$(cat "$dir/sink-port")
export SEALDROP_MAIL_URL
start_server "$dir/log"
call POST /auth/register "{\"email\":\"dora@example.com\",\"password\":\"$password\"}"
check registration_is_taken is "$status" 201
for _ in $(seq 50); do has "$dir/log" 'kind=mail' && break; sleep 0.1; done
check unknown_certificate_gets_no_mail is "$(mails)" 0
stop_server
export SEALDROP_MAIL_CA_FILE=$dir/mail.pem
start_server "$dir/log"
wait_mail 1
check mail_is_tried_again is "$(mails)" 1
read_mail 1 >"$dir/text"
check envelope has "$dir/text" 'envelope: FROM:<drop@example.com> TO:<dora@example.com>'
check sender has "$dir/text" 'Ablage für alle <drop@example.com>'
check in_german has "$dir/text" 'Subject: Bestätigen Sie Ihre E-Mail-Adresse'
check text_and_html has "$dir/text" 'parts: text/plain text/html'
check not_answered_by_machines has "$dir/text" 'Auto-Submitted: auto-generated'
sign_in dora@example.com "$password"
check unconfirmed_cannot_sign_in is "$status" 401
link=$(link_in "$dir/text")
call POST /auth/email/verify "{\"token\":\"$(token_of "$link")\"}"
check address_is_confirmed is "$status" 200
sign_in dora@example.com "$password"
check confirmed_signs_in is "$status" 200
dora=$(json 'd["access_token"]')
id=$(json 'd["user"]["id"]')

call POST /auth/password/forgot '{"email":"dora@example.com"}' -H 'Host: evil.example' -H 'X-Forwarded-Host: evil.example'
wait_mail 2
read_mail 2 >"$dir/text"
check link_is_of_this_server hasnt "$dir/text" evil
link=$(link_in "$dir/text")
for _ in $(seq 30); do
  curl -sk -o /dev/null -w '%{http_code}\n' -H 'content-type: application/json' \
    -d "{\"token\":\"$(token_of "$link")\",\"new_password\":\"$other\"}" "$api/auth/password/reset" &
done >"$dir/codes"
wait $(jobs -p | grep -vE "^($server|$sink)$")
check token_works_once_in_thirty is "$(sort "$dir/codes" | uniq -c | xargs)" '1 204 29 400'
call GET /me '' -H "Authorization: Bearer $dora"
check sessions_have_ended is "$status" 401
wait_mail 3
read_mail 3 >"$dir/text"
check notice_of_the_change has "$dir/text" 'Subject: Ihr Passwort wurde geändert'
call POST /auth/register "{\"email\":\"dora@example.com\",\"password\":\"$password\"}"
check taken_address_looks_free is "$status $(json 'd["user"]["role"]')" '201 user'
wait_mail 4
read_mail 4 >"$dir/text"
check but_its_owner_is_told has "$dir/text" 'Subject: Sie haben bereits ein Konto'

# ---- administration ----

sign_in root@example.com "$password"
root="Authorization: Bearer $(json 'd["access_token"]')"
call POST /admin/users '{"email":"emil@example.com","role":"guest","send_invite":true}' -H "$root"
check account_made is "$status $(json 'd["invite"]["mailed"], d["invite"].get("link")')" '201 (True, None)'
wait_mail 5
read_mail 5 >"$dir/text"
link=$(link_in "$dir/text")
call POST /auth/password/reset "{\"token\":\"$(token_of "$link")\",\"new_password\":\"$password\"}"
sign_in emil@example.com "$password"
check first_password_chosen is "$status $(json 'd["user"]["role"]')" '200 guest'
sign_in dora@example.com "$other"
dora=$(json 'd["access_token"]')
call POST "/admin/users/$id/suspend" '' -H "$root"
check suspended is "$status $(json 'd["user"]["state"]')" '200 suspended'
call GET /me '' -H "Authorization: Bearer $dora"
check at_once is "$status" 401
call GET '/admin/users?q=dora' '' -H "$root"
check found is "$(json 'len(d["items"]), d["items"][0]["email_verified"]')" '(1, True)'
call DELETE "/admin/users/$id" '' -H "$root"
check deleted is "$status" 204
"$bin/sealdropd" admin email emil@example.com emilia@example.com --data "$dir/data" >/dev/null 2>&1
check address_by_command_line [ "$(call GET '/admin/users?q=emilia' '' -H "$root" && json 'd["items"][0]["email"]')" = emilia@example.com ]
check address_taken_is_refused eval '! "$bin/sealdropd" admin email emilia@example.com root@example.com --data "$dir/data" >/dev/null 2>&1'
root_id=$(call GET '/admin/users?q=root' '' -H "$root" && json 'd["items"][0]["id"]')
call DELETE "/admin/users/$root_id" '' -H "$root"
check last_administrator_stays is "$status $(json 'd["code"]')" '409 last_admin'
call GET '/admin/audit-logs?limit=200' '' -H "$root"
for event in user.create user.invite auth.password.forgot auth.password.reset user.suspend user.delete; do
  check "record_of_$event" is "$(json "any(r['event'] == '$event' for r in d['items'])")" True
done
stop_server
check no_password_in_the_log hasnt "$dir/log" "$password"
check no_link_in_the_log hasnt "$dir/log" '#sd'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
