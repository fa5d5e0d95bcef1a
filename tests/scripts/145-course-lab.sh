#!/bin/bash
# A course's exercise: tables of links and addresses in here-documents, loops that read them, checks with colours.
RED=$'\e[31m'; GREEN=$'\e[32m'; RESET=$'\e[0m'
topology() {
    cat <<-'TABLE'
	# host    interface  address         peer-host  peer-interface  peer-address
	pc1       eth0       10.1.0.10/24    r1         eth1            10.1.0.1/24
	r1        eth2       10.12.0.1/30    r2         eth1            10.12.0.2/30
	r2        eth2       10.2.0.1/24     pc2        eth0            10.2.0.20/24
	TABLE
}
build() {
    topology | grep -v '^#' | while read -r host interface address peer pinterface paddress; do
        for ns in "$host" "$peer"; do
            ip netns list | awk '{print $1}' | grep -qx "$ns" || { ip netns add "$ns"; echo "created $ns"; }
        done
        ip link add "$interface" netns "$host" type veth peer name "$pinterface" netns "$peer"
        ip -n "$host" addr add "$address" dev "$interface"
        ip -n "$peer" addr add "$paddress" dev "$pinterface"
        ip -n "$host" link set "$interface" up
        ip -n "$peer" link set "$pinterface" up
    done
    for r in r1 r2; do ip netns exec "$r" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'; done
}
check() {
    local what=$1; shift
    if "$@" > /dev/null 2>&1; then echo "${GREEN}PASS${RESET} $what"; else echo "${RED}FAIL${RESET} $what"; fi
}
build
check "pc1 reaches its router" ip netns exec pc1 ping -c1 -W1 10.1.0.1
check "pc1 reaches pc2 without routes" ip netns exec pc1 ping -c1 -W1 10.2.0.20
ip -n pc1 route add default via 10.1.0.1
ip -n pc2 route add default via 10.2.0.1
check "pc1 reaches r2 without a way back" ip netns exec pc1 ping -c1 -W1 10.12.0.2
ip -n r1 route add 10.2.0.0/24 via 10.12.0.2
ip -n r2 route add 10.1.0.0/24 via 10.12.0.1
check "pc1 reaches pc2" ip netns exec pc1 ping -c1 -W1 10.2.0.20
ip netns exec pc1 traceroute -n -q1 10.2.0.20 | sed 's/  [0-9.]* ms//'
ip netns exec pc1 ping -c 1 10.3.0.1 | sed -n 2p
ip netns exec pc1 ping -c 1 -t 2 10.2.0.20 | sed -n 2p
echo "--- routes"
for ns in pc1 r1 r2 pc2; do echo "[$ns]"; ip -n "$ns" route; done
echo "--- arp"
ip netns exec r1 arp -n | awk 'NR > 1 {print $1, $2, $4, $5}' | sort
ip -c=never -n r1 -br addr
ip -color=always -n r1 -br addr show dev eth1 | cat -v
ip -c -n r1 route | cat -v
echo "--- forwarding off"
ip netns exec r1 sysctl net.ipv4.ip_forward=0
check "pc1 reaches pc2" ip netns exec pc1 ping -c1 -W1 10.2.0.20
for f in all default eth1; do printf '%s %s\n' "$f" "$(ip netns exec r1 cat /proc/sys/net/ipv4/conf/$f/forwarding)"; done
select_one() { PS3='choose: '; select x in pc1 pc2; do echo "chose $x"; break; done <<< "${1:-1}"; }
select_one 2 2>/dev/null
ip -all netns exec ip -br link show lo | awk '{print $1, $2}'
ip netns | sort | xargs -n1 ip netns del
ip netns list | wc -l
