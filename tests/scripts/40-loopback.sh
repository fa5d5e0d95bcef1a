#!/bin/bash
# Own addresses need lo.
ip netns add lo
ip netns exec lo ping -c 1 -W 1 127.0.0.1
ip -n lo link set lo up
ip netns exec lo ping -c 1 127.0.0.1
ip -n lo addr add 10.80.0.1/32 dev lo
ip netns exec lo ping -c 1 10.80.0.1
ip -n lo link set lo down
ip netns exec lo ping -c 1 -W 1 10.80.0.1
ip -n lo addr show lo
