#!/bin/bash
# ping in many ways.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a link set lo up
ip netns exec a ping -c 2 -i 0.3 -q 10.0.0.2
ip netns exec a ping -c 1 -s 0 10.0.0.2
ip netns exec a ping -c 1 -s 1000 10.0.0.2
ip netns exec a ping -c 1 -I veth0 10.0.0.2
ip netns exec a ping -w 1 -c 5 10.0.0.2 | tail -n 2 | head -n 1 | cut -d, -f1
ip netns exec a ping -c 1 -W 1 10.0.0.99
ip netns exec a ping -c 1 10.0.0.255
ip netns exec a ping 2>&1 | head -n 1
ip netns exec a ping -c x 10.0.0.2
ip netns exec a ping -c 1 nosuchhost.invalid
