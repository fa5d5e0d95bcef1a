#!/bin/bash
# Pings in the background, waited for.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip netns exec a ping -c 3 -i 0.2 10.0.0.2 > /dev/null &
first=$!
ip netns exec b ping -c 3 -i 0.2 10.0.0.1 > /dev/null &
second=$!
wait $first
echo "first: $?"
wait $second
echo "second: $?"
