#!/bin/sh
# The bare engine (bench_http) beside nginx on the same machine, same certificate: small answers, downloads, uploads that
# are dropped. CPU figures are the server's own and the ones to trust; clients share the cores.
#   bench_http.sh PATH/TO/bench_http        needs nginx, wrk, h2load, curl, openssl
set -eu
bench=$1
dir=$(mktemp -d)
trap 'kill $ours $nginx $hold 2>/dev/null; rm -rf "$dir"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" \
    -days 2 -subj /CN=localhost 2>/dev/null
chmod 755 "$dir"; mkdir "$dir/www" && truncate -s 1G "$dir/www/big" && cat "$dir/www/big" >/dev/null
cat >"$dir/nginx.conf" <<CONF
user root; daemon off; worker_processes 2; pid $dir/pid; error_log $dir/err;
events { worker_connections 20000; }
http { access_log off; sendfile on; keepalive_requests 1000000; client_body_temp_path $dir/body; client_max_body_size 0;
  ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem; ssl_buffer_size 16k;
  server { listen 27080 reuseport; listen 27443 ssl http2 reuseport; root $dir/www;
    location /call { default_type application/json; return 200 '{"ok":true}'; }
    location /sink { return 200 ok; } } }
CONF
nginx -p "$dir" -c "$dir/nginx.conf" & nginx=$!
mkfifo "$dir/hold"; sleep 100000 >"$dir/hold" & hold=$!
"$bench" 29443 "$dir/cert.pem" "$dir/key.pem" <"$dir/hold" >/dev/null & ours=$!
"$bench" 29080 <"$dir/hold" >/dev/null & plain=$!
ours="$ours $plain"
sleep 1
ticks() { # CPU of a process and its children, in clock ticks
    for p in $1 $(pgrep -P "$(echo "$1" | tr ' ' ,)" || true); do cat /proc/"$p"/stat; done | awk '{n += $14 + $15} END {print n}'
}
measure() { # pids, unit count, label, command…
    pids=$1 units=$2 label=$3; shift 3
    a=$(ticks "$pids"); t0=$(date +%s%N)
    "$@" >"$dir/out" 2>&1 || { cat "$dir/out"; exit 1; }
    t1=$(date +%s%N); b=$(ticks "$pids")
    [ "$units" != wrk ] || units=$(awk '/requests in/ {print $1}' "$dir/out")
    awk -v t=$((b - a)) -v ns=$((t1 - t0)) -v u="$units" -v l="$label" \
        'BEGIN {printf "%-28s %10.1f /s   %10.2f CPU us each\n", l, u * 1e9 / ns, t * 10000 / u}'
}
gib() { # the same for whole GiB
    pids=$1 label=$2; shift 2
    a=$(ticks "$pids"); t0=$(date +%s%N)
    "$@" >"$dir/out" 2>&1 || { cat "$dir/out"; exit 1; }
    t1=$(date +%s%N); b=$(ticks "$pids")
    awk -v t=$((b - a)) -v ns=$((t1 - t0)) -v l="$label" \
        'BEGIN {printf "%-28s %10.2f GiB/s %9.2f CPU s/GiB\n", l, 1e9 / ns, t / 100}'
}
for round in 1 2 3; do
    for who in nginx ours; do
        if [ $who = nginx ]; then pids=$nginx tls=27443 tcp=27080 get=big; else pids=$ours tls=29443 tcp=29080 get=source/1073741824; fi
        measure "$pids" wrk "$who small tls" wrk -t1 -c64 -d2 https://127.0.0.1:$tls/call
        measure "$pids" wrk "$who small plain" wrk -t1 -c64 -d2 http://127.0.0.1:$tcp/call
        [ $who = nginx ] || measure "$pids" wrk "$who inline tls" wrk -t1 -c64 -d2 https://127.0.0.1:$tls/inline
        measure "$pids" 200000 "$who small h2" h2load -n200000 -c64 -m10 https://127.0.0.1:$tls/call
        gib "$pids" "$who get tls" curl -skm 60 --http1.1 -o /dev/null https://127.0.0.1:$tls/$get
        gib "$pids" "$who get h2" curl -skm 60 --http2 -o /dev/null https://127.0.0.1:$tls/$get
        gib "$pids" "$who get plain" curl -skm 60 -o /dev/null http://127.0.0.1:$tcp/$get
        gib "$pids" "$who put tls" curl -skm 60 --http1.1 -T "$dir/www/big" https://127.0.0.1:$tls/sink
        # nginx 1.22 leaves an HTTP/2 client hanging that it answers early.
        [ $who = nginx ] || gib "$pids" "$who put h2" curl -skm 60 --http2 -T "$dir/www/big" https://127.0.0.1:$tls/sink
        gib "$pids" "$who put plain" curl -skm 60 -T "$dir/www/big" http://127.0.0.1:$tcp/sink
    done
done
