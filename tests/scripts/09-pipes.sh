#!/bin/bash
# Output through grep, awk, sed, cut, sort, wc.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip netns exec a ping -c 2 10.0.0.2 | grep -c 'bytes from'
ip -n a -4 addr show veth0 | awk '/inet /{print $2}'
ip -n a -o addr show | cut -d' ' -f2 | sort -u
ip -n a route | sed 's/proto kernel //'
ip netns list | wc -l
ip -n b addr show veth0 | grep -o 'inet [0-9./]*'
ip -n a link show veth0 | grep -q 'state UP' && echo "it is up"
