#!/bin/sh
# Three namespaces, each by a veth to a bridge in the host: as root.
set -e

brctl addbr s1
for i in 1 2 3; do
    ip netns add h$i
    ip link add eth0 netns h$i type veth peer name p$i
    brctl addif s1 p$i
    ip link set p$i up
    ip netns exec h$i ip addr add 192.168.1.$i/24 dev eth0
    ip netns exec h$i ip link set eth0 up
done
ip link set s1 up
brctl show

ip netns exec h1 ping -c 1 192.168.1.2
ip netns exec h1 ping -c 1 192.168.1.3
ip netns exec h2 ping -c 1 192.168.1.3

# To its own address a namespace sends through lo, which is still down.
ip netns exec h1 ping -c 1 -W 1 192.168.1.1 || echo "h1 does not reach itself"
ip --all netns exec ip link set lo up
ip netns exec h1 ping -c 1 192.168.1.1

brctl showmacs s1
bridge fdb show br s1
ip netns exec h1 ip neigh

ip link set s1 down
brctl delbr s1
for i in 1 2 3; do
    ip netns del h$i
done
