#!/bin/bash
# JSON for other programs.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -j -n a addr show veth0 | python3 -c '
import json, sys
for link in json.load(sys.stdin):
    print(link["ifname"], link["operstate"], [x["local"] for x in link["addr_info"]])
'
ip -j -n a route show | python3 -c 'import json, sys; print(len(json.load(sys.stdin)), "routes")'
ip -j netns list | python3 -c 'import json, sys; print(sorted(n["name"] for n in json.load(sys.stdin)))'
