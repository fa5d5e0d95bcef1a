#!/bin/bash
# Two namespaces and one wire.
set -e
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip netns exec a ping -c 2 10.0.0.2
ip netns exec b ping -c 1 10.0.0.1
ip -n a neigh show
ip netns delete a
ip netns delete b
