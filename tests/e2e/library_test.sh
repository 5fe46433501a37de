#!/usr/bin/env bash
# The library by the command line (client.sh): files and folders both ways, lists, search, tags, versions, sharing, the trash.
source "$(dirname "$0")/client.sh"

json() { python3 -c "import json,sys; d=json.load(open(sys.argv[1])); $1" "$W/stdout" || fail "json: $1: $(head -c 300 "$W/stdout")"; }
# The id of the first file that was uploaded.
id_of() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["files"][0]["id"])' "$W/stdout"; }
as_other() { HOME=$W/home-b "$BIN/sealdrop" "$@"; }

test_files_both_ways() {
  mkdir -p "$D/in/photos/2024" "$D/in/empty"
  random_file 3000000 "$D/in/photos/a b.jpg"
  random_file 20000000 "$D/in/photos/2024/groß.bin"
  : >"$D/in/photos/nothing"
  echo "note" >"$D/in/note.txt"
  is 0 sd upload "$D/in/photos" "$D/in/note.txt" --folder /up
  is 0 sd ls /up
  prints 'note.txt'
  prints 'photos/'
  is 0 sd ls /up/photos/2024
  prints 'groß.bin'
  is 0 sd ls /
  prints 'up/'
  is 0 sd download /up/photos -o "$D/out"
  diff -r "$D/in/photos" "$D/out/photos" || fail "folder differs"
  is 0 sd download /up/note.txt -o "$D/one" --json
  json 'assert d["verified"] and d["files"][0]["size"]==5'
  same "$D/in/note.txt" "$D/one/note.txt"
  is 0 sd download /up/photos/2024/groß.bin --stdout
  same "$D/in/photos/2024/groß.bin" "$W/stdout"
  is 1 sd download /up/note.txt -o "$D/one"
  is 0 sd download /up/note.txt -o "$D/one" --rename
  same "$D/in/note.txt" "$D/one/note (2).txt"
  is 0 sd download /up -o "$D/all"
  diff -r "$D/in/photos" "$D/all/up/photos" || fail "tree differs"
}

# By hand, as a page or a script does it: the client's own folders come file by file.
test_archives() {
  mkdir -p "$D/in/Fotos März/日本" "$D/x"
  random_file 3000000 "$D/in/Fotos März/a b.jpg"
  echo small >"$D/in/Fotos März/日本/naïve ☃.txt"
  is 0 sd upload "$D/in/Fotos März" --folder /zip
  local auth
  auth=$(curl -sk "$URL/api/v1/auth/login" -H 'Content-Type: application/json' -d "{\"email\":\"a@example.org\",\"password\":\"$PASSWORD\"}" |
    python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])') || fail "sign in"
  curl -sk -H "Authorization: Bearer $auth" "$URL/api/v1/folders" -H 'Content-Type: application/json' -d '{"path":"/zip/Fotos März/leer"}' >/dev/null
  local folder
  folder=$(curl -sk -H "Authorization: Bearer $auth" "$URL/api/v1/folders?parent=/" |
    python3 -c 'import json,sys; print(next(f["id"] for f in json.load(sys.stdin)["items"] if f["name"]=="zip"))')
  curl -sk -D "$D/headers" -o "$D/x.zip" -H "Authorization: Bearer $auth" "$URL/api/v1/files/archive" -H 'Content-Type: application/json' \
    -d "{\"folder_ids\":[\"$folder\"]}"
  unzip -tqq "$D/x.zip" || fail "unzip -t"
  head -c 1000000 "$D/x.zip" >"$D/cut.zip"
  curl -sk -C - -o "$D/cut.zip" -H "Authorization: Bearer $auth" "$URL$(sed -n 's/^content-location: *//Ip' "$D/headers" | tr -d '\r')"
  same "$D/x.zip" "$D/cut.zip"
  python3 -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])' "$D/x.zip" "$D/x"
  mkdir "$D/in/Fotos März/leer"
  diff -r "$D/in" "$D/x/zip" || fail "what was unpacked differs"
}

test_streams() {
  random_file 20000000 "$D/a"
  sd upload - --name stream.bin --folder /streams <"$D/a" >/dev/null || fail upload
  sd download /streams/stream.bin --stdout >"$D/b" || fail download
  same "$D/a" "$D/b"
  is 2 sd upload - --folder /streams
  says 'name'
}

test_what_is_not_there() {
  is 4 sd download /no/such/file
  is 4 sd ls /no/such
  is 4 sd download 01900000-0000-7000-8000-000000000000
  is 4 sd mv /no/such/file /up/
  is 2 sd upload "$D" --folder up
  is 4 sd rm /nothing
  is 2 sd download
  is 4 sd upload "$W/no-such-file"
}

test_search_and_tags() {
  echo 1 >"$D/Quarterly Report.txt"
  echo 2 >"$D/holiday.txt"
  is 0 sd upload "$D/Quarterly Report.txt" "$D/holiday.txt" --folder /papers
  is 0 sd search report
  prints 'Quarterly Report.txt'
  grep -q holiday "$W/stdout" && fail "too much"
  is 0 sd search uarterl REPO
  prints '/papers/Quarterly'
  is 0 sd tag "/papers/Quarterly Report.txt" --add 'Finance, 2026'
  prints '#Finance'
  is 0 sd search finance
  prints 'Quarterly'
  is 0 sd tag "/papers/Quarterly Report.txt" --remove finance --json
  json 'assert d[0]["tags"]==["2026"], d'
  is 0 sd search finance
  says 'Nothing found'
  is 0 sd search zzzz --json
  json 'assert d==[]'
}

