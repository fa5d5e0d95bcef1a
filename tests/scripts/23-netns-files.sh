#!/bin/bash
# What lies in /run/netns, and what ip says of it.
ip netns add one
ip netns add two
ls /var/run/netns | sort
for f in /run/netns/*; do echo "found $(basename "$f")"; done
[ -e /run/netns/one ] && echo "one exists"
ip netns del one
[ -e /run/netns/one ] || echo "one is gone"
ip netns list
