#!/bin/bash
# Two tables and a rule.
ip netns add h1
ip netns add h2
ip netns add r
ip link add eth0 netns h1 type veth peer name r1 netns r
ip link add eth0 netns h2 type veth peer name r2 netns r
ip -n h1 addr add 10.1.0.1/24 dev eth0
ip -n h2 addr add 10.2.0.1/24 dev eth0
ip -n r addr add 10.1.0.254/24 dev r1
ip -n r addr add 10.2.0.254/24 dev r2
for l in "h1 eth0" "h2 eth0" "r r1" "r r2" "h1 lo" "h2 lo" "r lo"; do
    set -- $l
    ip -n $1 link set $2 up
done
ip -n r route add 10.66.0.0/16 via 10.2.0.1 table 100
ip -n r rule add from 10.1.0.0/24 lookup 100 pref 500
ip -n r rule show
ip -n r route show table 100
ip -n r route get 10.66.0.1 from 10.1.0.1 iif r1
ip -n r route get 10.66.0.1
ip -n r rule del pref 500
ip -n r rule del pref 500
ip -n r rule
