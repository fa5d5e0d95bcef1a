#!/bin/bash
# A service inside is reached through the router's address: DNAT, and a counter to prove it.
set -u
readonly INSIDE=inside ROUTER=router OUTSIDE=outside
run() { printf '+ %s\n' "$*"; "$@"; }
in_ns() { ip netns exec "$@"; }

setup() {
    local n
    for n in $INSIDE $ROUTER $OUTSIDE; do run ip netns add "$n"; ip -n "$n" link set lo up; done
    ip link add i0 netns $INSIDE type veth peer name r0 netns $ROUTER
    ip link add o0 netns $OUTSIDE type veth peer name r1 netns $ROUTER
    in_ns $INSIDE ip addr add 192.168.50.2/24 dev i0
    in_ns $ROUTER ip addr add 192.168.50.1/24 dev r0
    in_ns $ROUTER ip addr add 203.0.113.1/24 dev r1
    in_ns $OUTSIDE ip addr add 203.0.113.9/24 dev o0
    in_ns $INSIDE ip link set i0 up; in_ns $OUTSIDE ip link set o0 up
    in_ns $ROUTER ip link set r0 up; in_ns $ROUTER ip link set r1 up
    in_ns $INSIDE ip route add default via 192.168.50.1
    in_ns $ROUTER sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward'
}
rules() {
    in_ns $ROUTER iptables -t nat -A PREROUTING -i r1 -p tcp --dport 8080 -j DNAT --to-destination 192.168.50.2:80
    in_ns $ROUTER iptables -t nat -A POSTROUTING -o r1 -j SNAT --to-source 203.0.113.1
    in_ns $ROUTER iptables -A FORWARD -p tcp -d 192.168.50.2 --dport 80 -m conntrack --ctstate NEW -j ACCEPT
    in_ns $ROUTER iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
    in_ns $ROUTER iptables -A FORWARD -j LOG --log-prefix "dropped: "
    in_ns $ROUTER iptables -A FORWARD -j DROP
}
setup
rules
W=$(mktemp -d); echo "it works" > $W/index.html
in_ns $INSIDE python3 -m http.server 80 --directory "$W" >/dev/null 2>&1 &
P=$!
trap 'kill $P 2>/dev/null; rm -rf "$W"; ip -all netns del' EXIT
sleep 2
until in_ns $OUTSIDE curl -sf http://203.0.113.1:8080/ -o /dev/null; do sleep 0.2; done
in_ns $OUTSIDE curl -s http://203.0.113.1:8080/
in_ns $OUTSIDE curl -s -m 1 http://192.168.50.2/; echo "directly: $?"
in_ns $INSIDE ping -c1 -W1 203.0.113.9; echo "out: $?"
in_ns $ROUTER iptables -t nat -S
in_ns $ROUTER iptables -S FORWARD
if in_ns $ROUTER iptables -t nat -C PREROUTING -i r1 -p tcp --dport 8080 -j DNAT --to-destination 192.168.50.2:80; then
    echo "the port forward is there"
fi
