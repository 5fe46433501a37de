#!/usr/bin/env bash
# The client and the server as people run them (client.sh): networks that break and processes that are killed.
source "$(dirname "$0")/client.sh"

# ---- the tests ----

test_sign_in() {
  local print
  print=$(openssl x509 -in "$W/data/tls/cert.pem" -noout -fingerprint -sha256 | cut -d= -f2)
  is 3 sd_quiet login "$URL" --email a@example.org --password-stdin <<<"$PASSWORD"
  says "$(tr A-F a-f <<<"$print")"
  is 3 sd_quiet login "$URL" --email a@example.org --password-stdin --accept-fingerprint "00${print:2}" <<<"$PASSWORD"
  is 2 sd_quiet login "$URL" --email a@example.org --password-stdin --accept-fingerprint nonsense <<<"$PASSWORD"
  is 3 sd whoami
  is 0 sd_quiet login "$URL" --email a@example.org --password-stdin --accept-fingerprint "$print" <<<"$PASSWORD"
  is 0 sd whoami
  prints 'a@example.org (user)'
  is 0 sd whoami --json
  python3 -c 'import json,sys; assert json.load(open(sys.argv[1]))["user"]["email"]=="a@example.org"' "$W/stdout" || fail json
  is 3 sd login "$URL" --email a@example.org --password-stdin <<<"wrong horse battery"
  # A server that shows another certificate than the pinned one is not talked to.
  sed -i 's/"pin":"[0-9a-f]*"/"pin":"'"$(printf '0%.0s' {1..64})"'"/' "$HOME/.config/sealdrop/hosts.json"
  is 3 sd whoami
  says 'not the one pinned'
  is 3 sd logout
  says 'signed out here'
  is 3 sd whoami
  says 'sealdrop login'
  [ ! -e "$HOME/.config/sealdrop/account.json" ] || fail "tokens are still there"
  is 0 sd login "$URL" --email a@example.org --password-stdin --cacert "$W/data/tls/cert.pem" <<<"$PASSWORD"
  is 0 sd logout
  is 0 sd login "$URL" --email a@example.org --password-stdin --cacert "$W/data/tls/cert.pem" <<<"$PASSWORD"
  is 0 sd whoami
  [ "$(stat -c %a "$HOME/.config/sealdrop" "$HOME/.config/sealdrop/account.json" | tr '\n' ' ')" = '700 600 ' ] || fail modes
}

test_usage() {
  is 2 sd
  is 2 sd sned x
  says 'did you mean "send"'
  is 2 sd send --expire 3d x
  says 'did you mean --expires'
  is 2 sd send --password=secret x
  says 'no value on the command line'
  is 4 sd send "$D/missing"
  says missing
  is 2 sd get nonsense
  is 0 sd --version
  is 0 sd help
  is 0 sd help get
  prints '--stdout'
  is 0 sd get --help
  is 2 sd help nonsense
  is 6 sd get --cacert "$W/data/tls/cert.pem" "https://localhost:1/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
  is 4 sd get "$URL/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
}

test_files_and_folders() {
  mkdir -p "$D/in/Fotos ü/日本/deep er"
  random_file 30000000 "$D/in/big"
  random_file 8388608 "$D/in/Fotos ü/exactly 8 MiB"
  random_file 8388607 "$D/in/Fotos ü/one less"
  echo hi >"$D/in/Fotos ü/日本/deep er/Grüße 😀.txt"
  : >"$D/in/Fotos ü/empty"
  : >"$D/in/empty too"
  is 0 sd send "$D/in/big" "$D/in/Fotos ü" "$D/in/empty too" --title 'Summer ☀' --expires 3d
  [ "$(wc -l <"$W/stdout")" = 1 ] && grep -qE "^$URL/s/[A-Za-z0-9_-]{43}$" "$W/stdout" || fail "not only the link: $(cat "$W/stdout")"
  LINK=$(cat "$W/stdout")
  is 0 sd get --list "$LINK"
  prints 'Grüße 😀.txt'
  prints 'Summer ☀'
  is 0 sd get "$LINK" -o "$D/out/new"
  prints '^Verified: 6 files'
  diff -r "$D/in" "$D/out/new" >/dev/null || fail "$(diff -r "$D/in" "$D/out/new")"
  [ -z "$(find "$D/out" -name '*.part*')" ] || fail "left over: $(find "$D/out" -name '*.part*')"
  [ -z "$(find "$HOME/.local/state/sealdrop" -name 'send-*' -o -name 'get-*')" ] || fail "state left over"
  is 1 sd get "$LINK" -o "$D/out/new"
  says 'exists already'
  echo old >"$D/out/new/big"
  is 0 sd get "$LINK" -o "$D/out/new" --force
  same "$D/in/big" "$D/out/new/big"
  echo old >"$D/out/new/big"
  is 0 sd get "$LINK" -o "$D/out/new" --rename
  same "$D/in/big" "$D/out/new/big (2)"
  [ "$(cat "$D/out/new/big")" = old ] || fail "replaced unasked"
  # A folder that is a symbolic link is not written through.
  mkdir "$D/trap" "$D/elsewhere"
  ln -s "$D/elsewhere" "$D/trap/Fotos ü"
  is 3 sd get "$LINK" -o "$D/trap"
  [ -z "$(ls "$D/elsewhere")" ] || fail "written through a link"
}

