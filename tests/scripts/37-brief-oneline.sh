#!/bin/bash
# -br, -o, -4, -s and their kin.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a -br link
ip -n a -br -4 addr
ip -n a -o link show veth0
ip -n a -o -4 addr
ip -n a -br addr show up
ip -n a addr show to 10.0.0.0/8
ip -n a link show type veth
ip -n a -4 -br addr show dev veth0
