#!/bin/bash
# Route kinds and their words, as a course's exercise sheet has them.
set -u
ip netns add r
R="ip -n r"
$R link set lo up
for i in 1 2 3; do
    $R link add e$i type veth peer name f$i
    $R addr add 10.$i.0.1/24 dev e$i
    $R link set e$i up; $R link set f$i up
done
echo "-- kinds"
$R route add blackhole 192.0.2.0/24
$R route add unreachable 198.51.100.0/24 metric 5
$R route add prohibit 203.0.113.0/24
$R route add throw 100.64.0.0/10
$R route add local 10.99.0.0/16 dev lo
$R route add broadcast 10.1.0.200 dev e1
$R route show
for d in 192.0.2.1 198.51.100.1 203.0.113.1 100.64.1.1 10.99.1.1; do
    $R route get $d; echo "status $?"
done
echo "-- metrics"
$R route add 172.16.0.0/12 via 10.1.0.2 metric 100 mtu 1400 advmss 1360
$R route add 172.16.0.0/12 via 10.2.0.2 metric 50 initcwnd 20 rto_min 100ms
$R route add 172.16.0.0/12 via 10.3.0.2 src 10.1.0.1 metric 10
$R route show 172.16.0.0/12
$R route show exact 172.16.0.0/12 metric 50
$R route show match 172.16.5.5
$R route show root 172.0.0.0/8
$R route show dev e2
$R route show via 10.3.0.2
$R route show proto kernel scope link
$R route show table local type broadcast dev e1
$R route del 172.16.0.0/12 metric 50
$R route del 172.16.0.0/12 via 10.3.0.2
$R route change 172.16.0.0/12 via 10.2.0.9 metric 100
$R route show 172.16.0.0/12
echo "-- several ways"
$R route add default nexthop via 10.1.0.2 weight 1 nexthop via 10.2.0.2 weight 3
$R route show default
$R -j route show default | python3 -m json.tool | head -20
$R route replace default via 10.3.0.2 onlink dev e3
$R route show default
$R route add default via 10.77.0.1; echo "status $?"
$R route add default via 10.77.0.1 dev e1; echo "status $?"
$R route add default via 10.77.0.1 dev e1 onlink metric 9; echo "status $?"
$R route add 10.5.0.0/33 dev e1; echo "status $?"
$R route add 10.5.0.1/24 dev e1; echo "status $?"
$R route add 10.5.0.0/24 dev e9; echo "status $?"
$R route add 10.5.0.0/24 table nosuch dev e1; echo "status $?"
$R route add 10.5.0.0/24 table 777 dev e1 proto static scope link
$R route show table 777
$R route list table all | grep -c "table 777"
$R route flush table 777; $R route show table 777
$R route flush dev e1; $R route show dev e1
ip netns del r
