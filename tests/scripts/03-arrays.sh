#!/bin/bash
# Arrays, associative arrays, arithmetic.
declare -a names=(red green blue)
declare -A subnet=([red]=10.1.0 [green]=10.2.0 [blue]=10.3.0)
ip netns add hub
ip netns exec hub sysctl -q -w net.ipv4.ip_forward=1
n=0
for name in "${names[@]}"; do
    ip netns add "$name"
    ip link add "e$n" netns hub type veth peer name eth0 netns "$name"
    ip -n hub addr add "${subnet[$name]}.254/24" dev "e$n"
    ip -n hub link set "e$n" up
    ip -n "$name" addr add "${subnet[$name]}.1/24" dev eth0
    ip -n "$name" link set eth0 up
    ip -n "$name" route add default via "${subnet[$name]}.254"
    n=$((n + 1))
done
echo "${#names[@]} networks, last index $((n - 1))"
ip netns exec red ping -c 1 "${subnet[blue]}.1"
ip -n hub route
