#!/bin/bash
# A guard that bans who knocks too often: a meter counts, a set with a timeout keeps the banned, and lets them go again.
set -e
trap 'ip -all netns del' EXIT
ip netns add guest; ip netns add guard
ip link add eth0 netns guest type veth peer name lan netns guard
ip -n guest addr add 10.9.0.2/24 dev eth0
ip -n guest addr add 10.9.0.3/24 dev eth0
ip -n guard addr add 10.9.0.1/24 dev lan
ip -n guest link set eth0 up; ip -n guard link set lan up

ip netns exec guard nft -f - <<'RULES'
table ip guard {
	set banned {
		type ipv4_addr
		flags timeout
		size 1000
	}
	set seen {
		typeof ip saddr
		flags dynamic
		counter
	}
	chain input {
		type filter hook input priority filter; policy accept;
		ip saddr @banned counter drop
		icmp type echo-request add @seen { ip saddr }
		icmp type echo-request meter knocks { ip saddr limit rate over 3/minute burst 3 packets } \
			add @banned { ip saddr timeout 30s } counter drop
	}
}
RULES
knock() { ip netns exec guest ping -c "$2" -i 0.2 -W 1 -I "$1" 10.9.0.1 | grep -E 'transmitted' | sed 's/, time.*//'; }
echo "friend: $(knock 10.9.0.3 2)"
echo "pest:   $(knock 10.9.0.2 6 || true)"
ip netns exec guard nft -s list set ip guard banned
ip netns exec guard nft list set ip guard seen
echo "again:  $(knock 10.9.0.2 1 || true)"
echo "friend: $(knock 10.9.0.3 1)"
ip netns exec guard nft delete element ip guard banned '{ 10.9.0.2 }'
ip netns exec guard nft add element ip guard banned '{ 10.9.0.3 timeout 2s }'
echo "friend: $(knock 10.9.0.3 1 || true)"
sleep 3
ip netns exec guard nft list set ip guard banned
echo "friend: $(knock 10.9.0.3 1 || true)"
ip netns exec guard nft -s list chain ip guard input
ip netns exec guard nft -j list meters | python3 -c 'import json, sys; print([m["meter"]["name"] for m in json.load(sys.stdin)["nftables"] if "meter" in m])'
