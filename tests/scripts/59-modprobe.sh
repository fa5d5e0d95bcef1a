#!/bin/bash
# What set-up scripts do before they begin.
command -v ip > /dev/null || { echo "no ip"; exit 1; }
modprobe veth 2>/dev/null
which brctl > /dev/null && echo "brctl is here"
ip netns list | grep -q lab && ip netns del lab
ip link show br-lab > /dev/null 2>&1 && ip link del br-lab
ip netns add lab && echo "made"
ip link add br-lab type bridge && ip link set br-lab up
ip -br link show br-lab | awk '{print $1}'
