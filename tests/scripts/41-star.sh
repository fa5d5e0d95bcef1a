#!/bin/bash
# A star of many hosts around one switch.
N=8
ip netns add sw
ip -n sw link add name br0 type bridge
ip -n sw link set dev br0 up
for i in $(seq 1 $N); do
    ip netns add "h$i"
    ip link add "p$i" netns sw type veth peer name eth0 netns "h$i"
    ip -n sw link set "p$i" master br0 up
    ip -n "h$i" addr add "10.90.0.$i/24" dev eth0
    ip -n "h$i" link set eth0 up
done
ok=0
for i in $(seq 2 $N); do
    if ip netns exec h1 ping -c 1 -W 1 "10.90.0.$i" > /dev/null; then ok=$((ok + 1)); fi
done
echo "$ok of $((N - 1)) reached"
ip -n sw -br link show master br0 | wc -l