test_many_small_files() {
  mkdir "$D/in"
  for i in $(seq 500); do echo "$i" >"$D/in/$i"; done
  send "$D/in"
  is 0 sd get "$LINK" -o "$D/out"
  diff -r "$D/in" "$D/out/in" >/dev/null || fail differ
}

test_streams() {
  random_file 70000000 "$D/data"
  LINK=$(cat "$D/data" | sd send -q - --name piped.bin) || fail send
  sd get --stdout "$LINK" 2>/dev/null | cmp -s - "$D/data" || fail "stdout differs"
  is 0 sd get "$LINK" -o "$D/out"
  same "$D/data" "$D/out/piped.bin"
  LINK=$(sd send -q - --name empty </dev/null) || fail send
  is 0 sd get --stdout "$LINK"
  [ ! -s "$W/stdout" ] || fail "not empty"
  # Exactly one part: the last one is empty.
  LINK=$(head -c 67108864 /dev/zero | sd send -q - --name zeros) || fail send
  [ "$(sd get --stdout "$LINK" | sha256sum)" = "$(head -c 67108864 /dev/zero | sha256sum)" ] || fail "zeros differ"
  is 2 sd send - </dev/null
  says '--name'
  echo a >"$D/a"
  send "$D/a" "$D/data"
  is 2 sd get --stdout "$LINK"
  send "$D/a" --name b.txt
  is 0 sd get --list "$LINK"
  prints b.txt
}

test_json() {
  echo a >"$D/a"
  is 0 sd send --json "$D/a" --downloads 5 --expires 10m
  LINK=$(python3 - "$W/stdout" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["max_downloads"] == 5 and d["bytes"] == 2 and d["files"][0]["name"] == "a" and not d["password"], d
assert d["expires_at"].endswith("Z")
print(d["link"])
PY
  ) || fail "send --json"
  is 0 sd get --json "$LINK" -o "$D/out"
  python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); assert d["verified"] and d["files"][0]["size"]==2' "$W/stdout" || fail get
  is 0 sd get --json --list "$LINK"
  python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); assert d["downloads_left"]==4, d' "$W/stdout" || fail list
  is 0 sd sent --json
  python3 -c 'import json,sys; assert len(json.load(open(sys.argv[1])))>=1' "$W/stdout" || fail ls
  is 4 sd get --json "$URL/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
  python3 -c 'import json,sys; assert json.load(open(sys.argv[1]))["error"]["code"]=="not_found"' "$W/stderr" || fail error
  is 0 sd send --qr "$D/a"
  says '█'
  [ "$(wc -l <"$W/stdout")" = 1 ] || fail "the code is on stdout"
}

