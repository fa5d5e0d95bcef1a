#!/bin/bash
# Point to point addresses and /32.
ip netns add l
ip netns add m
ip link add t0 netns l type veth peer name t0 netns m
ip -n l addr add 10.70.0.1 peer 10.70.0.2 dev t0
ip -n m addr add 10.70.0.2 peer 10.70.0.1/32 dev t0
ip -n l link set t0 up
ip -n m link set t0 up
ip -n l addr show t0
ip -n l route
ip netns exec l ping -c 1 10.70.0.2
ip -n l addr add 10.71.0.1/31 dev t0
ip -n l route show table local dev t0
