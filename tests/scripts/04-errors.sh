#!/bin/bash
# What the kernel refuses, it refuses in its own words.
ip netns add a
ip netns add a
ip netns del nosuch
ip link add v0 type veth peer name v1
ip link add v0 type veth peer name v1
ip link set nosuch up
ip link set v0 netns nosuch
ip addr add 10.0.0.1/24 dev nosuch
ip addr add 10.0.0.1/33 dev v0
ip addr add 10.0.0.1/24 dev v0
ip addr add 10.0.0.1/24 dev v0
ip route add 10.9.0.0/16 via 10.0.0.2
ip route del 10.9.0.0/16
ip netns exec nosuch true
ip netns exec a ping -c 1 10.0.0.1
echo "status $?"
ip link add br type bridge
ip link del v0
ip link del v0
echo "status $?"
