#!/bin/bash
# A link that comes up later, by a job in the background.
ip netns add w
ip link add up0 type veth peer name up1 netns w
ip link set up0 up
(sleep 1; ip -n w link set up1 up) &
ip link show up0 | grep -q 'state UP' || echo "not yet"
wait
sleep 1.5
ip link show up0 | grep -q 'state UP' && echo "now"
ip -br link show up0
