#!/bin/bash
# The old way to build a bridge.
brctl addbr br0
brctl setfd br0 2
ip link set br0 up
for i in 1 2; do
    ip netns add n$i
    ip link add v$i type veth peer name eth0 netns n$i
    brctl addif br0 v$i
    ip link set v$i up
    ip netns exec n$i ifconfig eth0 10.10.0.$i netmask 255.255.255.0 up
done
brctl show
brctl addif br0 nosuch
brctl addbr br0
ip netns exec n1 ping -c 1 10.10.0.2
brctl showmacs br0 | tail -n +2 | wc -l
brctl delif br0 v2
brctl delbr br0
ip link set br0 down
brctl delbr br0
brctl show
