#!/bin/bash
# A router between two networks: off, on, and without a way back.
ip netns add h1
ip netns add h2
ip netns add r
ip link add eth0 netns h1 type veth peer name r1 netns r
ip link add eth0 netns h2 type veth peer name r2 netns r
ip -n h1 addr add 10.1.0.1/24 dev eth0
ip -n h2 addr add 10.2.0.1/24 dev eth0
ip -n r addr add 10.1.0.254/24 dev r1
ip -n r addr add 10.2.0.254/24 dev r2
for l in "h1 eth0" "h2 eth0" "r r1" "r r2" "h1 lo" "h2 lo" "r lo"; do
    set -- $l
    ip -n $1 link set $2 up
done
ip -n h1 route add default via 10.1.0.254
ip -n h2 route add default via 10.2.0.254
ip netns exec h1 ping -c 1 -W 1 10.2.0.1
ip netns exec r sysctl -w net.ipv4.ip_forward=1
ip netns exec h1 ping -c 1 10.2.0.1
ip -n h2 route del default
ip netns exec h1 ping -c 1 -W 1 10.2.0.1
ip netns exec h2 ping -c 1 10.1.0.1
echo "status $?"
ip -n h1 route get 10.2.0.1
