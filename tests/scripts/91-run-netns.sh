#!/bin/bash
# What is in /var/run/netns, before and behind.

ls /var/run/netns 2>/dev/null | wc -l
for n in red green blue; do
    [ -e "/var/run/netns/$n" ] || ip netns add "$n"
done
for file in /var/run/netns/*; do
    name=$(basename "$file")
    ip netns exec "$name" ip link set lo up
    echo "$name: $(ip -n "$name" -br link show lo | awk '{print $1, $2}')"
done
[ -f /run/netns/red ] && echo "red is a file"
ip netns del green
if [ ! -e /var/run/netns/green ]; then echo "green is gone"; fi
ls /run/netns
nsenter --net=/var/run/netns/red ip -br link
