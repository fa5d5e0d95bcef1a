#!/bin/bash
# A namespace goes, and its links with it.
ip netns add tmp
ip link add k0 type veth peer name k1 netns tmp
ip link set k0 up
ip -n tmp link set k1 up
ip -br link show k0 | awk '{print $1}'
ip netns del tmp
sleep 0.5
ip link show k0
echo "status $?"
ip link add k0 type veth peer name k1
ip link del k1
ip link show k0
echo "status $?"
