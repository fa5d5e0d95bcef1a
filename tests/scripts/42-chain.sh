#!/bin/bash
# Routers in a row, and a trace through them.
prev=
for i in 1 2 3 4; do
    ip netns add r$i
    ip -n r$i link set lo up
    ip netns exec r$i sysctl -q -w net.ipv4.ip_forward=1
    if [ -n "$prev" ]; then
        ip link add right netns r$prev type veth peer name left netns r$i
        ip -n r$prev addr add 10.$prev.$i.1/24 dev right
        ip -n r$i addr add 10.$prev.$i.2/24 dev left
        ip -n r$prev link set right up
        ip -n r$i link set left up
        ip -n r$i route add 10.0.0.0/8 via 10.$prev.$i.1 metric 50
    fi
    prev=$i
done
ip -n r1 route add 10.0.0.0/8 via 10.1.2.2
ip -n r2 route add 10.3.4.0/24 via 10.2.3.2
ip netns exec r1 ping -c 1 10.3.4.2
ip netns exec r1 ping -c 1 -t 2 10.3.4.2
ip netns exec r4 ping -c 1 10.1.2.1
