#!/bin/bash
# A shell in a namespace: everything inside stays inside.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
sleep 1.2
ip netns exec a bash -c '
    ip addr show veth0 | grep -w inet
    ping -c 1 10.0.0.2 > /dev/null && echo reached
    ip route add 10.5.0.0/16 via 10.0.0.2
'
ip netns exec b bash <<'EOF'
ip -br link
ip link set lo up
echo "inside: $(ip netns identify)"
EOF
ip -n a route
ip -n b -br link
