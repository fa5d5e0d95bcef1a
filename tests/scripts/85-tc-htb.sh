#!/bin/bash
# Shares of a line: a parent with children that borrow from each other, and a default one.
ip netns add left
ip netns add right
ip link add l0 netns left type veth peer name r0 netns right
ip -n left addr add 10.9.0.1/24 dev l0
ip -n right addr add 10.9.0.2/24 dev r0
ip -n left link set l0 up
ip -n right link set r0 up
sleep 1
tc="ip netns exec left tc"

$tc qdisc add dev l0 root handle 1: htb default 30
$tc class add dev l0 parent 1: classid 1:1 htb rate 6mbit burst 15k
for share in "10 5mbit" "20 3mbit" "30 1mbit"; do
    set -- $share
    $tc class add dev l0 parent 1:1 classid 1:$1 htb rate $2 ceil 6mbit burst 15k
done
$tc qdisc show dev l0
$tc class show dev l0
for id in 10 20 30; do
    $tc qdisc add dev l0 parent 1:$id handle $id: pfifo limit 50
done
$tc qdisc show dev l0
$tc class show dev l0
ip netns exec left ping -c 2 -i 0.3 10.9.0.2
$tc -s qdisc show dev l0 | grep -A1 "pfifo 30:"
$tc class change dev l0 parent 1:1 classid 1:20 htb rate 2mbit ceil 4mbit prio 2
$tc class show dev l0 classid 1:20
$tc class del dev l0 classid 1:1 && echo "that went" || echo "it has children: $?"
$tc class del dev l0 classid 1:20
$tc class del dev l0 classid 1:20 || echo "gone already: $?"
echo "$($tc class show dev l0 | wc -l) classes left"
$tc qdisc del dev l0 root
$tc class show dev l0
