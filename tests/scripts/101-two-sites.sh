#!/bin/sh
# Two offices behind routers, a transit network between them, static routes, one router that falls out.
set -e
ns() { n=$1; shift; ip netns exec "$n" "$@"; }
link() { # ns1 if1 addr1 ns2 if2 addr2
    ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
    ns "$1" ip addr add "$3" dev "$2"
    ns "$4" ip addr add "$6" dev "$5"
    ns "$1" ip link set "$2" up
    ns "$4" ip link set "$5" up
}
for n in pc-a rt-a rt-b pc-b isp; do
    ip netns add $n
    ip -n $n link set lo up
done
link pc-a eth0 192.168.10.10/24 rt-a lan 192.168.10.1/24
link pc-b eth0 192.168.20.10/24 rt-b lan 192.168.20.1/24
link rt-a wan 203.0.113.2/30 isp to-a 203.0.113.1/30
link rt-b wan 203.0.113.6/30 isp to-b 203.0.113.5/30
for r in rt-a rt-b isp; do ns $r sysctl -q -w net.ipv4.ip_forward=1; done
ns pc-a ip route add default via 192.168.10.1
ns pc-b ip route add default via 192.168.20.1
ns rt-a ip route add 192.168.20.0/24 via 203.0.113.1
ns rt-b ip route add 192.168.10.0/24 via 203.0.113.5
ns isp ip route add 192.168.10.0/24 via 203.0.113.2
ns isp ip route add 192.168.20.0/24 via 203.0.113.6
ns rt-a ip route add 203.0.113.4/30 via 203.0.113.1
ns rt-b ip route add 203.0.113.0/30 via 203.0.113.5
ns pc-a ping -c 3 -i 0.2 -q 192.168.20.10
ns pc-a traceroute -n -q 1 -w 1 192.168.20.10
ns pc-a traceroute -I -n -q 1 -w 1 192.168.20.10
ns isp ip route show
ns rt-a ip -4 -o addr show scope global | awk '{print $2, $4}'
ns isp ip link set to-b down
set +e
ns pc-a ping -c 2 -W 1 -i 0.3 192.168.20.10
echo "status $?"
ns isp ip route show
ns isp ip link set to-b up
ns isp ip route add 192.168.20.0/24 via 203.0.113.6
ns pc-a ping -c 1 -W 1 192.168.20.10 | tail -2 | head -1
ns rt-a ip neigh show dev wan | awk '{print $1, $2, $3}'
sleep 1.2
ip -all netns exec ip -br addr
for n in pc-a rt-a rt-b pc-b isp; do ip netns del $n; done
ip netns list | wc -l
