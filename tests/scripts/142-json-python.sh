#!/bin/bash
# What iproute2 says in JSON, read by python3 and jq.
ip netns add p
ip netns add q
ip -n p link add pq type veth peer name qp netns q
ip -n p link add br0 type bridge
ip -n p link add tap-a type veth peer name tap-b
ip -n p link set tap-a master br0
for dev in pq br0 tap-a tap-b lo; do ip -n p link set "$dev" up; done
ip -n q link set qp up
ip -n p addr add 10.77.0.1/24 brd + dev pq
ip -n p addr add 10.77.0.10/24 dev pq label pq:vip
ip -n q addr add 10.77.0.2/24 dev qp
ip -n p route add 10.80.0.0/16 via 10.77.0.2 metric 7
ip -n p route add unreachable 10.81.0.0/16
sleep 1.1
ip netns exec p ping -q -c2 -i0.2 10.77.0.2 > /dev/null
ip -n p -j addr show | python3 -c '
import json, sys
for link in json.load(sys.stdin):
    for a in link["addr_info"]:
        if a["family"] == "inet":
            print(link["ifname"], a["local"], a["prefixlen"], a.get("label"), a.get("broadcast"), a["scope"])
'
ip -n p -j -d link show type bridge | jq -r '.[] | [.ifname, .operstate, .linkinfo.info_data.stp_state, .linkinfo.info_data.ageing_time] | @tsv'
ip -n p -j route show | jq -c '.[] | {dst, gateway, dev, metric, type}'
ip -n p -j -s link show pq | python3 -c 'import json,sys; s=json.load(sys.stdin)[0]["stats64"]; print(s["rx"]["errors"], s["tx"]["dropped"])'
ip -n p -j neigh show dev pq | jq -r '.[] | .dst, .state[]'
ip -j netns list | jq -r '.[].name' | sort
ip -n p -j rule | python3 -m json.tool
bridge -n p -j link | jq -c '.[] | {ifname, master, state, priority, cost}'
bridge -n p -j fdb show br br0 | jq '[.[] | select(.state == "permanent")] | length'
ip -n p -j -p route get 10.80.1.1 | jq 'del(.[].uid)'
mapfile -t names < <(ip -n p -j link | python3 -c 'import json,sys; print("\n".join(l["ifname"] for l in json.load(sys.stdin)))')
echo "${#names[@]} links: ${names[*]}"
[[ $(ip -n p -j link show dev pq | jq -r '.[0].link_netnsid') == 0 ]] && echo "the peer's namespace is 0"
ip -n p -j link show nosuch | jq .; echo "${PIPESTATUS[*]}"
ip -all netns del
