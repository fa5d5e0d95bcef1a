#!/bin/bash
# An overlay from a tutorial: two hypervisors, a bridge in each, tenants, entries by hand.
set -eu
for h in hv1 hv2; do ip netns add $h; done
ip link add u1 netns hv1 type veth peer name u2 netns hv2
for n in 1 2; do
    ip -n hv$n addr add 172.31.0.$n/24 dev u$n
    ip -n hv$n link set u$n up
    ip -n hv$n link add br-tenant type bridge
    ip -n hv$n link add vx100 type vxlan id 100 local 172.31.0.$n dstport 4789 dev u$n nolearning
    ip -n hv$n link set vx100 master br-tenant
    ip -n hv$n link set vx100 up
    ip -n hv$n link set br-tenant up
    ip netns add vm$n
    ip link add eth0 address 02:00:00:00:0$n:01 netns vm$n type veth peer name tap$n netns hv$n
    ip -n hv$n link set tap$n master br-tenant up
    ip -n vm$n addr add 192.168.100.$n/24 dev eth0
    ip -n vm$n link set eth0 up
done
bridge -n hv1 fdb append 00:00:00:00:00:00 dev vx100 dst 172.31.0.2
bridge -n hv2 fdb append 00:00:00:00:00:00 dev vx100 dst 172.31.0.1
sleep 1
ip netns exec vm1 ping -c 2 -i 0.2 -W 1 192.168.100.2 | tail -2 | head -1 | sed 's/, time.*//'
ip -n hv1 -d link show vx100 | grep -o 'vxlan id 100 local 172.31.0.1 dev u1'
bridge -n hv1 fdb show dev vx100 state permanent | sort | sed "s/^[^ ]* master/MAC master/"
ip -n vm1 link set eth0 mtu 1450
ip netns exec vm1 ping -c 1 -M do -s 1422 192.168.100.2 | grep -c 'bytes from'
ip netns exec vm1 ping -c 1 -M do -s 1423 192.168.100.2 2>&1 | grep -o 'message too long.*' || true
if ip -n hv1 link add vx101 type vxlan id 100 dev u1 dstport 4789; then echo "twice"; else echo "refused: $?"; fi
ip -n hv1 link del vx100
ip netns exec vm1 ping -c 1 -W 1 192.168.100.2 > /dev/null || echo "cut: $?"
for ns in vm1 vm2 hv1 hv2; do ip netns del $ns; done
