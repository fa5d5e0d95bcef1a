#!/bin/bash
# Three bridges in a ring with the spanning tree.
for i in 1 2 3; do
    ip netns add s$i
    ip -n s$i link add sw type bridge stp_state 1 forward_delay 200 hello_time 100 max_age 600 mcast_snooping 0
    ip -n s$i link set dev sw address 02:00:00:00:00:0$i
done
ring() {
    ip link add $2 netns $1 type veth peer name $4 netns $3
    ip -n $1 link set $2 master sw
    ip -n $3 link set $4 master sw
    ip -n $1 link set $2 up
    ip -n $3 link set $4 up
}
ring s1 a s2 a
ring s2 e s3 e
ring s3 c s1 c
for i in 1 2 3; do ip -n s$i link set dev sw up; done
sleep 7
for i in 1 2 3; do bridge -n s$i link show | sed 's/.*\(state .*\)/\1/'; done
