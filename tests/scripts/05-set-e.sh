#!/bin/bash
# The first failure ends the script, with its status.
set -e
ip netns add a
ip -n a link set lo up
ip -n a route add 10.0.0.0/8 via 192.168.77.1
echo "not reached"
