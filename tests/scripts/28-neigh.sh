#!/bin/bash
# Static and proxy neighbours.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a neigh add 10.0.0.9 lladdr 02:aa:bb:cc:dd:ee dev veth0
ip -n a neigh add 10.0.0.9 lladdr 02:aa:bb:cc:dd:ee dev veth0
ip -n a neigh show
ip -n a neigh change 10.0.0.9 lladdr 02:aa:bb:cc:dd:ff dev veth0
ip -n a neigh get 10.0.0.9 dev veth0
ip -n a neigh del 10.0.0.9 dev veth0
ip -n a neigh del 10.0.0.9 dev veth0
ip -n a neigh add proxy 10.0.0.77 dev veth0
ip -n a neigh show proxy
ip netns exec a ping -c 1 -W 4 10.0.0.66
ip -n a neigh show
ip -n a neigh flush all
ip -n a neigh show
