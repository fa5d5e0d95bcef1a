#!/bin/bash
# Servers in the background, clients in front of them, and the servers' end.

[ "$EUID" -eq 0 ] || { echo "need root"; exit 1; }
set -u
ip netns add web
ip netns add me
ip link add w0 netns web type veth peer name m0 netns me
ip -n web addr add 10.30.0.80/24 dev w0
ip -n me addr add 10.30.0.1/24 dev m0
for pair in web:w0 me:m0; do
    ip -n "${pair%%:*}" link set "${pair##*:}" up
    ip -n "${pair%%:*}" link set lo up
done

ip netns exec web nc -l -p 7000 > received.txt &
listener=$!
sleep 0.5
ip netns exec web ss -tln
echo "from me" | ip netns exec me nc -q 0 10.30.0.80 7000
wait "$listener"
echo "listener: $?"
cat received.txt

ip netns exec web nc -u -l -p 7001 > datagrams.txt &
listener=$!
sleep 0.5
echo "a datagram" | ip netns exec me nc -u -w1 10.30.0.80 7001
kill "$listener"
wait "$listener" 2>/dev/null
cat datagrams.txt

if ip netns exec me nc -z -w1 10.30.0.80 7002; then
    echo "somebody listens"
else
    echo "nobody listens"
fi
ip netns exec me nc -zv -w1 10.30.0.80 7002
rm -f received.txt datagrams.txt
