#!/bin/bash
# Carrier comes and goes with the other end.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a -br link show veth0
ip -n b link set veth0 down
sleep 1.2
ip -n a link show veth0
ip -n a route
ip netns exec a ping -c 1 -W 1 10.0.0.2
ip -n b link set veth0 up
sleep 0.3
ip -n a link show veth0
ip netns exec a ping -c 1 10.0.0.2
ip -n a link set veth0 down
sleep 1.2
ip -n a route
ip -n a link set veth0 up
ip -n a route
