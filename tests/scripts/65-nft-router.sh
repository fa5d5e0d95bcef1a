#!/bin/bash
# A router whose firewall and address translation are one file of nft.
set -u
for n in lan router wan; do
    ip netns add $n
    ip -n $n link set lo up
done
ip link add eth0 netns lan type veth peer name lan0 netns router
ip link add eth0 netns wan type veth peer name wan0 netns router
ip -n lan addr add 192.168.7.2/24 dev eth0
ip -n router addr add 192.168.7.1/24 dev lan0
ip -n router addr add 203.0.113.1/24 dev wan0
ip -n wan addr add 203.0.113.9/24 dev eth0
ip -n lan link set eth0 up
ip -n router link set lan0 up
ip -n router link set wan0 up
ip -n wan link set eth0 up
ip -n lan route add default via 192.168.7.1
ip netns exec router sysctl -q -w net.ipv4.ip_forward=1
ip netns exec router nft -f - <<'X'
flush ruleset
define inside = lan0
table ip nat {
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "wan0" masquerade
    }
}
table inet filter {
    set admins {
        type ipv4_addr
        flags interval
        elements = { 192.168.7.0/28 }
    }
    chain input {
        type filter hook input priority filter; policy drop;
        ct state vmap { established : accept, related : accept, invalid : drop }
        iifname "lo" accept
        ip saddr @admins icmp type echo-request counter accept comment "ours"
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname $inside counter accept
    }
}
X
ip netns exec router nft list ruleset
ip netns exec lan ping -c 2 -i 0.2 203.0.113.9 > /dev/null && echo "lan reaches the outside"
ip netns exec lan ping -c 1 -W 1 192.168.7.1 > /dev/null && echo "lan reaches the router"
ip netns exec wan ping -c 1 -W 1 203.0.113.1 > /dev/null || echo "the outside does not reach the router"
ip netns exec router nft 'add element inet filter admins { 203.0.113.0/24 }'
ip netns exec wan ping -c 1 -W 1 203.0.113.1 > /dev/null && echo "now it does"
ip netns exec router nft 'list chain inet filter input'
ip netns exec router nft -a 'list chain inet filter forward'
ip netns exec router nft 'add rule inet filter forward tcp dport http accept'
ip netns exec router nft 'add rule inet filter forwrd accept' || echo "no such chain"
ip netns exec router nft -s list ruleset
