#!/bin/bash
# The peer of a link, found by its number.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
sleep 1.2
idx=$(ip netns exec a cat /sys/class/net/veth0/iflink)
name=$(ip -n b -o link | awk -F': ' -v i="$idx" '$1 == i {print $2}' | cut -d@ -f1)
echo "the peer is $name"
ip netns exec a cat /sys/class/net/veth0/operstate /sys/class/net/veth0/mtu /sys/class/net/veth0/carrier
ip netns exec b ls /sys/class/net | sort
[ -d /sys/class/net/veth0 ] || echo "not in the host"
