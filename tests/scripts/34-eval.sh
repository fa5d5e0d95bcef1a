#!/bin/bash
# eval and indirect names.
cmd="ip netns add e1"
eval "$cmd"
for v in ns dev; do eval "${v}_name=e1$v"; done
ip netns add "$ns_name"
ip -n "$ns_name" link add "$dev_name" type veth peer name x
run() { "$@"; echo "[$?] $*"; }
run ip -n "$ns_name" link set "$dev_name" up
run ip -n "$ns_name" link set missing up
run ip netns exec "$ns_name" false
