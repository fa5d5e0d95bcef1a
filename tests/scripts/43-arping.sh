#!/bin/bash
# arping, and duplicate addresses.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip netns exec a arping -c 2 -I veth0 10.0.0.2
ip netns exec a arping -c 1 -w 1 -I veth0 10.0.0.99
echo "status $?"
ip netns exec a arping -D -c 1 -w 2 -I veth0 10.0.0.2
echo "status $?"
ip netns exec a arping -U -c 1 -I veth0 10.0.0.1
ip -n b neigh show
