#!/bin/bash
# What a namespace learned about single destinations: path MTUs, which `ip route show cache` lists.
for i in 1 2 3; do
  ip netns add r$i
  ip netns exec r$i sysctl -qw net.ipv4.ip_forward=1
done
link() {
  ip link add $1-$2 netns $1 type veth peer name $2-$1 netns $2
  ip -n $1 addr add 10.$3.0.1/30 dev $1-$2
  ip -n $2 addr add 10.$3.0.2/30 dev $2-$1
  ip -n $1 link set $1-$2 up
  ip -n $2 link set $2-$1 up
}
link r1 r2 12
link r2 r3 23
ip -n r1 route add default via 10.12.0.2
ip -n r3 route add default via 10.23.0.1
ip -n r2 link set r2-r3 mtu 1400
ip -n r3 link set r3-r2 mtu 1400
ip -n r1 route show cache
ip netns exec r1 ping -c2 -M do -s 1450 10.23.0.2
ip -n r1 route show cache | sed 's/expires [0-9]*sec/expires/'
ip -n r1 route show table cache | grep -c expires
ip -n r1 -j route show cache | sed 's/"expires":[0-9]*/"expires"/'
ip -n r1 -o route show cache | sed 's/expires [0-9]*sec/expires/'
ip -n r1 -d route show cache | sed 's/expires [0-9]*sec/expires/'
ip -n r1 -d route show table all cache | sed 's/expires [0-9]*sec/expires/'
ip -n r1 route show cache 10.23.0.2 | sed 's/expires [0-9]*sec/expires/'
ip -n r1 route show cache 10.12.0.0/24
ip -n r1 route show cache dev r1-r2 | sed 's/expires [0-9]*sec/expires/'
ip -n r1 route show cache via 10.12.0.2 | sed 's/expires [0-9]*sec/expires/'
ip -n r1 route get 10.23.0.2 | sed 's/expires [0-9]*sec/expires/'
ip -n r1 route flush cache
ip -n r1 route show cache
ip -n r1 route get 10.23.0.2
