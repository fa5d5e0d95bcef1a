#!/bin/bash
# An endless ping is killed; it says how far it came.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip netns exec a ping -i 0.5 10.0.0.2 > /dev/null &
pid=$!
sleep 1.2
kill -INT $pid
wait $pid
echo "status $?"
