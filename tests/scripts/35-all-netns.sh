#!/bin/bash
# Something in every namespace.
for n in 1 2 3; do ip netns add n$n; done
ip -all netns exec ip link set lo up
ip -all netns exec ip -br link show lo
ip netns list | while read -r n _; do ip netns exec "$n" ping -c 1 127.0.0.1 > /dev/null && echo "$n ok"; done
ip -all netns delete
ip netns list
