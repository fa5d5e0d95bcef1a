#!/bin/bash
# What signals do to commands of the network: QUIT tells, STOP and CONT hold, INT ends with numbers, HUP and PIPE just end.
ip netns add s1; ip netns add s2
ip link add l1 netns s1 type veth peer name l2 netns s2
ip -n s1 addr add 10.12.0.1/24 dev l1; ip -n s2 addr add 10.12.0.2/24 dev l2
ip -n s1 link set l1 up; ip -n s2 link set l2 up
sleep 1.2
cd "$(mktemp -d)" || exit 1
ip netns exec s1 ping -i 0.5 10.12.0.2 > p.txt 2> q.txt & p=$!
sleep 1.2; kill -QUIT $p; sleep 0.2; sed 's/rtt.*//; s/min.*//; s/, ipg.*//' q.txt
kill -INT $p; wait $p; echo "INT: $?"
tail -2 p.txt | head -1 | sed 's/, time.*//'
for sig in HUP TERM KILL; do
    ip netns exec s1 ping -q -i 0.2 10.12.0.2 > /dev/null & p=$!
    sleep 0.5; kill -$sig $p; wait $p 2>/dev/null; echo "$sig: $?"
done
ip netns exec s1 ping -i 0.2 10.12.0.2 2>/dev/null | head -n 3 | sed 's/time=.*//'; echo "head: ${PIPESTATUS[*]}"
ip netns exec s1 ping -i 0.3 -w 1 -q 10.12.0.2 | grep -o '[0-9]* received'
ip netns exec s1 ping -c 2 -i 0.3 10.12.0.2 | while read -r line; do case $line in *icmp_seq*) echo "got ${line#*icmp_}" | sed 's/ time=.*//' ;; esac; done
sleep infinity & s=$!
sleep 0.3; kill $s; wait $s; echo "sleep: $?"
( trap '' INT; ip netns exec s1 ping -c 2 -i 0.3 10.12.0.2 > /dev/null; echo "subshell: $?" )
trap 'echo "caught USR2"' USR2
( sleep 0.5; kill -USR2 $$ ) &
ip netns exec s1 ping -q -c 4 -i 0.3 10.12.0.2 > /dev/null; echo "ping: $?"
wait
if read -r -t 1 answer < <(sleep 3; echo late); then echo "$answer"; else echo "no answer in time"; fi
exec 3< <(ip netns exec s1 ping -c 2 -i 0.2 10.12.0.2)
while read -r -u 3 line; do [[ $line == *ttl=64* ]] && echo "fd 3: ${line%% bytes*} bytes"; done; exec 3<&-
nohup ip netns exec s1 ping -c 1 10.12.0.2 > n.txt 2>/dev/null; grep -c 'bytes from' n.txt
env -i PATH="$PATH" ip netns exec s1 ping -c 1 -q 10.12.0.2 | grep -c '1 received'
setsid ip netns exec s1 ping -c 1 -q 10.12.0.2 | grep -c '1 received'
nice -n 5 ip -n s1 -br link show l1 | awk '{print $1}'
stdbuf -oL ip netns exec s1 ping -c 1 10.12.0.2 | grep -c 'icmp_seq=1'
ip netns exec s1 bash -c 'exec ping -c 1 -q 10.12.0.2' | grep -c '1 received'
ip netns exec s1 sh -c 'ping -c 1 -q 10.12.0.2 & ping -c 1 -q 10.12.0.2; wait' | grep -c '1 received'
rm -f ./*.txt; rmdir "$PWD"
ip netns del s1; ip netns del s2