test_password() {
  echo secret >"$D/a"
  LINK=$(sd send -q "$D/a" --password-stdin <<<'open sesame!') || fail send
  is 3 sd_quiet get "$LINK" -o "$D/out"
  says 'asks for a password'
  is 3 sd_quiet get "$LINK" -o "$D/out" --password-stdin <<<wrong
  [ ! -e "$D/out/a" ] || fail "given out"
  is 3 sd_quiet get --list "$LINK"
  SEALDROP_LINK_PASSWORD='open sesame!' is 0 sd get "$LINK" -o "$D/out"
  same "$D/a" "$D/out/a"
  is 0 env 'MY_WORD=open sesame!' "$BIN/sealdrop" get "$LINK" -o "$D/out2" --password-env MY_WORD
  is 2 sd get "$LINK" -o "$D/out3" --password-env NOT_SET
  if python3 -c 'import pty' 2>/dev/null; then
    python3 tests/e2e/ask.py 'open sesame!' "$BIN/sealdrop" get -q "$LINK" -o "$D/out4" >"$W/stdout" 2>&1 || fail "asked: $(cat "$W/stdout")"
    same "$D/a" "$D/out4/a"
    grep -q 'open sesame' "$W/stdout" && fail "the password was echoed"
  fi
  for _ in 1 2 3 4 5; do sd_quiet get "$LINK" -o "$D/x" --password-stdin <<<wrong >/dev/null 2>&1; done
  is 3 sd_quiet get "$LINK" -o "$D/x" --password-stdin <<<'open sesame!'
  says 'lock\|minutes\|later'
}

test_ends_of_links() {
  echo a >"$D/a"
  send "$D/a" --downloads 1
  is 0 sd get "$LINK" -o "$D/1"
  is 4 sd get "$LINK" -o "$D/2"
  send "$D/a" --expires 2s
  is 0 sd get "$LINK" -o "$D/3"
  sleep 2.2
  is 4 sd get "$LINK" -o "$D/4"
  send "$D/a"
  is 0 sd revoke "$LINK"
  is 4 sd get "$LINK" -o "$D/5"
  says 'revoked\|back\|ended'
  send "$D/a" --title 'To be removed'
  is 0 sd sent
  prints 'To be removed'
  is 0 sd rm "$LINK"
  is 4 sd get "$LINK" -o "$D/6"
  is 0 sd sent
  grep -q 'To be removed' "$W/stdout" && fail "still listed"
  is 4 sd revoke "$URL/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
  is 4 sd rm 01900000-0000-7000-8000-000000000000
}

test_tokens_renew() {
  echo a >"$D/a"
  python3 - "$HOME/.config/sealdrop/account.json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
d["access_until"] = "2020-01-01T00:00:00.000Z"
json.dump(d, open(sys.argv[1], "w"))
PY
  # Several at once with an old token: the refresh token may be used only once.
  local pids=() p
  for i in 1 2 3 4 5 6; do sd whoami >"$D/who$i" 2>&1 & pids+=($!); done
  for p in "${pids[@]}"; do wait "$p" || fail "one lost its session: $(cat "$D"/who*)"; done
  sed -i 's/"access_token":"[^"]*"/"access_token":"not.a.token"/' "$HOME/.config/sealdrop/account.json"
  is 0 sd send "$D/a"
}

test_send_resumes_after_kill() {
  local before used
  random_file 100000000 "$D/big"
  slow 30000000
  before=$(count up)
  "$BIN/sealdrop" send "$D/big" >/dev/null 2>&1 &
  local pid=$!
  sleep 2
  kill -9 $pid
  wait $pid 2>/dev/null
  used=$(($(count up) - before))
  [ $used -gt 20000000 ] && [ $used -lt 95000000 ] || fail "killed too early or late: $used"
  fast
  before=$(count up)
  send "$D/big"
  used=$(($(count up) - before))
  [ $used -lt 85000000 ] || fail "sent again: $used bytes"
  sd get --stdout "$LINK" | cmp -s - "$D/big" || fail differ
}

test_send_of_changed_file_starts_anew() {
  random_file 60000000 "$D/big"
  slow 30000000
  "$BIN/sealdrop" send "$D/big" >/dev/null 2>&1 &
  local pid=$!
  sleep 1.2
  kill -9 $pid
  wait $pid 2>/dev/null
  fast
  random_file 60000000 "$D/big"
  is 0 sd send "$D/big"
  says 'sent anew'
  sd get --stdout "$(cat "$W/stdout")" | cmp -s - "$D/big" || fail "contents were mixed"
}

