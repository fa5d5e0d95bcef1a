#!/bin/bash
# Containers' network by hand: a bridge on the host, a namespace for each container, masquerading to the outside.
set -euo pipefail

if [[ $EUID -ne 0 ]]; then
    echo "This script must be run as root" >&2
    exit 1
fi

BRIDGE=br-lab
SUBNET=172.18.0
CONTAINERS=(web db cache)

cleanup() {
    echo "[*] cleaning up"
    for c in "${CONTAINERS[@]}"; do
        sudo ip netns del "$c" 2>/dev/null || true
    done
    sudo ip link del "$BRIDGE" 2>/dev/null || true
    sudo iptables -t nat -D POSTROUTING -s ${SUBNET}.0/16 ! -o "$BRIDGE" -j MASQUERADE || true
}
trap cleanup EXIT

create_bridge() {
    sudo ip link add name "$BRIDGE" type bridge
    sudo ip addr add ${SUBNET}.1/16 brd + dev "$BRIDGE"
    sudo ip link set "$BRIDGE" up
}

create_container() {
    local name=$1 address=$2
    local veth="veth-$name"
    sudo ip netns add "$name"
    sudo ip link add "$veth" type veth peer name eth0 netns "$name"
    sudo ip link set "$veth" master "$BRIDGE" up
    sudo ip -n "$name" addr add "$address/16" dev eth0
    sudo ip -n "$name" link set eth0 up
    sudo ip -n "$name" link set lo up
    sudo ip -n "$name" route add default via ${SUBNET}.1
}

create_bridge
i=2
for c in "${CONTAINERS[@]}"; do
    create_container "$c" "${SUBNET}.$i"
    ((i++))
done

echo 1 | sudo tee /proc/sys/net/ipv4/ip_forward
sudo iptables -t nat -A POSTROUTING -s ${SUBNET}.0/16 ! -o "$BRIDGE" -j MASQUERADE
sudo iptables -t nat -L POSTROUTING -n -v --line-numbers

for c in "${CONTAINERS[@]}"; do
    if sudo ip netns exec "$c" ping -c 1 -W 1 ${SUBNET}.1 > /dev/null; then
        echo "$c -> gateway: ok"
    else
        echo "$c -> gateway: FAILED"
    fi
done
sudo ip netns exec web ping -c 2 -i 0.2 ${SUBNET}.3
ip -br link show master "$BRIDGE"
bridge link show | grep -c "master $BRIDGE"
ip netns exec db ip route
ip netns exec db ip route get 8.8.8.8 | head -1
ip netns list | sort
