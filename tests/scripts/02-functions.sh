#!/bin/bash
# Functions with arguments, called in a loop.
host() {
    local name=$1 addr=$2
    ip netns add "$name"
    ip link add "$name-eth0" type veth peer name "p-$name"
    ip link set "$name-eth0" netns "$name"
    ip link set "p-$name" master br0
    ip link set "p-$name" up
    ip -n "$name" addr add "$addr" dev "$name-eth0"
    ip -n "$name" link set "$name-eth0" up
    ip -n "$name" link set lo up
}
ip link add br0 type bridge
ip link set br0 up
for i in 1 2 3; do
    host "h$i" "172.16.0.$i/24"
done
for i in 1 2 3; do
    for j in 1 2 3; do
        ip netns exec "h$i" ping -c 1 -W 2 "172.16.0.$j" > /dev/null && echo "h$i -> h$j ok" || echo "h$i -> h$j FAILED"
    done
done
bridge link show
