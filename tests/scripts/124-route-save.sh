#!/bin/bash
# Routes are written to a file, shown from it, and put back.
dump() { od -An -v -tu4 -w4 "$1" | awk '
    NR == 1 { print "magic", $1; at = 1; next }
    { if (at == 1) left = $1 / 4
      printf "%s%s", (at == 3 || at == 4 ? "-" : $1), (at == left ? "\n" : " ")
      at = at == left ? 1 : at + 1 }'; }
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n a link set lo up
ip -n a link set veth0 up
ip -n b link set veth0 up
ip -n a route add 10.9.0.0/16 via 10.0.0.2
ip -n a route add 10.12.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.3 weight 2
ip -n a route add blackhole 10.14.0.0/16
ip -n a route add 10.15.0.0/16 via 10.7.7.7 dev veth0 onlink metric 5 proto static src 10.0.0.1 \
    mtu lock 1300 advmss 900 hoplimit 3 congctl reno quickack 1 features ecn rtt 20ms
ip -n a route add 10.16.0.0/16 dev veth0 table 300 tos 8
ip -n a route add default via 10.0.0.2
cd "$(mktemp -d)" || exit
ip netns exec a sh -c 'ip route save > main'
dump main
ip netns exec a sh -c 'ip route save table local > local'
dump local
ip netns exec a sh -c 'ip route save table 300 > other'
dump other
ip netns exec a sh -c 'ip route save 10.9.0.0/16 > one'
dump one
ip netns exec a sh -c 'ip route save root 11.0.0.0/8 > none'
dump none
ip -n a route showdump < main
ip -n a -d route showdump < main
ip -n a -j route showdump < main
ip -n a route showdump table 7 < local
ip -n a -6 route showdump < local
ip -n a route showdump < other
ip -n a route showdump < none
ip -n a route restore < main
ip -n a route flush root 10.8.0.0/13
ip -n a route restore < main
ip -n a route show
ip -n a route flush 10.9.0.0/16
ip -n a route restore < one
ip -n a route show root 10.8.0.0/13
ip -n a addr flush dev veth0
ip -n a route restore < main
ip -n a addr add 10.0.0.1/24 dev veth0 noprefixroute
ip -n a route restore < main
ip -n a route show
# What was down as it was saved does not come back.
ip -n b link set veth0 down
sleep 2
ip -n a route show
ip netns exec a sh -c 'ip route save > down'
ip -n a route showdump < down
ip -n b link set veth0 up
ip -n a route flush 10.9.0.0/16
ip -n a route restore < down
# What is no dump.
ip -n a route showdump < /dev/null
ip -n a route restore < /dev/null
echo abcdefgh | ip -n a route showdump
head -c 10 main > cut
ip -n a route showdump < cut
head -c 100 main > cut
ip -n a route showdump < cut
ip -n a route restore < cut
ip -n a route save table 99
ip -n a route save bla
