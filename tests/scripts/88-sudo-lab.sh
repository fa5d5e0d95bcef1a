#!/bin/bash
# A laboratory as people type it who are not root: sudo before every command, a check, and a trap that cleans up.

if [[ $(id -u) -ne 0 ]]; then
    echo "run this as root" >&2
    exit 1
fi

cleanup() {
    for ns in client server; do
        sudo ip netns del "$ns" 2>/dev/null || true
    done
}
trap cleanup EXIT

sudo ip netns add client
sudo ip netns add server
sudo ip link add c0 type veth peer name s0
sudo ip link set c0 netns client
sudo ip link set s0 netns server
sudo ip netns exec client ip addr add 10.20.0.1/24 dev c0
sudo ip netns exec server ip addr add 10.20.0.2/24 dev s0
sudo ip netns exec client ip link set c0 up
sudo ip netns exec server ip link set s0 up
sudo -E ip netns exec client ping -c1 -W1 10.20.0.2
sudo ip netns exec client bash -c '
    ip -br addr show c0 | awk "{print \$1, \$3}"
    echo 7 > /proc/sys/net/ipv4/ip_default_ttl
    cat /proc/sys/net/ipv4/ip_default_ttl
'
sudo ip netns exec server ping -c1 -W1 10.20.0.1 | grep -o 'ttl=[0-9]*'
sudo ip netns
