#!/bin/sh
# A switch as hosts see it from many sides: port isolation, hairpin, STP states, priorities, moved cables, mtu mismatch.
set -u
new() { ip netns add "$1" && ip -n "$1" link set lo up; }
cable() { ip link add "$2" netns "$1" ${5:+address "$5"} type veth peer name "$4" netns "$3" && ip -n "$1" link set "$2" up && ip -n "$3" link set "$4" up; }
new sw; ip -n sw link add name br type bridge stp_state 0 forward_delay 0 ageing_time 3000
ip -n sw link set br up
for n in 1 2 3; do
    new h$n; cable h$n eth0 sw port$n 02:00:00:00:00:0$n
    ip -n sw link set port$n master br
    ip -n h$n addr add 192.168.50.$n/24 dev eth0
done
sees() { ip -n h$1 neigh flush dev eth0; if ip netns exec h$1 ping -c1 -W1 192.168.50.$2 >/dev/null 2>&1; then echo "h$1 sees h$2"; else echo "h$1 does not see h$2"; fi; }
sees 1 2; sees 1 3; sees 2 3
ip netns exec sw bridge link set dev port1 isolated on
ip netns exec sw bridge link set dev port2 isolated on
sees 1 2; sees 1 3; sees 2 3
ip netns exec sw bridge -d link show dev port1 | tr ' ' '\n' | grep -A1 isolated | paste -sd' '
ip netns exec sw bridge link set dev port1 isolated off
ip netns exec sw bridge link set dev port2 isolated off
ip -n sw link set port3 type bridge_slave flood off learning off
ip netns exec sw bridge fdb del 02:00:00:00:00:03 dev port3 master
sees 1 3
ip -n sw link set port3 type bridge_slave flood on learning on
sees 1 3
ip -n h3 link set eth0 netns h2 name eth1
ip -n h2 link set eth1 up
ip -n h2 addr add 192.168.50.3/24 dev eth1
sees 1 3
ip -n sw link set port2 nomaster
sees 1 2
ip -n sw link set port2 master br
ip -n sw link set port2 down; sees 1 2
ip -n sw link set port2 up; sees 1 2
ip -n h1 link set eth0 mtu 9000
ip netns exec h1 ping -c1 -W1 -s 2000 192.168.50.2 > /dev/null; echo "large: $?"
ip -n sw -d link show br | grep -o 'ageing_time [0-9]*\|stp_state [0-9]\|forward_delay [0-9]*'
ip -n sw -br link show master br | awk '{print $1, $2}'
brctl show 2>&1 | wc -l
ip netns exec sw brctl show | awk 'NR == 1 {print $1, $4} NR > 1 {print $NF}'
ip -all netns del
