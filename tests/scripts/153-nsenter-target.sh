#!/bin/bash
# As with containers: a process that sleeps in a namespace of its own, cables that are put into it by its number, commands that
# are run in it by nsenter.
unshare -n sleep 60 & box=$!
sleep 0.5
ip link add host0 type veth peer name box0
ip link set box0 netns $box
nsenter -t $box -n ip link set lo up
nsenter -t $box -n ip link set box0 name eth0
nsenter --target $box --net ip addr add 172.17.0.2/16 dev eth0
nsenter --target=$box --net -- ip link set eth0 up
ip addr add 172.17.0.1/16 dev host0
ip link set host0 up
sleep 1.2
ping -c 1 -W 1 172.17.0.2 | grep -o '1 received'
nsenter -t $box -n ping -c 1 -W 1 172.17.0.1 | grep -o '1 received'
nsenter --net=/proc/$box/ns/net ip -4 -br addr | awk '{print $1, $3}'
nsenter -n/proc/$box/ns/net sh -c 'ip route add default via 172.17.0.1; ip route | head -1'
nsenter -t $box -n sh <<'IN'
sysctl -n net.ipv4.ip_forward
exit 6
IN
echo "inside: $?"
ip netns add named
ip netns exec named sh -c 'sleep 60; true' & there=$!
sleep 0.5
nsenter -t $there -n ip link set lo up
nsenter -nt$there -n ip link show lo 2>&1 | grep -c UP
ip -n named -br link show lo | awk '{print $1, $2}'
ip netns identify $there
nsenter -t $there -n true; echo "true: $?"
nsenter -t $there -n nosuchprogram; echo "no program: $?"
nsenter -t 999999 -n true; echo "no process: $?"
nsenter -n true; echo "no target: $?"
nsenter -t abc -n true; echo "no number: $?"
nsenter -t; echo "nothing: $?"
nsenter --net=/nosuch true; echo "no file: $?"
nsenter -t $$ -n ip -br link show host0 | awk '{print $1}'
kill $box $there; wait 2>/dev/null
sleep 1
ip link show host0 2>&1 | head -1
ip netns del named
