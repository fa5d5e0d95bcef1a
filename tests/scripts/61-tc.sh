#!/bin/bash
# Queues that this kernel has, and words that tc refuses.
ip netns add q
ip -n q link add d0 type veth peer name d1
ip -n q link set d0 up
tc -n q qdisc show dev d0
tc -n q qdisc add dev d0 root nosuchqdisc
tc -n q qdisc del dev d0 root
tc -n q frob
