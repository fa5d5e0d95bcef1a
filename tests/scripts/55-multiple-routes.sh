#!/bin/bash
# Metrics decide; the better one goes away.
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
ip link add eth1 netns h1 type veth peer name r3 netns r
ip -n h1 addr add 10.3.0.1/24 dev eth1
ip -n r addr add 10.3.0.254/24 dev r3
ip -n h1 link set eth1 up
ip -n r link set r3 up
ip netns exec r sysctl -q -w net.ipv4.ip_forward=1
ip -n h2 route add default via 10.2.0.254
ip -n h1 route add 10.2.0.0/24 via 10.1.0.254 metric 10
ip -n h1 route add 10.2.0.0/24 via 10.3.0.254 metric 20
ip -n h1 route get 10.2.0.1
ip netns exec h1 ping -c 1 10.2.0.1
ip -n h1 link set eth0 down
ip -n h1 route get 10.2.0.1
ip netns exec h1 ping -c 1 10.2.0.1
ip -n h1 route
