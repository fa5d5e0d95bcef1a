#!/bin/bash
# Checks with pipefail: the status of a pipe is that of its worst part.
set -euo pipefail
ns=lab
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "not ok: $what ($?)"; fi; }
pings() { ip netns exec "$ns" ping -c 1 -W 1 "$1" | grep -q "1 received"; }
answers() { ip netns exec "$ns" ping -c 1 -W 1 "$1" | grep -q "ttl="; }
has_route() { ip -n "$ns" route show | grep -q "^$1"; }
is_master() { ip -n "$ns" -o link show "$1" | grep -qw "master $2"; }
trap 'rc=$?; ip netns del peer; ip netns del $ns; echo "exit $rc"' EXIT
ip netns add $ns; ip netns add peer
ip link add p0 netns $ns type veth peer name p1 netns peer
ip -n $ns link add br0 type bridge
ip -n $ns link set p0 master br0 up
ip -n $ns link set br0 up
ip -n $ns addr add 10.6.0.1/24 dev br0
ip -n peer addr add 10.6.0.2/24 dev p1
ip -n peer link set p1 up
ip -n peer link set lo up
check "answer" answers 10.6.0.2
check "received" pings 10.6.0.2
check "nobody" pings 10.6.0.77
check "unreachable" answers 8.8.8.8
check "route" has_route 10.6.0.0/24
check "default" has_route default
check "port" is_master p0 br0
check "no port" is_master br0 br1
out=$(ip -n $ns -o -4 addr list br0 | awk '{print $4}' | cut -d/ -f1) && echo "address $out"
mac=$(ip netns exec peer cat /sys/class/net/p1/address)
entry=$(ip -n $ns neigh show 10.6.0.2 | awk '{print $5}')
[[ $mac == "$entry" ]] && echo "the neighbour is who it says"
bridge -n $ns fdb show br br0 | grep -c "$mac" || true
ip -n $ns route show | wc -l | tr -d ' '
ip -n $ns link show type bridge | awk -F': ' '/^[0-9]/ {print $2}'
if ! ip -n $ns addr add 10.6.0.1/24 dev br0 2> /dev/null; then echo "there already"; fi
ip -n $ns route get 9.9.9.9 || echo "no way: $?"
false | ip -n $ns link show br0 > /dev/null || echo "pipe failed"
ip -n $ns link del nothere
echo "not reached"