test_interrupt_is_polite() {
  random_file 60000000 "$D/big"
  slow 20000000
  "$BIN/sealdrop" send "$D/big" >/dev/null 2>"$W/stderr" &
  local pid=$! got
  sleep 1
  kill -INT $pid
  wait $pid
  got=$?
  [ $got = 1 ] || fail "exit $got"
  says 'the same command goes on'
  fast
  send "$D/big"
  slow 20000000
  "$BIN/sealdrop" get "$LINK" -o "$D/out" >/dev/null 2>"$W/stderr" &
  pid=$!
  sleep 1
  kill -TERM $pid
  wait $pid
  says 'the same command goes on'
  fast
  is 0 sd get "$LINK" -o "$D/out"
  same "$D/big" "$D/out/big"
}

test_get_resumes_after_kill() {
  local before used
  random_file 160000000 "$D/big"
  # Before the big one in order: it is complete when the client is killed.
  echo small >"$D/a small"
  send "$D/big" "$D/a small" --downloads 1
  slow 40000000
  "$BIN/sealdrop" get "$LINK" -o "$D/out" >/dev/null 2>&1 &
  local pid=$!
  # A note is made every 64 MiB or 5 s.
  wait_for 20 bash -c '[ "$(stat -c %s "$1")" -gt 400 ]' - "$D/out/big.part.state" || fail "no state"
  kill -9 $pid
  wait $pid 2>/dev/null
  [ -e "$D/out/big.part" ] && [ ! -e "$D/out/big" ] || fail "no partial file"
  fast
  before=$(count down)
  # One download is allowed: going on must not need a second.
  is 0 sd get "$LINK" -o "$D/out"
  used=$(($(count down) - before))
  [ $used -lt 110000000 ] || fail "fetched again: $used bytes"
  same "$D/big" "$D/out/big"
  same "$D/a small" "$D/out/a small"
  [ -z "$(find "$D/out" -name '*.part*')" ] || fail "left over"
  is 4 sd get "$LINK" -o "$D/again"
}

test_server_killed_in_send_and_get() {
  random_file 100000000 "$D/big"
  slow 30000000
  "$BIN/sealdrop" send --progress "$D/big" >"$D/link" 2>"$D/err" &
  local pid=$!
  sleep 1.2
  kill_server
  sleep 1
  start_server || fail "no server"
  wait $pid || fail "send: $(cat "$D/err")"
  LINK=$(cat "$D/link")
  "$BIN/sealdrop" get "$LINK" -o "$D/out" >"$W/stdout" 2>"$W/stderr" &
  pid=$!
  sleep 1.5
  kill_server
  sleep 1
  start_server || fail "no server"
  fast
  wait $pid || fail "get: $(cat "$W/stderr")"
  same "$D/big" "$D/out/big"
}

used_files() {
  TOKEN=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["access_token"])' "$HOME/.config/sealdrop/account.json")
  curl -fsS --cacert "$W/data/tls/cert.pem" -H "Authorization: Bearer $TOKEN" "https://localhost:$PORT/api/v1/me" |
    python3 -c 'import json,sys; print(json.load(sys.stdin)["user"]["used_files"])'
}

# Small files go many in a request: whoever is killed in the middle, each is there once in the end.
test_small_files_survive_kills() {
  local before pid used known all=2000
  python3 - "$D/in" $all <<'PY' || fail "no files"
import os, sys
for i in range(int(sys.argv[2])):
    path = "%s/d%02d/f%04d" % (sys.argv[1], i % 20, i)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").write(os.urandom(i * 7 % 12000))
PY
  is 0 sd whoami
  before=$(used_files)
  slow 3000000
  "$BIN/sealdrop" upload "$D/in" --folder /kills >/dev/null 2>"$D/err" &
  pid=$!
  sleep 1.5
  kill_server
  sleep 0.5
  start_server || fail "no server"
  sleep 1
  kill -9 $pid
  wait $pid 2>/dev/null
  used=$(($(used_files) - before))
  [ $used -gt 0 ] && [ $used -lt $all ] || fail "killed too early or late: $used files"
  known=$(cat "$HOME"/.local/state/sealdrop/upload-* | grep -c '"event":"stored"')
  [ "$known" -gt 0 ] || fail "nothing was acknowledged before the client was killed"
  fast
  used=$(count up)
  is 0 sd upload "$D/in" --folder /kills
  used=$(($(count up) - used))
  [ $used -lt $(((all - known) * 6500)) ] || fail "sent again: $used bytes, where $known files were known"
  used=$(($(used_files) - before))
  [ $used = $all ] || fail "$used files of $all"
  is 0 sd download /kills/in -o "$D/out"
  diff -r "$D/in" "$D/out/in" >/dev/null || fail "$(diff -rq "$D/in" "$D/out/in" | head -3)"
}

