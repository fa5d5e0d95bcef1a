#!/bin/bash
# Command substitution and here-strings.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
addr=$(ip -n a -4 -o addr show dev veth0 | awk '{print $4}')
echo "address $addr, host part ${addr%/*}"
state=$(cat <(ip -n b -br link show veth0) | awk '{print $2}')
echo "state $state"
read -r target _ <<< "10.0.0.2 more"
loss=$(ip netns exec a ping -c 2 -i 0.2 "$target" | sed -n 's/.* \([0-9]*\)% packet loss.*/\1/p')
[ "$loss" -eq 0 ] && echo "no loss"
