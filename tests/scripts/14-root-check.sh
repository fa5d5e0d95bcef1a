#!/bin/bash
# The usual check for root, and sudo.
if [ "$(id -u)" -ne 0 ]; then
    echo "run me as root" >&2
    exit 1
fi
[[ $EUID -eq 0 ]] && echo "root it is"
sudo ip netns add s
sudo -E ip -n s link set lo up
sudo ip netns exec s ping -c 1 127.0.0.1 > /dev/null && echo "alive"
sudo bash -c 'ip netns list'
sudo ip netns del s
