#!/bin/bash
# A web server, clients at once by xargs and wait, retries until it answers, a balancer by hand.
set -u
WWW=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; ip -all netns del; rm -rf "$WWW"' EXIT
ip netns add web; ip netns add cli
ip link add w type veth peer name c
ip link set w netns web; ip link set c netns cli
ip -n web addr add 192.0.2.80/24 dev w
ip -n cli addr add 192.0.2.1/24 dev c
ip -n web link set w up; ip -n cli link set c up; ip -n web link set lo up
echo '<h1>It works</h1>' > "$WWW/index.html"
seq 1 2000 > "$WWW/numbers.txt"
touch -d "2024-02-03 04:05:06 UTC" "$WWW/numbers.txt"
mkdir "$WWW/sub"; echo inside > "$WWW/sub/file"
cd "$WWW" || exit 1
export PYTHONUNBUFFERED=1
ip netns exec web python3 -m http.server 8000 > "$WWW/access.log" 2>&1 &
server=$!
until grep -q "^Serving HTTP" "$WWW/access.log"; do sleep 0.2; done
for try in $(seq 1 20); do
    if ip netns exec cli curl -s -o /dev/null --max-time 1 http://192.0.2.80:8000/; then break; fi
    sleep 0.5
done
[ "$try" -lt 20 ] && echo "it answers"
ip netns exec cli curl -s http://192.0.2.80:8000/ | grep -o 'It works'
ip netns exec cli curl -s -o out.txt -w '%{http_code} %{size_download}\n' http://192.0.2.80:8000/numbers.txt
cmp out.txt numbers.txt && echo same
ip netns exec cli curl -sI http://192.0.2.80:8000/numbers.txt | tr -d '\r' | grep -i '^content-length'
ip netns exec cli curl -s -o /dev/null -w '%{http_code}\n' http://192.0.2.80:8000/missing
ip netns exec cli curl -sf http://192.0.2.80:8000/missing; echo "curl -f: $?"
ip netns exec cli curl -s --connect-timeout 1 http://192.0.2.80:8001/; echo "refused: $?"
ip netns exec cli curl -s --connect-timeout 1 http://192.0.2.81:8000/; echo "nobody: $?"
seq 1 6 | xargs -P 3 -I{} ip netns exec cli curl -s -o "got-{}" http://192.0.2.80:8000/sub/file
cat got-* | sort | uniq -c | awk '{print $1, $2}'
pids=()
for i in 1 2 3; do
    ip netns exec cli curl -s "http://192.0.2.80:8000/numbers.txt" | tail -n 1 > "last-$i" &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || echo "one failed"; done
cat last-*
kill "$server"; wait "$server" 2>/dev/null; echo "server: $?"
grep -c '"GET /sub/file HTTP/1.1" 200' access.log
grep -c '404' access.log
ip netns exec cli curl -s --connect-timeout 1 http://192.0.2.80:8000/; echo "afterwards: $?"
