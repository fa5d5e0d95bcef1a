#!/bin/bash
# A namespace may be called host; so may the one that a router is in be called router.
set -u
for ns in host router; do ip netns add $ns; done
ip netns add host; echo "twice: $?"
ip netns list | sort
ip link add veth0 type veth peer name veth1
ip link set veth0 netns host
ip link set veth1 netns router
ip netns exec host ip addr add 10.4.0.1/24 dev veth0
ip -n router addr add 10.4.0.2/24 dev veth1
ip -netns host link set veth0 up
ip -n router link set veth1 up
ip netns exec host ping -c 1 -W 1 10.4.0.2 | grep -o '1 received'
ip -n router link show veth1 | grep -o 'link-netns host'
ip netns exec host bash -c 'ip netns identify; ls /sys/class/net; echo 1 > /proc/sys/net/ipv4/ip_forward'
ip netns exec host cat /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward
ip -br link show type veth | wc -l
ls /run/netns | sort
[ -e /var/run/netns/host ] && echo "its file is there"
nsenter --net=/run/netns/host ip -4 -br addr show veth0 | awk '{print $3}'
ip -all netns exec true | sort
bridge -n host link; tc -n host qdisc show dev lo
ip link add veth2 netns host type veth peer name veth3
ip -n host link set veth2 netns 1; ip link show veth2 | head -1 | cut -d: -f2
ip netns list-id | grep -c 'name: host'
ip netns del host; ip netns del host; echo "gone: $?"
ip link show veth3 2>&1 | head -1
ip netns del router; ip link del veth2
