#!/bin/bash
# One subnet in two halves, joined by proxy ARP.
ip netns add left
ip netns add mid
ip netns add right
ip link add eth0 netns left type veth peer name l netns mid
ip link add eth0 netns right type veth peer name r netns mid
ip -n left addr add 10.0.0.1/24 dev eth0
ip -n right addr add 10.0.0.129/24 dev eth0
ip -n left link set eth0 up
ip -n right link set eth0 up
ip -n mid link set l up
ip -n mid link set r up
ip -n mid route add 10.0.0.0/25 dev l
ip -n mid route add 10.0.0.128/25 dev r
for d in l r; do
    ip netns exec mid sysctl -q -w net.ipv4.conf.$d.proxy_arp=1
    ip netns exec mid sysctl -q -w net.ipv4.neigh.$d.proxy_delay=0
done
ip netns exec mid sysctl -q -w net.ipv4.ip_forward=1
ip netns exec left ping -c 2 -W 3 10.0.0.129
