#!/bin/sh
# What iptables writes, seen by nft; a stateful firewall and a published port.
ip netns add in
ip netns add r
ip netns add out
ip link add eth0 netns in type veth peer name lan netns r
ip link add eth0 netns out type veth peer name wan netns r
ip -n in addr add 10.1.0.2/24 dev eth0
ip -n r addr add 10.1.0.1/24 dev lan
ip -n r addr add 10.2.0.1/24 dev wan
ip -n out addr add 10.2.0.2/24 dev eth0
for n in "in eth0" "r lan" "r wan" "out eth0" "in lo" "r lo" "out lo"; do
    ip -n ${n% *} link set ${n#* } up
done
ip -n in route add default via 10.1.0.1
ip netns exec r sysctl -q -w net.ipv4.ip_forward=1
r="ip netns exec r"
$r iptables -t nat -A POSTROUTING -o wan -j MASQUERADE
$r iptables -t nat -A PREROUTING -i wan -p icmp -j DNAT --to-destination 10.1.0.2
$r iptables -P FORWARD DROP
$r iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
$r iptables -A FORWARD -i lan -j ACCEPT
ip netns exec in ping -c 2 -i 0.2 10.2.0.2 > /dev/null && echo out
ip netns exec out ping -c 1 -W 1 10.2.0.1 > /dev/null || echo "not in"
$r iptables -A FORWARD -i wan -d 10.1.0.2 -p icmp -j ACCEPT
ip netns exec out ping -c 1 -W 1 10.2.0.1 > /dev/null && echo in
$r iptables-save -t filter | grep -v '^#'
$r nft list ruleset
$r iptables -t nat -nvL
$r iptables -F FORWARD
$r nft list chain ip filter FORWARD
