#!/bin/bash
# Tables in /proc/net.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip netns exec a ping -c 1 10.0.0.2 > /dev/null
ip netns exec a cat /proc/net/arp | awk 'NR > 1 {print $1, $3, $6}'
ip netns exec a cat /proc/net/route | awk 'NR > 1 {print $1, $2, $8}'
ip netns exec a cat /proc/net/dev | grep -c veth0
