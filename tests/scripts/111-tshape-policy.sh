#!/bin/bash
# Two uplinks and policy routing: each source goes out by its own provider; marks choose too.
set -e
mk() { ip netns add $1; ip -n $1 link set lo up; ip netns exec $1 sysctl -qw net.ipv4.ip_forward=1; }
for n in gw isp1 isp2 srv lan; do mk $n; done
conn() { ip -n $1 link add $2 type veth peer name $4 netns $3; ip -n $1 addr add $5 dev $2; ip -n $3 addr add $6 dev $4; ip -n $1 link set $2 up; ip -n $3 link set $4 up; }
conn gw up1 isp1 down1 10.1.0.2/24 10.1.0.1/24
conn gw up2 isp2 down2 10.2.0.2/24 10.2.0.1/24
conn isp1 up1 srv i1 100.64.1.1/24 100.64.1.2/24
conn isp2 up2 srv i2 100.64.2.1/24 100.64.2.2/24
conn lan eth0 gw lan0 192.168.7.2/24 192.168.7.1/24
ip -n lan addr add 192.168.7.3/24 dev eth0
ip -n lan route add default via 192.168.7.1
ip -n srv addr add 1.1.1.1/32 dev lo
ip -n isp1 route add 1.1.1.1 via 100.64.1.2
ip -n isp2 route add 1.1.1.1 via 100.64.2.2
for i in 1 2; do
  ip -n isp$i route add 192.168.7.0/24 via 10.$i.0.2
  ip -n gw route add default via 10.$i.0.1 table 10$i
  ip -n srv route add 192.168.7.$((i+1))/32 via 100.64.$i.1
done
ip -n gw rule add from 192.168.7.2 table 101 priority 1000
ip -n gw rule add from 192.168.7.3 table 102 priority 1001
ip -n gw route add default via 10.1.0.1 metric 10
ip -n gw rule add fwmark 0x2 lookup 102 pref 900
ip -n gw rule show
ip -n gw route show table 101
ip -n gw route show table all | grep -v '^\(local\|broadcast\)' | sort
for s in 2 3; do
    ip netns exec lan ping -c 1 -I 192.168.7.$s 1.1.1.1 | sed -n 2p | sed 's/time=.*//'
    ip netns exec lan traceroute -n -q 1 -w 1 -s 192.168.7.$s 1.1.1.1
done
ip netns exec gw iptables -t mangle -A PREROUTING -s 192.168.7.2 -p icmp -j MARK --set-mark 2
ip netns exec gw iptables -t mangle -L PREROUTING -n
ip -n gw route get 1.1.1.1 mark 2
ip -n gw route get 1.1.1.1 from 192.168.7.3 iif lan0
set +e
ip netns exec lan ping -c 1 -W 1 1.1.1.1 > /dev/null; echo "by the other way: $?"
ip -n gw rule del from 192.168.7.2
ip -n gw rule del pref 900
ip -n gw rule flush
ip -n gw rule
ip -n gw rule add pref 32766 lookup main
ip -n gw rule list
ip -all netns del
