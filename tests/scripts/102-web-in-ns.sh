#!/usr/bin/env bash
# A web server in a namespace, asked from another one; the server's process is kept and ended by its number.
if [ "$(id -u)" != "0" ]; then
   echo "Please run as root"; exit 1
fi
set -x
ip netns add server
ip netns add client
ip link add veth-s type veth peer name veth-c
ip link set veth-s netns server
ip link set veth-c netns client
ip netns exec server ip addr add 10.200.1.1/24 dev veth-s
ip netns exec client ip addr add 10.200.1.2/24 dev veth-c
ip netns exec server ip link set dev veth-s up
ip netns exec client ip link set dev veth-c up
ip netns exec server ip link set dev lo up
set +x
dir=$(mktemp -d)
echo '<h1>hello</h1>' > "$dir/index.html"
pushd "$dir" > /dev/null
ip netns exec server python3 -m http.server 8000 > "$dir/log" 2>&1 &
PID=$!
popd > /dev/null
sleep 2
for try in 1 2 3 4 5 6 7 8 9 10; do
    ip netns exec client curl -s -o /dev/null http://10.200.1.1:8000/ && break
    sleep 0.5
done
ip netns exec client curl -s http://10.200.1.1:8000/
ip netns exec client curl -s -o /dev/null -w '%{http_code}\n' http://10.200.1.1:8000/missing
ip netns exec server ss -tln | awk 'NR > 1 {print $1, $4}'
ip netns exec client curl -s --max-time 2 http://10.200.1.1:8001/ ; echo "curl: $?"
kill $PID
wait $PID 2>/dev/null
echo "server ended: $?"
grep -c 'GET /missing' "$dir/log"
ip netns exec client curl -s --max-time 2 http://10.200.1.1:8000/ ; echo "curl: $?"
rm -r "$dir"
ip -all netns del
