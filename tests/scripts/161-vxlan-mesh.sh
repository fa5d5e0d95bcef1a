#!/bin/bash
# Three hosts, each with a tunnel to the two others, that know where everybody is.
ip netns add u
ip -n u link add name br0 type bridge
ip -n u link set br0 up
for i in 1 2 3; do
    ip netns add h$i
    ip -n h$i link add eth0 address 02:00:00:00:00:0$i type veth peer name p$i netns u
    ip -n u link set p$i master br0
    ip -n u link set p$i up
    ip -n h$i link set eth0 up
    ip -n h$i addr add 192.168.0.$i/24 dev eth0
    ip -n h$i link add vx0 address 02:00:00:00:01:0$i type vxlan id 42 dstport 4789 local 192.168.0.$i nolearning
    ip -n h$i link set vx0 up
    ip -n h$i addr add 10.0.0.$i/24 dev vx0
done
for i in 1 2 3; do
    for j in 1 2 3; do
        [ $i = $j ] && continue
        bridge -n h$i fdb append 00:00:00:00:00:00 dev vx0 dst 192.168.0.$j
        bridge -n h$i fdb add 02:00:00:00:01:0$j dev vx0 dst 192.168.0.$j
    done
done
sleep 1
ip netns exec h1 ping -c 2 -i 0.2 10.0.0.2
ip netns exec h2 ping -c 2 -i 0.2 10.0.0.3
ip netns exec h3 ping -c 1 -s 1500 10.0.0.1
bridge -n h1 fdb show dev vx0
ip netns exec h1 ss -uln
ip netns exec h1 netstat -uln
ip -n h2 link set vx0 down
ip netns exec h2 ss -uln
ip netns exec h1 ping -c 1 -W 1 10.0.0.2
