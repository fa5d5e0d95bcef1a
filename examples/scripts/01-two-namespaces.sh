#!/bin/sh
# Two namespaces joined by a veth pair that is made in the host and moved: as root.
set -e

ip netns add ns1
ip netns add ns2
ip link add veth1 type veth peer name veth2
ip link set veth1 netns ns1
ip link set veth2 netns ns2

ip netns exec ns1 ip addr add 192.168.20.1/24 dev veth1
ip netns exec ns2 ip addr add 192.168.20.2/21 dev veth2
ip --all netns exec ip link set lo up
ip netns exec ns1 ip link set veth1 up
ip netns exec ns2 ip link set veth2 up
ip netns exec ns1 ip route add default via 192.168.20.1
ip netns exec ns2 ip route add default via 192.168.20.2

ip --all netns exec ip link
ip --all netns exec ip route
ip netns exec ns1 ping -c 2 192.168.20.2
ip netns exec ns2 ping -c 2 192.168.20.1
ip netns exec ns1 arp -n
ip netns exec ns1 route -n
ip netns exec ns2 ip neigh

ip netns del ns1
ip netns del ns2
