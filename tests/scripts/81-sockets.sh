#!/bin/bash
# Who listens, who is connected, and to whom.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip netns exec b nc -k -l 9090 > /dev/null &
listener=$!
ip netns exec b nc -u -l 5353 > /dev/null &
datagrams=$!
sleep 0.5
(sleep 3 | ip netns exec a nc -p 7000 10.0.0.2 9090) &
sleep 1
ss() { ip netns exec b ss "$@"; }
for words in -tln -tan -tn -uln -tuln -tunap -tlnp -H4tn "-A tcp" -x -w -to; do
    ss $words
done
ss -tn state established
ss -tan state listening
ss -tan state connected exclude established
ss -tan exclude listening
ss -tn sport = :9090
ss -tn 'dport = :9090'
ss -tn '( sport = :9090 or dport = :9090 )'
ss -tn 'dport > :6000 and not dst 10.0.0.9'
ss -tn dst 10.0.0.0/24 src :9090
ss -tn dst 10.0.0.1:7000
ss -tln sport eq 9090
ss -tan '! sport = :9090'
ss -tn frob
ss -tn state frob
ss -tn 'dport =' 2>&1 | head -n 1
ss -A frob 2>&1 | head -n 1
ip netns exec b netstat -tulpn
ip netns exec b netstat -an
ip netns exec a netstat -antp
ip netns exec b netstat -x
ip netns identify
ip netns exec b ip netns identify self
ip netns pids nosuch
ip netns identify x
kill $listener $datagrams
wait 2> /dev/null
