#!/bin/bash
# What goes wrong, one after the other, and the status of each.

try() { "$@"; echo "-> $?"; }
try ip netns exec nowhere ip link
try ip link add br0 type bridge
try ip link add br0 type bridge
try ip link set br9 up
try ip addr add 10.0.0.1/33 dev br0
try ip addr add 10.0.0.300/24 dev br0
try ip addr add 10.0.0.1/24 dev br0
try ip addr add 10.0.0.1/24 dev br0
try ip route add default via 10.9.9.9
try ip route add 10.5.0.0/16 via 10.0.0.2
try ip link set br0 up
try ip route add 10.5.0.0/16 via 10.0.0.2
try ip route add 10.5.0.0/16 via 10.0.0.2
try ip route del 10.6.0.0/16
try ip link set br0 master br0
try brctl addif br0 nothing
try brctl delbr br0
try bridge vlan add vid 5000 dev br0
try sysctl -w net.ipv4.nothing=1
try arp -d 10.0.0.9
try iptables -A NOCHAIN -j ACCEPT
try tc qdisc del dev br0 root
try ping -c1 -W1 10.0.0.9
try ping -c1 nosuchhost
try ip frobnicate
try ip link frobnicate
