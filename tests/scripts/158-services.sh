#!/usr/bin/env bash
# Servers kept as PID files, health checks with retries and back-off, a restart, logs read by tail and grep.
set -uo pipefail
RUN=$(mktemp -d); export RUN PYTHONUNBUFFERED=1
log() { printf '[%s] %s\n' "$1" "${*:2}" | tee -a "$RUN/log"; }
start() { # NAME NETNS COMMAND…
    local name=$1 ns=$2; shift 2
    ip netns exec "$ns" "$@" > "$RUN/$name.out" 2>&1 &
    echo $! > "$RUN/$name.pid"
    [ $1 = nc ] || until grep -q "^Serving" "$RUN/$name.out"; do sleep 0.2; done
    log "$name" "started"
}
stop() {
    local pid; pid=$(<"$RUN/$1.pid")
    kill "$pid" 2>/dev/null && { wait "$pid" 2>/dev/null; log "$1" "stopped: $?"; }
    rm -f "$RUN/$1.pid"
}
alive() { kill -0 "$(<"$RUN/$1.pid")" 2>/dev/null; }
retry() { # TRIES COMMAND…
    local tries=$1 wait=0.1 n; shift
    for ((n = 1; n <= tries; n++)); do
        "$@" && { log retry "ok"; return 0; }
        sleep "$wait"; wait=$(awk -v w="$wait" 'BEGIN {print w * 2}')
    done
    log retry "gave up on: $*"; return 1
}
teardown() { for f in "$RUN"/*.pid; do [ -e "$f" ] && stop "$(basename "$f" .pid)"; done; ip -all netns del; rm -rf "$RUN"; }
trap teardown EXIT
ip netns add srv; ip netns add cli
ip link add s0 netns srv type veth peer name c0 netns cli
ip -n srv addr add 198.51.100.1/24 dev s0; ip -n cli addr add 198.51.100.2/24 dev c0
ip -n srv link set s0 up; ip -n cli link set c0 up; ip -n srv link set lo up
probe() { ip netns exec cli nc -z -w 1 198.51.100.1 "$1" 2>/dev/null; }
mkdir "$RUN/www"; echo ok > "$RUN/www/health"
start web srv python3 -m http.server --directory "$RUN/www" 8080
start echo srv nc -l -k -p 7
retry 6 probe 8080
sleep 0.5
retry 6 probe 7
retry 3 probe 9
health() { [ "$(ip netns exec cli curl -s -m 2 http://198.51.100.1:8080/health)" = ok ]; }
retry 3 health
alive web && echo "web is alive"
stop web
alive web 2>/dev/null || echo "web is not"
ip netns exec cli curl -s -m 1 -o /dev/null http://198.51.100.1:8080/; echo "curl: $?"
start web srv python3 -m http.server --directory "$RUN/www" 8080
retry 6 health
printf 'one\ntwo\n' | ip netns exec cli nc -N 198.51.100.1 7
sleep 0.2; cat "$RUN/echo.out"
ip netns pids srv | wc -l
grep -c started "$RUN/log"
tail -n 2 "$RUN/log" | cut -d' ' -f2-
