#!/bin/bash
# A router with nft: ruleset from a heredoc, a set of blocked hosts, counters read back.
set -e
for n in lan fw wan; do ip netns add $n; ip -n $n link set lo up; done
ip link add l0 netns lan type veth peer name lan0 netns fw
ip link add w0 netns wan type veth peer name wan0 netns fw
ip -n lan addr add 10.20.0.2/24 dev l0; ip -n fw addr add 10.20.0.1/24 dev lan0
ip -n wan addr add 203.0.113.2/24 dev w0; ip -n fw addr add 203.0.113.1/24 dev wan0
ip -n lan link set l0 up; ip -n wan link set w0 up; ip -n fw link set lan0 up; ip -n fw link set wan0 up
ip -n lan route add default via 10.20.0.1
ip netns exec fw sysctl -qw net.ipv4.ip_forward=1
ip netns exec fw nft -f - <<'EOF'
flush ruleset
define WAN = wan0
table inet filter {
    set blocked { type ipv4_addr; elements = { 203.0.113.66, 203.0.113.67 } }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related counter accept
        ip daddr @blocked counter reject
        iifname "lan0" oifname $WAN icmp type echo-request counter accept
        iifname "lan0" tcp dport { 80, 443 } accept
    }
}
table ip nat {
    chain post {
        type nat hook postrouting priority srcnat;
        oifname "wan0" masquerade
    }
}
EOF
ip netns exec fw nft list ruleset
ip netns exec lan ping -c 2 -i 0.2 203.0.113.2 | tail -2 | head -1
set +e
ip netns exec lan ping -c 1 -W 1 203.0.113.66; echo "status $?"
ip netns exec wan ping -c 1 -W 1 10.20.0.2; echo "status $?"
ip netns exec fw nft list chain inet filter forward | grep counter
ip netns exec fw nft add element inet filter blocked '{ 203.0.113.2 }'
ip netns exec lan ping -c 1 -W 1 203.0.113.2 | grep -c "Port Unreachable"
ip netns exec fw nft delete element inet filter blocked '{ 203.0.113.2 }'
ip netns exec fw nft -a list table ip nat
ip netns exec fw nft add rule inet filter nochain accept; echo "status $?"
ip netns exec fw nft delete table ip nat
ip netns exec fw nft list tables
ip netns exec lan ping -c 1 -W 1 203.0.113.2 > /dev/null; echo "without nat: $?"
ip netns exec fw nft flush ruleset
ip netns exec fw nft list ruleset | wc -l
ip -all netns del
