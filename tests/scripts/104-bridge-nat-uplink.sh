#!/bin/bash
# Two guests on a bridge, the host as their router, an "internet" namespace that knows nothing of them.
set -e
WAN=internet
PRIV=10.10.0.0/24
declare -A GUESTS=([vm1]=10.10.0.11 [vm2]=10.10.0.12)

die() { echo "$0: $*" >&2; exit 1; }
command -v iptables >/dev/null || die "iptables is missing"
[ -w /proc/sys/net/ipv4/ip_forward ] || die "cannot write to /proc/sys"

sysctl -w net.ipv4.ip_forward=1
brctl addbr virbr0
ip addr add 10.10.0.1/24 dev virbr0
ip link set dev virbr0 up
for g in $(printf '%s\n' "${!GUESTS[@]}" | sort); do
    ip netns add "$g"
    ip link add "tap-$g" type veth peer name eth0
    ip link set eth0 netns "$g"
    brctl addif virbr0 "tap-$g"
    ip link set "tap-$g" up
    ip netns exec "$g" ifconfig lo up
    ip netns exec "$g" ifconfig eth0 "${GUESTS[$g]}" netmask 255.255.255.0 up
    ip netns exec "$g" route add default gw 10.10.0.1
done
ip netns add $WAN
ip link add wan0 type veth peer name up0 netns $WAN
ip addr add 198.51.100.2/24 dev wan0
ip link set wan0 up
ip -n $WAN addr add 198.51.100.1/24 dev up0
ip -n $WAN addr add 8.8.8.8/32 dev lo
ip -n $WAN link set up0 up
ip -n $WAN link set lo up
ip route add default via 198.51.100.1
iptables -P FORWARD DROP
iptables -A FORWARD -i virbr0 -o wan0 -j ACCEPT
iptables -A FORWARD -i wan0 -o virbr0 -m state --state RELATED,ESTABLISHED -j ACCEPT
iptables -t nat -A POSTROUTING -o wan0 -s $PRIV -j MASQUERADE
ip netns exec vm1 ping -c 2 8.8.8.8
ip netns exec vm2 ping -c 1 -W 1 10.10.0.11 > /dev/null && echo "guests see each other"
ip netns exec $WAN ping -c 1 -W 1 10.10.0.11 || echo "guests are hidden ($?)"
iptables -t nat -nvL POSTROUTING
iptables -nL FORWARD
iptables-save | grep -v '^#'
brctl show
ip netns exec vm1 route -n
ip netns exec vm1 arp -n | awk '{print $1, $2, $NF}'
iptables -F; iptables -t nat -F; iptables -P FORWARD ACCEPT
ip link del virbr0
ip -all netns del
sleep 2
ip -br link | awk '{print $1, $2}'
