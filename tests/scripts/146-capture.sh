#!/bin/bash
# tcpdump in the background and under timeout, files of packets that are read again, counts by grep.
ip netns add l; ip netns add r
ip link add le netns l address 02:00:00:00:00:01 type veth peer name re address 02:00:00:00:00:02 netns r
ip -n l addr add 10.66.0.1/24 dev le; ip -n r addr add 10.66.0.2/24 dev re
ip -n l link set le up; ip -n r link set re up
sleep 1.2
dir=$(mktemp -d); cd "$dir" || exit
ip netns exec r timeout 3 tcpdump -n -i re -w all.pcap 2> tcpdump.err &
td=$!
sleep 1
ip netns exec l ping -q -c 3 -i 0.2 10.66.0.2 > /dev/null
wait $td; echo "tcpdump: $?"
cat tcpdump.err
tcpdump -n -t -r all.pcap icmp 2>/dev/null | sed 's/id [0-9]*/id N/'
tcpdump -n -e -t -r all.pcap 'arp and arp[6:2] = 1' 2>/dev/null | head -1
tcpdump -n -r all.pcap 2>/dev/null | grep -c 'ICMP echo reply'
tcpdump -n -r all.pcap --count icmp
ip netns exec r tcpdump -l -n -t -c 2 -i re 'icmp[icmptype] == icmp-echo' > live.txt 2> live.err &
td=$!
sleep 1
ip netns exec l ping -c 2 -i 0.3 -s 100 10.66.0.2 > /dev/null
wait $td; echo "live: $?"
sed 's/id [0-9]*/id N/' live.txt
tail -3 live.err
ip netns exec r tcpdump -n -t -i any -c 4 'udp port 9 or icmp' > any.txt 2>/dev/null &
td=$!
sleep 1
echo datagram | ip netns exec l nc -u -w1 10.66.0.2 9
ip netns exec l ping -q -c 1 10.66.0.2 > /dev/null
sleep 0.5; kill -INT $td 2>/dev/null; wait $td
sed -E 's/id [0-9]+/id N/; s/\.[0-9]{4,5} >/.PORT >/; s/\.[0-9]{4,5} unreach/.PORT unreach/' any.txt
ip netns exec r tcpdump -i nosuch 2>&1 | head -2
ip netns exec r tcpdump -n -i re 'host and' 2>&1 | tail -1
{ ip netns exec r tcpdump -i re -c 1 -w one.pcap udp 2>/dev/null; tcpdump -n -t -r - < one.pcap 2>/dev/null; } &
sleep 1
echo x | ip netns exec l nc -u -p 4001 -w1 10.66.0.2 4000
wait
cd /; rm -r "$dir"
ip netns del l; ip netns del r
