#!/bin/bash
# Counters before and after traffic, sizes of packets, MTUs on the way.
set -o nounset
ip netns add a; ip netns add r; ip netns add b
ip link add anic netns a type veth peer name ra netns r
ip link add bnic netns b type veth peer name rb netns r
ip -n a address add 10.0.1.1/24 dev anic; ip -n r address add 10.0.1.254/24 dev ra
ip -n b address add 10.0.2.1/24 dev bnic; ip -n r address add 10.0.2.254/24 dev rb
for x in "a anic" "r ra" "r rb" "b bnic"; do set -- $x; ip -n $1 link set $2 arp on multicast on up; done
ip netns exec r sysctl -w net.ipv4.ip_forward=1
ip -n a route add default via 10.0.1.254; ip -n b route add default via 10.0.2.254
rx() { ip netns exec "$1" cat "/sys/class/net/$2/statistics/rx_packets"; }
ip netns exec a ping -c 1 10.0.2.1 > /dev/null
before=$(rx b bnic)
ip netns exec a ping -q -c 5 -i 0.1 10.0.2.1 | sed -n 1,3p
after=$(rx b bnic)
echo "received $((after - before))"
ip netns exec a ping -c 1 -s 1472 -M do 10.0.2.1 | sed -n 1,2p | sed 's/time=.*//'
ip netns exec a ping -c 1 -s 1473 -M do 10.0.2.1; echo "status $?"
ip netns exec a ping -c 1 -s 3000 10.0.2.1 | sed 's/time=.*//' | sed -n 1,2p
ip -n r link set rb mtu 1400
ip netns exec a ping -c 1 -s 1400 -M do 10.0.2.1; echo "status $?"
ip netns exec a ping -c 1 -s 1400 -M do 10.0.2.1; echo "status $?"
ip -n a route get 10.0.2.1 | sed 's/expires [0-9]*sec/expires Nsec/'
ip -n a route flush cache
ip -n a route get 10.0.2.1
ip netns exec a ping -c 1 -t 1 10.0.2.1; echo "status $?"
ip netns exec a ping -c 1 -p ff -s 8 10.0.2.1 | sed 's/time=.*//' | sed -n 1,2p
ip netns exec a ping -c 2 -W 1 -I anic 10.0.9.9; echo "status $?"
ip netns exec r ip -s -s link show dev ra | sed -n '3p;6p'
ip netns exec a netstat -rn
ip netns exec a cat /proc/net/route
ip netns exec a cat /proc/net/dev | cut -d: -f1
ip netns exec a awk '{print $1, $6}' /proc/net/arp
for n in a r b; do ip netns del $n; done
