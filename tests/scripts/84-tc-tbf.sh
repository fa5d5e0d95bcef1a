#!/bin/bash
# A slow line by a token bucket, as tutorials have it: set, looked at, changed and taken away.
set -e
ip netns add client
ip netns add server
ip link add veth-c netns client type veth peer name veth-s netns server
ip -n client addr add 192.168.50.1/24 dev veth-c
ip -n server addr add 192.168.50.2/24 dev veth-s
ip -n client link set veth-c up
ip -n server link set veth-s up
sleep 1
IFACE=veth-c
run() { ip netns exec client "$@"; }

run tc qdisc add dev $IFACE root tbf rate 1mbit burst 32kbit latency 400ms
run tc qdisc show dev $IFACE
run ping -c 3 -i 0.2 192.168.50.2
run tc qdisc replace dev $IFACE root tbf rate 220kbit latency 50ms burst 1540
run tc qdisc show dev $IFACE
run tc -d qdisc show dev $IFACE
run tc qdisc change dev $IFACE root tbf rate 0.5mbit burst 5kb latency 70ms peakrate 1mbit minburst 1540
run tc qdisc show dev $IFACE | awk '{ print $2, $7, $8 }'
run tc qdisc del dev $IFACE root
run tc qdisc show dev $IFACE
if ! run tc qdisc del dev $IFACE root; then
    echo "nothing left to delete"
fi
