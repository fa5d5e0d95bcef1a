#!/bin/bash
# A table of links, read line by line.
while read -r ns dev addr; do
    [ -z "$ns" ] && continue
    ip netns add "$ns" 2>/dev/null
    ip -n "$ns" link add "$dev" type veth peer name "$dev-peer"
    ip -n "$ns" addr add "$addr" dev "$dev"
    ip -n "$ns" link set "$dev" up
done <<EOF
n1 eth0 10.1.1.1/24
n2 eth0 10.1.2.1/24
n2 eth1 10.1.3.1/24

EOF
for ns in n1 n2; do echo "$ns:"; ip -n $ns -br addr; done
