#!/bin/bash
# Routes: add, replace, change, append, delete, flush.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a route add 10.50.0.0/16 via 10.0.0.2
ip -n a route add 10.50.0.0/16 via 10.0.0.3
ip -n a route add 10.50.0.0/16 via 10.0.0.3 metric 100
ip -n a route append 10.50.0.0/16 via 10.0.0.4
ip -n a route replace 10.51.0.0/16 via 10.0.0.2
ip -n a route change 10.52.0.0/16 via 10.0.0.2
ip -n a route change 10.51.0.0/16 via 10.0.0.5
ip -n a route add blackhole 10.53.0.0/16
ip -n a route add default via 10.0.0.2 dev veth0 onlink
ip -n a route show
ip -n a route get 10.50.1.1
ip -n a route get 10.53.1.1
ip -n a route del 10.50.0.0/16
ip -n a route show
ip -n a route flush 10.51.0.0/16
ip -n a route flush root 10.50.0.0/16
ip -n a route show