test_network_cuts() {
  random_file 80000000 "$D/big"
  slow 30000000
  "$BIN/sealdrop" send "$D/big" >"$D/link" 2>"$D/err" &
  local pid=$!
  for _ in 1 2 3; do sleep 0.6; kill -USR1 $proxy; done
  wait $pid || fail "send: $(cat "$D/err")"
  "$BIN/sealdrop" get "$(cat "$D/link")" -o "$D/out" >/dev/null 2>"$D/err" &
  pid=$!
  for _ in 1 2 3; do sleep 0.6; kill -USR1 $proxy; done
  wait $pid || fail "get: $(cat "$D/err")"
  same "$D/big" "$D/out/big"
  fast
  slow 30000000
  "$BIN/sealdrop" get --stdout "$(cat "$D/link")" >"$D/piped" 2>"$D/err" &
  pid=$!
  for _ in 1 2 3; do sleep 0.6; kill -USR1 $proxy; done
  wait $pid || fail "get --stdout: $(cat "$D/err")"
  same "$D/big" "$D/piped"
}

test_tampered_bytes() {
  random_file 20000000 "$D/big"
  touch "$W/marker"
  send "$D/big"
  local blob
  blob=$(find "$W/data/blobs" -type f -newer "$W/marker" -size +19M | head -n 1)
  [ -n "$blob" ] || { fail "no blob found"; return; }
  printf 'X' | dd of="$blob" bs=1 seek=12000000 conv=notrunc status=none
  is 7 sd get "$LINK" -o "$D/out"
  says 'does not verify'
  [ ! -e "$D/out/big" ] || fail "a file that does not verify got its name"
  sd get --stdout "$LINK" >"$D/piped" 2>"$W/stderr"
  [ $? = 7 ] || fail "stdout"
  cmp -s -n "$(stat -c %s "$D/piped")" "$D/piped" "$D/big" || fail "bytes that do not verify came out"
  [ "$(stat -c %s "$D/piped")" -lt 12000000 ] || fail "too many bytes came out"
}

test_foreign_files_are_left_alone() {
  random_file 20000000 "$D/big"
  echo b >"$D/small"
  send "$D/big" "$D/small"
  mkdir "$D/out"
  echo mine >"$D/out/big.part"
  is 1 sd get "$LINK" -o "$D/out"
  [ "$(cat "$D/out/big.part")" = mine ] || fail "big.part was overwritten"
  # What was begun beside it is not left behind: what lies there the next time may be somebody else's.
  [ ! -e "$D/out/small.part" ] || fail "small.part was left behind"
  rm -r "$D/out"
  mkdir "$D/out"
  echo mine >"$D/out/small.part"
  is 1 sd get "$LINK" -o "$D/out"
  [ "$(cat "$D/out/small.part")" = mine ] || fail "small.part was overwritten"
  is 0 sd get "$LINK" -o "$D/out" --force
  same "$D/big" "$D/out/big"
  same "$D/small" "$D/out/small"
}

