#!/bin/bash
# net-tools: ifconfig, route, arp.
ip netns add old
ip netns add peer
ip link add eth0 netns old type veth peer name eth0 netns peer
ip netns exec old ifconfig lo up
ip netns exec old ifconfig eth0 192.168.5.1/24 up
ip netns exec peer ifconfig eth0 192.168.5.2 netmask 255.255.255.0 up
ip netns exec old route add default gw 192.168.5.2
ip netns exec old route -n
ip netns exec old route add -net 10.0.0.0 netmask 255.0.0.0 gw 192.168.5.2
ip netns exec old route add -host 10.1.1.1 gw 192.168.7.7
ip netns exec old route del -net 10.0.0.0 netmask 255.0.0.0
ip netns exec old ping -c 1 192.168.5.2
ip netns exec old arp -n
ip netns exec old arp -d 192.168.5.2
ip netns exec old arp -s 192.168.5.9 02:11:22:33:44:55
ip netns exec old arp -an | sort
