#!/bin/bash
# No ARP at all: static entries on both sides.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a link set veth0 down
ip -n b link set veth0 down
ip -n a link set veth0 address 02:00:00:00:01:01 up
ip -n b link set veth0 address 02:00:00:00:01:02 up
ip -n a neigh replace 10.0.0.2 lladdr 02:00:00:00:01:02 nud permanent dev veth0
ip -n b neigh replace 10.0.0.1 lladdr 02:00:00:00:01:01 nud permanent dev veth0
ip netns exec a sysctl -q -w net.ipv4.conf.veth0.arp_ignore=8
ip netns exec b sysctl -q -w net.ipv4.conf.veth0.arp_ignore=8
ip netns exec a ping -c 1 10.0.0.2
ip -n a neigh
ip -n b neigh
