#!/bin/bash
# A trap cleans up, whatever happens.
cleanup() {
    echo "cleaning"
    ip netns del client 2>/dev/null
    ip netns del server 2>/dev/null
    ip netns list
}
trap cleanup EXIT
ip netns add client
ip netns add server
ip link add c0 netns client type veth peer name s0 netns server
ip -n client addr add 192.168.9.1/30 dev c0
ip -n server addr add 192.168.9.2/30 dev s0
ip -n client link set c0 up
ip -n server link set s0 up
ip netns exec client ping -c 1 -W 1 192.168.9.2 > /dev/null
echo "ping: $?"
exit 3
