#!/bin/bash
# A capture in the background, with a ping in between.
ip netns add a
ip netns add b
ip link add veth0 netns a type veth peer name veth0 netns b
ip -n a addr add 10.0.0.1/24 dev veth0
ip -n b addr add 10.0.0.2/24 dev veth0
ip -n a link set veth0 up
ip -n b link set veth0 up
ip netns exec b tcpdump -n -l -i veth0 icmp > cap.txt 2> /dev/null &
sleep 1
ip netns exec a ping -c 2 10.0.0.2 > /dev/null
sleep 0.5
kill $!
wait
grep -c 'echo request' cap.txt
grep -c 'echo reply' cap.txt
rm cap.txt
