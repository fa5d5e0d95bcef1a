#!/bin/bash
# Secondary addresses, and which one speaks.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a addr add 10.0.0.10/24 dev veth0
ip -n a addr add 10.0.1.1/24 dev veth0
ip -n a -4 addr show veth0
ip -n a route
ip netns exec b ping -c 1 10.0.0.10
ip netns exec a ping -c 1 -I 10.0.0.10 10.0.0.2
ip netns exec a ping -c 1 -I 10.0.9.9 10.0.0.2
ip -n a addr del 10.0.0.1/24 dev veth0
ip -n a -4 addr show veth0
ip -n a route
