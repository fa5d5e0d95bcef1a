#!/bin/bash
# A page, a server, and somebody who asks for it by name.

set -e
mkdir -p www
echo "<h1>hello</h1>" > www/index.html
sudo ip netns add srv
sudo ip link add host0 type veth peer name srv0 netns srv
sudo ip addr add 10.90.0.1/24 dev host0
sudo ip link set host0 up
sudo ip -n srv addr add 10.90.0.2/24 dev srv0
sudo ip -n srv link set srv0 up
sudo ip -n srv link set lo up
cd www
sudo ip netns exec srv python3 -m http.server 8000 >/dev/null 2>&1 &
server=$!
cd ..
sleep 1
curl -s http://10.90.0.2:8000/
curl -s -o /dev/null -w '%{http_code}\n' http://10.90.0.2:8000/none
for i in 1 2 3; do
    curl -s http://10.90.0.2:8000/index.html | grep -c hello
done
kill "$server"
wait "$server" || true
curl -s --max-time 2 http://10.90.0.2:8000/ || echo "curl: $?"
rm -r www
