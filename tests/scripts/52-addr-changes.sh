#!/bin/bash
# Addresses: labels, scopes, broadcast, deletion.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a addr add 10.2.0.1/24 brd + dev veth0 label veth0:1
ip -n a addr add 10.3.0.1/24 dev veth0 scope link
ip -n a -4 addr show veth0
ip -n a addr del 10.3.0.1 dev veth0
ip -n a addr del 10.99.0.1/24 dev veth0
ip -n a addr replace 10.2.0.1/24 dev veth0
ip -n a addr flush dev veth0
ip -n a -4 addr show veth0
ip -n a route
ip netns exec a ping -c 1 10.0.0.2
