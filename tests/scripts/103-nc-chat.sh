#!/bin/bash
# Netcat as server and client, a coprocess' worth of text each way, and a firewall between them.
A=alpha B=beta
ip netns add $A; ip netns add $B
ip link add a0 netns $A type veth peer name b0 netns $B
for pair in "$A a0 10.9.0.1" "$B b0 10.9.0.2"; do
    read -r ns dev addr <<< "$pair"
    ip netns exec $ns bash -c "ip addr add $addr/24 dev $dev; ip link set $dev up; ip link set lo up"
done
out=$(mktemp)
ip netns exec $A nc -l -p 5000 > "$out" &
server=$!
sleep 1
echo "hello from beta" | ip netns exec $B nc -N 10.9.0.1 5000
wait $server
cat "$out"
ip netns exec $B nc -z -v -w 1 10.9.0.1 5000; echo "status $?"
ip netns exec $A iptables -A INPUT -p tcp --dport 5000 -j DROP
ip netns exec $A nc -l -p 5000 > "$out" &
server=$!
sleep 1
ip netns exec $B nc -z -v -w 2 10.9.0.1 5000; echo "status $?"
kill $server
ip netns exec $A iptables -L INPUT -n
ip netns exec $A iptables -F
ip netns exec $A iptables -A INPUT -p tcp --dport 5000 -j REJECT --reject-with tcp-reset
ip netns exec $B nc -z -v -w 2 10.9.0.1 5000; echo "status $?"
ip netns exec $A iptables -D INPUT 1
ip netns exec $A iptables -S
ip netns exec $A nc -u -l -p 5353 > "$out" &
server=$!
sleep 1
echo datagram | ip netns exec $B nc -u -w 1 10.9.0.1 5353
kill $server
wait $server 2>/dev/null
cat "$out"
ip netns exec $A netstat -tln
rm "$out"
ip netns del $A && ip netns del $B
