#!/bin/bash
# A virtual address moves from one server to the other; the client's neighbour entry follows by gratuitous ARP.
set -e
VIP=10.1.1.100
for n in client s1 s2; do sudo ip netns add $n; done
sudo ip netns add sw
sudo ip -n sw link add br0 type bridge
sudo ip -n sw link set br0 up
n=1
for h in client s1 s2; do
    sudo ip link add name $h-eth0 type veth peer name sw-p$n
    sudo ip link set $h-eth0 netns $h name eth0
    sudo ip link set sw-p$n netns sw
    sudo ip -n sw link set dev sw-p$n master br0
    sudo ip -n sw link set dev sw-p$n up
    sudo ip -n $h link set eth0 address 02:00:00:00:00:0$n
    sudo ip -n $h addr add 10.1.1.$n/24 dev eth0
    sudo ip -n $h link set eth0 up
    n=$(( n + 1 ))
done
vip_up() { sudo ip netns exec "$1" ip addr add $VIP/32 dev eth0 && sudo ip netns exec "$1" arping -c 1 -A -I eth0 $VIP > /dev/null || true; }
vip_down() { sudo ip netns exec "$1" ip addr del $VIP/32 dev eth0; }
who() { sudo ip netns exec client ip neigh show $VIP | sed 's/ ref [0-9]*//' | cut -d' ' -f1-5; }
vip_up s1
sudo ip netns exec client ping -c 1 $VIP | grep -c '64 bytes'
who
vip_down s1
vip_up s2
who
sudo ip netns exec client ping -c 1 $VIP | grep -c '64 bytes'
sudo ip netns exec sw bridge fdb show br br0 | grep -i '^02:00:00' | sort
sudo ip netns exec s1 arping -c 1 -w 1 -I eth0 $VIP | sed 's/  *[0-9.]*ms$//'
sudo ip netns exec s1 arping -D -c 1 -w 1 -I eth0 10.1.1.77; echo "duplicate? $?"
for x in client s1 s2 sw; do sudo ip netns del $x; done
