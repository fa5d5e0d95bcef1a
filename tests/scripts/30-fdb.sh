#!/bin/bash
# Entries of the forwarding database by hand.
ip link add br0 type bridge mcast_snooping 0
ip link add p0 type veth peer name e0
ip link set p0 master br0
ip link set br0 up
ip link set p0 up
ip link set e0 up
bridge fdb add 02:00:00:00:00:01 dev p0 master static
bridge fdb add 02:00:00:00:00:01 dev p0 master static
bridge fdb append 02:00:00:00:00:02 dev p0 master static
bridge fdb show br br0 | grep '02:00:00:00:00'
bridge fdb del 02:00:00:00:00:01 dev p0 master
bridge fdb del 02:00:00:00:00:01 dev p0 master
bridge fdb show dynamic
bridge link set dev p0 hairpin on
bridge link set dev p0 isolated on
bridge -d link show dev p0 | tail -n 1 | grep -o 'hairpin on\|isolated on'