# Temporary names that are the names of other files of the link.
test_names_like_temporary_ones() {
  mkdir "$D/in"
  random_file 20000000 "$D/in/a"
  random_file 3000000 "$D/in/a.part"
  random_file 70000000 "$D/in/b" # of two parts, so that it has a state
  echo 'a state' >"$D/in/a.part.state"
  echo 'b state' >"$D/in/b.part.state"
  random_file 1000000 "$D/in/b.part"
  send "$D/in"/*
  is 0 sd get "$LINK" -o "$D/out"
  diff -r "$D/in" "$D/out" >/dev/null || fail "get: $(diff -rq "$D/in" "$D/out")"
  local f
  for f in "$D/out"/*; do echo old >"$f"; done
  is 0 sd get "$LINK" -o "$D/out" --force
  diff -r "$D/in" "$D/out" >/dev/null || fail "--force: $(diff -rq "$D/in" "$D/out")"
  is 0 sd get "$LINK" -o "$D/out" --rename
  [ "$(ls "$D/out" | wc -l)" = 12 ] || fail "--rename: $(ls "$D/out")"
  for f in a a.part a.part.state b b.part b.part.state; do
    same "$D/in/$f" "$D/out/$f"
    case $f in *.*) same "$D/in/$f" "$D/out/${f%.*} (2).${f##*.}" ;; *) same "$D/in/$f" "$D/out/$f (2)" ;; esac
  done
  # Interrupted when some are finished, and continued with the folder spelled in another way.
  slow 20000000
  "$BIN/sealdrop" get "$LINK" -o "$D/again" --force >/dev/null 2>&1 &
  local pid=$!
  wait_for 20 test -e "$D/again/a.part" || fail "none finished"
  kill -INT $pid
  wait $pid
  fast
  is 0 sd get "$LINK" -o "$D/./again" --force
  diff -r "$D/in" "$D/again" >/dev/null || fail "continued: $(diff -rq "$D/in" "$D/again")"
}

# Sets FILE to the id of the newest file; asks the server about it.
file_of() {
  TOKEN=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["access_token"])' "$HOME/.config/sealdrop/account.json")
  FILE=$(asked "" | python3 -c 'import json,sys; print(json.load(sys.stdin)["items"][0]["id"])')
}
asked() { curl -fsS --cacert "$W/data/tls/cert.pem" -H "Authorization: Bearer $TOKEN" "https://localhost:$PORT/api/v1/files$1" "${@:2}"; }
through() { asked "/$FILE" | grep -q '"processing":null'; }

# Compressed on the server: opened by the client and by the server, continued when interrupted, and sealed anew while it is fetched.
test_compressed() {
  local small
  head -c 45000000 /dev/urandom | base64 >"$D/big"
  kill_server
  SEALDROP_FILES_COMPRESS=on SEALDROP_FILES_DEDUPE=owner start_server || fail "no server"
  is 0 sd whoami
  send "$D/big"
  file_of
  wait_for 30 through || fail "never compressed"
  small=$(asked "/$FILE/content" -I | tr -d '\r' | awk 'tolower($1) == "content-length:" { print $2 }')
  [ "$small" -lt 50000000 ] || fail "stored in $small bytes"
  asked "/$FILE/download" | cmp -s - "$D/big" || fail "opened by the server: differs"
  asked "/$FILE/download" -r 12345678-32345678 | cmp -s - <(tail -c +12345679 "$D/big" | head -c 20000001) || fail "a range differs"
  sd get --stdout "$LINK" | cmp -s - "$D/big" || fail "stdout differs"
  is 0 sd get "$LINK" -o "$D/out"
  same "$D/big" "$D/out/big"
  [ "$(ls -A "$D/out")" = big ] || fail "left behind: $(ls -A "$D/out")"
  slow 20000000
  "$BIN/sealdrop" get "$LINK" -o "$D/cut" >/dev/null 2>&1 &
  local pid=$! before used
  sleep 2 # parts arrive side by side: now some are whole
  kill -INT $pid
  wait $pid
  before=$(count down)
  fast
  is 0 sd get "$LINK" -o "$D/cut"
  used=$(($(count down) - before))
  [ $used -lt 40000000 ] || fail "fetched again: $used bytes"
  same "$D/big" "$D/cut/big"
  slow 20000000
  "$BIN/sealdrop" get "$LINK" -o "$D/anew" >"$W/stdout" 2>"$W/stderr" &
  pid=$!
  sleep 1
  asked "/$FILE/encrypt" -X POST >/dev/null || fail "not accepted"
  wait_for 30 through || fail "never sealed anew"
  fast
  wait $pid || fail "get: $(cat "$W/stderr")"
  same "$D/big" "$D/anew/big"
  [ "$(ls -A "$D/anew")" = big ] || fail "left behind: $(ls -A "$D/anew")"
  kill_server
  start_server || fail "no server"
}

[ ${#only[@]} -gt 0 ] && sign_in
run_all sign_in usage files_and_folders many_small_files streams json password ends_of_links tokens_renew \
  send_resumes_after_kill send_of_changed_file_starts_anew interrupt_is_polite get_resumes_after_kill \
  server_killed_in_send_and_get small_files_survive_kills network_cuts tampered_bytes foreign_files_are_left_alone \
  names_like_temporary_ones compressed
