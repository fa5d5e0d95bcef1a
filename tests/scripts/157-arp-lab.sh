#!/bin/bash
# Neighbours by hand: arp -s, arping, flushing, a duplicate address, who answers for whom, gratuitous ARP seen by tcpdump-less means.
ip link add lan type bridge; ip link set lan up
for i in 1 2 3; do
    ip netns add h$i
    ip link add p$i type veth peer name eth0 netns h$i address 02:00:00:00:00:0$i
    ip link set p$i master lan up
    ip -n h$i addr add 10.55.0.$i/24 dev eth0
    ip -n h$i link set eth0 up
done
sleep 1.2
ip netns exec h1 arping -c 2 -I eth0 10.55.0.2 | sed 's/  [0-9.]*ms$/  T/'
ip netns exec h1 arping -c 1 -w 1 -I eth0 10.55.0.77; echo "nobody: $?"
ip netns exec h1 arping -D -c 2 -I eth0 10.55.0.3 | sed 's/  [0-9.]*ms$/  T/'; echo "taken: ${PIPESTATUS[0]}"
ip netns exec h1 arping -D -q -c 1 -w 1 -I eth0 10.55.0.78; echo "free: $?"
ip netns exec h1 arping -q -U -c 1 -I eth0 10.55.0.1; echo "told: $?"
ip netns exec h1 arping -f -q -I eth0 10.55.0.2; echo "first: $?"
ip netns exec h1 arp -s 10.55.0.9 02:00:00:00:00:09
ip netns exec h1 arp -n | sort
ip netns exec h1 arp -d 10.55.0.9
ip netns exec h1 arp -n 10.55.0.9
ip netns exec h1 arp -d 10.55.0.99; echo "not there: $?"
ip netns exec h1 ip neigh replace 10.55.0.2 lladdr 02:00:00:00:00:03 nud permanent dev eth0
ip netns exec h1 ping -c1 -W1 10.55.0.2 > /dev/null; echo "wrong neighbour: $?"
ip netns exec h1 ip neigh change 10.55.0.2 lladdr 02:00:00:00:00:02 nud reachable dev eth0
ip netns exec h1 ping -c1 -W1 10.55.0.2 > /dev/null; echo "right neighbour: $?"
ip -n h1 neigh flush dev eth0; ip -n h1 neigh show | wc -l
ip -n h1 neigh get 10.55.0.2 dev eth0; echo "get: $?"
ip -n h2 addr add 10.55.0.3/24 dev eth0
ip -n h3 link set eth0 down
ip netns exec h1 ping -c1 -W1 10.55.0.3 | grep -o '1 received'
ip -n h1 neigh show 10.55.0.3 | awk '{print $5}'
ip -n h3 link set eth0 up
ip netns exec h3 arping -q -A -c 1 -I eth0 10.55.0.3
ip -n h1 neigh show 10.55.0.3 | awk '{print $5}'
ip -n h1 link set eth0 arp off
ip netns exec h1 ping -c1 -W1 10.55.0.2 > /dev/null; echo "without ARP: $?"
ip -n h1 link set eth0 arp on
bridge fdb show br lan | grep -v permanent | awk '{print $1, $3}' | sort
brctl showmacs lan | awk 'NR > 1 && $3 == "no" {print $1, $2}' | sort
for i in 1 2 3; do ip netns del h$i; done
ip link del lan
