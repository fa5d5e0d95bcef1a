#!/bin/bash
# timeout ends what lasts.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
timeout 2 ip netns exec a ping 10.0.0.2 > /dev/null
echo "status $?"
timeout 5 ip netns exec a ping -c 2 10.0.0.2 > /dev/null
echo "status $?"
timeout -s KILL 1 ip netns exec a ping 10.0.0.2 > /dev/null
echo "status $?"
