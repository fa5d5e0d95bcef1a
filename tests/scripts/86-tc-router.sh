#!/bin/bash
# A router whose way out is narrow: what waits too long in line is lost there.
h() { ip netns exec "$@"; }
for ns in lan router wan; do ip netns add $ns; done
ip link add eth0 netns lan type veth peer name lan0 netns router
ip link add eth0 netns wan type veth peer name wan0 netns router
h lan ip addr add 10.1.0.2/24 dev eth0
h router ip addr add 10.1.0.1/24 dev lan0
h router ip addr add 10.2.0.1/24 dev wan0
h wan ip addr add 10.2.0.2/24 dev eth0
for end in "lan eth0" "router lan0" "router wan0" "wan eth0"; do
    set -- $end
    h $1 ip link set $2 up
done
h router sysctl -w net.ipv4.ip_forward=1
h lan ip route add default via 10.1.0.1
h wan ip route add default via 10.2.0.1
sleep 1
h lan ping -c 1 10.2.0.2
h router tc qdisc add dev wan0 root handle 1: tbf rate 64kbit burst 2000 limit 2500
h router tc qdisc show
# One frame fits the bucket, one the queue; the others find it full.
h lan ping -c 5 -l 5 -W 2 -s 1400 10.2.0.2 | tail -2 | head -1
h router tc -s qdisc show dev wan0 | sed -n 2p | grep -o "dropped [0-9]*"
h router tc qdisc replace dev wan0 parent 1:1 handle 10: pfifo limit 10
h router tc qdisc show dev wan0
h lan ping -c 3 -l 3 -W 2 -s 1400 10.2.0.2 | grep -c "bytes from"
h router tc qdisc del dev wan0 root
h router tc qdisc show dev wan0
