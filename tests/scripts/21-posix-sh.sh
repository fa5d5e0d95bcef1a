#!/bin/sh
# Plain sh, as dash runs it.
set -eu
NS="x y"
for ns in $NS; do ip netns add "$ns"; done
ip link add vx netns x type veth peer name vy netns y
i=1
for ns in $NS; do
    ip -n "$ns" addr add "10.30.0.$i/24" dev "v$ns"
    ip -n "$ns" link set "v$ns" up
    i=$((i + 1))
done
until ip netns exec x ping -c 1 -W 1 10.30.0.2 > /dev/null; do sleep 0.1; done
echo connected