test_moving() {
  echo x >"$D/may.txt"
  is 0 sd upload "$D/may.txt" --folder /from
  is 0 sd upload "$D/may.txt" --folder /to/deep
  is 0 sd mv /from/may.txt june.txt
  is 0 sd ls /from
  prints june.txt
  is 0 sd mv /from/june.txt /to/deep/
  is 0 sd ls /to/deep
  prints june.txt
  is 0 sd mv /to/deep/june.txt /from/july.txt
  is 0 sd ls /from --json
  json 'assert [f["name"] for f in d]==["july.txt"], d'
  is 2 sd mv /from/july.txt /to/deep/may.txt /nowhere
}

test_versions() {
  echo one >"$D/v.txt"
  is 0 sd upload "$D/v.txt" --folder /v
  echo second >"$D/v.txt"
  is 0 sd upload "$D/v.txt" --version-of /v/v.txt
  is 0 sd versions /v/v.txt --json
  json 'assert [v["version"] for v in d["items"]]==[2,1], d'
  sd download /v/v.txt --stdout >"$D/now" && same "$D/now" "$D/v.txt"
  sd download /v/v.txt --version 1 --stdout >"$D/old"
  [ "$(cat "$D/old")" = one ] || fail "version 1: $(cat "$D/old")"
  is 0 sd versions /v/v.txt --restore 1
  [ "$(sd download /v/v.txt --stdout)" = one ] || fail restore
  is 0 sd versions /v/v.txt --delete 2
  is 4 sd download /v/v.txt --version 2 --stdout
  is 2 sd versions /v/v.txt --delete 1 --restore 1
}

test_sharing() {
  echo secret >"$D/s.txt"
  is 0 sd upload "$D/s.txt" --folder /s --json
  local id
  id=$(id_of)
  HOME=$W/home-b sd login "$URL" --email b@example.org --password-stdin --cacert "$W/data/tls/cert.pem" <<<"$PASSWORD" >/dev/null
  is 4 as_other download "$id" --stdout
  is 0 sd share /s/s.txt --with b@example.org --permission view
  prints view
  is 0 as_other ls --shared
  prints s.txt
  is 3 as_other download "$id" --stdout
  is 0 sd share /s/s.txt --with b@example.org --expires 1h
  [ "$(as_other download "$id" --stdout)" = secret ] || fail "shared file"
  is 3 as_other rm "$id" --purge
  is 0 sd share /s/s.txt --remove b@example.org
  is 4 as_other download "$id" --stdout
  is 2 sd share /s/s.txt --permission view
  is 2 sd share /s/s.txt --with nobody@example.org
  says 'email '
  is 2 sd share /s/s.txt --with b@example.org --permission fly
  says 'permission '
}

test_trash() {
  echo gone >"$D/g.txt"
  is 0 sd upload "$D/g.txt" --folder /g --json
  local id
  id=$(id_of)
  is 0 sd rm /g/g.txt
  is 0 sd ls --trash
  prints g.txt
  is 4 sd download /g/g.txt
  is 0 sd rm "$id" --purge
  is 0 sd ls --trash
  grep -q g.txt "$W/stdout" && fail "still in the trash"
  is 0 sd upload "$D/g.txt" --folder /g
  is 1 sd rm /g
  says 'not empty'
  is 0 sd rm /g --recursive
  is 4 sd ls /g
  is 0 sd ls --trash
  prints /g/g.txt
  is 0 sd restore /g
  is 0 sd download /g/g.txt -o "$D/back"
  same "$D/g.txt" "$D/back/g.txt"
  is 4 sd restore /g
  says "no '/g' in the trash"
  is 0 sd rm /g/g.txt
  is 0 sd restore /g/g.txt
  is 0 sd ls /g
  prints g.txt
  id=$(awk '/g.txt/ {print $1}' "$W/stdout")
  is 0 sd rm "$id"
  is 0 sd restore "$id"
  is 4 sd restore 01900000-0000-7000-8000-000000000000
  is 0 sd upload "$D/g.txt" --folder /h
  is 0 sd rm /h --recursive --purge
  is 0 sd ls --trash
  grep -q /h/ "$W/stdout" && fail "in the trash"
  is 2 sd rm /
}

test_upload_resumes_after_kill() {
  random_file 60000000 "$D/big"
  slow 10000000
  "$BIN/sealdrop" upload "$D/big" --folder /resumed >/dev/null 2>&1 &
  local pid=$!
  sleep 3
  kill -9 $pid
  wait $pid 2>/dev/null
  fast
  is 0 sd upload "$D/big" --folder /resumed --json
  is 0 sd ls /resumed --json
  json 'assert len(d)==1 and d[0]["size"]==60000000, d'
  sd download /resumed/big -o "$D/out" >/dev/null || fail download
  same "$D/big" "$D/out/big"
}

sign_in >/dev/null
run_all files_both_ways archives streams what_is_not_there search_and_tags moving versions sharing trash upload_resumes_after_kill
