#!/bin/bash
# The classic tutorial: one end in the host.
set -x
ip netns add blue
ip link add veth-host type veth peer name veth-blue
ip link set veth-blue netns blue
ip addr add 10.200.1.1/24 dev veth-host
ip link set veth-host up
ip netns exec blue ip addr add 10.200.1.2/24 dev veth-blue
ip netns exec blue ip link set veth-blue up
ip netns exec blue ip link set lo up
ip netns exec blue ip route add default via 10.200.1.1
ip netns exec blue ip route
ping -c 1 10.200.1.2
ip netns exec blue ping -c 1 10.200.1.1
ip netns exec blue ip addr
ip route
echo 1 > /proc/sys/net/ipv4/ip_forward
cat /proc/sys/net/ipv4/ip_forward
ip link del veth-host
ip netns del blue
